"""Directions and chord symbols of a cell: written where they are not what the file says."""

from __future__ import annotations

from typing import Any

from collab.score.musicxml import markup, sign_writing
from collab.score.musicxml.cell_work import LAST, NOTHING, Work
from collab.score.musicxml.current import Value, length_of, onset_of
from collab.score.musicxml.layout import BEFORE_NOTES, Entry
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Item


def write_signs(work: Work) -> None:
    """Write directions and chord symbols."""
    here: set[str] = set()
    for index, item in enumerate(work.items):
        if item.kind == "sign" and item.owner:
            _write_sign_item(work, index, item, here)
    for name in sorted(set(work.facts.directions.get(work.place, [])) - here):
        value = _with_number(work, name, work.facts.facets["dir"][name])
        source = work.source("dir", name)
        element = sign_writing.made_direction(value, has_staves=work.has_staves, source=source)
        order = (LAST, name)
        work.added.append(Entry(element, onset_of(value), BEFORE_NOTES, order))
    for event_id in sorted(work.facts.events.get(work.place, [])):
        _add_lines(work, event_id)


def _with_number(work: Work, name: str, value: Value) -> Value:
    """Add what a line's end says because of the line: its number and size."""
    for (spanner, _), line in work.facts.spanners.get(name, {}).items():
        numbers = work.scope.notes.numbers
        added: dict[str, Any] = {"number": numbers[spanner]} if spanner in numbers else {}
        if "size" in line:
            added["size"] = abs(line["size"])
        return {**value, **added}
    return value


def _write_sign_item(work: Work, index: int, item: Item, here: set[str]) -> None:
    reading = work.scope.reading
    assert reading is not None
    for name, sign in reading.signs[item.owner]:
        before: Any = reading.facets["dir"][name]
        now = work.facts.facets["dir"].get(name, NOTHING)
        is_gone = any(now.get(key) != before.get(key) for key in sign_writing.PLACE)
        if not is_gone:
            here.add(name)
        if now == before:
            continue
        if is_gone:
            _take_out(sign)
        elif sign.tag == "harmony":
            sign_writing.change_harmony(sign, now)
        else:
            sign_writing.change_sign(sign, now)
            if now.get("placement") != before.get("placement"):
                sign_writing.set_placement(item.element, now)
    if item.element.getparent() is None or (
        item.element.tag == "direction" and item.element.find("direction-type") is None
    ):
        work.gone.add(index)


def _add_lines(work: Work, event_id: str) -> None:
    """Write wedges, ottavas and pedals that begin or stop at a note."""
    event = work.facts.facets["ev"][event_id]
    for (spanner, role), line in work.facts.spanners.get(event_id, {}).items():
        if line["kind"] not in {"wedge", "ottava", "pedal"}:
            continue
        is_start = role == "start"
        onset = onset_of(event) + (0 if is_start else length_of(event))
        size = line.get("size", 8)
        starts = {
            "wedge": line.get("text", "crescendo"),
            "ottava": "down" if size > 0 else "up",
            "pedal": "start",
        }
        value = {
            "kind": line["kind"],
            "text": starts[line["kind"]] if is_start else "stop",
            "size": abs(size),
            "number": work.scope.notes.numbers.get(spanner, "1"),
            "staff": event["staff"],
        }
        if "placement" in line:
            value["placement"] = line["placement"]
        element = sign_writing.made_direction(value, has_staves=work.has_staves)
        # What is over here stops before another one begins.
        work.added.append(Entry(element, onset, BEFORE_NOTES, (LAST + is_start, spanner)))


def _take_out(sign: Element) -> None:
    """Take a sign out, and the group that holds nothing else with it."""
    group = sign.getparent()
    markup.drop(sign)
    if group is not None and group.tag == "direction-type" and len(group) == 0:
        markup.drop(group)
