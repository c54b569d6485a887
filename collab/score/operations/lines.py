"""Plans for spanners, directions and settings."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from collab.score.model import read_event, read_score
from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.operations import AddDirection, AddSpanner, ChangeSetting, Slur, Tie
from collab.score.operations.places import (
    bars,
    measures_in_order,
    require_measure,
    require_note,
    require_part,
)
from collab.score.schema import EVERY_PART, Json, attribute_key, part_of


def tie(draft: Draft, operation: Tie) -> None:
    """Join two notes of one pitch."""
    ends = (operation.start, operation.end)
    for key in ends:
        require_note(draft, key)
    pitches = read_score({"pt": {key: draft.get("pt", key) for key in ends}}).pitches
    if len({pitch.semitones for pitch in pitches.values()}) > 1:
        raise refusal("wrong-kind", "A tie joins notes of one pitch.", *ends)
    _add(draft, "tie", operation.start, operation.end, {})


def slur(draft: Draft, operation: Slur) -> None:
    """Join the notes from one to another."""
    for key in (operation.start, operation.end):
        require_note(draft, key)
    _add(draft, "slur", operation.start, operation.end, {"placement": operation.placement})


def add_spanner(draft: Draft, operation: AddSpanner) -> None:
    """Join any two elements."""
    ends = (operation.start, operation.end)
    unknown = [
        key for key in ends if not any(draft.get(facet, key) for facet in ("ev", "dir", "measures"))
    ]
    if unknown:
        raise refusal("unknown-element", "There is no such element.", *unknown)
    _add(draft, operation.kind, *ends, operation.fields)


def add_direction(draft: Draft, operation: AddDirection) -> None:
    """Put a sign or words at a cell and onset."""
    require_part(draft, operation.part)
    require_measure(draft, operation.measure)
    _require_onset(draft, operation.part, operation.measure, operation.onset)
    place = {"part": operation.part, "measure": operation.measure, "kind": operation.kind}
    onset = written_time(operation.onset)
    draft.put("dir", draft.new_id(), {**operation.fields, **place, "onset": onset})


def change_setting(draft: Draft, operation: ChangeSetting) -> None:
    """Set or delete the entry of a place; its key is the place."""
    part = part_of(operation.scope)
    if part != EVERY_PART:
        require_part(draft, part)
    key = attribute_key(operation.kind, operation.measure, operation.scope, operation.at)
    if operation.value is None:
        draft.find("attr", key, "setting")
        draft.drop("attr", key)
        return
    require_measure(draft, operation.measure)
    if isinstance(operation.at, Fraction):
        _require_onset(draft, part, operation.measure, operation.at)
    draft.put("attr", key, operation.value)


def _add(draft: Draft, kind: str, start: str, end: str, fields: Mapping[str, Json | None]) -> None:
    for key in (start, end):
        measure = (draft.get("ev", key) or {}).get("measure")
        if isinstance(measure, str):
            require_measure(draft, measure)
    if kind in {"tie", "slur", "tuplet"} and not _is_before(draft, start, end):
        raise refusal("out-of-range", "It ends before it begins.", start, end)
    draft.put("sp", draft.new_id(), {**fields, "kind": kind, "start": start, "end": end})


def _is_before(draft: Draft, start: str, end: str) -> bool:
    """Whether an event comes before another, or at once with it in another guise."""
    first, second = (read_event(key, draft.get("ev", key) or {}) for key in (start, end))
    if first is None or second is None:
        return True
    places = {measure.id: place for place, measure in enumerate(measures_in_order(draft))}
    return (places[first.measure], first.onset) <= (places[second.measure], second.onset) and (
        start != end
    )


def _require_onset(draft: Draft, part: str, measure: str, onset: Fraction) -> None:
    length = next((bar.length for bar in bars(draft, part) if bar.id == measure), None)
    if onset < 0 or (length is not None and onset > length):
        raise refusal("out-of-range", "The onset is not in the measure.", measure)
