"""Which notes of a cell are beamed anew: those of voices in which something was moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from collab.score.musicxml.beams import Beamable, beamed, beat_length
from collab.score.musicxml.current import Value, length_of, onset_of
from collab.score.musicxml.note_writing import NoteWriter, set_beams, written_value
from collab.score.musicxml.source import Element


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
    beat = beat_length(time["beats"], time["unit"]) if time else Fraction(1)
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
        rows.append(Beamable(onset, onset + length, kind, is_rest))
    by_name = dict(zip(order, beamed(rows, beat), strict=True))
    for name in events:
        set_beams(elements[name], by_name.get(name, []))
