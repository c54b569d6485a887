"""Beams of cells in which notes were moved: joined anew, beat by beat, as most editions do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from collab.score.musicxml.current import Value, length_of, onset_of
from collab.score.musicxml.note_writing import NoteWriter, set_beams, written_value
from collab.score.musicxml.source import Element

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
class _Beamable:
    """A note, or the first of a chord: when it sounds, its written value, whether it is a rest."""

    onset: Fraction
    end: Fraction
    type: str
    is_rest: bool


def rebeam(
    notes: NoteWriter,
    events: Mapping[str, Value],
    elements: Mapping[str, Element],
    held: Mapping[str, Element],
    time: Value | None,
) -> None:
    """Beam voices anew in which notes came, went or moved, unless somebody said how.

    Args:
        notes: knows the facts before and now.
        events: of the cell now, by id.
        elements: the note of each.
        held: notes that the cell held in the file.
        time: the time signature in force.
    """
    voices: dict[int, list[str]] = defaultdict(list)
    for name, event in events.items():
        if "grace" not in event:
            voices[event["voice"]].append(name)
    moved = {
        voice
        for voice, names in voices.items()
        if any(name not in held or notes.is_moved(name) for name in names)
    }
    for name in held:
        before = notes.before("ev", name)
        if name not in events or events[name]["voice"] != before["voice"]:
            moved.add(before["voice"])
    beat = _beat_length(time["beats"], time["unit"]) if time else Fraction(1)
    for voice in moved & voices.keys():
        names = voices[voice]
        said = any(
            notes.now("nx", name).get("beams") != notes.before("nx", name).get("beams")
            for name in names
        )
        if not said:
            _beam_voice(notes, {name: events[name] for name in names}, elements, beat)


def _beam_voice(
    notes: NoteWriter,
    events: Mapping[str, Value],
    elements: Mapping[str, Element],
    beat: Fraction,
) -> None:
    heads: dict[Fraction, str] = {}
    for name in sorted(events, key=lambda name: (events[name].get("chord") is not None, name)):
        heads.setdefault(onset_of(events[name]), name)
    order = [heads[onset] for onset in sorted(heads)]
    rows = []
    for name in order:
        event = events[name]
        length = length_of(event)
        kind = event.get("type") or written_value(length)[0] or ""
        is_rest = "rest" in notes.now("pt", name)
        onset = onset_of(event)
        rows.append(_Beamable(onset, onset + length, kind, is_rest))
    by_name = dict(zip(order, _beamed(rows, beat), strict=True))
    for name in events:
        set_beams(elements[name], by_name.get(name, []))


def _beat_length(beats: Sequence[int], unit: int) -> Fraction:
    """Tell how much a beam joins under a time signature, in quarter notes."""
    total = sum(beats)
    if unit >= _EIGHTH and total in _COMPOUND:
        return Fraction(4, unit) * 3
    return max(Fraction(4, unit), Fraction(1))


def _beamed(notes: Sequence[_Beamable], beat: Fraction) -> list[list[str]]:
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


def _join(group: Sequence[int], notes: Sequence[_Beamable], beams: list[list[str]]) -> None:
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
