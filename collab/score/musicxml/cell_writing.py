"""One measure of one part: changed where its facts were changed, or made from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from collab.score.musicxml import layout, markup
from collab.score.musicxml.beaming import rebeam
from collab.score.musicxml.cell_work import FIRST, NOTHING, Scope, Work
from collab.score.musicxml.current import Value
from collab.score.musicxml.digests import CellPlace
from collab.score.musicxml.layout import AT_END, BEFORE_NOTES, Entry
from collab.score.musicxml.notes import ticks_of
from collab.score.musicxml.setting_work import write_measure, write_settings
from collab.score.musicxml.sign_work import write_signs
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Cell, Item, Ticks


@dataclass(slots=True)
class Written:
    """A measure as it goes out, and the divisions that hold at its start and end."""

    element: Element
    start: Ticks
    end: Ticks


def write_cell(
    scope: Scope,
    place: CellPlace,
    cell: Cell | None,
    divisions: Ticks,
    time: Value | None,
    *,
    is_first: bool,
) -> Written:
    """Write a cell.

    Args:
        scope: of the whole score.
        place: which cell.
        cell: as it was in the file; None makes a new one.
        divisions: that hold before it; 0 when none were said yet.
        time: the time signature in force, for beams.
        is_first: whether it is the first of its part that is written.
    """
    work = Work(scope, place, cell)
    write_settings(work, is_first=is_first)
    write_signs(work)
    write_measure(work)
    return _finish(work, divisions, time)


def _finish(work: Work, divisions: Ticks, time: Value | None) -> Written:
    """Write the notes, and put everything in order where it is not already."""
    events = {name: work.facts.facets["ev"][name] for name in work.facts.events.get(work.place, [])}
    held = {item.owner: item.element for item in work.items if item.kind == "note"}
    notes = work.scope.notes
    elements = {name: notes.write(name, work.source("ev", name)) for name in sorted(events)}
    is_same = events.keys() == held.keys() and not any(map(notes.is_moved, events))
    if is_same and not work.added and work.cell is not None:
        for index in work.gone:
            markup.drop(work.items[index].element)
        return Written(work.measure, work.cell.divisions, work.cell.end_divisions)
    entries, voices = _entries(work, events, elements)
    if not is_same:
        rebeam(notes, events, elements, held, time)
    return _lay_out(work, entries, voices, divisions)


def _entries(
    work: Work, events: Mapping[str, Value], elements: Mapping[str, Element]
) -> tuple[list[Entry], list[int]]:
    entries = list(work.added)
    voices: list[int] = []
    stream = 0
    for index, item in enumerate(work.items):
        if item.kind == "note":
            stream = work.before("ev", item.owner)["voice"]
            if stream not in voices:
                voices.append(stream)
        elif item.kind != "move" and index not in work.gone:
            entries.append(_item_entry(index, item, _stream_at(work, index, stream)))
    order = {item.owner: index for index, item in enumerate(work.items) if item.owner}
    pitches = work.facts.facets["pt"]
    is_pitched = {name: "rest" not in pitches.get(name, NOTHING) for name in events}
    return entries + layout.note_entries(events, elements, is_pitched, order), voices


def _stream_at(work: Work, index: int, stream: int) -> int:
    """Tell in whose stream an item stands: that of the note after it, or before it."""
    for item in work.items[index + 1 : index + 1 + _LOOK_AHEAD]:
        if item.kind == "move":
            break
        if item.kind == "note":
            return int(work.before("ev", item.owner)["voice"])
    return stream


def _item_entry(index: int, item: Item, stream: int) -> Entry:
    if item.kind == "barline":
        location = item.element.get("location", "right")
        if location == "right":
            return Entry(item.element, Fraction(0), AT_END, (index,))
        if location == "left":
            return Entry(item.element, Fraction(0), BEFORE_NOTES, (index,))
    onset = Fraction(*item.onset)
    return Entry(item.element, onset, BEFORE_NOTES, (index,), voice=stream)


def _lay_out(work: Work, entries: list[Entry], voices: list[int], divisions: Ticks) -> Written:
    preferred, said = _said_divisions(work, divisions)
    end = _old_end(work)
    wanted = layout.divisions_for(entries, preferred, [] if end is None else [end])
    for _, element in said:
        markup.drop(element)
    # What only said divisions says nothing now.
    empty = {attributes for attributes, _ in said if len(attributes) == 0}
    entries = [entry for entry in entries if entry.element not in empty]
    if said or wanted != divisions:
        known = len(work.added)
        layout.set_divisions(work.leading_attributes(), wanted)
        leading = work.leading_attributes()
        entries += work.added[known:]
        if all(entry.element is not leading for entry in entries):
            entries.append(Entry(leading, Fraction(0), BEFORE_NOTES, (FIRST, 2)))
    for item in work.items:
        _rescale(item, wanted)
    children = layout.laid_out(entries, voices, wanted, end)
    work.measure[:] = children
    return Written(work.measure, divisions, wanted)


def _said_divisions(work: Work, divisions: Ticks) -> tuple[int, list[tuple[Element, Element]]]:
    """Find the divisions that hold from the start on, and everything that says divisions."""
    said = []
    holds = divisions or work.scope.preferred_divisions
    moved = False
    for item in work.items:
        moved = moved or item.kind in {"note", "move"}
        for element in item.element.findall("divisions") if item.kind == "attributes" else ():
            said.append((item.element, element))
            if not moved:
                holds = ticks_of(element) or holds
    return (holds if isinstance(holds, int) else Fraction(holds).numerator), said


def _old_end(work: Work) -> Fraction | None:
    """Where the measure ended in the file, if it is still meant to be as long."""
    if work.cell is None:
        return None
    before = work.before("measures", work.place[1])
    now = work.facts.facets["measures"][work.place[1]]
    length = work.scope.length(work.place)
    is_as_long = before.get("length") == now.get("length")
    # Another metre, which may stand far before, makes it shorter as well.
    return work.cell.end if is_as_long and (length is None or work.cell.end <= length) else None


_LOOK_AHEAD: Final = 8


def _rescale(item: Item, divisions: int) -> None:
    """Write what is measured in divisions, besides notes, in the divisions that hold now."""
    if item.kind not in {"sign", "other"} or item.divisions == divisions:
        return
    for element in item.element.iter("offset", "duration"):
        try:
            ticks = Fraction((element.text or "").strip())
        except (ValueError, ZeroDivisionError):
            continue
        element.text = markup.number_text(ticks * divisions / Fraction(item.divisions))
