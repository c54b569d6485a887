"""The notes of a score one by one, for programs that care for nothing else in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from collab.score.intervals import WrittenPitch
from collab.score.normalise import Chord, View
from collab.score.spelling import written_pitch

Place = tuple[str, Fraction, Fraction]
"""Measure, onset in it and duration, in quarter notes."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note that is shown and takes time.

    Attributes:
        id: of its event.
        part: whose.
        place: where and how long, as operations want it: measure, onset, duration.
        voice: as shown, which may be another one than it was written in.
        staff: from 1.
        pitch: as written; a sign that is printed is not told.
    """

    id: str
    part: str
    place: Place
    voice: int
    staff: int
    pitch: WrittenPitch


def notes_of(
    view: View, facets: Mapping[str, Mapping[str, object]], part: str | None
) -> Iterator[Note]:
    """Go through the notes of a part, or of all, in their order; a chord's from low to high."""
    pitches = facets["pt"]
    for measure in view.measures:
        for cell in measure.cells:
            if part not in {None, cell.part}:
                continue
            for voice in cell.voices:
                for chord in (item for item in voice.items if isinstance(item, Chord)):
                    place = (measure.id, chord.onset, chord.duration)
                    for key in chord.ids:
                        value = pitches.get(key)
                        pitch = written_pitch(value) if isinstance(value, Mapping) else None
                        if pitch is not None:
                            yield Note(key, cell.part, place, voice.number, chord.staff, pitch)
