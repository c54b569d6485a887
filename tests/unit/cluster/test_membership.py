"""Membership and turns of several nodes over one store, whose clock the test moves."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import pytest

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.members import Members, NodeReport, Wishes
from collab.errors import LeaseHeld, LeaseLost
from collab.ids import RoomKey, room_key, room_name
from collab.limits import LEASE_MS
from gateway.cluster.membership import Membership
from gateway.cluster.turns import PATIENCE_S, Turns
from gateway.observe.metrics import Metrics
from gateway.rooms.once_only import Turn
from persistence.memory import MemoryStore
from persistence.stores import Stores

ROOMS = [room_key(room_name(f"band/{number}")) for number in range(40)]
LEASE_S = LEASE_MS / 1000


@dataclass
class Clock:
    """The store's."""

    now_s: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Cluster:
    """A store, its clock, and nodes made over it."""

    clock: Clock
    stores: Stores

    def node(self, name: str, boot: int = 1) -> Membership:
        sender = Sender(NodeId(name), BootEpoch(boot))
        return Membership(
            self.stores, sender, lambda: NodeReport(sender.node, sender.boot), Metrics()
        )

    def turns(self, node: Membership) -> Turns:
        return Turns(node, self.stores.leases, Metrics())


@pytest.fixture
def cluster() -> Cluster:
    clock = Clock()
    return Cluster(clock, MemoryStore(clock).stores())


def names(node: Membership) -> set[str]:
    return set(node.members.reports)


async def beats(*nodes: Membership) -> None:
    for _ in range(2):  # the first to beat hears of the last
        for node in nodes:
            await node.beat()


def at_home(turns: Turns) -> set[RoomKey]:
    return {room for room in ROOMS if turns.patience_s(room) == 0}


async def test_rooms_of_a_silent_node_are_taken_over_when_its_lease_is_over(
    cluster: Cluster,
) -> None:
    """NODE-3."""
    ann, bob, eve = cluster.node("ann"), cluster.node("bob"), cluster.node("eve")
    await beats(ann, bob, eve)
    turns = [cluster.turns(node) for node in (ann, bob, eve)]
    homes = [at_home(each) for each in turns]
    assert set.union(*homes) == set(ROOMS)
    assert sum(map(len, homes)) == len(ROOMS)
    assert all(homes)
    cluster.clock.now_s += LEASE_S - 0.001
    await beats(ann, bob)
    assert names(ann) == {"ann", "bob", "eve"}
    cluster.clock.now_s += 0.001
    await beats(ann, bob)
    assert names(ann) == names(bob) == {"ann", "bob"}
    assert at_home(turns[0]) | at_home(turns[1]) == set(ROOMS)
    assert at_home(turns[0]) > homes[0]
    await beats(eve, ann)  # it was only slow
    assert names(ann) == {"ann", "bob", "eve"}
    assert at_home(turns[0]) == homes[0]


async def test_node_that_leaves_is_taken_over_at_once_and_beats_no_more(cluster: Cluster) -> None:
    """NODE-3."""
    ann, bob = cluster.node("ann"), cluster.node("bob")
    await beats(ann, bob)
    await ann.leave()
    await beats(ann, bob)
    assert names(bob) == {"bob"}
    assert not ann.is_member


async def test_two_runs_of_one_name_are_not_members_together(cluster: Cluster) -> None:
    """NODE-2."""
    first, second = cluster.node("ann", 1), cluster.node("ann", 2)
    await first.beat()
    await second.beat()
    assert (first.is_member, second.is_member) == (True, False)
    assert second.members.reports[NodeId("ann")].boot == 1
    cluster.clock.now_s += LEASE_S
    await second.beat()
    assert second.is_member
    await first.beat()  # it wakes up
    assert first.members.reports[NodeId("ann")].boot == 2


async def test_others_wait_longer_the_further_they_are_from_home(cluster: Cluster) -> None:
    """NODE-8."""
    nodes = [cluster.node(f"node-{number}") for number in range(6)]
    await beats(*nodes)
    turns = [cluster.turns(node) for node in nodes]
    for room in ROOMS:
        waits = sorted(each.patience_s(room) for each in turns)
        assert waits == [PATIENCE_S * rank for rank in (0, 1, 2, 3, 3, 3)]
    assert cluster.turns(cluster.node("stranger")).patience_s(ROOMS[0]) == math.inf


async def test_wish_reaches_all_nodes_with_their_next_beat(cluster: Cluster) -> None:
    """NODE-6."""
    ann, bob = cluster.node("ann"), cluster.node("bob")
    await beats(ann, bob)
    heard: list[Members] = []
    ann.watch(heard.append)
    await bob.wish(
        lambda wishes: wishes.with_drain(ann.sender, drains=True, alive=[ann.sender, bob.sender])
    )
    assert at_home(cluster.turns(bob)) == set(ROOMS)
    await ann.beat()
    assert heard[-1].wishes.draining == {ann.sender}
    assert cluster.turns(ann).patience_s(ROOMS[0]) == math.inf
    # Wishes made at once do not undo each other.
    await asyncio.gather(
        *(
            node.wish(lambda wishes: Wishes(wishes.draining, wishes.rebalance + 1))
            for node in (ann, bob) * 5
        )
    )
    assert bob.members.wishes.rebalance == 10


async def test_once_only_work_of_a_room_is_done_by_one_node_at_a_time(cluster: Cluster) -> None:
    """NODE-8."""
    ann, bob = cluster.node("ann"), cluster.node("bob")
    async with cluster.turns(ann).turn(ROOMS[0]) as turn:
        turn.check()
        with pytest.raises(LeaseHeld):
            async with cluster.turns(bob).turn(ROOMS[0]):
                pytest.fail("both had the turn")
        async with cluster.turns(bob).turn(ROOMS[1]):
            pass
    async with cluster.turns(bob).turn(ROOMS[0]) as turn:
        turn.check()


async def test_who_has_lost_the_turn_gives_up(cluster: Cluster) -> None:
    """NODE-8: the lease ran out by the store's clock, and somebody else has taken it."""
    ann, bob = cluster.node("ann"), cluster.node("bob")
    async with cluster.turns(ann).turn(ROOMS[0]) as turn:
        cluster.clock.now_s += LEASE_S
        async with cluster.turns(bob).turn(ROOMS[0]) as theirs:
            with pytest.raises(LeaseLost):
                await lost(turn)
            theirs.check()


async def lost(turn: Turn) -> None:
    """Wait until a renewal has found the lease gone."""
    async with asyncio.timeout(30):
        while True:
            turn.check()
            await asyncio.sleep(0.01)
