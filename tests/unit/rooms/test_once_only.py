"""What is done once for a room among many nodes: left to the home first, and done by one alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pycrdt import Doc, Map

from collab.errors import LeaseHeld
from collab.history.compaction import CompactionLimits
from collab.ids import NO_ROOM, RoomKey, SessionId, UnixSeconds
from gateway.observe.metrics import Metrics
from gateway.rooms.compactor import Compactor
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.once_only import Alone, Turn
from gateway.rooms.orphan_collector import OrphanCollector, OrphanRules
from gateway.rooms.runner import RoomRunner
from gateway.rooms.version_keeper import VersionKeeper, VersionRules
from persistence.compaction import compact
from persistence.versions import list_versions
from tests.contract.edits import merge_here
from tests.unit.rooms.rig import NAME, Rig, edit, rig
from workers.merge import state

LIMITS = CompactionLimits(tail_updates=3)
NOW = UnixSeconds(1_800_000_000)


class Others:
    """An ``OnceOnly`` that says what the test wants.

    Args:
        patience_s: how far away this node is from home.
        is_held: whether another node has every turn.
    """

    def __init__(self, patience_s: float = 0.0, *, is_held: bool = False) -> None:
        self.wait_s = patience_s
        self.is_held = is_held
        self.asked: list[RoomKey] = []

    def patience_s(self, room: RoomKey) -> float:
        del room
        return self.wait_s

    @asynccontextmanager
    async def turn(self, room: RoomKey) -> AsyncIterator[Turn]:
        self.asked.append(room)
        if self.is_held:
            raise LeaseHeld("another node does this work")
        yield Alone()


def is_due(runner: RoomRunner) -> bool:
    return runner.is_due_for_compaction


async def busy(updates: int = 4) -> tuple[Rig, RoomRunner]:
    """A room whose log is due for compaction."""
    node = rig(tail_updates=3)
    runner, _ = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    for number in range(updates):
        await runner.receive(SessionId("one"), edit(doc, f"e{number}", number))
    await runner.drain()
    assert is_due(runner)
    return node, runner


def compactor(node: Rig, others: Others) -> tuple[Compactor, Metrics]:
    metrics = Metrics()
    made = Compactor(
        node.stores, merge_here, LIMITS, metrics, NodeLoad(lambda: 0), once_only=others
    )
    return made, metrics


async def snapshots(node: Rig, runner: RoomRunner) -> list[int]:
    return [ref.sequence for ref in await node.stores.snapshots.list(runner.key)]


async def test_node_that_is_not_home_leaves_compaction_to_others_for_a_while() -> None:
    """NODE-8."""
    node, runner = await busy()
    others = Others(0.05)
    made, _ = compactor(node, others)
    await made.compact(runner)
    assert others.asked == []
    assert await snapshots(node, runner) == []
    await asyncio.sleep(0.06)
    await made.compact(runner)
    assert others.asked == [runner.key]
    assert await snapshots(node, runner) == [4]
    assert not is_due(runner)


async def test_node_that_is_no_member_compacts_nothing() -> None:
    """NODE-8."""
    node, runner = await busy()
    made, _ = compactor(node, Others(math.inf))
    await made.compact(runner)
    await made.compact(runner)
    assert await snapshots(node, runner) == []


async def test_room_that_another_node_compacts_is_left_alone() -> None:
    """NODE-8."""
    node, runner = await busy()
    made, metrics = compactor(node, Others(is_held=True))
    await made.compact(runner)
    assert await snapshots(node, runner) == []
    failed = {"outcome": "failed"}
    assert metrics.registry.get_sample_value("bandpro_compactions_total", failed) is None


async def test_what_another_node_has_compacted_is_taken_note_of_instead_of_repeated() -> None:
    """NODE-8."""
    node, runner = await busy()
    await compact(node.stores, NAME, merge_here)
    others = Others()
    made, _ = compactor(node, others)
    await made.compact(runner)
    assert others.asked == []
    assert await snapshots(node, runner) == [4]
    assert not is_due(runner)
    doc: Doc[Map[object]] = Doc(client_id=8)
    for number in range(3):
        await runner.receive(SessionId("one"), edit(doc, f"f{number}", number))
    await runner.drain()
    assert is_due(runner)
    await made.compact(runner)
    assert await snapshots(node, runner) == [7, 4]


async def test_what_is_due_after_another_nodes_compaction_is_left_to_others_for_as_long() -> None:
    """NODE-8."""
    node, runner = await busy()
    others = Others(0.05)
    made, _ = compactor(node, others)
    await made.compact(runner)
    await compact(node.stores, NAME, merge_here)
    await asyncio.sleep(0.06)
    await made.compact(runner)  # takes note of it
    assert not is_due(runner)
    doc: Doc[Map[object]] = Doc(client_id=8)
    for number in range(3):
        await runner.receive(SessionId("one"), edit(doc, f"f{number}", number))
    await runner.drain()
    assert is_due(runner)
    await made.compact(runner)
    assert others.asked == []
    assert await snapshots(node, runner) == [4]


async def test_automatic_versions_are_left_to_the_home_first() -> None:
    """NODE-8."""
    node, runner = await busy()
    others = Others(math.inf)
    rules = VersionRules()
    rules = replace(rules, activity=replace(rules.activity, interval_s=0, edits=1))

    async def stateful(updates: object) -> bytes:
        return state(updates)  # type: ignore[arg-type] # what the keeper passes

    keeper = VersionKeeper(node.stores, stateful, rules, Metrics(), lambda: NOW, once_only=others)
    keeper.tick([runner])  # sees the room for the first time
    steps = ((math.inf, False, 0), (0.0, True, 0), (0.0, False, 1))
    for client, (wait_s, is_held, count) in enumerate(steps, start=100):
        others.wait_s, others.is_held = wait_s, is_held
        doc: Doc[Map[object]] = Doc(client_id=client)
        await runner.receive(SessionId("one"), edit(doc, f"more {client}", 1))
        await runner.drain()
        keeper.tick([runner])
        making = keeper._making
        if making is not None:
            await making
        assert len(await list_versions(node.stores, NAME)) == count


async def test_orphans_are_looked_for_by_one_node_that_is_home_for_no_room() -> None:
    """NODE-8."""
    node = rig()
    for others, asked in ((Others(15.0), []), (Others(is_held=True), [NO_ROOM])):
        metrics = Metrics()
        collector = OrphanCollector(
            node.stores, OrphanRules(), metrics, NodeLoad(lambda: 0), once_only=others
        )
        running = asyncio.create_task(collector.run())
        async with asyncio.timeout(20):
            while not rounds(metrics, "not_due"):  # noqa: ASYNC110 - a few turns of the loop
                await asyncio.sleep(0)
        running.cancel()
        assert others.asked == asked


def rounds(metrics: Metrics, outcome: str) -> float | None:
    return metrics.registry.get_sample_value("bandpro_orphan_rounds_total", {"outcome": outcome})
