"""A file as facets: everything the schema models, and the markup it was read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from lxml import etree

from collab.errors import LimitExceeded
from collab.limits import (
    SCORE_CELLS_MAX,
    SCORE_MEASURES_MAX,
    SCORE_NOTES_MAX,
    SCORE_PARTS_MAX,
)
from collab.score import schema
from collab.score.musicxml import kept, settings, signs
from collab.score.musicxml.header import read_header, score_parts
from collab.score.musicxml.notes import read_note, ticks_of
from collab.score.musicxml.source import Element, read_file, text_of
from collab.score.musicxml.spanners import join_marks
from collab.score.musicxml.state import Cell, Finding, Ids, PartState, Reading
from collab.score.musicxml.timewise import as_partwise
from collab.score.order import order_key

_PART_ID_CHARS_MAX: Final = 64  # room for what keys and ids of elements add
_EXPLICIT_IDS: Final = etree.XPath("//@id")
_NOTES: Final = etree.XPath("count(//note)")


@dataclass(frozen=True, slots=True)
class Imported:
    """A score that was read.

    Args:
        facets: the document to be; sound by ``validate``.
        findings: what could not be taken as it stands, in the order of the file; at most 100.
    """

    facets: schema.Facets
    findings: list[Finding] = field(default_factory=list)


def read_musicxml(data: bytes) -> Imported:
    """Read a MusicXML file.

    Args:
        data: of a ``.musicxml``, ``.xml`` or ``.mxl`` file: score-partwise or score-timewise of
            any version, in any encoding that libxml2 knows.

    Returns:
        The facets, the same for equal bytes.

    Raises:
        InvalidScore: it is no MusicXML score; tells the line where there is one.
        LimitExceeded: it passes a limit.
    """
    tree, others = read_file(data)
    root = tree.getroot()
    findings = [
        Finding(0, "files beside the score in the archive are not kept") for _ in others[:1]
    ]
    findings += as_partwise(root)
    reading = read_score(root)
    facets = reading.facets
    facets["meta"]["schema"] = str(schema.SCHEMA_VERSION)
    kept.keep(reading, tree)
    return Imported(facets, findings + reading.findings)


def read_score(root: Element) -> Reading:
    """Read the facts of a partwise tree; the tree stays as it is.

    Raises:
        InvalidScore: a time is longer than a document can say.
        LimitExceeded: there are too many parts, measures or notes.
    """
    parts = root.findall("part")
    counts = [sum(1 for _ in part.iterchildren("measure")) for part in parts]
    _check_sizes(root, counts)
    reading = Reading(Ids(set(_EXPLICIT_IDS(root))))
    read_header(reading, root)
    part_ids = _read_parts(reading, root, parts)
    measures = [
        reading.ids.claim(None, f"m{number}") for number in range(1, max(counts, default=0) + 1)
    ]
    ends: dict[str, Fraction] = {}
    for number, (part_id, element) in enumerate(zip(part_ids, parts, strict=True), start=1):
        state = reading.parts[part_id] = PartState(part_id, number)
        for index, measure in enumerate(element.iterchildren("measure")):
            cell = Cell(state, measures[index], index + 1, measure, state.divisions)
            _read_cell(reading, cell)
            reading.cells.append(cell)
            ends[cell.measure] = max(cell.end, ends.get(cell.measure, Fraction(0)))
        _finish_part(reading, state)
    settings.settle(reading)
    _read_measures(reading, measures, ends)
    return reading


def _check_sizes(root: Element, counts: list[int]) -> None:
    for value, what, limit, most in (
        (len(counts), "parts", "SCORE_PARTS_MAX", SCORE_PARTS_MAX),
        (max(counts, default=0), "measures", "SCORE_MEASURES_MAX", SCORE_MEASURES_MAX),
        (sum(counts), "measures in all parts", "SCORE_CELLS_MAX", SCORE_CELLS_MAX),
        (_NOTES(root), "notes", "SCORE_NOTES_MAX", SCORE_NOTES_MAX),
    ):
        if value > most:
            raise LimitExceeded(f"the score has more than {most} {what}", limit=limit)


def _read_parts(reading: Reading, root: Element, parts: list[Element]) -> list[str]:
    """Read the parts in the order of their music, then those that are listed without any."""
    listed = score_parts(root)
    names = [part.get("id", "") for part in parts]
    names += [name for name in listed if name not in set(names)]
    ids = []
    for index, name in enumerate(names):
        wanted = name if len(name) <= _PART_ID_CHARS_MAX else None
        part_id = reading.ids.claim(wanted, f"part{index + 1}")
        ids.append(part_id)
        entry = listed.get(name)
        value: dict[str, Any] = {"order": order_key(index), "name": "", "staves": 1}
        if entry is not None:
            value["name"] = text_of(entry.find("part-name"))
            if abbreviation := text_of(entry.find("part-abbreviation")):
                value["abbreviation"] = abbreviation
            reading.put("parts", part_id, value, None, entry)
        else:
            reading.facets["parts"][part_id] = value
    return ids[: len(parts)]


def _finish_part(reading: Reading, state: PartState) -> None:
    value: Any = reading.facets["parts"][state.id]
    value["staves"] = state.staves
    if state.transposition is not None:
        value["transposition"] = dict(state.transposition)
    state.open_marks.clear()


def _read_cell(reading: Reading, cell: Cell) -> None:
    furthest = Fraction(0)
    for child in cell.element:
        tag = child.tag
        if tag == "note":
            read_note(reading, cell, child)
        elif tag in {"backup", "forward"}:
            furthest = max(furthest, Fraction(*cell.time(cell.position)))
            _move(reading, cell, child)
        elif tag in _READERS:
            _READERS[tag](reading, cell, child)
        elif tag == "sound":
            cell.add_item(child, "sign")
            signs.read_sound(reading, cell, child, cell.time(cell.position))
        else:
            cell.add_item(child, "other")
    cell.end = max(furthest, Fraction(*cell.time(cell.position)))
    cell.end_divisions = cell.part.divisions
    join_marks(reading, cell)


_READERS: Final = {
    "attributes": settings.read_attributes,
    "barline": settings.read_barline,
    "direction": signs.read_direction,
    "harmony": signs.read_harmony,
    "print": settings.read_print,
}


def _move(reading: Reading, cell: Cell, element: Element) -> None:
    ticks = ticks_of(element.find("duration"))
    if ticks is None:
        reading.found(element, "a move without a duration is passed over")
        ticks = 0
    cell.add_item(element, "move")
    moved = cell.position + (ticks if element.tag == "forward" else -ticks)
    if moved < 0:
        reading.found(element, "a backup goes back to before the measure")
    cell.position = max(moved, 0)
    cell.head = ""


def _read_measures(reading: Reading, measures: list[str], ends: dict[str, Fraction]) -> None:
    """Read what all parts share, as the first part that has the measure says it."""
    first: dict[str, Cell] = {}
    for cell in reading.cells:
        first.setdefault(cell.measure, cell)
    nominal: Fraction | None = None
    for index, (measure_id, time) in enumerate(zip(measures, _times(reading, first), strict=True)):
        element = first[measure_id].element
        value: dict[str, Any] = {
            "order": order_key(index),
            "number": element.get("number", ""),
        }
        if element.get("implicit") == "yes":
            value["implicit"] = True
        if time is not None:
            nominal = settings.nominal_length(time)
        end = ends[measure_id]
        if end and end != nominal:
            value["length"] = schema.rational(end)
        reading.put("measures", measure_id, value, first[measure_id], element)


def _times(reading: Reading, first: dict[str, Cell]) -> Iterator[Any]:
    """For each measure the time signature at its start, where there is one."""
    attributes = reading.facets["attr"]
    for measure_id, cell in first.items():
        for scope in (schema.EVERY_PART, cell.part.id):
            key = schema.attribute_key("time", measure_id, scope, Fraction(0))
            if key in attributes:
                yield attributes[key]
                break
        else:
            yield None
