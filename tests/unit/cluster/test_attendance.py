"""When members were heard, and how those who are none any more have ended."""

from __future__ import annotations

from dataclasses import replace

from collab.cluster.attendance import Attendance, Roll
from collab.cluster.envelope import BootEpoch, NodeId
from collab.cluster.members import Members, NodeReport

ANN, BOB = NodeReport(NodeId("ann"), BootEpoch(7)), NodeReport(NodeId("bob"), BootEpoch(8))


def saying(report: NodeReport, uptime_ms: int) -> NodeReport:
    return replace(report, uptime_ms=uptime_ms)


def looked(attendance: Attendance, at_ms: float) -> Roll:
    return attendance.roll(Members(), ANN, at_ms)


def both_heard(until_ms: int) -> Attendance:
    """A look each second, in which both have said something new."""
    attendance = Attendance()
    for at_ms in range(0, until_ms + 1, 1000):
        attendance.take([saying(ANN, at_ms + 1), saying(BOB, at_ms + 1)], at_ms)
    return attendance


def test_member_that_says_nothing_new_is_silent_from_then_on() -> None:
    """NODE-15."""
    attendance = both_heard(5000)
    for at_ms in (6000, 7000, 8000, 9000):
        attendance.take([saying(ANN, at_ms + 1), saying(BOB, 5001)], at_ms)
    told = looked(attendance, 9500)
    assert told.silent_ms == {"ann": 0, "bob": 4000}
    assert told.age_ms == 500
    attendance.take([saying(ANN, 10_001), saying(BOB, 10_001)], 10_000)
    assert looked(attendance, 10_000).silent_ms == {"ann": 0, "bob": 0}


def test_who_is_gone_after_a_silence_was_killed_and_who_is_gone_at_once_has_left() -> None:
    """NODE-15."""
    killed = both_heard(5000)
    for at_ms in (6000, 7000, 8000, 9000, 10_000):
        killed.take([saying(ANN, at_ms + 1), saying(BOB, 5001)], at_ms)
    killed.take([saying(ANN, 11_001)], 11_000)
    (gone,) = looked(killed, 20_000).gone
    assert (gone.report.node, gone.heard_ms, gone.has_left) == ("bob", 5000, False)
    left = both_heard(5000)
    left.take([saying(ANN, 6001)], 6000)
    (gone,) = looked(left, 20_000).gone
    assert (gone.report.node, gone.heard_ms, gone.has_left) == ("bob", 5000, True)


def test_who_did_not_look_calls_nobody_silent_and_claims_nobody_left_well() -> None:
    """NODE-15: the store, or this node itself, stood still meanwhile."""
    attendance = both_heard(5000)
    attendance.take([saying(ANN, 5001), saying(BOB, 5001)], 60_000)
    assert looked(attendance, 60_000).silent_ms == {"ann": 0, "bob": 0}
    attendance.take([saying(ANN, 120_000)], 120_000)
    (gone,) = looked(attendance, 120_000).gone
    assert not gone.has_left


def test_node_that_comes_back_is_gone_no_more() -> None:
    attendance = both_heard(1000)
    attendance.take([saying(ANN, 2001)], 2000)
    assert len(looked(attendance, 2000).gone) == 1
    attendance.take([saying(ANN, 3001), saying(replace(BOB, boot=BootEpoch(9)), 1)], 3000)
    assert looked(attendance, 3000).gone == ()


def test_version_that_does_not_tell_is_taken_at_its_lease() -> None:
    attendance = Attendance()
    for at_ms in range(0, 9000, 1000):
        attendance.take([BOB], at_ms)
    assert looked(attendance, 8000).silent_ms == {"bob": 0}


def test_those_who_are_gone_are_forgotten_by_number_and_age() -> None:
    """NODE-15: 32 at most, and for ten minutes."""
    attendance = Attendance()
    for number in range(40):
        node = NodeReport(NodeId(f"n{number}"), BootEpoch(1), uptime_ms=1)
        attendance.take([node], number * 1000.0)
    attendance.take([], 40_000)
    assert [gone.report.node for gone in looked(attendance, 40_000).gone] == [
        f"n{number}" for number in range(39, 7, -1)
    ]
    attendance.take([], 630_500)
    assert [gone.report.node for gone in looked(attendance, 630_500).gone] == [
        f"n{number}" for number in range(39, 30, -1)
    ]
