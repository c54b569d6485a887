"""What the Python client says on a connection, and what it takes for saved."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc, Map

from bandpro_client.exchange import Exchange, StartOver
from bandpro_client.presence import Presence
from bandpro_client.replica import Replica
from collab.errors import ProtocolError
from collab.score.schema import FACETS
from tests.support import wire

MARK = wire.sync(wire.UPDATE, wire.EMPTY_UPDATE)
NOTHING = wire.sync(wire.STEP_2, wire.EMPTY_UPDATE)
QUESTION = wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR)
DENIED = bytes([wire.AUTH, 0]) + wire.string("read-only")


def replica() -> Replica:
    return Replica(lambda: None, lambda: None)


def exchange(about: Replica) -> Exchange:
    return Exchange(about, Presence(about.doc.client_id))


def put(about: Replica, key: str, value: object) -> bytes:
    """Set an entry as one edit; the update that it is."""
    before = about.doc.get_state()
    about.doc.get("meta", type=Map)[key] = value
    return about.doc.get_update(before)


def live(about: Replica) -> Exchange:
    """One that is in step with an empty room, as an editor."""
    talk = exchange(about)
    talk.take()
    talk.receive(QUESTION + NOTHING)
    talk.take()
    return talk


def content(update: bytes) -> dict[str, object]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return dict(doc.get("meta", type=Map).to_py() or {})


def test_an_edit_is_saved_when_the_mark_behind_it_comes_back() -> None:
    """PYC-2: Neither its own bytes nor those of another client tell that."""
    about = replica()
    talk = live(about)
    put(about, "title", "Winterreise")
    update, mark = talk.take()
    assert mark == MARK
    talk.receive(update)
    assert (about.edits, about.unsaved) == (1, 1)
    talk.receive(MARK)
    assert about.unsaved == 0


def test_the_same_deletion_of_somebody_else_saves_nothing() -> None:
    """PYC-2: It has the same bytes, and is passed on before it is durable."""
    about = replica()
    talk = live(about)
    put(about, "title", "Winterreise")
    talk.take()
    talk.receive(MARK)
    del about.doc.get("meta", type=Map)["title"]
    deletion, mark = talk.take()
    assert mark == MARK
    talk.receive(deletion)
    assert about.unsaved == 1


def test_one_mark_is_under_way_at_a_time() -> None:
    """PYC-2: What was edited behind it is saved by the next."""
    about = replica()
    talk = live(about)
    put(about, "a", 1)
    assert talk.take()[1:] == [MARK]
    put(about, "b", 2)
    assert MARK not in talk.take()
    talk.receive(MARK)
    assert about.unsaved == 1
    assert talk.take() == [MARK]
    talk.receive(MARK)
    assert (about.unsaved, talk.take()) == (0, [])


def test_nothing_of_the_document_leaves_before_the_server_knows_it() -> None:
    """PYC-5: The question may come from a room that was begun anew; its answer says so, or 4410."""
    about = replica()
    put(about, "title", "of the old document")
    talk = exchange(about)
    talk.receive(QUESTION)
    put(about, "subtitle", "edited meanwhile")
    one_clock = wire.uint(1) + wire.uint(about.doc.client_id) + wire.uint(1)
    assert talk.take() == [wire.sync(wire.STEP_1, one_clock)]
    talk.receive(NOTHING)
    answer, mark = talk.take()
    assert b"of the old document" in answer
    assert b"edited meanwhile" in answer
    assert mark == MARK


def test_what_was_offline_is_saved_by_the_mark_behind_the_answer() -> None:
    """PYC-3: A step 2 is not given back, a mark is; another connection's marks say nothing."""
    about = replica()
    first = live(about)
    put(about, "a", 1)
    first.take()
    about.disconnected()
    put(about, "b", 2)
    second = exchange(about)
    second.take()
    second.receive(QUESTION + NOTHING)
    answer, mark = second.take()
    assert content(wire.Reader(answer[2:]).blob()) == {"a": 1, "b": 2}
    assert (mark, about.unsaved) == (MARK, 2)
    second.receive(MARK)
    assert about.unsaved == 0


def test_a_mark_of_before_a_refusal_says_nothing() -> None:
    """PYC-7: Refused edits stay unsaved; whoever may edit again begins afresh."""
    about = replica()
    talk = live(about)
    put(about, "a", 1)
    talk.take()
    put(about, "b", 2)
    talk.take()
    talk.receive(DENIED)
    talk.receive(MARK)
    assert (talk.may_edit, about.unsaved) == (False, 2)
    put(about, "c", 3)
    assert talk.take() == []
    with pytest.raises(StartOver):
        talk.receive(QUESTION)


def test_edits_that_nobody_takes_are_not_put_aside_without_bound() -> None:
    """PYC-9: Beyond a mebibyte the server is told all at once what it lacks."""
    about = replica()
    talk = live(about)
    for number in range(40):
        put(about, f"k{number % 2}", "x" * 50_000 + str(number))
    assert about._unsent == []
    answer, mark = talk.take()
    assert answer.startswith(bytes([wire.SYNC, wire.STEP_2]))
    assert mark == MARK
    assert content(wire.Reader(answer[2:]).blob()) == {
        "k0": "x" * 50_000 + "38",
        "k1": "x" * 50_000 + "39",
    }
    put(about, "k2", "small")
    assert talk.take()[0].startswith(bytes([wire.SYNC, wire.UPDATE]))


def test_edits_that_wait_together_are_one_frame() -> None:
    """PYC-9: However fast somebody edits, the rate of messages stays that of the connection."""
    about = replica()
    talk = live(about)
    for number in range(500):
        put(about, f"k{number}", number)
    update, mark = talk.take()
    assert len(content(wire.Reader(update[2:]).blob())) == 500
    assert mark == MARK


@pytest.mark.parametrize(
    "frame",
    [b"\x09", b"\x00\x07\x00", b"\x00\x02\xff", bytes([wire.AUTH, 2]), QUESTION * 200],
)
def test_what_is_no_message_ends_the_connection(frame: bytes) -> None:
    """PYC-9: And so does a server that asks without end."""
    with pytest.raises(ProtocolError):
        live(replica()).receive(frame)


def test_updates_that_come_before_the_answer_are_taken_with_it() -> None:
    """PYC-1: The library would show a part of them, or none."""
    other: Doc[Any] = Doc()
    entries = other.get("meta", type=Map)
    updates = []
    for number in range(3):
        before = other.get_state()
        entries["title"] = number
        updates.append(other.get_update(before))
    about = replica()
    talk = exchange(about)
    talk.receive(wire.sync(wire.UPDATE, updates[2]))
    assert (talk.is_synced, about.doc.get_state()) == (False, wire.EMPTY_STATE_VECTOR)
    talk.receive(wire.sync(wire.STEP_2, updates[0]) + wire.sync(wire.UPDATE, updates[1]))
    assert about.facets()["meta"] == {"title": 2}
    assert about.edits == 0


def test_facets_follow_the_document_whoever_changes_it() -> None:
    """PYC-1: Entry by entry; also what is no plain value, and what is changed inside of it."""
    about = replica()
    talk = live(about)
    facets = about.facets()
    other: Doc[Any] = Doc()
    for key, value in (("a", {"x": [1, None]}), ("b", True), ("c", Map({"deep": 1}))):
        other.get("ev", type=Map)[key] = value
    talk.receive(wire.sync(wire.UPDATE, other.get_update()))
    put(about, "title", "Winterreise")
    assert facets["meta"] == {"title": "Winterreise"}
    before = other.get_state()
    with other.transaction():
        del other.get("ev", type=Map)["a"]
        other.get("ev", type=Map)["b"] = "again"
        other.get("ev", type=Map)["c"]["deep"] = 2
    talk.receive(wire.sync(wire.UPDATE, other.get_update(before)))
    assert about.facets()["ev"] == {"b": "again", "c": {"deep": 2}}
    assert about.facets() == {name: about.doc.get(name, type=Map).to_py() or {} for name in FACETS}
    other.get("ev", type=Map)["c"] = "plain"
    talk.receive(wire.sync(wire.UPDATE, other.get_update(before)))
    assert facets["ev"] == {"b": "again", "c": "plain"}
