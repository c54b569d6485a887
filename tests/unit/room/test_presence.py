"""When changed states are sent, and that the newest one counts; literal times throughout."""

import pytest

from collab.ids import SessionId
from collab.limits import AWARENESS_TICK_MS_MAX, AWARENESS_TICK_MS_MIN
from collab.protocol.messages import AwarenessEntry
from collab.room.effects import Announce
from collab.room.fanout import Round
from collab.room.presence import Presence, tick_ms
from tests.support import wire
from tests.support.lines import lines_run
from tests.support.wire import State
from tests.unit.room.building import A, B


def change(client_id: int, clock: int, state: str | None = "{}") -> Announce:
    """One changed state."""
    return Announce((AwarenessEntry(client_id, clock, state),))


def states(sent: Round | None, session_id: SessionId) -> list[State]:
    """The states that a session is sent."""
    assert sent is not None
    (body,) = sent.parcel_of(session_id).bodies
    reader = wire.Reader(body)
    assert reader.uint() == wire.AWARENESS
    found = list(wire.read_states(reader.blob()))
    assert not reader.rest
    return sorted(found, key=lambda state: state.client_id)


def test_the_first_change_goes_out_at_once() -> None:
    """AWR-13: And again once a tick has passed without any."""
    presence = Presence()
    assert states(presence.note(change(7, 1), 3, 0.0), A) == [State(7, 1, {})]
    assert presence.end_tick(3, 30.0) is None
    assert presence.due_ms is None
    assert states(presence.note(change(7, 2), 3, 31.0), A) == [State(7, 2, {})]


def test_of_several_changes_in_a_tick_the_newest_is_sent() -> None:
    """AWR-13: Once for each client id, all in one message."""
    presence = Presence()
    presence.note(change(9, 1), 3, 0.0)
    assert presence.note(change(7, 1, '{"n":1}'), 3, 1.0) is None
    assert presence.note(change(8, 4), 3, 2.0) is None
    assert presence.note(change(7, 2, '{"n":2}'), 3, 3.0) is None
    sent = presence.end_tick(3, 30.0)
    assert states(sent, A) == [State(7, 2, {"n": 2}), State(8, 4, {})]
    assert presence.due_ms == 60.0


def test_a_withdrawal_replaces_the_state_that_waits() -> None:
    """And a newer state replaces the withdrawal."""
    presence = Presence()
    presence.note(change(9, 1), 3, 0.0)
    presence.note(change(7, 3), 3, 1.0)
    presence.note(change(7, 4, None), 3, 2.0)
    assert states(presence.end_tick(3, 30.0), A) == [State(7, 4, None)]
    presence.note(change(7, 5), 3, 31.0)
    presence.note(change(7, 6, None), 3, 31.0)
    presence.note(change(7, 7), 3, 31.0)
    assert states(presence.end_tick(3, 60.0), A) == [State(7, 7, {})]


def test_a_session_hears_its_own_clocks() -> None:
    """Others hear theirs; all else is the same."""
    presence = Presence()
    presence.note(change(9, 1), 3, 0.0)
    presence.note(change(8, 2), 3, 1.0)
    own = Announce((AwarenessEntry(7, 5, "{}"),), {A: (AwarenessEntry(7, 1, "{}"),)})
    presence.note(own, 3, 2.0)
    sent = presence.end_tick(3, 30.0)
    assert states(sent, A) == [State(7, 1, {}), State(8, 2, {})]
    assert states(sent, B) == [State(7, 5, {}), State(8, 2, {})]


def test_what_the_server_says_afterwards_counts_for_the_session_as_well() -> None:
    """An expiry must reach the owner with the clock that makes it news."""
    presence = Presence()
    presence.note(change(9, 1), 3, 0.0)
    own = Announce((AwarenessEntry(7, 5, "{}"),), {A: (AwarenessEntry(7, 1, "{}"),)})
    presence.note(own, 3, 1.0)
    presence.note(change(7, 6, None), 3, 2.0)
    assert states(presence.end_tick(3, 30.0), A) == [State(7, 6, None)]


@pytest.mark.parametrize(
    ("receivers", "message_bytes", "expected_ms"),
    [
        (2, 200, AWARENESS_TICK_MS_MIN),
        (100, 1_000, AWARENESS_TICK_MS_MIN),
        (500, 2_000, 36),
        (2_000, 8_000, 216),
        (500, 500 * 16_384, AWARENESS_TICK_MS_MAX),
    ],
)
def test_the_tick_grows_with_the_room_and_its_messages(
    receivers: int, message_bytes: int, expected_ms: float
) -> None:
    """AWR-13: At most a twelfth of a processor is spent on it."""
    assert tick_ms(receivers, message_bytes) == pytest.approx(expected_ms)


def test_the_tick_begins_when_the_sending_is_over() -> None:
    """However long that takes, there is time for other things."""
    presence = Presence()
    presence.note(change(7, 1), 3, 0.0)
    presence.sent(50.0)
    assert presence.due_ms == 80.0
    assert presence.note(change(7, 2), 3, 79.0) is None


def test_a_tick_that_should_have_ended_does_not_go_on() -> None:
    """A loop that is late with its timers sends at the next change."""
    presence = Presence()
    presence.note(change(7, 1), 3, 0.0)
    presence.note(change(7, 2), 3, 1.0)
    assert states(presence.note(change(8, 1), 3, 30.0), A) == [State(7, 2, {}), State(8, 1, {})]


def test_nothing_is_kept_for_an_empty_room() -> None:
    """Nobody is there to be told."""
    presence = Presence()
    assert presence.note(change(7, 1), 0, 0.0) is None
    presence.note(change(7, 2), 2, 0.0)
    presence.note(change(7, 3), 2, 1.0)
    presence.clear()
    assert presence.due_ms is None
    assert presence.end_tick(2, 30.0) is None


def test_a_tick_in_which_all_come_back_costs_in_proportion_to_them() -> None:
    """Each hears all others' states and its own with its own clock; work is counted in lines."""

    def lines_of_a_tick(count: int) -> int:
        presence = Presence()
        presence.note(change(count, 1), count, 0.0)
        for client_id in range(1_000, 1_000 + count):  # all as long on the wire
            echo = AwarenessEntry(client_id, 1, "{}")
            own = {SessionId(f"session-{client_id}"): (echo,)}
            presence.note(Announce((AwarenessEntry(client_id, 3, "{}"),), own), count, 1.0)
        return lines_run(lambda: presence.end_tick(count, 10_000.0))

    assert lines_of_a_tick(400) <= 2 * lines_of_a_tick(200)
