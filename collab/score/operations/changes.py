"""What an operation writes: entries set and deleted, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeVar, cast

from pycrdt import Doc, Map

from collab.errors import EditRefused
from collab.score.model import Event, Place, read_event
from collab.score.schema import KEY_SEPARATOR, Facet, Json, normalise_numbers

_T = TypeVar("_T")

_FRAME: Final = ("parts", "measures", "attr")

Cell = tuple[str, str]
"""Part and measure."""

NewIds = Callable[[], str]
"""Gives an id that no element of the score has, with each call."""

RefusalCode = Literal[
    "unknown-element",
    "out-of-range",
    "occupied",
    "dangling",
    "deleted-measure",
    "wrong-kind",
    "malformed",
    "no-room",
]


@dataclass(frozen=True, slots=True)
class Changes:
    """Entries to set, and to delete, by facet and key."""

    sets: Mapping[Place, Json]
    deletes: frozenset[Place]

    def __bool__(self) -> bool:
        return bool(self.sets or self.deletes)


def apply(doc: Doc[Map[object]], changes: Changes) -> None:
    """Write changes into a replica, as one transaction and so as one update."""
    with doc.transaction():
        for facet, key in sorted(changes.deletes):
            doc.get(facet, type=Map).pop(key, None)
        for (facet, key), value in sorted(changes.sets.items(), key=lambda item: item[0]):
            doc.get(facet, type=Map)[key] = value


def refusal(code: RefusalCode, message: str, *element_ids: str) -> EditRefused:
    """Build the error that says why an operation is not made."""
    return EditRefused(message, code=code, element_ids=element_ids)


class Draft:
    """The score as it would be, while an operation is worked out.

    Args:
        facets: as read from the document; never changed.
        new_ids: the source of ids for new elements.
    """

    def __init__(self, facets: Mapping[str, Mapping[str, object]], new_ids: NewIds) -> None:
        self._facets = facets
        self._written: dict[str, dict[str, dict[str, Json] | str | None]] = {}
        self._keys: dict[str, list[str]] = {}
        self._events: dict[Cell, set[str]] | None = None
        self._of_frame: dict[str, object] = {}
        self.new_id = new_ids

    def get(self, facet: Facet, key: str) -> dict[str, Json] | None:
        """Read one entry, a copy with whole numbers as integers; None if there is no object."""
        plain = normalise_numbers(self._stored(facet, key))
        return cast("dict[str, Json]", plain) if isinstance(plain, dict) else None

    def find(self, facet: Facet, key: str, what: str) -> dict[str, Json]:
        """Read one entry that the operation needs.

        Raises:
            EditRefused: it is not there.
        """
        value = self.get(facet, key)
        if value is None:
            raise refusal("unknown-element", f"There is no such {what}.", key)
        return value

    def event(self, key: str) -> Event:
        """Read one event that the operation needs."""
        event = read_event(key, self.find("ev", key, "note or rest"))
        if event is None:
            raise refusal("malformed", "The event does not say where or how long it is.", key)
        return event

    def keys(self, facet: Facet) -> Sequence[str]:
        """Name all entries of a facet that there would be, sorted: plans follow no other order."""
        present = self._facets.get(facet, {})
        if facet not in self._keys:
            self._keys[facet] = sorted(present)
        written = self._written.get(facet)
        if not written:
            return self._keys[facet]
        kept = [key for key in self._keys[facet] if written.get(key, True) is not None]
        added = [key for key, value in written.items() if value is not None and key not in present]
        return sorted([*kept, *added])

    def entries(self, facet: Facet) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Go through a facet's entries; numbers as they are. What is no object is left out."""
        yield from self._mappings(facet, self.keys(facet))

    def events_in(self, cell: Cell) -> Iterator[tuple[str, Mapping[str, object]]]:
        """The entries of a cell's events, by id; numbers as they are.

        The first call looks at all events. What is written after that is followed, so that many
        operations in one draft cost no more each than a few.
        """
        if self._events is None:
            self._events = {}
            for key, value in self.entries("ev"):
                self._events.setdefault(_cell_of(value), set()).add(key)
        yield from self._mappings("ev", sorted(self._events.get(cell, ())))

    def of_frame(self, name: str, work_out: Callable[[], _T]) -> _T:
        """What follows from parts, measures and settings, until one of these is written."""
        if name not in self._of_frame:
            self._of_frame[name] = work_out()
        return cast("_T", self._of_frame[name])

    def put(self, facet: Facet, key: str, value: Mapping[str, Json | None]) -> None:
        """Set an entry; fields that are None are left out."""
        self._write(facet, key, {name: field for name, field in value.items() if field is not None})

    def put_text(self, key: str, text: str) -> None:
        """Set an entry of ``meta``, whose values are plain text."""
        self._written.setdefault("meta", {})[key] = text

    def drop(self, facet: Facet, key: str) -> None:
        """Delete an entry, if it is there."""
        self._write(facet, key, None)

    def drop_events(self, keys: AbstractSet[str]) -> None:
        """Delete events with all that belongs to them; spanners are the caller's concern."""
        for facet in ("ev", "pt", "nx"):
            for key in keys & set(self.keys(facet)):
                self.drop(facet, key)
        for key in self.keys("ly"):
            if key.partition(KEY_SEPARATOR)[0] in keys:
                self.drop("ly", key)

    def _stored(self, facet: str, key: str) -> object:
        """An entry as it is now; None if there is none."""
        written = self._written.get(facet, {})
        return written[key] if key in written else self._facets.get(facet, {}).get(key)

    def _mappings(
        self, facet: Facet, keys: Iterable[str]
    ) -> Iterator[tuple[str, Mapping[str, object]]]:
        for key in keys:
            value = self._stored(facet, key)
            if isinstance(value, Mapping):
                yield key, value

    def _write(self, facet: Facet, key: str, value: dict[str, Json] | None) -> None:
        if facet in _FRAME:
            self._of_frame.clear()
        elif facet == "ev" and self._events is not None:
            former = self._stored(facet, key)
            if isinstance(former, Mapping):
                self._events[_cell_of(former)].discard(key)
            if value is not None:
                self._events.setdefault(_cell_of(value), set()).add(key)
        self._written.setdefault(facet, {})[key] = value

    def changes(self) -> Changes:
        """Say what differs from the facets that the draft began with."""
        sets: dict[Place, Json] = {}
        deletes: set[Place] = set()
        for facet, written in self._written.items():
            entries = self._facets.get(facet, {})
            for key, value in written.items():
                if value is None:
                    if key in entries:
                        deletes.add((facet, key))
                elif key not in entries or normalise_numbers(entries[key]) != value:
                    sets[facet, key] = value
        return Changes(sets, frozenset(deletes))

    def view(self, names: Iterable[Facet]) -> dict[str, dict[str, object]]:
        """Read whole facets, as the draft has them."""
        return {name: dict(self.entries(name)) for name in names}


def no_ids() -> str:
    """Stand for a source of ids where nothing is made."""
    raise AssertionError("no elements are made here")


def written_time(value: Fraction) -> Json:
    """Write a time as the document holds it.

    Raises:
        EditRefused: it is before the measure.
    """
    if value < 0:
        raise refusal("out-of-range", "Times are not negative.")
    return [value.numerator, value.denominator]


def _cell_of(event: Mapping[str, object]) -> Cell:
    return str(event.get("part")), str(event.get("measure"))
