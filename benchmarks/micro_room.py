"""What a keystroke and a move cost inside the room: ``python -m benchmarks.micro_room``.

From the decoded message to the effects that a runner carries out, without sockets and without the
store, for the edits that people make most. Each stage is timed on its own, over the same recorded
updates and a fresh room each; the best of several runs is told, for the others only measure what
else the machine did. "apply (yrs)" is the CRDT library alone: the floor. The moves are those of a
cursor of somebody who came back, whom the others know by a higher clock from then on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pycrdt import Doc, Map, Text, TransactionEvent

from collab.access import Claims, Grant, Role
from collab.ids import Milliseconds, RoomName, SessionId, Subject
from collab.protocol import y_sync
from collab.protocol.document_shape import DocumentShape
from collab.protocol.messages import AwarenessEntry, AwarenessUpdate, SyncStep2, SyncUpdate
from collab.protocol.update_scan import ScannedUpdate, scan_update
from collab.room.doc import RoomDoc
from collab.room.room import Admitted, Room, RoomLimits
from collab.room.session import Session, Wire

EDITS = 20_000
MOVES = 100
CROWDS = (20, 200, 2_000)  # sessions in the room, of which a quarter show something
NOW = Milliseconds(0)
SENDER = SessionId("sender")
Stage = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Workload:
    """Recorded updates, and the document they apply to.

    Attributes:
        name: what is edited.
        base: the document before, as one update.
        updates: in the order in which they were made.
    """

    name: str
    base: bytes
    updates: list[bytes]


def typing(count: int, base_letters: int) -> Workload:
    """Letters typed one after another at the end of a text."""
    doc: Doc[Any] = Doc(client_id=1_000_001)
    text: Text = doc.get("text", type=Text)
    if base_letters:
        text.insert(0, "x" * base_letters)
    base = doc.get_update()
    return Workload(
        f"typing behind {base_letters} letters", base, recorded(doc, count, _type(text))
    )


def erasing(count: int) -> Workload:
    """Letters deleted one after another from the end of a text."""
    doc: Doc[Any] = Doc(client_id=1_000_001)
    text: Text = doc.get("text", type=Text)
    text.insert(0, "x" * count)
    base = doc.get_update()

    def erase(_: int) -> None:
        length = len(text)
        del text[length - 1 : length]

    return Workload("erasing letter by letter", base, recorded(doc, count, erase))


def notes(count: int) -> Workload:
    """Values of a map replaced, as in a score: each deletes the one before."""
    doc: Doc[Any] = Doc(client_id=1_000_001)
    facet: Map[Any] = doc.get("pt", type=Map)
    with doc.transaction():
        for number in range(500):
            facet[f"n{number}"] = {"step": "C", "octave": 4}
    base = doc.get_update()

    def repitch(number: int) -> None:
        facet[f"n{number * 7 % 500}"] = {"step": "D", "octave": number % 7}

    return Workload("repitching notes (map values)", base, recorded(doc, count, repitch))


def recorded(doc: Doc[Any], count: int, edit: Callable[[int], None]) -> list[bytes]:
    """The updates of so many edits, one transaction each."""
    updates: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        updates.append(event.update)

    subscription = doc.observe(keep)
    for number in range(count):
        edit(number)
    doc.unobserve(subscription)
    return updates


class Keystroke:
    """What is measured: the stages of one keystroke, over one workload."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.scans = [scan_update(update) for update in workload.updates]

    def scan(self) -> Stage:
        """The structural scan."""
        updates = self.workload.updates
        return lambda: _each(scan_update, updates)

    def shape(self) -> Stage:
        """The check of the document's shape."""
        shape = DocumentShape()
        shape.admit(self.workload.base, scan_update(self.workload.base))
        pairs = list(zip(self.workload.updates, self.scans, strict=True))
        return lambda: _each_pair(shape.admit, pairs)

    def library(self) -> Stage:
        """The CRDT library alone."""
        doc: Doc[Any] = Doc()
        doc.apply_update(self.workload.base)
        return lambda: _each(doc.apply_update, self.workload.updates)

    def document(self) -> Stage:
        """The room's document: shape, library, clocks and deletions."""
        doc = RoomDoc()
        doc.apply(self.workload.base, scan_update(self.workload.base))
        pairs = list(zip(self.workload.updates, self.scans, strict=True))
        return lambda: _each_pair(doc.apply, pairs)

    def admission(self) -> Stage:
        """What a room decides before it applies anything."""
        room = _room(self.workload)
        messages = [SyncUpdate(update) for update in self.workload.updates]
        pairs = list(zip(messages, self.scans, strict=True))

        def run() -> None:
            for message, scanned in pairs:
                room.admit(SENDER, message, scanned, NOW)

        return run

    def whole(self) -> Stage:
        """All of it: scan, admission, document, effects, and the commit of each hundred."""
        room = _room(self.workload)
        updates = self.workload.updates

        def run() -> None:
            for number, update in enumerate(updates):
                admitted = room.admit(SENDER, SyncUpdate(update), scan_update(update), NOW)
                assert isinstance(admitted, Admitted)
                room.apply(admitted)
                if number % 100 == 0:
                    room.appended(room.last_ticket)

        return run

    def decoding(self) -> Stage:
        """The codec."""
        frames = [y_sync.encode_update(update) for update in self.workload.updates]
        return lambda: _each(y_sync.decode, frames)


STAGES: tuple[tuple[str, Callable[[Keystroke], Stage]], ...] = (
    ("decode", Keystroke.decoding),
    ("scan", Keystroke.scan),
    ("admit", Keystroke.admission),
    ("shape", Keystroke.shape),
    ("apply (yrs)", Keystroke.library),
    ("document", Keystroke.document),
    ("scan to effects", Keystroke.whole),
)


def measure(workload: Workload, runs: int) -> list[tuple[str, float]]:
    """Nanoseconds an edit, for each stage: the best of some runs."""
    subject = Keystroke(workload)
    return [
        (name, min(_timed(prepare(subject)) for _ in range(runs)) / len(workload.updates))
        for name, prepare in STAGES
    ]


def moving(crowd: int) -> Stage:
    """Moves of a cursor by somebody who came back, among so many."""
    room = Room(RoomName("bench"), RoomLimits())
    room.loaded()
    for number in range(crowd):
        _join(room, number)
        if number % 4 == 0:
            _show(room, number, clock=1)
    room.leave(_member(0), NOW)
    _join(room, 0)
    _show(room, 0, clock=1)

    def run() -> None:
        for clock in range(2, MOVES + 2):
            _show(room, 0, clock)

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=EDITS)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    workloads = [
        typing(chosen.edits, 0),
        typing(chosen.edits, 100_000),
        erasing(chosen.edits),
        notes(chosen.edits),
    ]
    print(f"{'ns an edit':<32}" + "".join(f"{name:>16}" for name, _ in STAGES))
    for workload in workloads:
        row = measure(workload, chosen.runs)
        print(f"{workload.name:<32}" + "".join(f"{nanos:>16.0f}" for _, nanos in row))
    for crowd in CROWDS:
        nanos = min(_timed(moving(crowd)) for _ in range(chosen.runs)) / MOVES
        print(f"{f'ns a move among {crowd}':<32}{nanos:>16.0f}")


def _room(workload: Workload) -> Room:
    room = Room(RoomName("bench"), RoomLimits())
    room.loaded()
    claims = Claims(Subject("u-1"), "U", (Grant("**", Role.EDITOR),))
    for name in (SENDER, *(SessionId(f"other-{number}") for number in range(9))):
        room.join(Session(name, claims, Wire.HOCUSPOCUS))
    base = SyncStep2(workload.base)
    admitted = room.admit(SENDER, base, scan_update(base.update), NOW)
    assert isinstance(admitted, Admitted)
    room.apply(admitted)
    return room


def _member(number: int) -> SessionId:
    return SessionId(f"member-{number}")


def _join(room: Room, number: int) -> None:
    claims = Claims(Subject(f"u-{number}"), "U", (Grant("**", Role.EDITOR),))
    room.join(Session(_member(number), claims, Wire.HOCUSPOCUS))


def _show(room: Room, number: int, clock: int) -> None:
    state = AwarenessEntry(1_000 + number, clock, f'{{"at":{clock}}}')
    room.receive(_member(number), AwarenessUpdate((state,)), NOW)


def _type(text: Text) -> Callable[[int], None]:
    length = len(text)

    def type_letter(number: int) -> None:
        text.insert(length + number, "abcdefghij"[number % 10])

    return type_letter


def _timed(stage: Stage) -> float:
    begun = time.perf_counter_ns()
    stage()
    return time.perf_counter_ns() - begun


def _each(work: Callable[[bytes], object], items: list[Any]) -> None:
    for item in items:
        work(item)


def _each_pair(
    work: Callable[[bytes, ScannedUpdate], object], pairs: list[tuple[bytes, ScannedUpdate]]
) -> None:
    for update, scanned in pairs:
        work(update, scanned)


if __name__ == "__main__":
    main()
