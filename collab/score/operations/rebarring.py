"""The plan that puts notes into measures of the length that the metre asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from collab.score.model import Event, Setting, Spanner, read_event, read_score, read_spanner
from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.frame import add_measures, delete_measures
from collab.score.operations.operations import DeleteMeasures, InsertMeasures, Rebar
from collab.score.operations.places import Bar, bars, events_in, require_measure
from collab.score.operations.timeline import Span, Timeline, lay
from collab.score.schema import KEY_SEPARATOR, attribute_key

_MOVED_SETTINGS: Final = ("key", "clef", "tempo")
_SECTION_STYLES: Final = ("light-light", "light-heavy", "heavy-light", "heavy-heavy")
"""Barlines with which something begins or ends."""


def rebar(draft: Draft, operation: Rebar) -> None:
    """Move events, directions, keys, clefs and tempi to where they fall in the new measures.

    What is repeated, is under an ending, or ends with a double barline still does: each such
    section is barred by itself. Metres, breaks and other barlines stay with their measures.
    """
    old_bars = _range(draft, operation)
    inside = {bar.id for bar in old_bars}
    events = [
        event
        for key, value in draft.entries("ev")
        if (event := read_event(key, value)) is not None and event.measure in inside
    ]
    lengths = _old_lengths(draft, old_bars, events, operation.former_length)
    sections = _sections(draft, old_bars)
    moves = _Moves()
    for place, section in enumerate(sections):
        old = Timeline([(bar.id, lengths[bar.id]) for bar in section])
        moves.add(old, _barred(draft, section, old.end, goes_on=place + 1 < len(sections)))
    _move_events(draft, events, moves)
    _move_directions(draft, inside, moves)
    _move_settings(draft, inside, moves)


class _Moves:
    """Where each moment of the former measures is now."""

    def __init__(self) -> None:
        self._timelines: dict[str, tuple[Timeline, Timeline]] = {}

    def add(self, old: Timeline, new: Timeline) -> None:
        """Let the music of some measures be in others."""
        self._timelines |= dict.fromkeys((*old.measures, *new.measures), (old, new))

    def spans(self, event: Event) -> Sequence[Span]:
        """Cut an event at the new barlines."""
        old, new = self._timelines[event.measure]
        return new.spans((old.start(event.measure) or Fraction(0)) + event.onset, event.duration)

    def at(self, measure: str, onset: Fraction) -> tuple[str, Fraction]:
        """Find a moment; the end of a measure is still the end of one."""
        old, new = self._timelines[measure]
        begin = (old.start(measure) or Fraction(0)) + onset
        is_end = onset > 0 and old.at(begin)[0] != measure
        return new.ended_at(begin) if is_end or begin >= old.end else new.at(begin)

    def between(self, first: str, last: str) -> Sequence[str]:
        """Name new measures from one to another; none when these are in two sections."""
        _, new = self._timelines[first]
        return new.between(first, last) if last in new.measures else ()

    def begin(self, measure: str) -> Fraction:
        """Say when one of the former measures began, from its section's beginning on."""
        return self._timelines[measure][0].start(measure) or Fraction(0)


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
    free = [bar.id for bar in found if bar.usual is None]
    if free:
        raise refusal("out-of-range", "Without a metre there are no measures to fill.", *free)
    return found


def _old_lengths(
    draft: Draft, old_bars: Sequence[Bar], events: Sequence[Event], former: Fraction | None
) -> Mapping[str, Fraction]:
    """Say what measures lasted before: by themselves, as told, or by what is in them."""
    ends: dict[str, Fraction] = {}
    for event in events:
        if not _fills_measure(draft, event.id):
            ends[event.measure] = max(ends.get(event.measure, Fraction(0)), event.end)
    found: dict[str, Fraction] = {}
    for bar in old_bars:
        usual = bar.extent if _has_own_length(draft, bar) else former
        content = ends.get(bar.id, Fraction(0))
        found[bar.id] = max(usual, content) if usual is not None else content or bar.extent
    return found


def _has_own_length(draft: Draft, bar: Bar) -> bool:
    return "length" in draft.find("measures", bar.id, "measure")


def _fills_measure(draft: Draft, key: str) -> bool:
    return (draft.get("pt", key) or {}).get("rest") == "measure"


def _sections(draft: Draft, old_bars: Sequence[Bar]) -> Sequence[Sequence[Bar]]:
    """Part measures where a repeat, an ending, a section or another metre begins or ends."""
    edges: dict[str, set[str]] = {"left": set(), "right": set()}
    for side, barline in _barlines(draft):
        value = draft.find("attr", barline.key, "setting")
        if "repeat" in value or value.get("style") in _SECTION_STYLES:
            edges[side].add(barline.measure)
    for ending in _lines(draft, "ending"):
        edges["left"].add(ending.start)
        edges["right"].add(ending.end)
    found: list[list[Bar]] = []
    for bar in old_bars:
        before = found[-1][-1] if found else None
        if (
            before is None
            or bar.id in edges["left"]
            or before.id in edges["right"]
            or before.usual != bar.usual
        ):
            found.append([])
        found[-1].append(bar)
    return found


def _barlines(draft: Draft) -> Sequence[tuple[str, Setting]]:
    """Barlines at edges of measures, and at which."""
    return [
        (setting.key.rpartition(KEY_SEPARATOR)[2], setting)
        for setting in read_score(draft.view(("attr",))).settings.values()
        if setting.kind == "barline" and setting.at is None
    ]


def _lines(draft: Draft, kind: str) -> Sequence[Spanner]:
    lines = [read_spanner(key, value) for key, value in draft.entries("sp")]
    return [line for line in lines if line is not None and line.kind == kind]


def _barred(draft: Draft, section: Sequence[Bar], time: Fraction, *, goes_on: bool) -> Timeline:
    """Add or delete measures, so that there are as many as some time needs.

    An upbeat stays one. The last measure is as long as others, unless music follows in the range,
    which came right after it, or it was made short by somebody.
    """
    first, last = section[0], section[-1]
    usual = first.usual or first.extent
    upbeat = first.extent if _has_own_length(draft, first) else usual
    upbeat -= (math.ceil(upbeat / usual) - 1) * usual
    count = 1 + max(0, math.ceil((time - upbeat) / usual))
    keys = [bar.id for bar in section]
    if count > len(keys):
        keys += add_measures(draft, InsertMeasures(last.id, count - len(keys)))
    lengths = [upbeat, *[usual] * (count - 1)]
    if time > 0 and (goes_on or _has_own_length(draft, last)):
        lengths[-1] -= max(Fraction(0), sum(lengths, Fraction(0)) - time)
    for key, length in zip(keys, lengths, strict=False):
        own = None if length == usual else written_time(length)
        value = draft.find("measures", key, "measure")
        draft.put("measures", key, {**value, "length": own})
    delete_measures(draft, DeleteMeasures(tuple(keys[count:])))
    _move_end(draft, last.id, keys[count - 1])
    return Timeline(list(zip(keys[:count], lengths, strict=True)))


def _move_end(draft: Draft, former: str, last: str) -> None:
    """What ended with one measure ends with another."""
    if former == last:
        return
    for side, barline in _barlines(draft):
        if (side, barline.measure) == ("right", former):
            value = draft.find("attr", barline.key, "setting")
            draft.drop("attr", barline.key)
            draft.put("attr", attribute_key("barline", last, barline.scope, "right"), value)
    for ending in _lines(draft, "ending"):
        if ending.end == former:
            draft.put("sp", ending.id, {**draft.find("sp", ending.id, "spanner"), "end": last})


def _move_events(draft: Draft, events: Sequence[Event], moves: _Moves) -> None:
    last_pieces: dict[str, str] = {}
    others: set[object] = set()
    # Where nothing is, a rest is seen anyway.
    draft.drop_events({event.id for event in events if _fills_measure(draft, event.id)})
    for event in sorted(events, key=lambda event: event.id):
        value = draft.get("ev", event.id)
        if value is None:
            continue
        if event.grace is not None:
            measure, onset = moves.at(event.measure, event.onset)
            place = {"measure": measure, "onset": written_time(onset)}
            draft.put("ev", event.id, {**value, **place})
            continue
        ids = lay(draft, event.id, value, draft.get("pt", event.id), moves.spans(event))
        last_pieces[event.id] = ids[-1]
        others.update(ids[1:])
        _move_notation(draft, event.id, ids[-1])
    _move_ends(draft, last_pieces, others)
    _cut_tuplets(draft, last_pieces, moves)


def _move_notation(draft: Draft, first: str, last: str) -> None:
    """Beams follow the metre; what is held on is held at its end."""
    notation = draft.get("nx", first)
    if notation is None:
        return
    if first != last and "fermata" in notation:
        draft.put("nx", last, {"fermata": notation.pop("fermata")})
    draft.put("nx", first, {**notation, "beams": None})


def _move_ends(draft: Draft, last_pieces: Mapping[str, str], others: set[object]) -> None:
    """A tie goes on from a note's last piece; all other lines end there."""
    cut = {first for first, last in last_pieces.items() if first != last}
    for key, value in draft.entries("sp"):
        is_tie = value.get("kind") == "tie"
        end = "start" if is_tie else "end"
        note = value.get(end)
        # One of the ties that were made between the pieces of one note stays.
        is_within = is_tie and isinstance(value.get("end"), str) and value.get("end") in others
        if isinstance(note, str) and note in cut and not is_within:
            line = draft.find("sp", key, "spanner")
            draft.put("sp", key, {**line, end: last_pieces[note]})


def _cut_tuplets(draft: Draft, moved: Mapping[str, str], moves: _Moves) -> None:
    """A tuplet is in one measure: one that goes over barlines becomes several."""
    for tuplet in _lines(draft, "tuplet"):
        first, last = (
            read_event(key, draft.get("ev", key) or {}) for key in (tuplet.start, tuplet.end)
        )
        if tuplet.start not in moved or first is None or last is None:
            continue
        if first.measure == last.measure:
            continue
        line = draft.find("sp", tuplet.id, "spanner")
        for place, (start, end) in enumerate(_runs(draft, first, last, moves)):
            key = draft.new_id() if place else tuplet.id
            draft.put("sp", key, {**line, "start": start, "end": end})


def _runs(draft: Draft, first: Event, last: Event, moves: _Moves) -> Iterator[tuple[str, str]]:
    """What of a voice is in each measure from one event to another: its first and its last."""
    for measure in moves.between(first.measure, last.measure):
        cell = (first.part, measure)
        inside = [
            event
            for event in events_in(draft, {cell})[cell]
            if event.voice == first.voice
            and event.grace is None
            and (measure != first.measure or event.onset >= first.onset)
            and (measure != last.measure or event.onset <= last.onset)
        ]
        if inside:
            inside.sort(key=lambda event: (event.onset, event.id))
            yield inside[0].id, inside[-1].id


def _move_directions(draft: Draft, inside: set[str], moves: _Moves) -> None:
    score = read_score(draft.view(("dir",)))
    for direction in score.directions.values():
        if direction.measure in inside:
            measure, onset = moves.at(direction.measure, direction.onset)
            value = draft.find("dir", direction.id, "direction")
            place = {"measure": measure, "onset": written_time(onset)}
            draft.put("dir", direction.id, {**value, **place})


def _move_settings(draft: Draft, inside: set[str], moves: _Moves) -> None:
    moved = [
        (setting, setting.at, draft.find("attr", setting.key, "setting"))
        for setting in read_score(draft.view(("attr",))).settings.values()
        if setting.measure in inside and setting.at is not None and setting.kind in _MOVED_SETTINGS
    ]
    for setting, _, _ in moved:
        draft.drop("attr", setting.key)
    # At one moment, what a measure begins with holds, and not what the one before ends with.
    for setting, at, value in sorted(moved, key=lambda each: moves.begin(each[0].measure)):
        measure, onset = moves.at(setting.measure, at)
        draft.put("attr", attribute_key(setting.kind, measure, setting.scope, onset), value)
