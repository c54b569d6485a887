"""Compaction in the background: whose turn it is, when it waits, rooms that nobody has open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence as SequenceOf

import pytest
from pycrdt import Doc, Map

from collab.errors import WorkerFailed
from collab.history.compaction import CompactionLimits
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, RoomName, SessionId, room_key, room_name
from gateway.observe.metrics import Metrics
from gateway.rooms import node_load
from gateway.rooms.compactor import Compactor, WalkPace
from gateway.rooms.node_load import NodeLoad
from persistence.compaction import Merger
from persistence.loading import load_room
from persistence.manifests import ensure_manifest
from persistence.memory import MemoryStore
from persistence.stores import Stores
from tests.contract.edits import merge_here, text_of, typed
from tests.unit.rooms.rig import NAME, edit, rig

QUICK = WalkPace(room_s=0.0, round_s=0.0)
OLD = CompactionLimits(tail_age_s=0, aged_updates_min=3)


def compactor(
    stores: Stores,
    merge: Merger = merge_here,
    *,
    limits: CompactionLimits = OLD,
    load: NodeLoad | None = None,
) -> tuple[Compactor, Metrics]:
    metrics = Metrics()
    return Compactor(stores, merge, limits, metrics, load or NodeLoad(lambda: 0)), metrics


async def fill(stores: Stores, text: str, rows: int) -> RoomName:
    name = room_name(text)
    await ensure_manifest(stores, name)
    updates = typed([f"{number} " for number in range(rows)])
    await stores.log.append(room_key(name), epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=updates)
    return name


async def snapshots(stores: Stores, name: RoomName) -> list[int]:
    return [ref.sequence for ref in await stores.snapshots.list(room_key(name))]


async def walk_until(walking: Compactor, is_over: asyncio.Event, *, live: RoomName) -> None:
    task = asyncio.create_task(walking.walk(lambda name: name == live, QUICK))
    try:
        async with asyncio.timeout(20):
            await is_over.wait()
    finally:
        task.cancel()


async def test_old_tails_of_rooms_that_nobody_has_open_are_folded_and_no_others() -> None:
    """STO-35: The ones too short and the one that is live here are left as they are."""
    stores = MemoryStore().stores()
    short, live = await fill(stores, "a short", 2), await fill(stores, "b live", 9)
    due = [await fill(stores, f"c {number}", 3 + number) for number in range(3)]
    is_over = asyncio.Event()
    merges = 0

    async def merge(updates: SequenceOf[bytes]) -> bytes:
        nonlocal merges
        merges += 1
        if merges == len(due):
            asyncio.get_running_loop().call_later(0.2, is_over.set)  # some more rounds
        return await merge_here(updates)

    walking, metrics = compactor(stores, merge)
    await walk_until(walking, is_over, live=live)
    assert merges == len(due)
    assert [await snapshots(stores, name) for name in (short, live)] == [[], []]
    assert [await snapshots(stores, name) for name in due] == [[3], [4], [5]]
    assert metrics.registry.get_sample_value(
        "bandpro_compactions_total", {"outcome": "done"}
    ) == len(due)
    loaded = await load_room(stores, due[2])
    assert text_of(loaded.updates) == "0 1 2 3 4 "


async def test_room_that_cannot_be_folded_does_not_keep_the_walk_from_others() -> None:
    """STO-35."""
    stores = MemoryStore().stores()
    bad = await fill(stores, "a", 3)
    good = await fill(stores, "b", 4)
    is_over = asyncio.Event()

    async def merge(updates: SequenceOf[bytes]) -> bytes:
        if len(updates) == 3:
            raise WorkerFailed("killed")
        is_over.set()
        return await merge_here(updates)

    walking, _ = compactor(stores, merge)
    task = asyncio.create_task(walking.walk(lambda _: False, QUICK))
    async with asyncio.timeout(20):
        await is_over.wait()
        while not await snapshots(stores, good):  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
    task.cancel()
    assert await snapshots(stores, bad) == []


async def test_one_log_at_a_time_is_folded() -> None:
    """STO-36."""
    stores = MemoryStore().stores()
    for number in range(5):
        await fill(stores, f"r {number}", 4)
    under_way = most = done = 0
    is_over = asyncio.Event()

    async def merge(updates: SequenceOf[bytes]) -> bytes:
        nonlocal under_way, most, done
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        done += 1
        if done == 5:
            is_over.set()
        return await merge_here(updates)

    walking, _ = compactor(stores, merge)
    tasks = [asyncio.create_task(walking.walk(lambda _: False, QUICK)) for _ in range(3)]
    async with asyncio.timeout(20):
        await is_over.wait()
    for task in tasks:
        task.cancel()
    assert most == 1


async def test_room_that_was_unloaded_while_it_waited_for_its_turn_is_left_alone() -> None:
    """STO-36."""
    node = rig(tail_updates=2)
    runner, _ = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    for number in range(3):
        await runner.receive(SessionId("one"), edit(doc, f"e{number}", number))
    await runner.drain()
    assert runner.is_due_for_compaction
    waiting, _ = compactor(node.stores)
    async with waiting._turn:
        task = asyncio.create_task(waiting.compact(runner))
        await asyncio.sleep(0)
        runner.leave(SessionId("one"))
        node.registry.tick()
        assert node.registry.get(NAME) is None
    await task
    assert await snapshots(node.stores, NAME) == []


@pytest.mark.parametrize("reason", ["lag", "unsaved"])
async def test_nothing_is_folded_while_the_node_is_busy(reason: str) -> None:
    """STO-36."""
    stores = MemoryStore().stores()
    name = await fill(stores, "r", 4)
    unsaved = 3 * 1024 * 1024 if reason == "unsaved" else 0
    load = NodeLoad(lambda: unsaved)
    if reason == "lag":
        load.lagged(0.2)
    merged = asyncio.Event()

    async def merge(updates: SequenceOf[bytes]) -> bytes:
        merged.set()
        return await merge_here(updates)

    walking, metrics = compactor(stores, merge, load=load)
    task = asyncio.create_task(walking.walk(lambda _: False, QUICK))
    async with asyncio.timeout(20):
        while not load.waiting:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        walking.observe(())
        waiting = metrics.registry.get_sample_value("bandpro_compactions_waiting")
        assert waiting == 1
        assert not merged.is_set()
        unsaved = 0
        load.lagged(0.0)
        await merged.wait()
    task.cancel()
    assert await snapshots(stores, name) in ([], [4])


async def test_node_that_is_always_busy_folds_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """STO-36: Otherwise its logs would grow for ever."""
    monkeypatch.setattr(node_load, "PATIENCE_S", 0.0)
    load = NodeLoad(lambda: 0)
    load.lagged(10.0)
    assert load.is_high
    async with asyncio.timeout(5):
        await load.calm()
    assert load.is_high
