"""One measure of one part in the making: what is in it, what goes and what comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from collab.score.musicxml import markup
from collab.score.musicxml.current import Facts, SettingPlace, Value
from collab.score.musicxml.digests import CellPlace
from collab.score.musicxml.layout import AT_END, BEFORE_NOTES, Entry
from collab.score.musicxml.markup import made
from collab.score.musicxml.note_writing import NoteWriter
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Cell, Item, Reading
from collab.score.normalise.settings import lengths_of

NOTHING: Final[Mapping[str, Any]] = {}
LAST: Final = 1_000_000_000
FIRST: Final = -1
"""Orders of what is new: behind, or before, everything that the file has at an onset."""


@dataclass(slots=True)
class Scope:
    """What the writing of all cells of a score knows.

    Args:
        facts: as they are now.
        reading: as they were in the file; None for a score that came from none.
        notes: writes the notes.
        first_part: the part that says what counts for all parts but is written once.
        preferred_divisions: what a part that came from no file counts in.
        settings_before: keys, times, clefs and barlines of the file, by cell and place.
        lengths: of cells by now, part by part as they are asked for.
    """

    facts: Facts
    reading: Reading | None
    notes: NoteWriter
    first_part: str
    preferred_divisions: int = 1
    settings_before: dict[CellPlace, dict[SettingPlace, tuple[Value, Element]]] = field(
        default_factory=dict
    )
    lengths: dict[str, Mapping[str, Fraction | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.reading is None:
            return
        for (kind, measure, at, staff), by_part in self.reading.settings.items():
            for part_id, (value, _, element) in by_part.items():
                held: Any = value
                by_place = self.settings_before.setdefault((part_id, measure), {})
                by_place[kind, staff, at] = (held, element)

    def length(self, place: CellPlace) -> Fraction | None:
        """How long a cell is by now, by itself or by its metre; None for neither."""
        part, measure = place
        if part not in self.lengths:
            self.lengths[part] = lengths_of(self.facts.facets, part)
        return self.lengths[part].get(measure)


class Work:
    """The writing of one cell.

    Args:
        scope: of the whole score.
        place: which cell.
        cell: as it was in the file; None makes a new one.
    """

    def __init__(self, scope: Scope, place: CellPlace, cell: Cell | None) -> None:
        self.scope = scope
        self.facts = scope.facts
        self.place = place
        self.cell = cell
        self.measure: Element = made("measure") if cell is None else cell.element
        self.items: list[Item] = [] if cell is None else cell.items
        self.gone: set[int] = set()  # items that are written no longer, by their index
        self.added: list[Entry] = []
        part = self.facts.facets["parts"].get(place[0], NOTHING)
        self.has_staves = part.get("staves", 1) > 1

    def source(self, facet: str, key: str) -> Element | None:
        """Find the markup that said a fact in the file, wherever it stood."""
        reading = self.scope.reading
        found = reading.elements.get((facet, key)) if reading is not None else None
        return found[0][1] if found else None

    def before(self, facet: str, key: str) -> Value:
        """Read what this cell's file said of it; nothing where the file did not have the cell."""
        return NOTHING if self.cell is None else self.scope.notes.before(facet, key)

    def drop_item(self, element: Element) -> None:
        """Take out a child of the measure."""
        for index, item in enumerate(self.items):
            if item.element is element:
                self.gone.add(index)
        markup.drop(element)

    def barline(self, at: str) -> Element:
        """Find the barline at a place, or add one."""
        for index, item in enumerate(self.items):
            location = item.element.get("location", "right") if item.kind == "barline" else ""
            if location and location == at and index not in self.gone:
                return item.element
        for entry in self.added:
            if entry.element.tag == "barline" and entry.element.get("location") == at:
                return entry.element
        if at in {"left", "right"}:
            barline = made("barline", None, {"location": at})
            rank, order = (AT_END, (LAST,)) if at == "right" else (BEFORE_NOTES, (FIRST, 1))
            self.added.append(Entry(barline, Fraction(0), rank, order))
        else:
            barline = made("barline", None, {"location": "middle"})
            self.added.append(Entry(barline, Fraction(at), BEFORE_NOTES, (LAST,)))
        return barline

    def leading_attributes(self) -> Element:
        """Find the first attributes of the measure, before any note, or add some."""
        for index, item in enumerate(self.items):
            if item.kind in {"note", "move"}:
                break
            if item.kind == "attributes" and index not in self.gone:
                return item.element
        for entry in self.added:
            if entry.element.tag == "attributes" and entry.order[0] == FIRST:
                return entry.element
        attributes = made("attributes")
        self.added.append(Entry(attributes, Fraction(0), BEFORE_NOTES, (FIRST, 2)))
        return attributes
