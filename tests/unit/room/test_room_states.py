"""Every row of the room's table of states: what happens, and what is asked of the surroundings."""

import pytest

from collab.access import Role
from collab.errors import LimitExceeded, RoomUnavailable
from collab.limits import STEPS_UNANSWERED_MAX
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import AwarenessEntry, QueryAwareness
from collab.protocol.update_scan import scan_update
from collab.room.room import Room, RoomLimits, RoomState
from tests.support import wire
from tests.support.wire import State
from tests.unit.room.building import (
    HP,
    NAME,
    NOW,
    A,
    B,
    C,
    Told,
    Y,
    announced,
    answer,
    ask,
    broadcast,
    claims,
    closed,
    echoed,
    edit,
    join,
    live_room,
    refused,
    sent,
    settled,
    show,
    shown,
    stored,
    words,
)

EMPTY_STEP_1 = Told("step 1", wire.EMPTY_STATE_VECTOR)


def test_joining_while_loading_waits_for_the_load() -> None:
    """Nobody is told anything before the stored updates are in the document."""
    room = Room(NAME, RoomLimits())
    assert join(room, A) == []
    assert ask(room, A) == []
    assert edit(room, A, words(5, 0, "x")) == []
    assert room.tick(NOW) == []
    room.doc.apply(words(9, 0, "stored"), scan_update(words(9, 0, "stored")))
    effects = room.loaded()
    assert sent(effects, A) == [Told("step 1", bytes([1, 9, 6]))]


def test_all_who_waited_are_greeted_when_loaded() -> None:
    """Each in its own protocol."""
    room = Room(NAME, RoomLimits())
    join(room, A)
    join(room, B, HP)
    effects = room.loaded()
    assert sent(effects, A) == [EMPTY_STEP_1]
    assert sent(effects, B) == []
    assert room.state is RoomState.LIVE


def test_a_failed_load_closes_all_who_wait() -> None:
    """With a code that says to come back; the room never lives."""
    room = Room(NAME, RoomLimits())
    join(room, A)
    join(room, B, HP)
    assert closed(room.discard(CloseCode.ROOM_UNAVAILABLE)) == [(A, 4503), (B, 4503)]
    assert room.loaded() == []
    assert room.state is RoomState.CLOSED


def test_a_y_websocket_editor_is_greeted_with_step_1_and_the_present_states() -> None:
    """So that what it wrote offline comes at once, and it sees who is here."""
    room = live_room()
    settled(room, A, client_id=7)
    edit(room, A, words(7, 0, "abc"))
    assert sent(join(room, B), B) == [
        Told("step 1", bytes([1, 7, 3])),
        Told("awareness", [State(7, 1, {"user": {"id": "u-a", "name": "U-A"}})]),
    ]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COMMENTER])
def test_a_reader_is_not_asked_for_what_could_only_be_refused(role: Role) -> None:
    """SYNC-17: y-websocket clients answer every step 1; a reader's answer would be for nothing."""
    assert sent(join(live_room(), A, role=role), A) == []


def test_a_hocuspocus_session_is_greeted_with_the_present_states_alone() -> None:
    """It is asked when it asks."""
    room = live_room()
    settled(room, A, client_id=7)
    assert [told.what for told in sent(join(room, B, HP), B)] == ["awareness"]


def test_step_1_is_answered_with_what_the_sender_lacks() -> None:
    """Nothing more for y-websocket; whoever has all is sent no structs."""
    room = live_room()
    settled(room, A)
    edit(room, A, words(7, 0, "abc"))
    settled(room, B)
    assert sent(ask(room, B), B) == [Told("step 2", words(7, 0, "abc"))]
    assert sent(ask(room, B, bytes([1, 7, 3])), B) == [Told("step 2", wire.EMPTY_UPDATE)]


@pytest.mark.parametrize("role", list(Role))
def test_a_hocuspocus_step_1_is_answered_with_ours_and_step_2(role: Role) -> None:
    """Readers are asked as well: their provider counts on the acknowledgement."""
    room = live_room()
    join(room, A, HP, role=role)
    assert sent(ask(room, A), A) == [EMPTY_STEP_1, Told("step 2", wire.EMPTY_UPDATE)]


def test_an_update_goes_to_the_others_and_into_the_log() -> None:
    """The bytes as they came, to all but the sender; nothing is acknowledged yet."""
    room = live_room()
    settled(room, A)
    settled(room, B, HP)
    update = words(7, 0, "abc")
    effects = edit(room, A, update)
    assert broadcast(effects) == [(Told("update", update), A)]
    assert stored(effects) == [(update, 1)]
    assert sent(effects, A) == []
    assert not room.is_saved


def test_what_adds_nothing_is_neither_told_nor_stored() -> None:
    """SYNC-16: But it is acknowledged, once what it repeats is durable."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    update = words(7, 0, "abc")
    edit(room, A, update)
    effects = edit(room, B, update)
    assert effects == []
    assert sent(room.appended(1), B) == [Told("update", update)]
    assert sent(edit(room, B, update), B) == [Told("update", update)]
    assert room.last_ticket == 1


def test_appended_pays_what_is_owed_up_to_the_durable_ticket() -> None:
    """Each sender its own, in order, and nothing beyond."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    first, second, third = words(7, 0, "a"), words(8, 0, "b"), words(7, 1, "c", origin=True)
    for session_id, update in ((A, first), (B, second), (A, third)):
        edit(room, session_id, update)
    effects = room.appended(2)
    assert sent(effects, A) == [Told("update", first)]
    assert sent(effects, B) == [Told("update", second)]
    assert sent(room.appended(3), A) == [Told("update", third)]
    assert room.is_saved
    assert room.appended(3) == []


def test_an_update_of_a_peer_is_told_to_all_and_not_stored_again() -> None:
    """It is in the log already; what is known is told to nobody."""
    room = live_room()
    settled(room, A)
    update = words(7, 0, "abc")
    effects = room.peer_update(update, scan_update(update))
    assert broadcast(effects) == [(Told("update", update), None)]
    assert stored(effects) == []
    assert room.peer_update(update, scan_update(update)) == []


def test_awareness_goes_to_everybody_the_sender_included() -> None:
    """AWR-9: y-websocket takes 30 s of silence for a dead connection."""
    room = live_room()
    settled(room, A)
    expected = State(7, 1, {"user": {"id": "u-a", "name": "U-A"}})
    effects = shown(room, A, 7)
    assert announced(effects) == [expected]
    assert echoed(effects, A) == []


def test_a_state_that_others_must_be_told_at_a_higher_clock_is_echoed_at_its_own() -> None:
    """Its client would take the higher one for news about itself, and undo what it did since."""
    room = live_room()
    settled(room, A, client_id=7)
    room.leave(A, NOW)
    join(room, B, subject="u-a")
    effects = shown(room, B, 7)
    assert [(one.client_id, one.clock) for one in announced(effects)] == [(7, 3)]
    assert [(one.client_id, one.clock) for one in echoed(effects, B)] == [(7, 1)]


def test_present_states_are_sent_to_whoever_asks() -> None:
    """Query awareness; with nobody present there is nothing to send."""
    room = live_room()
    settled(room, A)
    assert room.receive(A, QueryAwareness(), NOW) == []
    shown(room, A, 7)
    settled(room, B)
    assert [told.what for told in sent(room.receive(B, QueryAwareness(), NOW), B)] == ["awareness"]
    assert room.receive(A, QueryAwareness(), NOW) == []  # its own state is its own to know


def test_leaving_withdraws_what_was_shown() -> None:
    """As clock plus one and null; leaving twice is no error."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    effects = room.leave(A, NOW)
    assert announced(effects) == [State(7, 2, None)]
    assert room.leave(A, NOW) == []
    assert room.leave(B, NOW) == []


def test_time_expires_states_that_are_not_renewed() -> None:
    """AWR-8: After exactly 30 seconds."""
    room = live_room()
    settled(room, A)
    show(room, A, AwarenessEntry(7, 1, "{}"), now_ms=5_000)
    assert room.tick(34_999) == []  # type: ignore[arg-type]
    assert announced(room.tick(35_000)) == [State(7, 2, None)]  # type: ignore[arg-type]


def test_discarding_closes_all_with_one_code() -> None:
    """And ends the room: it takes nothing more, and whoever joins is sent away."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B, HP)
    edit(room, A, words(7, 0, "x"))
    effects = room.discard(CloseCode.INTERNAL_ERROR, "why")
    assert closed(effects) == [(A, 1011), (B, 1011)]
    assert ask(room, A) == []
    assert edit(room, A, words(7, 1, "y", origin=True)) == []
    assert room.appended(1) == []
    assert room.tick(NOW) == []
    assert room.leave(A, NOW) == []
    assert room.set_claims(A, claims(), NOW) == []
    assert room.caught_up(A) == []
    assert room.peer_update(words(8, 0, "z"), scan_update(words(8, 0, "z"))) == []
    with pytest.raises(RoomUnavailable):
        join(room, C)
    with pytest.raises(RoomUnavailable):
        room.admit_server_edit(words(8, 0, "z"), scan_update(words(8, 0, "z")))


def test_a_full_room_takes_nobody_more() -> None:
    """LIM-5: Neither while loading nor later; whoever leaves makes room."""
    room = Room(NAME, RoomLimits(sessions_max=2))
    join(room, A)
    join(room, B)
    with pytest.raises(LimitExceeded) as full:
        join(room, C)
    assert full.value.limit == "sessions_per_room_max"
    room.loaded()
    with pytest.raises(LimitExceeded):
        room.check_join()
    room.leave(A, NOW)
    assert sent(join(room, C), C) == [EMPTY_STEP_1]


def test_messages_of_whoever_is_not_here_are_nothing() -> None:
    """A message may still be on its way when its sender has been closed."""
    room = live_room()
    assert ask(room, A) == []
    assert edit(room, A, words(7, 0, "x")) == []
    assert room.set_claims(A, claims(), NOW) == []
    room.fell_behind(A, {})
    assert room.doc.state_vector() == wire.EMPTY_STATE_VECTOR


def test_steps_1_that_stay_unanswered_are_bounded() -> None:
    """LIM-11: A client that only asks is ended before it costs anything."""
    room = live_room()
    join(room, A, HP)
    for _ in range(STEPS_UNANSWERED_MAX):
        ask(room, A)
    with pytest.raises(LimitExceeded) as excess:
        ask(room, A)
    assert excess.value.limit == "steps_unanswered_max"


def test_an_edit_of_the_server_goes_to_all() -> None:
    """It is stored like any other, and nobody is owed anything for it."""
    room = live_room()
    settled(room, A)
    update = words(7, 0, "abc")
    admitted = room.admit_server_edit(update, scan_update(update))
    effects = room.apply(admitted)
    assert broadcast(effects) == [(Told("update", update), None)]
    assert stored(effects) == [(update, 1)]
    assert room.appended(1) == []
    again = room.admit_server_edit(update, scan_update(update))
    assert room.apply(again) == []


# New claims ---------------------------------------------------------------------------------


def test_a_demoted_editor_becomes_a_reader_in_place() -> None:
    """ACC-12: It stays, is told, and keeps hearing; its edits are refused from here on."""
    room = live_room()
    settled(room, A, HP)
    settled(room, B)
    effects = room.set_claims(A, claims("u-a", Role.VIEWER), NOW)
    assert sent(effects, A) == [Told("authenticated", "readonly")]
    assert closed(effects) == []
    assert refused(edit(room, A, words(7, 0, "x"))) == [(A, "edit")]
    assert broadcast(edit(room, B, words(8, 0, "y"))) == [(Told("update", words(8, 0, "y")), B)]


def test_what_was_accepted_before_is_still_acknowledged() -> None:
    """A new role does not reach back."""
    room = live_room()
    settled(room, A, HP)
    edit(room, A, words(7, 0, "x"))
    room.set_claims(A, claims("u-a", Role.VIEWER), NOW)
    assert sent(room.appended(1), A) == [Told("saved")]


def test_the_same_role_again_changes_nothing() -> None:
    """A refreshed token is no event."""
    room = live_room()
    settled(room, A, HP)
    assert room.set_claims(A, claims("u-a", Role.OWNER), NOW) == []


def test_whoever_may_no_longer_join_is_closed() -> None:
    """ACC-14: With 4403, and what it showed is withdrawn."""
    room = live_room()
    settled(room, A, client_id=7)
    nothing = claims("u-a")
    nothing = type(nothing)(nothing.subject, nothing.display_name, ())
    effects = room.set_claims(A, nothing, NOW)
    assert closed(effects) == [(A, 4403)]
    assert announced(effects) == [State(7, 2, None)]
    assert A not in room.sessions


@pytest.mark.parametrize("wire_spoken", [Y, HP])
def test_a_promoted_reader_is_asked_for_what_was_refused(wire_spoken: object) -> None:
    """ACK-15: The edits that it made as a reader are still with the client."""
    room = live_room()
    join(room, A, wire_spoken, role=Role.VIEWER)  # type: ignore[arg-type]
    if wire_spoken is HP:
        ask(room, A)
        answer(room, A)
    edit(room, A, words(7, 0, "x"))
    effects = room.set_claims(A, claims("u-a"), NOW)
    told = [Told("authenticated", "read-write")] if wire_spoken is HP else []
    assert sent(effects, A) == [*told, EMPTY_STEP_1]
    assert stored(answer(room, A, words(7, 0, "x"))) == [(words(7, 0, "x"), 1)]


def test_promoting_somebody_who_never_answers_asks_nothing_more() -> None:
    """A review of many sessions must not stop at one of them."""
    room = live_room()
    join(room, A, HP, role=Role.VIEWER)
    for _ in range(STEPS_UNANSWERED_MAX):
        ask(room, A)
    effects = room.set_claims(A, claims("u-a"), NOW)
    assert sent(effects, A) == [Told("authenticated", "read-write")]
