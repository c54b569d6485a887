"""Presence of somebody who comes back: seen at once, and only through their own session."""

from collab.awareness import AwarenessTable, Publisher
from collab.ids import Milliseconds, SessionId, Subject
from collab.protocol.messages import AwarenessEntry

FIRST = Publisher(SessionId("first"), Subject("u-1"))
AGAIN = Publisher(SessionId("again"), Subject("u-1"))
OTHER = Publisher(SessionId("other"), Subject("u-2"))
T0 = Milliseconds(1_000)


def left_at_clock_5() -> AwarenessTable:
    """Client 7 showed itself at clock 5 and its session ended: withdrawn at clock 6."""
    table = AwarenessTable()
    table.receive(FIRST, [AwarenessEntry(7, 5, '{"a":1}')], T0)
    assert table.leave(FIRST.session_id, T0) == (AwarenessEntry(7, 6, None),)
    return table


def test_a_client_that_comes_back_with_its_old_clock_is_shown_at_once() -> None:
    """AWR-3."""
    table = left_at_clock_5()
    outcome = table.receive(AGAIN, [AwarenessEntry(7, 5, '{"a":1}')], T0)
    assert outcome.changed == (AwarenessEntry(7, 7, '{"a":1}'),)
    assert table.owned_by(AGAIN.session_id) == {7}


def test_an_echo_in_flight_does_not_bring_back_who_has_left() -> None:
    table = left_at_clock_5()
    table.receive(OTHER, [AwarenessEntry(8, 0, '{"b":1}')], T0)
    outcome = table.receive(OTHER, [AwarenessEntry(7, 5, '{"a":1}')], T0)
    assert outcome.changed == ()
    assert outcome.corrections == (AwarenessEntry(7, 6, None),)
    assert [entry.client_id for entry in table.current()] == [8]


def test_a_client_that_comes_back_early_is_not_told_its_old_state_with_a_newer_clock() -> None:
    """AWR-4: Its old session is there still, and the others know it by a greater clock."""
    before = Publisher(SessionId("before"), Subject("u-1"), stamped=True)
    again = Publisher(SessionId("again"), Subject("u-1"), stamped=True)
    other = Publisher(SessionId("other"), Subject("u-2"), stamped=True)
    table = left_at_clock_5()
    (shown,) = table.receive(before, [AwarenessEntry(7, 5, '{"a":1}')], T0).changed
    assert shown.clock == 7
    assert [entry.clock for entry in table.current(to=other)] == [7]
    assert [entry.clock for entry in table.current(to=again)] == [5]
    assert [entry.clock for entry in table.current(to=again, missed=True)] == [5]
