"""Who is told "saved", how often, and never before it is."""

import pytest

from collab.access import Role
from tests.support import wire
from tests.unit.room.building import (
    HP,
    NOW,
    A,
    B,
    Told,
    answer,
    ask,
    claims,
    deletion,
    edit,
    join,
    live_room,
    sent,
    settled,
    stored,
    words,
)

SAVED = Told("saved")
NOT_SAVED = Told("not saved")


def test_each_update_is_acknowledged_once_and_only_when_durable() -> None:
    """ACK-4: Hocuspocus: one SyncStatus for each frame, in the order of the commits."""
    room = live_room()
    settled(room, A, HP)
    for clock, letter in enumerate("abc"):
        assert sent(edit(room, A, words(7, clock, letter, origin=clock > 0)), A) == []
    assert sent(room.appended(2), A) == [SAVED, SAVED]
    assert sent(room.appended(2), A) == []
    assert sent(room.appended(3), A) == [SAVED]


def test_the_echo_is_the_update_as_it_was_sent() -> None:
    """y-websocket v4 recognises its own bytes; they come back only when durable."""
    room = live_room()
    settled(room, A)
    update = words(7, 0, "abc")
    assert sent(edit(room, A, update), A) == []
    assert sent(room.appended(1), A) == [Told("update", update)]


def test_the_handshake_earns_one_acknowledgement() -> None:
    """The provider begins to count at 1: its step 2 counts it down, also when it adds nothing.

    Bears ACK-4.
    """
    room = live_room()
    join(room, A, HP)
    assert sent(ask(room, A), A)[0].what == "step 1"
    assert sent(answer(room, A), A) == [SAVED]
    assert sent(answer(room, A), A) == []


def test_the_handshake_is_acknowledged_when_its_step_2_is_durable() -> None:
    """What was written offline is saved only then."""
    room = live_room()
    join(room, A, HP)
    ask(room, A)
    assert sent(answer(room, A, words(7, 0, "offline")), A) == []
    assert sent(room.appended(1), A) == [SAVED]


def test_nothing_is_acknowledged_before_the_handshake_is_durable() -> None:
    """ACK-12: The provider's old queue is sent as well, and its counter must not reach 0 by it."""
    room = live_room()
    join(room, A, HP)
    ask(room, A)
    edit(room, A, words(7, 0, "a"))
    assert sent(room.appended(1), A) == []
    effects = answer(room, A, words(8, 0, "b"))
    assert stored(effects) == [(words(8, 0, "b"), 2)]
    assert sent(effects, A) == []
    assert sent(room.appended(2), A) == [SAVED, SAVED]


def test_an_update_before_step_1_is_held_back_until_the_handshake_is_done() -> None:
    """ACK-12: Then it is acknowledged like any other."""
    room = live_room()
    join(room, A, HP)
    edit(room, A, words(7, 0, "a"))
    assert sent(room.appended(1), A) == []
    ask(room, A)
    assert sent(answer(room, A), A) == [SAVED, SAVED]


def test_y_websocket_needs_no_handshake() -> None:
    """There is no counter; an echo says saved for itself."""
    room = live_room()
    join(room, A)
    edit(room, A, words(7, 0, "a"))
    assert sent(room.appended(1), A) == [Told("update", words(7, 0, "a"))]
    assert sent(answer(room, A), A) == []


def test_a_step_2_that_nobody_asked_for_earns_nothing() -> None:
    """It is taken in all the same."""
    room = live_room()
    settled(room, A, HP)
    assert stored(answer(room, A, words(7, 0, "x"))) == [(words(7, 0, "x"), 1)]
    assert sent(room.appended(1), A) == []


def test_a_client_that_syncs_again_counts_anew() -> None:
    """It set its counter to 1: what it sent before is forgotten, its new handshake counts once."""
    room = live_room()
    settled(room, A, HP)
    edit(room, A, words(7, 0, "a"))
    ask(room, A)
    edit(room, A, words(7, 1, "b", origin=True))
    assert sent(room.appended(2), A) == []
    assert sent(answer(room, A), A) == [SAVED, SAVED]
    assert sent(room.appended(2), A) == []


def test_only_the_newest_of_several_handshakes_is_acknowledged() -> None:
    """Two steps 1 in a row set the counter to 1 twice, and are answered with two steps 2."""
    room = live_room()
    join(room, A, HP)
    ask(room, A)
    ask(room, A)
    assert sent(answer(room, A), A) == []
    assert sent(answer(room, A), A) == [SAVED]


def test_what_repeats_undurable_content_waits_for_it() -> None:
    """ACK-13: Somebody else's update that is not saved yet is not saved for whoever repeats it."""
    room = live_room()
    settled(room, A)
    settled(room, B, HP)
    edit(room, A, words(7, 0, "abc"))
    assert sent(edit(room, B, words(7, 0, "abc")), B) == []
    assert sent(room.appended(1), B) == [SAVED]


def test_what_repeats_durable_content_is_acknowledged_at_once() -> None:
    """ACK-13: Structs and deletes alike."""
    room = live_room()
    settled(room, A, HP)
    edit(room, A, words(7, 0, "abc"))
    edit(room, A, deletion(7, 0, 2))
    room.appended(2)
    assert sent(edit(room, A, words(7, 0, "abc")), A) == [SAVED]
    assert sent(edit(room, A, deletion(7, 0, 1)), A) == [SAVED]
    assert sent(edit(room, A, wire.EMPTY_UPDATE), A) == [SAVED]
    assert room.last_ticket == 2


def test_an_update_without_content_comes_back_behind_all_that_was_sent_before_it() -> None:
    """ACK-17: y-websocket: also behind a step 2, which is not given back itself."""
    room = live_room()
    join(room, A)
    ask(room, A)
    answer(room, A, words(7, 0, "offline"))
    assert sent(edit(room, A, wire.EMPTY_UPDATE), A) == []
    assert sent(edit(room, A, deletion(7, 0, 2)), A) == []
    assert sent(edit(room, A, wire.EMPTY_UPDATE), A) == []
    assert sent(room.appended(1), A) == [Told("update", wire.EMPTY_UPDATE)]
    last = [Told("update", deletion(7, 0, 2)), Told("update", wire.EMPTY_UPDATE)]
    assert sent(room.appended(2), A) == last
    assert room.last_ticket == 2


def test_an_update_that_waits_is_acknowledged_when_it_is_durable() -> None:
    """ACK-14: Its bytes are in the log, although nobody can see them yet."""
    room = live_room()
    settled(room, A, HP)
    early = words(7, 3, "late", origin=True)
    assert stored(edit(room, A, early)) == [(early, 1)]
    assert sent(room.appended(1), A) == [SAVED]


def test_whoever_left_is_owed_nothing() -> None:
    """Its acknowledgement would go to nobody."""
    room = live_room()
    settled(room, A, HP)
    edit(room, A, words(7, 0, "abc"))
    room.leave(A, NOW)
    assert room.appended(1) == []


def test_two_sessions_of_different_protocols_are_each_paid_their_own_way() -> None:
    """In one commit."""
    room = live_room()
    settled(room, A, HP)
    settled(room, B)
    edit(room, A, words(7, 0, "a"))
    edit(room, B, words(8, 0, "b"))
    effects = room.appended(2)
    assert sent(effects, A) == [SAVED]
    assert sent(effects, B) == [Told("update", words(8, 0, "b"))]


# Readers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COMMENTER])
def test_a_readers_edit_is_answered_with_not_saved(role: Role) -> None:
    """One SyncStatus(0) for each, and nothing happens to the document."""
    room = live_room()
    join(room, A, HP, role=role)
    ask(room, A)
    assert sent(answer(room, A), A) == [SAVED]
    effects = edit(room, A, words(7, 0, "x"))
    assert sent(effects, A) == [NOT_SAVED]
    assert stored(effects) == []
    assert room.doc.state_vector() == wire.EMPTY_STATE_VECTOR


def test_a_readers_update_is_refused_even_if_it_adds_nothing() -> None:
    """Readers send no updates; only their answer to our step 1 may come."""
    room = live_room()
    settled(room, B)
    edit(room, B, words(7, 0, "x"))
    room.appended(1)
    join(room, A, HP, role=Role.VIEWER)
    assert sent(edit(room, A, words(7, 0, "x")), A) == [NOT_SAVED]


def test_a_readers_step_2_that_adds_nothing_is_acknowledged() -> None:
    """ACK-8: Once what it repeats is durable: a reader too may believe the counter."""
    room = live_room()
    settled(room, B)
    edit(room, B, words(7, 0, "x"))
    join(room, A, HP, role=Role.VIEWER)
    ask(room, A)
    assert sent(answer(room, A, words(7, 0, "x")), A) == []
    assert sent(room.appended(1), A) == [SAVED]


def test_a_readers_step_2_that_adds_something_is_not_saved() -> None:
    """Structs or deletes; once, and only if it was asked for."""
    room = live_room()
    settled(room, B)
    edit(room, B, words(7, 0, "abc"))
    room.appended(1)
    join(room, A, HP, role=Role.VIEWER)
    ask(room, A)
    assert sent(answer(room, A, words(8, 0, "x")), A) == [NOT_SAVED]
    assert sent(answer(room, A, deletion(7, 0, 1)), A) == []


def test_a_y_websocket_reader_is_told_with_a_denial() -> None:
    """Auth message 0, for each frame; the connection stays."""
    room = live_room()
    join(room, A, role=Role.VIEWER)
    assert sent(edit(room, A, words(7, 0, "x")), A) == [Told("denied", "read-only")]
    assert sent(answer(room, A, words(7, 0, "x")), A) == [Told("denied", "read-only")]
    assert sent(answer(room, A), A) == []


def test_what_was_refused_is_made_good_when_a_reader_may_edit() -> None:
    """Its counter stands at what was refused; the step 2 that brings it all counts that down.

    Bears ACK-15.
    """
    room = live_room()
    join(room, A, HP, role=Role.VIEWER)
    ask(room, A)
    assert sent(answer(room, A), A) == [SAVED]
    edit(room, A, words(7, 0, "a"))
    edit(room, A, words(7, 1, "b", origin=True))
    room.set_claims(A, claims("u-a"), NOW)
    effects = answer(room, A, words(7, 0, "ab"))
    assert stored(effects) == [(words(7, 0, "ab"), 1)]
    assert sent(effects, A) == []
    assert sent(room.appended(1), A) == [SAVED, SAVED]


def test_a_refused_handshake_is_made_good_too() -> None:
    """Else nothing would ever be acknowledged again on this connection."""
    room = live_room()
    join(room, A, HP, role=Role.VIEWER)
    ask(room, A)
    assert sent(answer(room, A, words(7, 0, "a")), A) == [NOT_SAVED]
    room.set_claims(A, claims("u-a"), NOW)
    answer(room, A, words(7, 0, "a"))
    assert sent(room.appended(1), A) == [SAVED]
    edit(room, A, words(7, 1, "b", origin=True))
    assert sent(room.appended(2), A) == [SAVED]


def test_a_promotion_during_the_handshake_asks_no_second_time() -> None:
    """The answer that is on its way makes good what was refused meanwhile."""
    room = live_room()
    join(room, A, HP, role=Role.VIEWER)
    ask(room, A)
    assert sent(edit(room, A, words(7, 0, "a")), A) == [NOT_SAVED]
    effects = room.set_claims(A, claims("u-a"), NOW)
    assert [told.what for told in sent(effects, A)] == ["authenticated"]
    answer(room, A, words(7, 0, "a"))
    assert sent(room.appended(1), A) == [SAVED, SAVED]


def test_a_client_that_syncs_again_is_owed_nothing_for_what_was_refused() -> None:
    """It counts from 1."""
    room = live_room()
    join(room, A, HP, role=Role.VIEWER)
    ask(room, A)
    answer(room, A)
    edit(room, A, words(7, 0, "a"))
    ask(room, A)
    room.set_claims(A, claims("u-a"), NOW)
    answer(room, A, words(7, 0, "a"))
    assert sent(room.appended(1), A) == [SAVED]
