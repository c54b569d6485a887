"""Copying a selection, and the plan that pastes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from collab.score.model import COUNT_MAX, Event, integer, read_event, read_score
from collab.score.operations.changes import Draft, no_ids, refusal
from collab.score.operations.events import delete_elements
from collab.score.operations.operations import Clip, ClipEvent, DeleteElements, Paste
from collab.score.operations.places import (
    bars,
    is_note,
    require_measure,
    require_part,
    require_room,
)
from collab.score.operations.timeline import Timeline, lay
from collab.score.schema import KEY_SEPARATOR, Json, syllable_key

_PLACE_FIELDS: Final = frozenset({"part", "measure", "onset", "duration", "chord"})


def copy(facets: Mapping[str, Mapping[str, object]], event_ids: Sequence[str]) -> Clip:
    """Copy events with their pitches, notations and lyrics, and the spanners between them.

    Args:
        facets: as read from the document; not changed.
        event_ids: what is selected, in any order.

    Raises:
        EditRefused: one of them is not there, or its measure is deleted.
    """
    draft = Draft(facets, no_ids)
    timeline, parts = _timeline(draft), _parts(draft)
    placed: list[tuple[Fraction, int, Event]] = []
    for key in event_ids:
        event = draft.event(key)
        require_part(draft, event.part)
        require_measure(draft, event.measure)
        start = timeline.start(event.measure) or Fraction(0)
        placed.append((start + event.onset, parts.index(event.part), event))
    begin = min((time for time, _, _ in placed), default=Fraction(0))
    top = min((part for _, part, _ in placed), default=0)
    selected = set(event_ids)
    lyrics = _lyrics(draft, selected)
    return Clip(
        events=tuple(
            _clip_event(draft, event, time - begin, part - top, lyrics.get(event.id, {}))
            for time, part, event in sorted(placed, key=lambda entry: (*entry[:2], entry[2].id))
        ),
        spanners=tuple(
            dict(draft.get("sp", key) or {})
            for key, value in draft.entries("sp")
            if {str(value.get("start")), str(value.get("end"))} <= selected
        ),
    )


def paste(draft: Draft, operation: Paste) -> None:
    """Write a clip into the score, under new ids."""
    clip, timeline, parts = operation.clip, _timeline(draft), _parts(draft)
    require_part(draft, operation.part)
    require_measure(draft, operation.measure)
    begin = (timeline.start(operation.measure) or Fraction(0)) + operation.onset
    top = parts.index(operation.part)
    if not all(0 <= top + event.part < len(parts) for event in clip.events):
        raise refusal("out-of-range", "There are not enough parts below.", operation.part)
    _require_joined(clip)
    if operation.replaces:
        _clear(draft, clip, timeline, begin, parts[top:])
    ids: dict[str, list[str]] = {}
    for event in clip.events:
        value = {**event.fields, "part": parts[top + event.part]}
        spans = timeline.spans(begin + event.offset, event.duration)
        key = draft.new_id()
        ids[event.id] = lay(draft, key, value, event.pitch, spans)
        if event.notation is not None:
            draft.put("nx", key, event.notation)
        for verse, syllable in event.lyrics.items():
            draft.put("ly", syllable_key(key, verse), syllable)
    for spanner in clip.spanners:
        start, end = ids[str(spanner["start"])], ids[str(spanner["end"])]
        ends = (start[-1], end[0]) if spanner.get("kind") == "tie" else (start[0], end[-1])
        draft.put("sp", draft.new_id(), {**spanner, "start": ends[0], "end": ends[1]})
    pasted = [key for pieces in ids.values() for key in pieces if is_note(draft, key)]
    require_room(draft, [draft.event(key) for key in pasted])


def _clear(
    draft: Draft, clip: Clip, timeline: Timeline, begin: Fraction, parts: Sequence[str]
) -> None:
    end = begin + max((event.offset + event.duration for event in clip.events), default=Fraction(0))
    voices = {
        (parts[event.part], integer(event.fields.get("voice"), 1, COUNT_MAX) or 1)
        for event in clip.events
    }
    gone: list[str] = []
    for key, value in draft.entries("ev"):
        event = read_event(key, value)
        start = None if event is None else timeline.start(event.measure)
        if event is None or start is None or (event.part, event.voice) not in voices:
            continue
        if begin <= start + event.onset < end:
            gone.append(key)
    delete_elements(draft, DeleteElements(tuple(sorted(gone)), with_spanners=True))


def _require_joined(clip: Clip) -> None:
    """Refuse a clip that nobody copied: ids that are there twice, or lines between others."""
    ids = [event.id for event in clip.events]
    ends = {str(line.get(end)) for line in clip.spanners for end in ("start", "end")}
    if len(set(ids)) < len(ids) or not ends <= set(ids):
        raise refusal("malformed", "The clip does not hold together.")


def _clip_event(
    draft: Draft,
    event: Event,
    offset: Fraction,
    part: int,
    lyrics: Mapping[str, Mapping[str, Json]],
) -> ClipEvent:
    value = draft.find("ev", event.id, "note or rest")
    return ClipEvent(
        id=event.id,
        part=part,
        offset=offset,
        duration=event.duration if event.grace is None else Fraction(0),
        fields={name: field for name, field in value.items() if name not in _PLACE_FIELDS},
        pitch=draft.get("pt", event.id),
        notation=draft.get("nx", event.id),
        lyrics=lyrics,
    )


def _lyrics(draft: Draft, event_ids: set[str]) -> dict[str, dict[str, Mapping[str, Json]]]:
    found: dict[str, dict[str, Mapping[str, Json]]] = {}
    for key in draft.keys("ly"):
        event_id, _, verse = key.partition(KEY_SEPARATOR)
        if event_id in event_ids:
            found.setdefault(event_id, {})[verse] = draft.get("ly", key) or {}
    return found


def _timeline(draft: Draft) -> Timeline:
    return Timeline([(bar.id, bar.extent) for bar in bars(draft)])


def _parts(draft: Draft) -> list[str]:
    return list(read_score(draft.view(("parts",))).parts)
