"""A process that may die: gives the CRDT library what the server would give it.

Reads cases from standard input and answers each with one line. A case is a row of updates: a
count, then each update behind its length, all as 4-byte integers. As in a room, an update that
does not integrate waits aside, and one that the document's shape forbids is dropped. Then a room's
document is given the same. The answer is ``ok``, or what went wrong.
"""

import sys
from typing import Any, BinaryIO

from pycrdt import Doc, get_state, get_update, merge_updates

from collab.errors import PeerError
from collab.protocol.document_shape import DocumentShape
from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.applied import finish
from collab.room.doc import RoomDoc


def _read_case(stream: BinaryIO) -> list[bytes] | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    count = int.from_bytes(head, "big")
    return [stream.read(int.from_bytes(stream.read(4), "big")) for _ in range(count)]


def _clocks(document: Doc[Any]) -> dict[int, int]:
    return decode_state_vector(document.get_state())


def _apply_as_a_room_does(document: Doc[Any], updates: list[bytes]) -> list[bytes]:
    """Apply all that integrates, in as many rounds as it takes; returns what goes to the log."""
    shape = DocumentShape()
    waiting = list(updates)
    applied: list[bytes] = []
    while ready := [u for u in waiting if scan_update(u).integrates(_clocks(document))]:
        update = ready[0]
        waiting.remove(update)
        try:
            taken = shape.admit(update, scan_update(update))
        except PeerError:
            continue
        # What is known already is cut off: the log must not hold two versions of one id.
        applied.append(get_update(taken, document.get_state()))
        document.apply_update(taken)
        clocks = _clocks(document)
        assert all(shape.end_of(client) == clock for client, clock in clocks.items())
    return applied


def _is_alike_when_loaded(updates: list[bytes]) -> bool:
    """Give a room's document the updates; whether what it would store makes the same again."""
    doc, again = RoomDoc(), RoomDoc()
    stored: list[bytes] = []
    for count, update in enumerate(updates):
        scanned = scan_update(update)
        try:
            if count % 2:
                stored.append(doc.apply(update, scanned).update)
            else:
                stored.append(finish(doc.apply_in_steps(update, scanned)).update)
        except PeerError:
            continue
    for row in stored:
        again.apply(row, scan_update(row, stored=True), stored=True)
    built: Doc[Any] = Doc()
    built.apply_update(doc.full_update())
    reached = {client: clock for client, clock in doc.clocks.items() if clock}
    return dict(again.clocks) == dict(doc.clocks) and _clocks(built) == reached


def _try(updates: list[bytes]) -> str:
    document: Doc[Any] = Doc()
    applied = _apply_as_a_room_does(document, updates)
    for update in updates:
        get_state(update)
        get_update(update, b"\x00")
    merge_updates(*updates, b"\x00\x00")
    whole = document.get_update()
    scan_update(whole)
    scan_update(document.get_update(document.get_state()))
    for stored in (whole, merge_updates(*applied, b"\x00\x00")):
        again: Doc[Any] = Doc()
        again.apply_update(stored)
        if _clocks(again) != _clocks(document):
            return "a reloaded document has other clocks"
    return "ok" if _is_alike_when_loaded(updates) else "a reloaded room has other clocks"


def _main() -> None:
    while (updates := _read_case(sys.stdin.buffer)) is not None:
        try:
            answer = _try(updates)
        except BaseException as error:  # noqa: BLE001 -- the library's panics are no Exceptions
            answer = f"{type(error).__name__}: {error}".replace("\n", " ")
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
