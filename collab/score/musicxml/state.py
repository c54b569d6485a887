"""What is known while the measures of a score are read, and where each fact was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal, NamedTuple, cast

from collab.errors import InvalidScore
from collab.limits import UINT53_MAX
from collab.score import schema
from collab.score.musicxml.source import Element

FINDINGS_MAX: Final = 100

ItemKind = Literal["note", "move", "attributes", "sign", "barline", "other"]
Role = Literal["start", "stop"]
Ticks = int | Fraction
"""A time in the divisions in force; whole unless they changed within a measure."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a file that could not be taken as it stands; it is kept all the same.

    Args:
        line: in the file, counted from 1.
        message: what, without content of the file.
    """

    line: int
    message: str


class Item(NamedTuple):
    """One child of a measure: what it is, when, and the event or first sign that it became."""

    element: Element
    kind: ItemKind
    onset: tuple[int, int]
    owner: str
    divisions: Ticks


@dataclass(slots=True)
class Mark:
    """One end of a tie, slur, tuplet or line, before and after it has met the other end.

    Args:
        kind: as in ``sp``.
        role: which end it is.
        key: what both ends have in common besides the part.
        owner: the id of the event or direction that it stands at.
        voice: of the owner.
        place: by which the ends within a measure are put in order.
        elements: the markup that says it.
        fields: what the spanner says besides its ends, as this end knows it.
        spanner: the spanner's id, once the other end was found.
    """

    kind: str
    role: Role
    key: tuple[object, ...]
    owner: str
    voice: int
    place: tuple[Fraction, int, int]
    elements: list[Element]
    fields: dict[str, schema.Json]
    spanner: str = ""


class Ids:
    """Hands out ids: those of the file where they are sound, others by place.

    Args:
        explicit: all ids that the file gives.
    """

    def __init__(self, explicit: set[str]) -> None:
        self._explicit = explicit
        self._taken: set[str] = set()

    def claim(self, wanted: str | None, by_place: str) -> str:
        """Take an id.

        Args:
            wanted: what the file says, if it says something.
            by_place: the id to take otherwise.
        """
        if wanted and wanted not in self._taken and schema.is_ncname(wanted):
            self._taken.add(wanted)
            return wanted
        name = by_place
        while name in self._taken or name in self._explicit:
            name += "_"
        self._taken.add(name)
        return name


@dataclass(slots=True)
class PartState:
    """What goes on from one measure of a part to the next."""

    id: str
    number: int
    divisions: Ticks = 1
    staves: int = 1
    voices: dict[str, int] = field(default_factory=dict)
    open_marks: dict[tuple[object, ...], list[Mark]] = field(default_factory=dict)
    transposition: schema.Transposition | None = None
    times: dict[tuple[Ticks, Ticks], tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Cell:
    """One measure of one part, while and after it is read."""

    part: PartState
    measure: str
    number: int
    element: Element
    divisions: Ticks
    position: Ticks = 0
    end: Fraction = Fraction(0)
    head: str = ""
    head_onset: Ticks = 0
    graces: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    end_divisions: Ticks = 1

    def time(self, ticks: Ticks) -> tuple[int, int]:
        """Turn a time in divisions into quarter notes, in lowest terms.

        Raises:
            InvalidScore: it is longer than the document can say.
        """
        known = self.part.times
        key = (ticks, self.part.divisions)
        found = known.get(key)
        if found is None:
            quarters = Fraction(ticks) / Fraction(self.part.divisions)
            found = known[key] = (quarters.numerator, quarters.denominator)
            if max(found) > UINT53_MAX:
                raise InvalidScore("a time is too long", line=self.element.sourceline)
        return found

    def add_item(self, element: Element, kind: ItemKind, owner: str = "") -> None:
        """Keep a child of the measure at the position reached."""
        onset = self.time(self.position)
        self.items.append(Item(element, kind, onset, owner, self.part.divisions))

    def id_by_place(self, letter: str) -> str:
        """Name the next element of its kind in this cell: ``p2m15n3``."""
        count = self.counted[letter] = self.counted.get(letter, 0) + 1
        return f"p{self.part.number}m{self.number}{letter}{count}"


@dataclass(slots=True)
class Reading:
    """A score as far as it was read.

    Attributes:
        elements: for a fact, by facet and key, the markup that says it, with its cell.
        marks: for an event or direction, the ends of spanners at it.
        lyrics: for an event, its syllables by verse.
        signs: for the first sign of a direction or a chord symbol, all signs in it.
        endings: at a measure, the text of an ending that starts or stops there, by which it does.
        settings: values of ``attr`` by kind, measure, place and staff, then by part.
    """

    ids: Ids
    facets: schema.Facets = field(
        default_factory=lambda: cast("schema.Facets", {name: {} for name in schema.FACETS})
    )
    cells: list[Cell] = field(default_factory=list)
    parts: dict[str, PartState] = field(default_factory=dict)
    elements: dict[tuple[str, str], list[tuple[Cell | None, Element]]] = field(default_factory=dict)
    marks: dict[str, list[Mark]] = field(default_factory=dict)
    lyrics: dict[str, dict[str, Element]] = field(default_factory=dict)
    signs: dict[str, list[tuple[str, Element]]] = field(default_factory=dict)
    settings: dict[tuple[str, str, str, str], dict[str, tuple[schema.Json, Cell, Element]]] = field(
        default_factory=dict
    )
    endings: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def forget_markup(self) -> None:
        """Let go of all elements.

        Of a tree that was taken apart, lxml searches the whole piece for elements in use whenever
        one of them is let go.
        """
        for held in (self.cells, self.parts, self.elements, self.marks, self.lyrics):
            held.clear()
        self.signs.clear()
        self.settings.clear()

    def found(self, element: Element, message: str) -> None:
        """Keep a finding, unless there are many already."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(element.sourceline or 0, message))

    def put(
        self,
        facet: schema.Facet,
        key: str,
        value: Mapping[str, object] | str,
        cell: Cell | None,
        element: Element,
    ) -> None:
        """Keep a fact and where it was read."""
        self.facets[facet][key] = cast("schema.Json", value)
        self.elements.setdefault((facet, key), []).append((cell, element))
