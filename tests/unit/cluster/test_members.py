"""What nodes say of themselves, what operators wish, and who is home by that."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.members import (
    Away,
    BusReport,
    BusyRoom,
    Members,
    NodeReport,
    Wishes,
    busiest_of,
    decode_report,
    decode_wishes,
    encode_report,
    encode_wishes,
)
from collab.ids import RoomName, room_key, room_name
from collab.limits import LEASE_VALUE_BYTES_MAX

ANN = NodeReport(
    NodeId("ann"),
    BootEpoch(7),
    address="https://ann.example",
    weight=2.5,
    rooms=3,
    sessions=9,
    cpu=0.25,
    lag_ms=1.5,
    away={NodeId("bob"): Away(1, 4)},
    version="0.1.0",
    uptime_ms=5000,
    store_problem="the database did not commit within 2 s",
    bus=BusReport("redis", is_up=True, delay_ms=0.7, peers=1, gaps=2, interruptions=3),
    busiest=(BusyRoom(RoomName("Bläser/quintett № 3"), 6), BusyRoom(RoomName("band/1"), 3)),
    names_all=True,
)
BOB = NodeReport(NodeId("bob"), BootEpoch(8))
EVE = NodeReport(NodeId("eve"), BootEpoch(9))
ROOMS = [room_key(room_name(f"band/{number}")) for number in range(50)]


def test_report_comes_back_as_it_was_said() -> None:
    assert decode_report(encode_report(ANN)) == ANN
    assert decode_report(encode_report(BOB)) == BOB


def test_report_of_another_version_is_understood_as_far_as_it_goes() -> None:
    newer = {"node": "ann", "boot": 7, "moods": ["good"], "rooms": 3}
    ann = NodeReport(NodeId("ann"), BootEpoch(7), rooms=3)
    assert decode_report(json.dumps(newer).encode()) == ann
    newer |= {"bus": {"kind": "pigeons", "is_up": True, "feathers": 7}}
    assert decode_report(json.dumps(newer).encode()) == replace(
        ann, bus=BusReport("pigeons", is_up=True)
    )


def test_report_names_as_many_rooms_as_fit() -> None:
    """NODE-17: the largest report fits into a lease, whatever the names are made of."""
    short = [BusyRoom(RoomName(f"band/{number}"), 100 - number) for number in range(60)]
    assert busiest_of(short) == tuple(short[:50])
    assert busiest_of([]) == ()
    for letter in 'a\u00e9\u266b\U0001f3b5"\\':
        name = letter * (255 // len(letter.encode()))
        told = busiest_of([BusyRoom(RoomName(name), 2**53) for _ in range(60)])
        assert told
        away = {NodeId(f"{number:064}"): Away(10**6, 10**6) for number in range(100)}
        report = replace(ANN, busiest=told, away=away, store_problem='"' * 200)
        assert len(encode_report(report)) <= LEASE_VALUE_BYTES_MAX
        assert decode_report(encode_report(report)) == report


def test_report_shown_in_a_log_names_no_room() -> None:
    assert "quintett" not in repr(ANN)


@pytest.mark.parametrize(
    "said", [b"", b"\xff", b"[]", b"7", b"{}", b'{"node":"a"}', b'{"node":"a","boot":"x"}']
)
def test_what_is_no_report_is_passed_over(said: bytes) -> None:
    assert decode_report(said) is None


@pytest.mark.parametrize(("said", "counted"), [(0, 0.01), (-1, 0.01), (1e9, 100), (3, 3)])
def test_weight_that_would_break_the_order_is_bounded(said: float, counted: float) -> None:
    text = json.dumps({"node": "a", "boot": 1, "weight": said}).encode()
    report = decode_report(text)
    assert report is not None
    assert report.weight == counted


def test_wishes_come_back_as_they_were() -> None:
    wishes = Wishes(frozenset({ANN.sender, BOB.sender}), 5)
    assert decode_wishes(encode_wishes(wishes)) == wishes


@pytest.mark.parametrize("drained", ["by an operator", "by itself"])
def test_node_that_drains_is_home_for_nothing(drained: str) -> None:
    """NODE-6."""
    wishes, ann = Wishes(frozenset({ANN.sender})), ANN
    if drained == "by itself":
        wishes, ann = Wishes(), replace(ANN, is_draining=True)
    members = Members([ann, BOB, EVE], wishes)
    for room in ROOMS:
        assert set(members.order(room)) == {"bob", "eve"}
    assert members.share(ann) == 0
    assert members.share(BOB) == 0.5


def test_next_run_of_a_drained_node_is_home_again() -> None:
    """NODE-6."""
    wishes = Wishes(frozenset({ANN.sender}))
    later = replace(ANN, boot=BootEpoch(70))
    members = Members([later, BOB], wishes)
    assert members.share(later) == 2.5 / 3.5
    alive = [later.sender, BOB.sender]
    after = wishes.with_drain(BOB.sender, drains=True, alive=alive)
    assert after.draining == {BOB.sender}
    assert after.with_drain(BOB.sender, drains=False, alive=alive).draining == frozenset()


def test_nobody_is_home_where_all_drain() -> None:
    members = Members([ANN], Wishes(frozenset({ANN.sender})))
    assert members.home(ROOMS[0]) is None
    assert Members().home(ROOMS[0]) is None


def test_what_was_worked_out_is_not_kept_for_other_nodes() -> None:
    before = Members([ANN, BOB, EVE])
    orders = {room: before.order(room) for room in ROOMS}
    same = Members([ANN, BOB, replace(EVE, rooms=7)]).keeping(before)
    assert {room: same.order(room) for room in ROOMS} == orders
    fewer = Members([ANN, BOB]).keeping(before)
    assert {room: fewer.order(room) for room in ROOMS} == {
        room: tuple(node for node in order if node != "eve") for room, order in orders.items()
    }
    assert Sender(EVE.node, EVE.boot) == EVE.sender
