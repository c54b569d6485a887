"""Opens of a room that a store or another node interrupts: no content is to blame for them."""

import asyncio

import pytest
from pycrdt import Doc

from collab.errors import StoreUnavailable
from collab.limits import OPEN_ATTEMPTS_MAX
from persistence.crash_guard import begin_open, open_succeeded
from persistence.loading import load_room
from persistence.memory import MemoryStore
from tests.unit.rooms.rig import NAME, edit, rig


async def test_a_store_that_fails_during_opens_does_not_quarantine_the_room() -> None:
    """ROOM-6: The process lives: no content has killed it, however often the store failed."""
    store = MemoryStore()
    node = rig(store=store)
    runner, _ = await node.join("one")
    await runner.append(edit(Doc(client_id=7), "e1", 1).update)
    other = rig(store=store)
    for _ in range(OPEN_ATTEMPTS_MAX):
        other.faults.fail("manifests.compare_and_set", after=True)  # counted, and not known
        with pytest.raises(StoreUnavailable):
            await other.registry.open(NAME)
    await other.registry.open(NAME)


async def test_opens_that_fail_again_and_again_are_given_back_by_one_task() -> None:
    """ROOM-6: A store that reads and does not write is not asked more often with every client."""
    store = MemoryStore()
    node = rig(store=store)
    runner, _ = await node.join("one")
    await runner.append(edit(Doc(client_id=7), "e1", 1).update)
    other = rig(store=store)
    other.faults.fail("manifests.compare_and_set", after=True)  # counted, and not known
    other.faults.fail("manifests.compare_and_set", nth=2, times=1_000)
    before = asyncio.all_tasks()
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await other.registry.open(NAME)
    assert len(asyncio.all_tasks() - before) == 1
    other.faults.heal()
    async with asyncio.timeout(20):
        while (await load_room(store.stores(), NAME)).manifest.open_attempts:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_room_that_other_nodes_are_opening_is_not_quarantined() -> None:
    """ROOM-6: Each has counted its attempt, and none of them has died."""
    store = MemoryStore()
    node = rig(store=store)
    runner, _ = await node.join("one")
    await runner.append(edit(Doc(client_id=7), "e1", 1).update)
    manifest = runner.appender.manifest
    for _ in range(OPEN_ATTEMPTS_MAX):
        manifest = await begin_open(node.stores, await load_room(node.stores, NAME))
    other = rig(store=store)
    task = asyncio.create_task(other.registry.open(NAME))
    await asyncio.sleep(0.1)
    assert not task.done()
    await open_succeeded(node.stores, manifest)
    await task
