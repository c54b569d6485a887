"""Newcomers to a large document: everybody gets the same bytes, and misses nothing."""

from pycrdt import Doc, Text

from collab.protocol.update_scan import scan_update
from collab.room.effects import Send
from collab.room.encoded_state import EncodedState
from collab.room.room import Room
from tests.support import wire
from tests.unit.room.building import (
    HP,
    A,
    B,
    C,
    Told,
    ask,
    deletion,
    edit,
    join,
    live_room,
    sent,
    settled,
    words,
)

LETTERS = 400_000
LARGE = words(7, 0, "x" * LETTERS)


def large_room() -> Room:
    """A live room with a large document that A has written."""
    room = live_room()
    settled(room, A)
    edit(room, A, LARGE)
    return room


def replica(messages: list[Told]) -> Doc[Text]:
    """A replica given these messages, in order; it refuses what leaves anything pending."""
    doc: Doc[Text] = Doc()
    for message in messages:
        assert message.what in {"update", "step 2"}
        assert isinstance(message.payload, bytes)
        clocks = dict(scanned_clocks(doc))
        assert scan_update(message.payload).integrates(clocks)
        doc.apply_update(message.payload)
    return doc


def scanned_clocks(doc: Doc[Text]) -> list[tuple[int, int]]:
    """A replica's state vector."""
    reader = wire.Reader(doc.get_state())
    return [(reader.uint(), reader.uint()) for _ in range(reader.uint())]


def shown_by(messages: list[Told]) -> str:
    """The text of a replica given these messages."""
    return str(replica(messages).get("text", type=Text))


def test_step_2_comes_behind_the_document_and_all_edits_since_it_was_encoded() -> None:
    """SYNC-22: So a client that says "synced" shows the last edit as well."""
    room = large_room()
    join(room, B)
    ask(room, B)
    edit(room, A, words(7, LETTERS, "one", origin=True))
    edit(room, A, words(7, LETTERS + 3, " two", origin=True))
    edit(room, A, deletion(7, LETTERS, 1))
    join(room, C)
    told = sent(ask(room, C), C)
    assert [message.what for message in told] == ["update", "step 2"]
    assert shown_by(told) == "x" * LETTERS + "ne two"


def test_an_edit_does_not_make_a_large_document_be_encoded_again() -> None:
    """SYNC-22: All who join are sent the same bytes, one object however many they are."""
    room = large_room()
    bodies = []
    for session in (B, C):
        join(room, session, HP)
        bodies.append([e.body for e in ask(room, session) if isinstance(e, Send)])
        edit(room, A, words(7, LETTERS + len(bodies) - 1, "!", origin=True))
    (first,) = (body for body in bodies[0] if len(body) > LETTERS)
    (second,) = (body for body in bodies[1] if len(body) > LETTERS)
    assert first is second


def test_a_small_document_comes_in_one_step_2() -> None:
    """However much was edited since the last one joined."""
    room = live_room()
    settled(room, A)
    edit(room, A, words(7, 0, "ab"))
    for number, session in enumerate((B, C)):
        join(room, session)
        (told,) = sent(ask(room, session), session)
        assert told.what == "step 2"
        assert shown_by([told]) == "ab" + "!" * number
        edit(room, A, words(7, 2 + number, "!", origin=True))


def test_edits_that_outgrow_the_encoded_document_make_it_be_encoded_anew() -> None:
    """Else newcomers would be sent ever more besides it."""
    room = large_room()
    join(room, B)
    ask(room, B)
    edit(room, A, words(7, LETTERS, "y" * 500_000, origin=True))
    join(room, C)
    told = sent(ask(room, C), C)
    payload = told[0].payload
    assert isinstance(payload, bytes)
    assert len(payload) > 900_000
    assert shown_by(told) == "x" * LETTERS + "y" * 500_000


def test_who_has_nearly_all_is_sent_the_rest_only() -> None:
    """A reconnect costs what was missed."""
    room = live_room()
    settled(room, A)
    edit(room, A, words(7, 0, "x" * 3_000_000))
    doc = replica(sent(ask(room, A), A))
    edit(room, A, words(7, 3_000_000, "!", origin=True))
    (told,) = sent(ask(room, A, doc.get_state()), A)
    assert isinstance(told.payload, bytes)
    assert len(told.payload) < 100
    doc.apply_update(told.payload)
    assert str(doc.get("text", type=Text)).endswith("x!")


def test_who_has_nothing_of_it_but_something_of_his_own_is_sent_the_shared_bytes() -> None:
    """Whoever wrote offline first lacks the document as much as anybody."""
    room = live_room()
    settled(room, A)
    edit(room, A, words(7, 0, "x" * 3_000_000))
    join(room, B)
    offline: Doc[Text] = Doc(client_id=99)
    offline.get("text", type=Text).insert(0, "mine")
    (theirs,) = (e.body for e in ask(room, A) if isinstance(e, Send) and len(e.body) > 100)
    (ours,) = (
        e.body
        for e in ask(room, B, offline.get_state())
        if isinstance(e, Send) and len(e.body) > 100
    )
    assert ours is theirs


def test_the_same_reconnect_is_answered_from_memory_until_the_next_edit() -> None:
    """And right after it as well."""
    room = live_room()
    settled(room, A)
    edit(room, A, words(7, 0, "ab"))
    doc = replica(sent(ask(room, A), A))
    state = doc.get_state()
    for suffix in ("", "c"):
        if suffix:
            edit(room, A, words(7, 2, suffix, origin=True))
        for _ in range(2):
            (told,) = sent(ask(room, A, state), A)
            copy: Doc[Text] = Doc()
            copy.apply_update(doc.get_update())
            assert isinstance(told.payload, bytes)
            copy.apply_update(told.payload)
            assert str(copy.get("text", type=Text)) == "ab" + suffix


def test_what_nobody_asks_for_is_forgotten_and_made_again() -> None:
    """An encoded document takes as much memory as the document."""
    room = large_room()
    join(room, B)
    ask(room, B)
    assert room.doc.answers.parts()
    room.doc.answers.forget_unused()
    assert room.doc.answers.parts()
    room.doc.answers.forget_unused()
    assert not room.doc.answers.parts()
    join(room, C)
    assert shown_by(sent(ask(room, C), C)) == "x" * LETTERS


def test_thousands_of_keystrokes_kept_beside_a_document_are_all_in_its_tail() -> None:
    document: Doc[Text] = Doc(client_id=7)
    text = document.get("text", type=Text)
    text += "begin "
    beside = EncodedState(document.get_update())
    typed: list[bytes] = []
    subscription = document.observe(lambda event: typed.append(event.update))
    for number in range(9_000):
        text += str(number % 10)
    document.unobserve(subscription)
    for update in typed:
        beside.note(update)
    tail = beside.tail()
    assert len(tail) < 10
    newcomer: Doc[Text] = Doc()
    for update in (beside.state, *tail):
        newcomer.apply_update(update)
    assert str(newcomer.get("text", type=Text)) == "begin " + "0123456789" * 900
