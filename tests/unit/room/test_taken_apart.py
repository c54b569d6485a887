"""What is taken apart is applied, stored and told in one and the same form."""

from collections.abc import Generator

import pytest

from collab.errors import LimitExceeded
from collab.limits import TAKEN_APART_FACTOR_MAX
from collab.protocol.messages import SyncUpdate
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc
from collab.room.effects import Effect
from collab.room.room import Admitted, RoomLimits
from tests.unit.protocol.building import NULL, block, deleted, deletes, shared, values
from tests.unit.protocol.building import update as made
from tests.unit.room.building import (
    NOW,
    A,
    B,
    Told,
    ask,
    broadcast,
    edit,
    live_room,
    sent,
    settled,
    stored,
)

X = b"\x77\x01x"
MAP = made(block(6, 0, shared(1, sub="m")))
WRITER = 2**53 - 1
WORST = made(block(WRITER, 0, *[values(NULL, NULL, parent=(6, 0), sub="") for _ in range(1_000)]))
KEPT = made(block(5, 0, values(NULL, NULL, X, parent=(6, 0), sub="k")))


def cut(update: bytes) -> bytes:
    """An update of values kept for undo as it is taken."""
    doc = RoomDoc()
    doc.apply(MAP, scan_update(MAP))
    taken = doc.apply(update, scan_update(update)).update
    assert len(scan_update(taken).index.ends) == 1
    assert scan_update(taken).struct_count == 2
    return taken


def loaded(*rows: bytes) -> RoomDoc:
    """A document read back from what was stored."""
    doc = RoomDoc()
    for row in rows:
        doc.apply(row, scan_update(row, stored=True), stored=True)
    return doc


def test_others_are_told_what_is_stored_and_the_sender_what_it_sent() -> None:
    """SCAN-17: A y-websocket client knows its update again by its bytes."""
    room = live_room()
    settled(room, A)
    settled(room, B)
    edit(room, A, MAP)
    effects = edit(room, A, KEPT)
    assert stored(effects) == [(cut(KEPT), 2)]
    assert broadcast(effects) == [(Told("update", cut(KEPT)), A)]
    assert sent(room.appended(2), A) == [Told("update", MAP), Told("update", KEPT)]
    assert sent(ask(room, B), B)[-1].payload == loaded(MAP, cut(KEPT)).full_update()


def test_a_large_one_is_taken_apart_in_steps() -> None:
    """SCAN-17: And is told and stored in that form once it is whole."""
    room = live_room()
    settled(room, A)
    edit(room, A, MAP)
    rows = [values(*[X] * 500, parent=(6, 0), sub=f"k{number}") for number in range(50)]
    large = made(block(5, 0, *rows))
    admitted = room.admit(A, SyncUpdate(large), scan_update(large), NOW)
    assert isinstance(admitted, Admitted)
    effects: list[Effect] = []

    def work() -> Generator[None]:
        effects.extend((yield from room.apply_in_steps(admitted)))

    for _ in work():
        assert dict(room.doc.clocks) == {6: 1}
    ((row, _),) = stored(effects)
    assert broadcast(effects) == [(Told("update", row), A)]
    assert scan_update(row).struct_count == 100
    assert len(row) < len(large) // 10
    assert dict(room.doc.clocks) == {6: 1, 5: 25_000}


def test_what_lacks_its_map_waits_as_it_came() -> None:
    """SCAN-17: Under which key it goes is not known before; then it is taken apart."""
    room = live_room()
    settled(room, A)
    assert stored(edit(room, A, KEPT)) == [(KEPT, 1)]
    effects = edit(room, A, MAP)
    assert stored(effects) == [(MAP, 2)]
    ((told, _),) = broadcast(effects)
    assert isinstance(told.payload, bytes)
    assert [tuple(span) for span in scan_update(told.payload).deletes] == [(5, 0, 2)]
    assert loaded(KEPT, MAP).full_update() == room.doc.full_update()
    assert loaded(MAP, KEPT).full_update() == room.doc.full_update()


def test_the_form_that_is_stored_must_have_room() -> None:
    """LIM-12: Refused at once and in steps; what another writer has stored is taken."""
    limits = RoomLimits(document_bytes_max=len(MAP) + len(WORST) + 100)
    for in_steps in (False, True):
        room = live_room(limits)
        settled(room, A)
        edit(room, A, MAP)
        admitted = room.admit(A, SyncUpdate(WORST), scan_update(WORST), NOW)
        assert isinstance(admitted, Admitted)
        with pytest.raises(LimitExceeded) as excess:
            _ = list(room.apply_in_steps(admitted)) if in_steps else room.apply(admitted)
        assert excess.value.limit == "document_bytes_max"
        assert (room.last_ticket, dict(room.doc.clocks)) == (1, {6: 1})
        assert broadcast(room.peer_update(WORST, scan_update(WORST, stored=True)))
        assert dict(room.doc.clocks) == {6: 1, WRITER: 2_000}


def test_a_form_is_at_most_so_many_times_as_large() -> None:
    """SCAN-17: Of pairs of short values each becomes two structs, the second with a long id."""
    doc = RoomDoc()
    doc.apply(MAP, scan_update(MAP))
    form = doc.apply(WORST, scan_update(WORST)).update
    assert 2 < len(form) / len(WORST) < TAKEN_APART_FACTOR_MAX


def test_what_a_peer_stored_whole_is_told_taken_apart() -> None:
    """SCAN-17: As one of another version may have."""
    room = live_room()
    settled(room, A)
    edit(room, A, MAP)
    assert broadcast(room.peer_update(KEPT, scan_update(KEPT, stored=True))) == [
        (Told("update", cut(KEPT)), None)
    ]


def test_a_rest_goes_with_the_map_in_which_its_known_part_lies() -> None:
    """SCAN-18: Whatever map it names; when that one is deleted nothing is left behind, alive."""
    maps = [shared(1, sub="m"), *(shared(1, parent=(6, at), sub="k") for at in (0, 1))]
    room = live_room()
    settled(room, A)
    edit(room, A, made(block(6, 0, *maps)))
    # Its first clock is the innermost map; it says that it stands beside the one around that.
    edit(room, A, made(block(6, 2, deleted(3, parent=(6, 0), sub="k"))))
    edit(room, A, made(delete_set=deletes({6: [(0, 1)]})))
    whole = scan_update(room.doc.full_update())
    assert [tuple(span) for span in whole.deletes] == [(6, 0, 5)]
