"""One score in this process, step by step: ``python -m benchmarks.score.document FILE``.

A process of its own for each score, so that what it takes of memory can be told; it prints JSON.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil
from pycrdt import Doc, Map

from benchmarks.figures import Latencies
from collab.ids import room_name
from collab.score.intervals import WrittenPitch
from collab.score.musicxml.reading import read_musicxml
from collab.score.musicxml.writing import write_musicxml
from collab.score.normalise.normalise import normalise
from collab.score.operations.changes import apply
from collab.score.operations.operations import InsertChordNote, Operation, Repitch
from collab.score.operations.plan import plan
from collab.score.seed import import_update, import_updates
from persistence.packing import pack
from workers.scores import facets_of

REPEATS: Final = 3
EDITS: Final = 200
EDITOR: Final = 4_242
ROOM: Final = room_name("bench/score")
_DIGEST: Final = bytes(32)
_MEMORY: Final = "--memory"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one score costs; times are the fastest of several.

    Attributes:
        notes: pitched, of all parts.
        measures: of one part.
        file_bytes: as it came.
        import_ms: from the file's bytes to the update that makes the document.
        log_bytes: that update, as the log keeps it.
        snapshot_bytes: the same as a snapshot keeps it.
        apply_ms: the update into an empty document.
        memory_bytes: what the document takes in memory.
        read_ms: from the document to its facets.
        export_ms: from the facets to MusicXML.
        normalise_ms: from the facets to what is shown of them.
        repitch: another pitch for a note: to plan it, and to write it as an update.
        chord_note: the same of one more note in a chord.
        edit_bytes: of an update with another pitch, on average.
    """

    notes: int
    measures: int
    file_bytes: int
    import_ms: float
    log_bytes: int
    snapshot_bytes: int
    apply_ms: float
    memory_bytes: int
    read_ms: float
    export_ms: float
    normalise_ms: float
    repitch: Latencies
    chord_note: Latencies
    edit_bytes: float


def imported(data: bytes) -> bytes:
    """The update that makes a document of a file."""
    return import_update(read_musicxml(data).facets, ROOM, _DIGEST)


def pieces(data: bytes) -> list[bytes]:
    """The same as updates that a room takes."""
    return import_updates(read_musicxml(data).facets, ROOM, _DIGEST)


def notes_of(facets: dict[str, Any]) -> list[str]:
    """The ids of the notes that have a pitch."""
    return sorted(key for key, value in facets["pt"].items() if "step" in value)


def other_pitch(notes: list[str], source: random.Random) -> Repitch:
    """A note of a score with a pitch that is drawn."""
    return Repitch(source.choice(notes), _pitch(source))


def repitched(update: bytes, number: int) -> list[bytes]:
    """So many updates by one writer, `EDITOR`: number n has clock n, and nothing else.

    Args:
        update: the score that they change.
        number: of updates.
    """
    source = random.Random(number)
    facets = facets_of(_loaded(update))
    notes = notes_of(facets)
    edits = (other_pitch(notes, source) for _ in range(number))
    return _edited(update, facets, edits)[0]


def measured(data: bytes) -> Figures:
    """All of it, for one file."""
    import_ms, update = _fastest(lambda: imported(data))
    apply_ms, _ = _fastest(lambda: _loaded(update))
    doc = _loaded(update)
    read_ms, facets = _fastest(lambda: facets_of(doc))
    export_ms, _ = _fastest(lambda: write_musicxml(facets))
    normalise_ms, _ = _fastest(lambda: normalise(facets))
    source = random.Random(len(data))
    notes = notes_of(facets)
    pitches, repitch = _edited(update, facets, (other_pitch(notes, source) for _ in range(EDITS)))
    more = (InsertChordNote(source.choice(notes), _pitch(source)) for _ in range(EDITS))
    _, chord_note = _edited(update, facets, more)
    return Figures(
        notes=len(notes),
        measures=len(facets["measures"]),
        file_bytes=len(data),
        import_ms=import_ms,
        log_bytes=len(update),
        snapshot_bytes=len(pack(update)),
        apply_ms=apply_ms,
        memory_bytes=_memory_bytes(update),
        read_ms=read_ms,
        export_ms=export_ms,
        normalise_ms=normalise_ms,
        repitch=Latencies.of(repitch),
        chord_note=Latencies.of(chord_note),
        edit_bytes=round(sum(map(len, pitches)) / len(pitches), 1),
    )


def _edited(
    update: bytes, facets: dict[str, Any], edits: Iterable[Operation]
) -> tuple[list[bytes], list[float]]:
    """Updates, one for each edit, and how many seconds each took."""
    doc: Doc[Any] = Doc(client_id=EDITOR)
    doc.apply_update(update)
    for facet in facets:
        doc.get(facet, type=Map)
    made: list[bytes] = []
    taken: list[float] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    ids = count()
    for edit in edits:
        begun_s = time.perf_counter()
        apply(doc, plan(facets, edit, lambda: f"b{next(ids)}"))
        taken.append(time.perf_counter() - begun_s)
    doc.unobserve(subscription)
    return made, taken


def _loaded(update: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return doc


def _pitch(source: random.Random) -> WrittenPitch:
    # So high that no note has it: what is so already would make no edit.
    return WrittenPitch(source.choice("CDEFGAB"), 9)


def _fastest(work: Callable[[], _T]) -> tuple[float, _T]:
    """Milliseconds of the fastest of several times, and what came of it."""
    taken = []
    for _ in range(REPEATS - 1):
        begun_s = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun_s)
    begun_s = time.perf_counter()
    made = work()
    taken.append(time.perf_counter() - begun_s)
    return round(min(taken) * 1000, 2), made


def _memory_bytes(update: bytes) -> int:
    """What a document takes, as another process sees it that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.score.document", _MEMORY]
    return int(subprocess.run(command, input=update, capture_output=True, check=True).stdout)


def _grown_by(update: bytes) -> int:
    process = psutil.Process()
    before = process.memory_full_info().uss
    doc = _loaded(update)
    grown = process.memory_full_info().uss - before
    del doc  # it had to be there until now
    return int(grown)


def _main(argument: str) -> str:
    if argument == _MEMORY:
        return str(_grown_by(sys.stdin.buffer.read()))
    return json.dumps(asdict(measured(Path(argument).read_bytes())))


if __name__ == "__main__":
    sys.stdout.write(_main(sys.argv[1]))
