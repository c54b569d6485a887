"""How much a room holds, tried at the edge of each limit."""

import pytest

from collab.errors import LimitExceeded
from collab.protocol.update_scan import scan_update
from collab.room.room import Admitted, RoomLimits
from tests.support.updates import Block, text, update
from tests.unit.room.building import A, deletion, edit, live_room, settled, stored, words


def sized(client: int, size: int) -> bytes:
    """An update of so many bytes."""
    return next(
        whole for length in range(size) if len(whole := words(client, 0, "x" * length)) == size
    )


def test_a_document_may_have_exactly_its_limit() -> None:
    """LIM-12: One byte more is refused, and the document is as it was."""
    room = live_room(RoomLimits(document_bytes_max=500))
    settled(room, A)
    assert stored(edit(room, A, sized(7, 500))) == [(sized(7, 500), 1)]
    with pytest.raises(LimitExceeded):
        edit(room, A, words(8, 0, "x"))
    assert room.last_ticket == 1
    room = live_room(RoomLimits(document_bytes_max=500))
    settled(room, A)
    with pytest.raises(LimitExceeded) as excess:
        edit(room, A, sized(7, 501))
    assert excess.value.limit == "document_bytes_max"
    assert room.last_ticket == 0


def test_what_was_deleted_makes_room() -> None:
    """The size is measured before an edit is refused; an estimate that only grows is no reason."""
    room = live_room(RoomLimits(document_bytes_max=500))
    settled(room, A)
    edit(room, A, sized(7, 480))
    edit(room, A, deletion(7, 0, 460))
    assert len(stored(edit(room, A, sized(8, 400)))) == 1


def test_deleting_is_possible_in_a_nearly_full_document() -> None:
    """Else nobody could make room."""
    room = live_room(RoomLimits(document_bytes_max=500))
    settled(room, A)
    edit(room, A, sized(7, 490))
    assert len(stored(edit(room, A, deletion(7, 0, 100)))) == 1


def test_an_edit_of_the_server_is_bounded_too() -> None:
    """The same document, the same limit."""
    room = live_room(RoomLimits(document_bytes_max=500))
    fits = sized(7, 500)
    assert isinstance(room.admit_server_edit(fits, scan_update(fits)), Admitted)
    update = sized(7, 501)
    with pytest.raises(LimitExceeded):
        room.admit_server_edit(update, scan_update(update))


def test_a_document_has_a_bounded_number_of_writers() -> None:
    """LIM-12: Whoever joins sends a clock for each of them."""
    room = live_room(RoomLimits(document_clients_max=3))
    settled(room, A)
    three = update([Block(client, 0, [text("x")]) for client in (10, 11, 12)])
    edit(room, A, three)
    with pytest.raises(LimitExceeded) as excess:
        edit(room, A, words(13, 0, "x"))
    assert excess.value.limit == "document_clients_max"
    assert len(stored(edit(room, A, words(11, 1, "y", origin=True)))) == 1


def test_ids_that_something_waits_for_count_as_writers() -> None:
    """They may all come in at once."""
    room = live_room(RoomLimits(document_clients_max=3))
    settled(room, A)
    for client in (10, 11, 12):
        edit(room, A, words(client, 1, "x", origin=True))
    with pytest.raises(LimitExceeded):
        edit(room, A, words(13, 0, "x"))
    assert len(stored(edit(room, A, words(10, 0, "x")))) == 1
