"""Beams of notes that were moved: joined beat by beat, as most editions do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_LEVELS: Final = {
    "eighth": 1,
    "16th": 2,
    "32nd": 3,
    "64th": 4,
    "128th": 5,
    "256th": 6,
    "512th": 7,
    "1024th": 8,
}
_COMPOUND: Final = frozenset({6, 9, 12})
_EIGHTH: Final = 8


@dataclass(frozen=True, slots=True)
class Beamable:
    """A note, or the first of a chord: when it sounds, its written value, whether it is a rest."""

    onset: Fraction
    end: Fraction
    type: str
    is_rest: bool


def beat_length(beats: Sequence[int], unit: int) -> Fraction:
    """Tell how much a beam joins under a time signature, in quarter notes."""
    total = sum(beats)
    if unit >= _EIGHTH and total in _COMPOUND:
        return Fraction(4, unit) * 3
    return Fraction(max(Fraction(4, unit), Fraction(1))) if unit else Fraction(1)


def beamed(notes: Sequence[Beamable], beat: Fraction) -> list[list[str]]:
    """Beam the notes of one voice in one measure.

    Args:
        notes: in the order of time.
        beat: what a beam joins at most, from the start of the measure on.

    Returns:
        For each note what each beam does at it, the longest first; empty for unbeamed notes.
    """
    beams: list[list[str]] = [[] for _ in notes]
    group: list[int] = []
    for index, note in enumerate(notes):
        levels = 0 if note.is_rest else _LEVELS.get(note.type, 0)
        goes_on = bool(
            group
            and notes[group[-1]].end == note.onset
            and notes[group[0]].onset // beat == note.onset // beat
        )
        if group and not (levels and goes_on):
            _join(group, notes, beams)
            group = []
        if levels:
            group.append(index)
    _join(group, notes, beams)
    return beams


def _join(group: Sequence[int], notes: Sequence[Beamable], beams: list[list[str]]) -> None:
    if len(group) < 2:  # noqa: PLR2004 - a beam joins two
        return
    levels = [_LEVELS[notes[index].type] for index in group]
    for place, index in enumerate(group):
        for level in range(1, levels[place] + 1):
            before = place > 0 and levels[place - 1] >= level
            after = place + 1 < len(group) and levels[place + 1] >= level
            beams[index].append(_ROLES[before, after] or _hook(place, len(group)))


_ROLES: Final = {
    (False, True): "begin",
    (True, True): "continue",
    (True, False): "end",
    (False, False): "",
}


def _hook(place: int, size: int) -> str:
    return "backward hook" if place == size - 1 else "forward hook"
