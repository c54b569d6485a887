"""The plan that puts notes into measures of the length that the metre asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from collab.score.model import Event, read_event, read_score
from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.frame import add_measures, delete_measures
from collab.score.operations.operations import DeleteMeasures, InsertMeasures, Rebar
from collab.score.operations.places import Bar, bars, require_measure
from collab.score.operations.timeline import Timeline, lay
from collab.score.schema import EVERY_PART, attribute_key


def rebar(draft: Draft, operation: Rebar) -> None:
    """Move events, directions, keys, clefs and tempi to where they fall in the new measures.

    Metres, breaks and barlines stay with their measures, but for the right barline of the last.
    """
    old_bars = _range(draft, operation)
    inside = {bar.id for bar in old_bars}
    events = [
        event
        for key, value in draft.entries("ev")
        if (event := read_event(key, value)) is not None and event.measure in inside
    ]
    old = Timeline(_old_lengths(draft, old_bars, events, operation.former_length))
    new_bars = [(bar.id, bar.extent) for bar in old_bars]
    missing = old.end - sum((length for _, length in new_bars), Fraction(0))
    if missing > 0:
        last, length = new_bars[-1]
        added = add_measures(draft, InsertMeasures(last, math.ceil(missing / length)))
        new_bars += [(key, length) for key in added]
    new = Timeline(new_bars)
    _move_events(draft, events, old, new)
    _move_directions(draft, inside, old, new)
    _move_settings(draft, inside, old, new)
    used = new.used_until(old.end)
    unused = tuple(key for key, _ in new_bars[len(used) :])
    delete_measures(draft, DeleteMeasures(unused))
    _move_last_barline(draft, operation.last, used[-1])


def _range(draft: Draft, operation: Rebar) -> Sequence[Bar]:
    for key in (operation.first, operation.last):
        require_measure(draft, key)
    present = bars(draft)
    ids = [bar.id for bar in present]
    found = present[ids.index(operation.first) : ids.index(operation.last) + 1]
    if not found:
        raise refusal(
            "out-of-range", "The last measure is before the first.", operation.first, operation.last
        )
    free = [bar.id for bar in found if bar.length is None]
    if free:
        raise refusal("out-of-range", "Without a metre there are no measures to fill.", *free)
    return found


def _old_lengths(
    draft: Draft, old_bars: Sequence[Bar], events: Sequence[Event], former: Fraction | None
) -> list[tuple[str, Fraction]]:
    """Say what measures lasted before: by themselves, as told, or by what is in them."""
    ends: dict[str, Fraction] = {}
    for event in events:
        if not _fills_measure(draft, event.id):
            ends[event.measure] = max(ends.get(event.measure, Fraction(0)), event.end)
    found: list[tuple[str, Fraction]] = []
    for bar in old_bars:
        own = "length" in draft.find("measures", bar.id, "measure")
        usual = bar.extent if own else former
        content = ends.get(bar.id, Fraction(0))
        found.append((bar.id, max(usual, content) if usual is not None else content or bar.extent))
    return found


def _fills_measure(draft: Draft, key: str) -> bool:
    return (draft.get("pt", key) or {}).get("rest") == "measure"


def _move_events(draft: Draft, events: Sequence[Event], old: Timeline, new: Timeline) -> None:
    last_pieces: dict[str, str] = {}
    # Where nothing is, a rest is seen anyway.
    draft.drop_events({event.id for event in events if _fills_measure(draft, event.id)})
    for event in sorted(events, key=lambda event: event.id):
        pitch = draft.get("pt", event.id)
        if draft.get("ev", event.id) is None:
            continue
        begin = (old.start(event.measure) or Fraction(0)) + event.onset
        duration = event.duration if event.grace is None else Fraction(0)
        spans = new.spans(begin, duration)
        value = draft.find("ev", event.id, "note or rest")
        if event.grace is not None:
            place = {"measure": spans[0].measure, "onset": written_time(spans[0].onset)}
            draft.put("ev", event.id, {**value, **place})
            continue
        ids = lay(draft, event.id, value, pitch, spans)
        last_pieces[event.id] = ids[-1]
        notation = draft.get("nx", event.id)
        if notation is not None and (len(ids) > 1 or spans[0].measure != event.measure):
            draft.put("nx", event.id, {**notation, "beams": None})
    _move_ends(draft, last_pieces)


def _move_ends(draft: Draft, last_pieces: Mapping[str, str]) -> None:
    """A tie goes on from a note's last piece; all other lines end there."""
    own = {first for first, last in last_pieces.items() if first != last}
    for key, value in draft.entries("sp"):
        end = "start" if value.get("kind") == "tie" else "end"
        note = value.get(end)
        if isinstance(note, str) and note in own and not _is_within(value, last_pieces):
            line = draft.find("sp", key, "spanner")
            draft.put("sp", key, {**line, end: last_pieces[note]})


def _is_within(value: Mapping[str, object], last_pieces: Mapping[str, str]) -> bool:
    """Whether a line is one of the ties that were made between the pieces of one note."""
    return value.get("kind") == "tie" and value.get("end") not in last_pieces


def _move_directions(draft: Draft, inside: set[str], old: Timeline, new: Timeline) -> None:
    score = read_score(draft.view(("dir",)))
    for direction in score.directions.values():
        if direction.measure in inside:
            begin = (old.start(direction.measure) or Fraction(0)) + direction.onset
            measure, onset = new.at(begin)
            value = draft.find("dir", direction.id, "direction")
            place = {"measure": measure, "onset": written_time(onset)}
            draft.put("dir", direction.id, {**value, **place})


def _move_settings(draft: Draft, inside: set[str], old: Timeline, new: Timeline) -> None:
    moved = [
        (setting, setting.at, draft.find("attr", setting.key, "setting"))
        for setting in read_score(draft.view(("attr",))).settings.values()
        if setting.measure in inside
        and setting.at is not None
        and setting.kind in {"key", "clef", "tempo"}
    ]
    for setting, _, _ in moved:
        draft.drop("attr", setting.key)
    for setting, at, value in moved:
        measure, onset = new.at((old.start(setting.measure) or Fraction(0)) + at)
        draft.put("attr", attribute_key(setting.kind, measure, setting.scope, onset), value)


def _move_last_barline(draft: Draft, former: str, last: str) -> None:
    old = attribute_key("barline", former, EVERY_PART, "right")
    value = draft.get("attr", old)
    if value is not None and former != last:
        draft.drop("attr", old)
        draft.put("attr", attribute_key("barline", last, EVERY_PART, "right"), value)
