"""Drains and rebalances of one node's rooms, as operators wish them."""

from __future__ import annotations

import asyncio

import pytest

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.members import Members, NodeReport, Wishes
from collab.errors import RoomUnavailable
from collab.ids import RoomName, SessionId
from collab.protocol.close_codes import CloseCode
from gateway.cluster import moving
from gateway.cluster.membership import Membership
from gateway.cluster.moving import Mover
from gateway.observe.metrics import Metrics
from tests.unit.rooms.rig import NAME, Rig, Seat, rig

ANN, BOB = NodeReport(NodeId("ann"), BootEpoch(1)), NodeReport(NodeId("bob"), BootEpoch(1))
DRAIN = Wishes(frozenset({ANN.sender}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "NOTICE_S", 0.05)
    monkeypatch.setattr(moving, "SPREAD_S", 0.05)
    monkeypatch.setattr(moving, "PAUSE_S_MAX", 0.01)


def mover(node: Rig) -> tuple[Mover, Membership]:
    membership = Membership(node.stores, ANN.sender, lambda: ANN, Metrics())
    return Mover(membership, node.registry), membership


def told(made: Mover, membership: Membership, wishes: Wishes) -> None:
    membership.members = Members([ANN, BOB], wishes)
    made.heed(membership.members)


async def until_drained(made: Mover, node: Rig) -> None:
    async with asyncio.timeout(20):
        while not made.is_drained:
            node.registry.tick()
            await asyncio.sleep(0.005)


async def leave_when_closed(node: Rig, **seats: Seat) -> None:
    """Do what sockets do: a session leaves once its seat is closed."""
    async with asyncio.timeout(20):
        while seats:
            for session, seat in list(seats.items()):
                if seat.closed:
                    del seats[session]
                    runner = node.registry.get(NAME)
                    assert runner is not None
                    runner.leave(SessionId(session))
            await asyncio.sleep(0.001)


async def test_drained_node_closes_all_unloads_all_and_lets_nobody_in() -> None:
    """NODE-6."""
    node = rig()
    _, one = await node.join("one")
    _, two = await node.join("two")
    made, membership = mover(node)
    told(made, membership, DRAIN)
    assert not node.registry.refuses  # load balancers are given time to notice
    _, late = await node.join("late")
    told(made, membership, DRAIN)  # every beat says so again
    closing = asyncio.create_task(leave_when_closed(node, one=one, two=two, late=late))
    await until_drained(made, node)
    await closing
    assert {*one.closed, *two.closed, *late.closed} == {CloseCode.SERVICE_RESTART}
    assert node.registry.live() == []
    with pytest.raises(RoomUnavailable):
        await node.registry.open(NAME)
    told(made, membership, Wishes())
    assert not made.is_drained
    await node.registry.open(NAME)


async def test_drain_that_is_taken_back_in_time_closes_nobody() -> None:
    """NODE-6."""
    node = rig()
    _, one = await node.join("one")
    made, membership = mover(node)
    told(made, membership, DRAIN)
    await asyncio.sleep(0)
    told(made, membership, Wishes())
    await asyncio.sleep(0.1)
    assert one.closed == []
    assert not node.registry.refuses


async def test_drain_of_another_run_does_not_concern_this_one() -> None:
    """NODE-6."""
    node = rig()
    made, membership = mover(node)
    earlier = Sender(ANN.node, BootEpoch(0))
    told(made, membership, Wishes(frozenset({earlier, BOB.sender})))
    assert not made.is_draining


async def test_rebalance_that_was_wished_before_the_node_started_is_over() -> None:
    """NODE-7: and a later one closes, once, those who are in a room of another home."""
    node = rig()
    made, membership = mover(node)
    membership.members = Members([ANN, BOB])
    rooms = [RoomName(f"room-{number}") for number in range(12)]
    seats = {room: await node.join("one", name=room) for room in rooms}
    told(made, membership, Wishes(rebalance=5))
    await asyncio.sleep(0.1)
    assert all(not seat.closed for _, seat in seats.values())
    told(made, membership, Wishes(rebalance=6))
    told(made, membership, Wishes(rebalance=6))
    homes = {room: membership.members.home(runner.key) for room, (runner, _) in seats.items()}
    away = {room for room, home in homes.items() if home == BOB}
    assert 0 < len(away) < len(rooms)
    async with asyncio.timeout(20):
        while any(not seats[room][1].closed for room in away):  # noqa: ASYNC110 - seats are lists
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    assert {room for room, (_, seat) in seats.items() if seat.closed} == away
    assert all(seats[room][1].closed == [CloseCode.SERVICE_RESTART] for room in away)
