"""A session that cannot keep up is told what it missed, once it can, and misses nothing."""

import pytest
from pycrdt import Doc, Text

from collab.ids import Milliseconds
from collab.protocol.messages import AwarenessEntry
from collab.room.effects import Announce, Broadcast, Effect
from collab.room.room import Room
from collab.room.session import Wire
from tests.support.wire import State
from tests.unit.room.building import (
    HP,
    NOW,
    A,
    B,
    C,
    Y,
    ask,
    deletion,
    edit,
    live_room,
    sent,
    settled,
    show,
    shown,
    words,
)


def refuse(room: Room, effects: list[Effect]) -> None:
    """Session B's outbox takes none of these broadcasts."""
    for effect in effects:
        if isinstance(effect, Broadcast) and effect.skip != B:
            room.fell_behind(B, effect.rewind)
        if isinstance(effect, Announce):
            room.fell_behind(B, {})


def text_after(*updates: object) -> str:
    """What a replica shows after these updates."""
    doc: Doc[Text] = Doc()
    for row in updates:
        doc.apply_update(row)  # type: ignore[arg-type]
    return str(doc.get("text", type=Text))


def test_all_that_was_missed_comes_in_one_update() -> None:
    """SYNC-18: From the clocks before the first broadcast that was refused."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    got = words(7, 0, "got ")
    edit(room, A, got)
    refuse(room, edit(room, A, words(7, 4, "missed ", origin=True)))
    refuse(room, edit(room, A, words(7, 11, "too", origin=True)))
    (caught_up,) = sent(room.caught_up(B), B)
    assert caught_up.what == "update"
    assert text_after(got, caught_up.payload) == "got missed too"
    assert room.caught_up(B) == []


def test_missed_deletions_come_too() -> None:
    """They are part of every difference."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    got = words(7, 0, "abc")
    edit(room, A, got)
    refuse(room, edit(room, A, deletion(7, 1, 1)))
    (caught_up,) = sent(room.caught_up(B), B)
    assert text_after(got, caught_up.payload) == "ac"


def test_what_was_released_by_a_missed_update_comes_too() -> None:
    """It was in the same broadcast."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    edit(room, A, words(7, 1, "b", origin=True))
    refuse(room, edit(room, A, words(7, 0, "a")))
    (caught_up,) = sent(room.caught_up(B), B)
    assert text_after(caught_up.payload) == "ab"


def test_missed_states_come_as_they_are_now() -> None:
    """SYNC-18: The newest ones, and withdrawals: else somebody who left would be shown for ever."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B, client_id=9)
    refuse(room, show(room, A, AwarenessEntry(7, 2, '{"n":2}')))
    refuse(room, show(room, A, AwarenessEntry(7, 3, '{"n":3}')))
    states = sent(room.caught_up(B), B)[1].payload
    user = {"user": {"id": "u-a", "name": "U-A"}}
    assert State(7, 3, {"n": 3, **user}) in states  # type: ignore[operator]
    refuse(room, room.leave(A, NOW))
    states = sent(room.caught_up(B), B)[1].payload
    assert State(7, 4, None) in states  # type: ignore[operator]


def test_a_step_1_catches_up_as_well() -> None:
    """The answer starts from what the client says it has."""
    room = live_room()
    settled(room, A)
    settled(room, B, HP)
    refuse(room, edit(room, A, words(7, 0, "missed")))
    step_2 = sent(ask(room, B), B)[1]
    assert text_after(step_2.payload) == "missed"
    assert room.caught_up(B) == []


@pytest.mark.parametrize("on", [Y, HP])
def test_a_step_1_brings_the_missed_states_as_well(on: Wire) -> None:
    """SYNC-18: Nothing follows the answer, so that somebody who left would be shown on."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B, on, client_id=9)
    settled(room, C, client_id=11)
    refuse(room, show(room, C, AwarenessEntry(11, 2, '{"n":2}')))
    refuse(room, room.leave(A, NOW))
    told = sent(ask(room, B), B)
    changed = {"n": 2, "user": {"id": "u-c", "name": "U-C"}}
    assert told[-2].what == "step 2"
    assert told[-1].payload == [State(7, 2, None), State(11, 2, changed)]
    assert room.caught_up(B) == []
    assert sent(ask(room, B), B)[-1].what == "step 2"


def test_states_that_are_missed_after_a_step_1_come_once_there_is_room() -> None:
    """SYNC-18: The answer is another thing to read for a client that is slow."""
    room = live_room()
    settled(room, A, client_id=7)
    settled(room, B)
    refuse(room, show(room, A, AwarenessEntry(7, 2, "{}")))
    ask(room, B)
    refuse(room, room.leave(A, NOW))
    assert sent(room.caught_up(B), B)[1].payload == [State(7, 3, None)]


def test_acknowledgements_do_not_wait_for_catching_up() -> None:
    """They are direct messages, which always fit."""
    room = live_room()
    settled(room, A)
    settled(room, B, HP)
    refuse(room, edit(room, A, words(7, 0, "missed")))
    edit(room, B, words(8, 0, "mine"))
    assert [told.what for told in sent(room.appended(2), B)] == ["saved"]


def test_whoever_keeps_up_has_nothing_to_catch_up_with() -> None:
    """And whoever is not here neither."""
    room = live_room()
    settled(room, B)
    assert room.caught_up(B) == []
    assert room.caught_up(A) == []


def test_an_expiry_that_was_missed_is_told() -> None:
    """Expired states are withdrawn like any other."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    shown(room, A, 7)
    refuse(room, room.tick(Milliseconds(NOW + 30_000)))
    states = sent(room.caught_up(B), B)[1].payload
    assert states == [State(7, 2, None)]
