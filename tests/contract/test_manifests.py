"""What every store of manifests promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from collab.errors import ManifestMoved
from collab.ids import Epoch, Sequence, room_key, room_name
from collab.ports import Manifest, RoomStatus, SnapshotRef
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import NAME, OTHER, ROOM

NEW = Manifest(name=NAME, epoch=Epoch(1), revision=0)
FULL = Manifest(
    name=NAME,
    epoch=Epoch(3),
    revision=0,
    snapshots=(
        SnapshotRef("b" * 32, Sequence(20), 1234, "c" * 64),
        SnapshotRef("a" * 32, Sequence(10), 99, "d" * 64),
    ),
    status=RoomStatus.QUARANTINED,
    status_reason="it said: \"no\" – 'ü' \\ 😀",
    open_attempts=3,
    trimmed_through=Sequence(10),
)


async def test_unknown_room_has_no_manifest(stores: Stores) -> None:
    assert await stores.manifests.get(ROOM) is None


async def test_manifest_comes_back_in_every_field(store: StoreUnderTest) -> None:
    async with await store.open() as stores:
        stored = await stores.manifests.compare_and_set(ROOM, manifest=FULL)
        assert stored == replace(FULL, revision=1)
        assert await stores.manifests.get(ROOM) == stored
    async with await store.open() as stores:
        assert await stores.manifests.get(ROOM) == replace(FULL, revision=1)
        assert await stores.manifests.get(OTHER) is None


async def test_each_change_must_follow_from_the_stored_revision(stores: Stores) -> None:
    """STO-11."""
    first = await stores.manifests.compare_and_set(ROOM, manifest=NEW)
    second = await stores.manifests.compare_and_set(ROOM, manifest=replace(first, open_attempts=1))
    assert second.revision == 2
    for stale in (0, 1, 3):
        with pytest.raises(ManifestMoved):
            await stores.manifests.compare_and_set(ROOM, manifest=replace(NEW, revision=stale))
    assert await stores.manifests.get(ROOM) == second


async def test_change_of_a_room_that_was_never_stored_is_refused(stores: Stores) -> None:
    with pytest.raises(ManifestMoved):
        await stores.manifests.compare_and_set(ROOM, manifest=replace(NEW, revision=1))
    assert await stores.manifests.get(ROOM) is None


async def test_of_racing_changes_exactly_one_wins(stores: Stores) -> None:
    """STO-11."""
    first = await stores.manifests.compare_and_set(ROOM, manifest=NEW)
    results = await asyncio.gather(
        *(
            stores.manifests.compare_and_set(ROOM, manifest=replace(first, open_attempts=number))
            for number in range(20)
        ),
        return_exceptions=True,
    )
    winners = [result for result in results if isinstance(result, Manifest)]
    assert len(winners) == 1
    assert await stores.manifests.get(ROOM) == winners[0]


async def test_list_is_in_order_of_code_points_and_pages_without_overlap(stores: Stores) -> None:
    spelled = ["b", "a/z", "a", "Z", "é", "￿x", "😀", "a b", "ä", "a/"[:1] + "-"]
    for text in spelled:
        name = room_name(text)
        await stores.manifests.compare_and_set(
            room_key(name), manifest=Manifest(name=name, epoch=Epoch(1), revision=0)
        )
    expected = ["Z", "a", "a b", "a-", "a/z", "b", "ä", "é", "￿x", "😀"]
    assert sorted(spelled) == expected
    whole = await stores.manifests.list(after=None, limit=100)
    assert [manifest.name for manifest in whole] == expected
    paged: list[str] = []
    while page := await stores.manifests.list(
        after=room_name(paged[-1]) if paged else None, limit=3
    ):
        assert len(page) <= 3
        paged += [manifest.name for manifest in page]
    assert paged == expected
