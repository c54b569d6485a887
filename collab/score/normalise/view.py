"""The values that a normalised score consists of, and their form in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from collab.score.model import Place
from collab.score.schema import Json

OrphanReason = Literal[
    "event-missing",
    "measure-deleted",
    "measure-missing",
    "part-missing",
    "pitch-missing",
]
HiddenReason = Literal["dangling", "duplicate", "pitches-differ"]


@dataclass(frozen=True, slots=True)
class Chord:
    """Notes that begin and end together; one note is a chord of one.

    Attributes:
        ids: of its notes, the lowest first.
        moved_from: the voice it was written in, when it overlapped others there: a conflict that
            somebody should look at.
    """

    ids: tuple[str, ...]
    onset: Fraction
    duration: Fraction
    staff: int
    moved_from: int | None = None


@dataclass(frozen=True, slots=True)
class WrittenRest:
    """A rest that somebody wrote; ``fills_measure`` when it lasts as long as the measure does."""

    id: str
    onset: Fraction
    duration: Fraction
    staff: int
    fills_measure: bool


@dataclass(frozen=True, slots=True)
class Space:
    """Time that is taken and stays empty on the page."""

    id: str
    onset: Fraction
    duration: Fraction
    staff: int


@dataclass(frozen=True, slots=True)
class Grace:
    """Notes that take no time, before what begins at the onset; equal orders are one chord."""

    ids: tuple[str, ...]
    onset: Fraction
    staff: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Time of a voice that nobody wrote anything into: drawn as rests, and in no document."""

    onset: Fraction
    duration: Fraction
    staff: int


Item: TypeAlias = Chord | WrittenRest | Space | Grace | Gap


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of a cell, from the measure's start to its end, without overlaps."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one part has in one measure. Only cells with content are in the view.

    Attributes:
        length: in quarter notes, by the time signature or the measure itself; None for neither.
        is_overfull: something ends after ``length``.
        is_underfull: no voice has anything written in some of the time.
        covered: rests and spaces that are not shown, because something else is there.
        directions: ids, by onset.
    """

    part: str
    length: Fraction | None
    is_overfull: bool
    is_underfull: bool
    voices: tuple[Voice, ...]
    covered: tuple[str, ...]
    directions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One measure that is not deleted.

    Attributes:
        length: in quarter notes, by what holds for all parts.
        settings: keys of ``attr`` that take effect here, by kind, scope and onset; among them
            those of deleted measures before this one that hold on.
        cells: in the order of the parts.
    """

    id: str
    length: Fraction | None
    settings: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A spanner that is not drawn."""

    id: str
    reason: HiddenReason


@dataclass(frozen=True, slots=True)
class Orphan:
    """An entry whose owner is gone; restoring the owner brings it back."""

    facet: str
    key: str
    reason: OrphanReason


@dataclass(frozen=True, slots=True)
class View:
    """A score as it is shown.

    Attributes:
        parts: ids, in order.
        deleted: ids of the deleted measures, in order.
        spanners: ids of those that are drawn.
        unreadable: entries that are in no form that could be shown.
    """

    parts: tuple[str, ...]
    measures: tuple[MeasureView, ...]
    deleted: tuple[str, ...]
    spanners: tuple[str, ...]
    hidden: tuple[Hidden, ...]
    orphans: tuple[Orphan, ...]
    unreadable: tuple[Place, ...]


def view_json(view: View) -> dict[str, Json]:
    """Write a view as JSON, members in a fixed order and times as ``"3/2"``, for comparisons."""
    return {
        "parts": list(view.parts),
        "measures": [
            {
                "id": measure.id,
                "length": _time(measure.length),
                "settings": list(measure.settings),
                "cells": [_cell(cell) for cell in measure.cells],
            }
            for measure in view.measures
        ],
        "deleted": list(view.deleted),
        "spanners": list(view.spanners),
        "hidden": _pairs([(hidden.id, hidden.reason) for hidden in view.hidden]),
        "orphans": [[orphan.facet, orphan.key, orphan.reason] for orphan in view.orphans],
        "unreadable": _pairs(view.unreadable),
    }


def _pairs(values: Sequence[tuple[str, str]]) -> list[Json]:
    return [list(pair) for pair in values]


def _time(value: Fraction | None) -> str | None:
    return None if value is None else f"{value.numerator}/{value.denominator}"


def _cell(cell: Cell) -> dict[str, Json]:
    return {
        "part": cell.part,
        "length": _time(cell.length),
        "isOverfull": cell.is_overfull,
        "isUnderfull": cell.is_underfull,
        "voices": [
            {"number": voice.number, "items": [_item(item) for item in voice.items]}
            for voice in cell.voices
        ],
        "covered": list(cell.covered),
        "directions": list(cell.directions),
    }


def _item(item: Item) -> dict[str, Json]:
    onset, staff = _time(item.onset), item.staff
    if isinstance(item, Grace):
        return {"kind": "grace", "ids": list(item.ids), "onset": onset, "staff": staff}
    return {**_own(item), "onset": onset, "duration": _time(item.duration), "staff": staff}


def _own(item: Chord | WrittenRest | Space | Gap) -> dict[str, Json]:
    """Write what only one kind of item has."""
    match item:
        case Chord():
            return {"kind": "chord", "ids": list(item.ids), "movedFrom": item.moved_from}
        case WrittenRest():
            return {"kind": "rest", "id": item.id, "fillsMeasure": item.fills_measure}
        case Space():
            return {"kind": "space", "id": item.id}
        case Gap():
            return {"kind": "gap"}
