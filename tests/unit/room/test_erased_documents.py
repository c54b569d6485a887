"""Who still holds a document of before an erasure must load it afresh."""

from __future__ import annotations

import pytest
from pycrdt import Doc, Text

from collab.errors import StateConflict
from collab.history.retired import RetiredClients, unused_client
from collab.ids import SessionId
from collab.protocol.close_codes import CloseCode
from collab.protocol.state_vector import encode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.effects import Close, Effect, Refused
from collab.room.room import Room, RoomLimits
from collab.room.session import Wire
from tests.unit.room.building import HP, NAME, A, B, Y, answer, ask, edit, join, live_room

OLD, NEW = 7, 8


def erased_room() -> Room:
    """A room whose document was erased: client 7 is retired."""
    room = Room(NAME, RoomLimits())
    room.loaded(RetiredClients([OLD]))
    return room


def typed(client: int, text: str, base: bytes = b"") -> bytes:
    """An update that appends to a text."""
    doc: Doc[Text] = Doc(client_id=client)
    if base:
        doc.apply_update(base)
    before = doc.get_state()
    shared = doc.get("text", type=Text)
    shared += text
    return doc.get_update(before)


def deleting(base: bytes, client: int = NEW) -> bytes:
    """An update that only deletes what another one wrote."""
    doc: Doc[Text] = Doc(client_id=client)
    doc.apply_update(base)
    before = doc.get_state()
    doc.get("text", type=Text).clear()
    return doc.get_update(before)


def is_sent_to_reload(room: Room, session: SessionId, effects: list[Effect]) -> bool:
    """Whether that, and nothing else, came of a message."""
    return (
        effects == [Refused(session, "retired"), Close(session, CloseCode.RELOAD)]
        and session not in room.sessions
        and room.last_ticket == 0
        and room.doc.full_update() == Room(NAME, RoomLimits()).doc.full_update()
    )


@pytest.mark.parametrize("wire", [Y, HP])
def test_a_state_vector_with_a_retired_client_id_is_not_answered(wire: Wire) -> None:
    """ERA-2."""
    room = erased_room()
    join(room, A, wire)
    join(room, B, wire)
    assert is_sent_to_reload(room, A, ask(room, A, encode_state_vector({NEW: 3, OLD: 1})))
    assert B in room.sessions


OF_OLD = typed(OLD, "old")
STALE = {
    "structs": OF_OLD,
    "structs that build on it": typed(NEW, "!", OF_OLD),
    "deletions": deleting(OF_OLD),
}


@pytest.mark.parametrize("kind", STALE)
@pytest.mark.parametrize("wire", [Y, HP])
def test_updates_of_a_retired_client_id_are_neither_applied_nor_passed_on(
    wire: Wire, kind: str
) -> None:
    """ERA-2: As an update, as an answer to our step 1, and through the API."""
    for send in (edit, answer):
        room = erased_room()
        join(room, A, wire)
        join(room, B, wire)
        assert is_sent_to_reload(room, A, send(room, A, STALE[kind]))
    room = erased_room()
    with pytest.raises(StateConflict, match="load it afresh"):
        room.admit_server_edit(STALE[kind], scan_update(STALE[kind]))


@pytest.mark.parametrize("wire", [Y, HP])
def test_fresh_clients_are_served_in_an_erased_room(wire: Wire) -> None:
    """ERA-9."""
    room = erased_room()
    join(room, A, wire)
    ask(room, A)
    answer(room, A)
    edit(room, A, typed(NEW, "new"))
    assert A in room.sessions
    assert room.last_ticket == 1
    assert not any(isinstance(each, Close) for each in ask(room, A, encode_state_vector({NEW: 3})))


def test_a_room_that_was_never_erased_knows_no_retired_ids() -> None:
    """ERA-8."""
    room = live_room()
    assert room.retired is None
    join(room, A)
    edit(room, A, OF_OLD)
    assert room.last_ticket == 1


def test_a_client_id_is_drawn_again_for_as_long_as_somebody_has_used_it() -> None:
    """ERA-1: The new author is nobody who wrote before."""
    drawn = iter([7, 8, 7, 9])
    assert unused_client(lambda _: next(drawn), RetiredClients([7]), {8}) == 9
