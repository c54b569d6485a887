"""Plans that move notes and keys by an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from collab.score.intervals import (
    Interval,
    fitting_interval,
    signature_alter,
    transpose_pitch,
)
from collab.score.model import Event, read_event, read_score
from collab.score.operations.changes import Draft, refusal
from collab.score.operations.operations import TransposeEvents, TransposeParts
from collab.score.operations.places import bars, events_in, is_note, require_part
from collab.score.rules import OCTAVE_MAX, OCTAVE_MIN
from collab.score.schema import EVERY_PART, attribute_key
from collab.score.spelling import moved_signature, pitch_value, written_pitch

_SIGNS: Final[Mapping[float, str]] = {
    -2: "flat-flat",
    -1.5: "three-quarters-flat",
    -1: "flat",
    -0.5: "quarter-flat",
    0: "natural",
    0.5: "quarter-sharp",
    1: "sharp",
    1.5: "three-quarters-sharp",
    2: "double-sharp",
}


def transpose_events(draft: Draft, operation: TransposeEvents) -> None:
    """Move some notes; rests among them are passed over."""
    events = [draft.event(key) for key in operation.events]
    moved = [event for event in events if is_note(draft, event.id)]
    for event in moved:
        _transpose(draft, event.id, operation.interval)
    write_accidentals(draft, moved)


def transpose_parts(draft: Draft, operation: TransposeParts) -> None:
    """Move all notes of parts, and their keys, spelled so that no key has over seven signs."""
    everybody = list(read_score(draft.view(("parts",))).parts)
    parts = everybody if operation.parts is None else list(operation.parts)
    for part in parts:
        require_part(draft, part)
    intervals = {
        (part, bar.id): fitting_interval(bar.fifths, operation.interval)
        for part in parts
        for bar in bars(draft, part)
    }
    moved: list[Event] = []
    for key, value in draft.entries("ev"):
        event = read_event(key, value)
        if event is not None and event.part in parts and is_note(draft, key):
            # What is in a deleted measure moves as well, so that it fits when it comes back.
            interval = intervals.get((event.part, event.measure), operation.interval)
            _transpose(draft, key, interval)
            moved.append(event)
    _transpose_keys(draft, None if set(parts) == set(everybody) else parts, operation.interval)
    write_accidentals(draft, moved)


def _transpose(draft: Draft, key: str, interval: Interval) -> None:
    value = draft.find("pt", key, "pitch")
    if value.get("unpitched") is True:
        return
    pitch = written_pitch(value)
    if pitch is None:
        raise refusal("malformed", "The note's pitch is none.", key)
    moved = transpose_pitch(pitch, interval)
    if not OCTAVE_MIN <= moved.octave <= OCTAVE_MAX:
        raise refusal("out-of-range", "There is no such octave.", key)
    draft.put("pt", key, {**value, **pitch_value(moved)})


def _transpose_keys(draft: Draft, parts: Sequence[str] | None, interval: Interval) -> None:
    """Move key signatures; those for all parts stay for the others when only some parts move."""
    for setting in read_score(draft.view(("attr",))).settings.values():
        if setting.kind != "key" or setting.at is None:
            continue
        moved = moved_signature(draft.find("attr", setting.key, "setting"), interval)
        if moved is None:
            continue
        if parts is None or setting.part in parts:
            draft.put("attr", setting.key, moved)
        elif setting.scope == EVERY_PART:
            for part in parts:
                own = attribute_key("key", setting.measure, part, setting.at)
                if draft.get("attr", own) is None:
                    draft.put("attr", own, moved)


def write_accidentals(draft: Draft, moved: Sequence[Event]) -> None:
    """Print the signs that the moved notes need where they are now, and no others."""
    touched = {event.id for event in moved}
    fifths = {
        (part, bar.id): bar.fifths
        for part in {event.part for event in moved}
        for bar in bars(draft, part)
    }
    cells = events_in(draft, {(event.part, event.measure) for event in moved})
    for (part, measure), cell in cells.items():
        in_force: dict[tuple[int, str, int], float] = {}
        for event in sorted(cell, key=lambda event: (event.onset, event.grace is None, event.id)):
            value = draft.get("pt", event.id) or {}
            pitch = written_pitch(value)
            if pitch is None:
                continue
            place = (event.staff, pitch.step, pitch.octave)
            signature = signature_alter(pitch.step, fifths.get((part, measure), 0))
            is_needed = pitch.alter != in_force.get(place, signature)
            in_force[place] = pitch.alter
            if event.id in touched:
                sign = _SIGNS.get(pitch.alter) if is_needed else None
                draft.put("pt", event.id, {**value, "accidental": sign})
