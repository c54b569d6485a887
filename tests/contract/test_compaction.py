"""Compaction over every store: what it keeps, and what a failure at any step leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence as SequenceOf

import pytest

from collab.errors import RoomQuarantined, StoreUnavailable, WorkerFailed
from collab.ids import FIRST_EPOCH, Sequence
from persistence.build import Stores
from persistence.compaction import CompactionStatus, compact
from persistence.crash_guard import begin_open
from persistence.loading import load_room
from persistence.manifests import quarantine, read_manifest
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.support.faulty_store import Faults, faulty

WORDS = [f"{number} " for number in range(40)]


class Typist:
    """Appends the words one after the other."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._updates = typed(WORDS)
        self.head = 0

    async def write(self, count: int) -> None:
        batch = self._updates[self.head : self.head + count]
        self.head = await self._stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=Sequence(self.head), updates=batch
        )

    @property
    def text(self) -> str:
        return "".join(WORDS[: self.head])


async def loaded_text(stores: Stores) -> str:
    return text_of((await load_room(stores, NAME)).updates)


async def rows(stores: Stores) -> list[int]:
    tail = await stores.log.read(ROOM, after=Sequence(0))
    return [row.sequence for row in tail.rows]


async def test_compacted_room_loads_the_same_from_one_snapshot(stores: Stores) -> None:
    typist = Typist(stores)
    await typist.write(10)
    outcome = await compact(stores, NAME, merge_here)
    assert (outcome.status, outcome.rows_merged) == (CompactionStatus.DONE, 10)
    loaded = await load_room(stores, NAME)
    assert (loaded.snapshot_sequence, loaded.tail_count, loaded.head) == (10, 0, 10)
    assert text_of(loaded.updates) == typist.text
    assert loaded.manifest == outcome.manifest


async def test_room_without_new_rows_is_left_alone(stores: Stores) -> None:
    assert (await compact(stores, NAME, merge_here)).status is CompactionStatus.NOTHING_TO_DO
    await Typist(stores).write(3)
    first = await compact(stores, NAME, merge_here)
    again = await compact(stores, NAME, merge_here)
    assert again.status is CompactionStatus.NOTHING_TO_DO
    assert again.manifest == first.manifest


async def test_rows_go_only_when_three_generations_hold_them(stores: Stores) -> None:
    """STO-8."""
    typist = Typist(stores)
    kept = []
    for _ in range(5):
        await typist.write(5)
        await compact(stores, NAME, merge_here)
        manifest = await read_manifest(stores, NAME)
        kept.append(([ref.sequence for ref in manifest.snapshots], await rows(stores)))
    assert kept == [
        ([5], list(range(1, 6))),
        ([10, 5], list(range(1, 11))),
        ([15, 10, 5], list(range(6, 16))),
        ([20, 15, 10], list(range(11, 21))),
        ([25, 20, 15], list(range(16, 26))),
    ]
    assert len(await stores.snapshots.list(ROOM)) == 3
    assert await loaded_text(stores) == typist.text


@pytest.mark.parametrize("damaged", [1, 2])
async def test_damaged_generations_are_stood_in_for_and_then_replaced(
    store: StoreUnderTest, stores: Stores, damaged: int
) -> None:
    typist = Typist(stores)
    for _ in range(4):
        await typist.write(5)
        await compact(stores, NAME, merge_here)
    await typist.write(2)
    manifest = await read_manifest(stores, NAME)
    for ref in manifest.snapshots[:damaged]:
        store.damage_snapshot(ROOM, ref)
    assert await loaded_text(stores) == typist.text
    outcome = await compact(stores, NAME, merge_here)
    assert outcome.status is CompactionStatus.DONE
    sequences = [ref.sequence for ref in outcome.manifest.snapshots]
    assert sequences == [22, *[20, 15, 10][damaged:]]
    loaded = await load_room(stores, NAME)
    assert (text_of(loaded.updates), loaded.problems) == (typist.text, ())


async def test_failing_merge_changes_nothing(stores: Stores) -> None:
    typist = Typist(stores)
    await typist.write(4)

    async def fail(updates: SequenceOf[bytes]) -> bytes:
        raise WorkerFailed("killed")

    with pytest.raises(WorkerFailed):
        await compact(stores, NAME, fail)
    assert await stores.snapshots.list(ROOM) == ()
    assert await loaded_text(stores) == typist.text


async def test_failure_of_any_store_call_loses_nothing_and_the_next_compaction_cleans_up(
    store: StoreUnderTest,
) -> None:
    """Each call fails once before and once after its work, as if the process had died there.

    Bears STO-7.
    """
    async with await store.open() as stores:
        typist = Typist(stores)
        for _ in range(3):
            await typist.write(1)
            await compact(stores, NAME, merge_here)
        faults = Faults()
        await typist.write(1)
        await compact(faulty(stores, faults), NAME, merge_here)
        steps = len(faults.calls)
        assert faults.calls[-4:] == [
            "manifests.compare_and_set",
            "log.trim",
            "snapshots.list",
            "snapshots.delete",
        ]
        for after in (False, True):
            for step in range(1, steps + 1):
                await typist.write(1)
                faults = Faults()
                faults.fail(nth=step, after=after)
                with pytest.raises(StoreUnavailable):
                    await compact(faulty(stores, faults), NAME, merge_here)
                loaded = await load_room(stores, NAME)
                assert (text_of(loaded.updates), loaded.problems) == (typist.text, ())
        await typist.write(1)
        outcome = await compact(stores, NAME, merge_here)
        assert outcome.status is CompactionStatus.DONE
        assert set(await stores.snapshots.list(ROOM)) == set(outcome.manifest.snapshots)
        assert (await rows(stores))[0] == outcome.manifest.snapshots[-1].sequence + 1


async def test_of_two_compactions_at_once_one_wins_and_nothing_is_left_over(
    stores: Stores,
) -> None:
    """STO-10."""
    typist = Typist(stores)
    await typist.write(6)
    outcomes = await asyncio.gather(
        *(compact(stores, NAME, merge_here) for _ in range(4)),
    )
    statuses = [outcome.status for outcome in outcomes]
    assert statuses.count(CompactionStatus.DONE) == 1
    manifest = await read_manifest(stores, NAME)
    assert await stores.snapshots.list(ROOM) == manifest.snapshots
    assert await loaded_text(stores) == typist.text


async def test_opening_the_room_meanwhile_does_not_waste_the_merge(stores: Stores) -> None:
    await Typist(stores).write(6)

    async def merge_slowly(updates: SequenceOf[bytes]) -> bytes:
        await begin_open(stores, await load_room(stores, NAME))
        return await merge_here(updates)

    outcome = await compact(stores, NAME, merge_slowly)
    assert outcome.status is CompactionStatus.DONE
    manifest = await read_manifest(stores, NAME)
    assert (manifest.open_attempts, len(manifest.snapshots)) == (1, 1)


async def test_compaction_of_a_room_that_was_quarantined_meanwhile_is_lost(stores: Stores) -> None:
    await Typist(stores).write(6)

    async def merge_slowly(updates: SequenceOf[bytes]) -> bytes:
        with pytest.raises(RoomQuarantined):
            await quarantine(stores, await read_manifest(stores, NAME), "for the test")
        return await merge_here(updates)

    outcome = await compact(stores, NAME, merge_slowly)
    assert outcome.status is CompactionStatus.LOST
    assert await stores.snapshots.list(ROOM) == ()
    with pytest.raises(RoomQuarantined):
        await compact(stores, NAME, merge_here)


async def test_rows_appended_meanwhile_stay_in_the_tail(stores: Stores) -> None:
    typist = Typist(stores)
    await typist.write(6)

    async def merge_slowly(updates: SequenceOf[bytes]) -> bytes:
        await typist.write(2)
        return await merge_here(updates)

    await compact(stores, NAME, merge_slowly)
    loaded = await load_room(stores, NAME)
    assert (loaded.snapshot_sequence, loaded.tail_count, loaded.head) == (6, 2, 8)
    assert text_of(loaded.updates) == typist.text


@pytest.mark.parametrize("held_up", ["snapshots.get", "log.read"])
async def test_load_that_is_overtaken_by_compactions_begins_anew(
    stores: Stores, held_up: str
) -> None:
    """All that its manifest named is deleted while it waits; that is no damage."""
    typist = Typist(stores)
    await typist.write(5)
    await compact(stores, NAME, merge_here)
    faults = Faults()
    faults.gates[held_up] = asyncio.Event()
    load = asyncio.create_task(load_room(faulty(stores, faults), NAME))
    while held_up not in faults.calls:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)
    for _ in range(5):
        await typist.write(5)
        await compact(stores, NAME, merge_here)
    assert (await rows(stores))[0] > 6
    faults.heal()
    loaded = await load
    assert (text_of(loaded.updates), loaded.problems) == (typist.text, ())
    assert await load_room(stores, NAME) == loaded


async def test_loads_beside_compactions_are_always_whole(stores: Stores) -> None:
    typist = Typist(stores)
    is_over = asyncio.Event()

    async def write() -> None:
        for _ in WORDS:
            await typist.write(1)
            await compact(stores, NAME, merge_here)
        is_over.set()

    async def load() -> int:
        loads = 0
        while not is_over.is_set():
            at_least = typist.text
            loaded = await load_room(stores, NAME)
            assert text_of(loaded.updates).startswith(at_least)
            assert loaded.problems == ()
            loads += 1
            await asyncio.sleep(0)
        return loads

    loads, *_ = await asyncio.gather(load(), load(), write())
    assert loads > 0
    assert await loaded_text(stores) == "".join(WORDS)
