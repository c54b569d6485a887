"""Scores whose measures hold parts, turned into parts of measures and back, in place.

A timewise score may have more than its cells: comments between measures and parts, parts that leave
measures out or come in another order. Then its measures stay in the root, emptied, beside the parts
(the *mould*), and are filled again on the way back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from lxml import etree

from collab.errors import LimitExceeded
from collab.limits import SCORE_CELLS_MAX
from collab.score.musicxml.header import score_parts
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Finding

_TIMEWISE: Final = "score-timewise"


def as_partwise(root: Element) -> list[Finding]:
    """Turn a timewise tree into parts of measures; the root keeps its name.

    Returns:
        What is lost by it: that a part came in pieces.

    Raises:
        LimitExceeded: there are too many measures in all parts.
    """
    if root.tag != _TIMEWISE:
        return []
    findings = []
    measures = root.findall("measure")
    orders = [[part.get("id", "") for part in measure.iterchildren("part")] for measure in measures]
    present = dict.fromkeys(chain.from_iterable(orders))
    listed = [name for name in score_parts(root) if name in present]
    cells: dict[str, list[Element]] = {name: [] for name in (*listed, *present)}
    attributes: dict[str, dict[str, str]] = {}
    count = 0
    for index, measure in enumerate(measures):
        for child in measure.iterchildren("part"):
            of_part = cells[child.get("id", "")]
            if not of_part:
                attributes[child.get("id", "")] = dict(child.attrib)
            count += index + 1 - len(of_part)
            if count > SCORE_CELLS_MAX:
                message = f"the score has more than {SCORE_CELLS_MAX} measures in all parts"
                raise LimitExceeded(message, limit="SCORE_CELLS_MAX")
            missing = measures[len(of_part) : index + 1]
            of_part += [etree.Element("measure", other.attrib) for other in missing]
            if not missing:
                message = "a part comes twice in a measure, and is kept as one"
                findings.append(Finding(child.sourceline or 0, message))
            else:
                of_part[index].text = child.text
            child.text = None
            of_part[index].extend(list(child))
    if _is_plain(root, measures) and orders == _plain_orders(cells, len(measures)):
        for measure in measures:
            root.remove(measure)
    for name, of_part in cells.items():
        part = etree.SubElement(root, "part", attributes[name])
        part.extend(of_part)
    return findings


def as_timewise(root: Element) -> None:
    """Turn parts of measures into measures of parts, for a root of that name."""
    if root.tag != _TIMEWISE:
        return
    parts = [(part, part.findall("measure")) for part in root.findall("part")]
    mould = root.findall("measure")
    places = _places(mould)
    fits = _lengths(places) == {part.get("id", ""): len(cells) for part, cells in parts}
    measures = mould if fits else []
    for part, cells in parts:
        name = part.get("id", "")
        for index, cell in enumerate(cells):
            if index == len(measures):
                measures.append(etree.Element("measure"))
            _take_attributes(measures[index], cell)
            place = places[index].get(name) if fits else None
            if place is None:
                if fits and not len(cell):
                    continue  # it was left out, and still is
                place = etree.SubElement(measures[index], "part")
            _take_attributes(place, part)
            place.text = cell.text
            place.extend(list(cell))
        root.remove(part)
    if not fits:
        for measure in mould:
            root.remove(measure)
        root.extend(measures)


def _is_plain(root: Element, measures: Sequence[Element]) -> bool:
    """Tell whether measures stand together at the end, and hold parts alone."""
    if measures and root[-len(measures) :] != measures:
        return False
    return not any(
        _has_text(measure.text)
        or _has_text(measure.tail)
        or any(child.tag != "part" or _has_text(child.tail) for child in measure)
        for measure in measures
    )


def _has_text(text: str | None) -> bool:
    return bool(text and not text.isspace())


def _plain_orders(cells: Mapping[str, Sequence[Element]], count: int) -> list[list[str]]:
    """Name the parts of each measure, as they come where there is no mould."""
    orders: list[list[str]] = [[] for _ in range(count)]
    for name, of_part in cells.items():
        for index in range(len(of_part)):
            orders[index].append(name)
    return orders


def _places(mould: Sequence[Element]) -> list[dict[str, Element]]:
    """Find the place of each part in each measure of a mould: the first of its name."""
    return [
        {part.get("id", ""): part for part in reversed(measure.findall("part"))}
        for measure in mould
    ]


def _lengths(places: Sequence[Mapping[str, Element]]) -> dict[str, int]:
    """Count the measures that each part has in a mould."""
    return {name: number for number, parts in enumerate(places, start=1) for name in parts}


def _take_attributes(element: Element, other: Element) -> None:
    if element.attrib != other.attrib:
        element.attrib.clear()
        element.attrib.update(other.attrib)
