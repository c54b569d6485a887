"""What every store of records promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from collab.errors import InvariantViolated, RecordMoved
from collab.ids import NO_ROOM, RecordId
from collab.limits import RECORD_BYTES_MAX
from collab.ports import Record, RecordKind
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import OTHER, ROOM

KIND = RecordKind.VERSION
NEW = Record(RecordId("2026-11-28.first"), 0, b"\x00\xff a value")


async def test_what_was_stored_comes_back_after_closing_and_opening(store: StoreUnderTest) -> None:
    """STO-3."""
    async with await store.open() as stores:
        stored = await stores.records.compare_and_set(KIND, ROOM, NEW)
        assert stored == replace(NEW, revision=1)
    async with await store.open() as stores:
        assert await stores.records.get(KIND, ROOM, NEW.record_id) == stored
        assert await stores.records.get(KIND, OTHER, NEW.record_id) is None


async def test_change_must_follow_from_the_stored_revision(stores: Stores) -> None:
    """STO-17."""
    records = stores.records
    first = await records.compare_and_set(KIND, ROOM, NEW)
    second = await records.compare_and_set(KIND, ROOM, replace(first, value=b""))
    assert (second.revision, second.value) == (2, b"")
    for stale in (0, 1, 3):
        with pytest.raises(RecordMoved):
            await records.compare_and_set(KIND, ROOM, replace(NEW, revision=stale))
    assert await records.get(KIND, ROOM, NEW.record_id) == second


async def test_of_racing_changes_exactly_one_wins(stores: Stores) -> None:
    """STO-17."""
    results = await asyncio.gather(
        *(
            stores.records.compare_and_set(KIND, ROOM, replace(NEW, value=b"%d" % number))
            for number in range(20)
        ),
        return_exceptions=True,
    )
    winners = [result for result in results if isinstance(result, Record)]
    assert len(winners) == 1
    assert await stores.records.get(KIND, ROOM, NEW.record_id) == winners[0]


async def test_deleted_record_is_gone_and_may_be_made_again(stores: Stores) -> None:
    records = stores.records
    first = await records.compare_and_set(KIND, ROOM, NEW)
    await records.delete(KIND, ROOM, NEW.record_id)
    await records.delete(KIND, ROOM, NEW.record_id)
    assert await records.get(KIND, ROOM, NEW.record_id) is None
    with pytest.raises(RecordMoved):
        await records.compare_and_set(KIND, ROOM, first)
    assert (await records.compare_and_set(KIND, ROOM, NEW)).revision == 1


async def test_list_is_in_order_and_pages_without_overlap(stores: Stores) -> None:
    records = stores.records
    spelled = ["b", "a.1", "a", "0", "z-9", "a_b", "10"]
    for text in spelled:
        await records.compare_and_set(KIND, NO_ROOM, Record(RecordId(text), 0, text.encode()))
    await records.compare_and_set(KIND, ROOM, Record(RecordId("elsewhere"), 0, b""))
    expected = ["0", "10", "a", "a.1", "a_b", "b", "z-9"]
    paged: list[str] = []
    while page := await records.list(
        KIND, NO_ROOM, after=RecordId(paged[-1]) if paged else None, limit=3
    ):
        assert [record.value.decode() for record in page] == [r.record_id for r in page]
        paged += [record.record_id for record in page]
    assert paged == expected


async def test_record_of_the_largest_size_is_kept_and_a_larger_one_refused(stores: Stores) -> None:
    largest = replace(NEW, value=b"x" * RECORD_BYTES_MAX)
    assert (await stores.records.compare_and_set(KIND, ROOM, largest)).value == largest.value
    with pytest.raises(InvariantViolated):
        await stores.records.compare_and_set(KIND, OTHER, replace(NEW, value=largest.value + b"x"))


@pytest.mark.parametrize("spelled", ["", "A", "a/b", "é", "a b", "x" * 129])
async def test_id_that_some_store_could_not_keep_is_refused(stores: Stores, spelled: str) -> None:
    with pytest.raises(InvariantViolated):
        await stores.records.compare_and_set(KIND, ROOM, replace(NEW, record_id=RecordId(spelled)))


async def test_record_is_deleted_only_while_it_has_the_revision_that_was_seen(
    stores: Stores,
) -> None:
    """NODE-11."""
    records = stores.records
    first = await records.compare_and_set(KIND, ROOM, NEW)
    second = await records.compare_and_set(KIND, ROOM, replace(first, value=b"other"))
    with pytest.raises(RecordMoved):
        await records.delete(KIND, ROOM, NEW.record_id, revision=first.revision)
    assert await records.get(KIND, ROOM, NEW.record_id) == second
    await records.delete(KIND, ROOM, NEW.record_id, revision=second.revision)
    with pytest.raises(RecordMoved):
        await records.delete(KIND, ROOM, NEW.record_id, revision=second.revision)
    assert await records.get(KIND, ROOM, NEW.record_id) is None
