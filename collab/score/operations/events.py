"""Plans for notes and rests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from collab.score.model import Event, integer
from collab.score.operations.articulations import pass_marks_on
from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.operations import (
    DeleteElements,
    InsertChordNote,
    InsertNote,
    InsertRest,
    MoveEvents,
    Repitch,
    Retime,
    SetLyric,
    Tuplet,
)
from collab.score.operations.places import (
    events_in,
    is_note,
    require_measure,
    require_note,
    require_part,
    require_room,
)
from collab.score.rules import DOTS_MAX
from collab.score.schema import Json, syllable_key
from collab.score.spelling import pitch_value
from collab.score.values import nominal_duration, written_value

_TUPLET_EVENTS_MIN: Final = 2


def insert_note(draft: Draft, operation: InsertNote) -> None:
    """Add ``ev`` and ``pt`` of a new note."""
    key = _insert(draft, operation, operation.grace or None)
    draft.put("pt", key, pitch_value(operation.pitch))


def insert_rest(draft: Draft, operation: InsertRest) -> None:
    """Add ``ev`` and ``pt`` of a new rest."""
    key = _insert(draft, operation, None)
    draft.put("pt", key, {"rest": "measure" if operation.fills_measure else "rest"})


def insert_chord_note(draft: Draft, operation: InsertChordNote) -> None:
    """Add a note with the place and duration of another."""
    require_note(draft, operation.event)
    value = draft.find("ev", operation.event, "note or rest")
    key = draft.new_id()
    draft.put("ev", key, {**value, "chord": value.get("chord", operation.event)})
    draft.put("pt", key, pitch_value(operation.pitch))


def move_events(draft: Draft, operation: MoveEvents) -> None:
    """Change where events are."""
    if operation.part is not None:
        require_part(draft, operation.part)
    if operation.measure is not None:
        require_measure(draft, operation.measure)
    moved: list[Event] = []
    for key in operation.events:
        event = draft.event(key)
        onset = event.onset + operation.later_by
        written_time(onset)
        moved.append(
            replace(
                event,
                onset=onset,
                measure=operation.measure or event.measure,
                part=operation.part or event.part,
                voice=event.voice if operation.voice is None else operation.voice,
                staff=event.staff if operation.staff is None else operation.staff,
            )
        )
    change_events(draft, moved)


def retime(draft: Draft, operation: Retime) -> None:
    """Change how long events last."""
    if operation.duration <= 0:
        raise refusal("out-of-range", "A duration is above 0.", *operation.events)
    events = [draft.event(key) for key in operation.events]
    for event in events:
        if event.grace is not None:
            raise refusal("wrong-kind", "A grace note takes no time.", event.id)
        value = draft.find("ev", event.id, "note or rest")
        value.update(value_fields(operation.duration / tuplet_ratio(value, event.duration)))
        draft.put("ev", event.id, value)
    change_events(draft, [replace(event, duration=operation.duration) for event in events])


def make_tuplet(draft: Draft, operation: Tuplet) -> None:
    """Shrink durations and onsets, and add the spanner that says so."""
    events = sorted(
        (draft.event(key) for key in operation.events), key=lambda event: (event.onset, event.id)
    )
    if len(events) < _TUPLET_EVENTS_MIN:
        raise refusal("wrong-kind", "A tuplet has two events or more.", *operation.events)
    if len({(event.part, event.measure, event.voice) for event in events}) > 1:
        raise refusal("wrong-kind", "A tuplet is in one voice of one measure.", *operation.events)
    if min(operation.actual, operation.normal) < 1:
        raise refusal("out-of-range", "A tuplet's numbers are above 0.", *operation.events)
    ratio, start = Fraction(operation.normal, operation.actual), events[0].onset
    for event in events:
        value = draft.find("ev", event.id, "note or rest")
        if "type" not in value:
            draft.put("ev", event.id, {**value, **value_fields(event.duration)})
    shrunk = [
        replace(
            event,
            onset=start + (event.onset - start) * ratio,
            duration=event.duration * ratio,
        )
        for event in events
    ]
    change_events(draft, shrunk)
    fields = {"kind": "tuplet", "start": events[0].id, "end": events[-1].id}
    draft.put(
        "sp", draft.new_id(), {**fields, "actual": operation.actual, "normal": operation.normal}
    )


def repitch(draft: Draft, operation: Repitch) -> None:
    """Change ``pt`` alone."""
    draft.find("ev", operation.event, "note or rest")
    draft.put("pt", operation.event, pitch_value(operation.pitch))


def set_lyric(draft: Draft, operation: SetLyric) -> None:
    """Set or delete one syllable."""
    key = syllable_key(operation.event, operation.verse)
    if not operation.text:
        draft.find("ly", key, "syllable")
        draft.drop("ly", key)
        return
    require_note(draft, operation.event)
    fields: dict[str, Json | None] = {"text": operation.text, "syllabic": operation.syllabic}
    draft.put("ly", key, {**fields, "extend": True if operation.extends else None})


def delete_elements(draft: Draft, operation: DeleteElements) -> None:
    """Delete events, spanners and directions."""
    gone = set(operation.elements)
    unknown = [
        key
        for key in operation.elements
        if not any(draft.get(facet, key) for facet in ("ev", "sp", "dir"))
    ]
    if unknown:
        raise refusal("unknown-element", "There is no such element.", *unknown)
    losing = {
        key
        for key, value in draft.entries("sp")
        if not gone.isdisjoint((str(value.get("start")), str(value.get("end"))))
    }
    if not operation.with_spanners and losing - gone:
        raise refusal("dangling", "Spanners would lose an end.", *sorted(losing - gone))
    pass_marks_on(draft, gone)
    _leave_chords(draft, gone)
    draft.drop_events(gone)
    for key in gone | losing | _signs_at_ends(draft, gone | losing):
        draft.drop("sp", key)
        draft.drop("dir", key)


def change_events(draft: Draft, events: Sequence[Event]) -> None:
    """Put events at new places, when there is room, and loosen chords that they leave.

    Raises:
        EditRefused: they do not fit, or their part or measure is not there.
    """
    former = {event.id: draft.event(event.id) for event in events}
    for event in events:
        require_part(draft, event.part)
        require_measure(draft, event.measure)
    ends = {
        event.id: former[event.id].end
        for event in events
        if (former[event.id].part, former[event.id].measure) == (event.part, event.measure)
    }
    require_room(draft, [event for event in events if is_note(draft, event.id)], ends)
    for event in events:
        value = draft.find("ev", event.id, "note or rest")
        draft.put("ev", event.id, {**value, **_place_fields(event)})
    touched = {(event.part, event.measure) for event in (*events, *former.values())}
    for inside in events_in(draft, touched).values():
        _loosen_chords(draft, inside)


def value_fields(nominal: Fraction) -> dict[str, Json | None]:
    """Write type and dots, as far as the duration has them."""
    name, dots = written_value(nominal) or (None, 0)
    return {"type": name, "dots": dots or None}


def tuplet_ratio(value: Mapping[str, Json], duration: Fraction) -> Fraction:
    """How much shorter an event is than it is written: 2/3 in a triplet."""
    name, dots = value.get("type"), integer(value.get("dots", 0), 0, DOTS_MAX)
    nominal = nominal_duration(name, dots) if isinstance(name, str) and dots is not None else None
    return duration / nominal if nominal else Fraction(1)


def _insert(draft: Draft, operation: InsertNote | InsertRest, grace: str | None) -> str:
    require_part(draft, operation.part)
    require_measure(draft, operation.measure)
    written_time(operation.onset)
    if operation.duration < 0 or (operation.duration == 0 and grace is None):
        raise refusal("out-of-range", "A duration is above 0.")
    event = Event(
        id=draft.new_id(),
        part=operation.part,
        measure=operation.measure,
        is_space=False,
        onset=operation.onset,
        duration=operation.duration,
        voice=operation.voice,
        staff=operation.staff,
        grace=grace,
    )
    require_room(draft, [event])
    draft.put(
        "ev",
        event.id,
        {
            "kind": "note",
            **_place_fields(event),
            **value_fields(event.duration),
            "grace": None if grace is None else {"order": grace},
        },
    )
    return event.id


def _place_fields(event: Event) -> dict[str, Json]:
    return {
        "part": event.part,
        "measure": event.measure,
        "onset": written_time(event.onset),
        "duration": written_time(event.duration),
        "voice": event.voice,
        "staff": event.staff,
    }


def _signs_at_ends(draft: Draft, spanners: set[str]) -> set[str]:
    """Name the directions at which lines begin and stop: without the line they say nothing."""
    lines = [draft.get("sp", key) or {} for key in spanners]
    ends = {str(line.get(end)) for line in lines for end in ("start", "end")}
    return {key for key in ends if draft.get("dir", key) is not None}


def _leave_chords(draft: Draft, gone: set[str]) -> None:
    """Give the notes that share the stem of a note that goes another one to share."""
    left: dict[str, list[str]] = {}
    for key, value in draft.entries("ev"):
        base = value.get("chord")
        if isinstance(base, str) and base in gone and key not in gone:
            left.setdefault(base, []).append(key)
    for mates in left.values():
        first = min(mates)
        for key in mates:
            value = draft.find("ev", key, "note or rest")
            draft.put("ev", key, {**value, "chord": None if key == first else first})


def _loosen_chords(draft: Draft, events: Iterable[Event]) -> None:
    """Let notes that no longer begin and end with their chord be notes of their own."""
    found = {event.id: event for event in events}
    for event in found.values():
        value = draft.find("ev", event.id, "note or rest")
        base = value.get("chord")
        if isinstance(base, str) and _time_and_voice(found.get(base)) != _time_and_voice(event):
            draft.put("ev", event.id, {**value, "chord": None})


def _time_and_voice(event: Event | None) -> tuple[Fraction, Fraction, int] | None:
    return None if event is None else (event.onset, event.duration, event.voice)
