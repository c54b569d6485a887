"""Where somebody has written much, the CRDT library tidies up for many keystrokes at once."""

import pytest
from pycrdt import Doc, Text

from collab.errors import InvariantViolated
from collab.ids import SessionId
from collab.limits import PASSAGE_CLOCKS_MIN, TIDY_UPDATES_MAX
from collab.room.replica import Replica
from collab.room.room import Room
from tests.support.api import text_of
from tests.unit.room.building import A, broadcast, deletion, edit, live_room, settled, words
from tests.unit.rooms.rig import rig, typed

KEYS = 1000
WRITER = 7


class Ends:
    """Counts the transactions that the library ends and that changed something."""

    def __init__(self, replica: Replica) -> None:
        self.count = 0
        self._subscription = replica._doc.observe(self._note)

    def _note(self, event: object) -> None:
        self.count += 1


def room_with(letters: int) -> Room:
    """A room in which one writer has written so much, and at once."""
    room = live_room()
    settled(room, A)
    edit(room, A, words(WRITER, 0, "a" * letters))
    return room


def type_on(room: Room, begin: int, keys: int) -> None:
    """The writer types on behind that; each letter is told at once."""
    for clock in range(begin, begin + keys):
        assert len(broadcast(edit(room, A, words(WRITER, clock, "b", origin=True)))) == 1


def test_keystrokes_behind_a_long_passage_are_tidied_up_together() -> None:
    """LIM-25: The letters of the passage are counted again for each of these transactions."""
    room = room_with(PASSAGE_CLOCKS_MIN)
    ends = Ends(room.doc._doc)
    type_on(room, PASSAGE_CLOCKS_MIN, KEYS)
    assert ends.count == KEYS // TIDY_UPDATES_MAX


def test_all_that_was_taken_is_read_whether_tidied_up_or_not() -> None:
    """LIM-25: A reading ends what is under way; so does a deletion that comes in between."""
    room = room_with(PASSAGE_CLOCKS_MIN)
    ends = Ends(room.doc._doc)
    type_on(room, PASSAGE_CLOCKS_MIN, 3)
    assert ends.count == 0
    assert text_of(room.doc.full_update()) == "a" * PASSAGE_CLOCKS_MIN + "bbb"
    type_on(room, PASSAGE_CLOCKS_MIN + 3, 1)
    edit(room, A, deletion(WRITER, 1, PASSAGE_CLOCKS_MIN))
    assert text_of(room.doc.difference(b"\x00")) == "abbb"
    assert ends.count == 2


def test_the_keystrokes_of_short_passages_are_tidied_up_at_once() -> None:
    """LIM-25: Where it costs little, nothing is put off."""
    room = room_with(PASSAGE_CLOCKS_MIN // 2)
    ends = Ends(room.doc._doc)
    type_on(room, PASSAGE_CLOCKS_MIN // 2, 10)
    assert ends.count == 10


def test_what_the_library_refuses_is_refused_when_it_comes() -> None:
    """LIM-25: Only tidying up is put off: nothing is told or stored that was not integrated."""
    replica = Replica()
    replica.apply_update(words(WRITER, 0, "a" * 9), clock=PASSAGE_CLOCKS_MIN)
    with pytest.raises(InvariantViolated):
        replica.apply_update(b"\x01\x01", clock=PASSAGE_CLOCKS_MIN)
    assert text_of(replica.get_update()) == "a" * 9


async def test_what_was_put_off_is_done_when_the_room_is_quiet() -> None:
    """LIM-25: Within a second."""
    runner, _ = await rig(unload_after_ms=10**9).join("a")
    doc: Doc[Text] = Doc(client_id=WRITER)
    await runner.receive(SessionId("a"), typed(doc, "a" * PASSAGE_CLOCKS_MIN))
    ends = Ends(runner.room.doc._doc)
    await runner.receive(SessionId("a"), typed(doc, "b"))
    assert ends.count == 0
    runner.tick()
    assert ends.count == 1
