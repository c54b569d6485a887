"""Where in a score a comment is: at an element, or, when that is gone, where it last stood.

=========================================  ========  =================================
what the comment is anchored to            it is     its place
=========================================  ========  =================================
nothing                                    whole     the score
an element that is there                   attached  where the element stands now
an element that is gone, or whose measure  detached  the measure and onset of before,
is deleted                                           as far as that measure is there
a measure (and onset) that is there        attached  that
a measure that is gone or deleted          detached  none
=========================================  ========  =================================

A pure view over the facets: nothing is written when an element goes, and a comment is attached
again when the element comes back. Every client can tell the same from the same two documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from collab.limits import UINT53_MAX
from collab.score.schema import Facet, normalise_numbers

Lookup = Callable[[Facet, str], object]
"""The value of an entry of a score, by facet and key; None where there is none."""

Onset = tuple[int, int]
"""Numerator and denominator, in quarter notes from the start of the measure."""

_START: Final[Onset] = (0, 1)
_IN_CELLS: Final[tuple[Facet, ...]] = ("ev", "dir")


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a thread of comments is about; all None for the whole score.

    Attributes:
        element: id of an event, direction, spanner, measure or part.
        part: id of the part where it stood, or that is meant.
        measure: id of the measure where it stood, or that is meant.
        onset: where in that measure.
    """

    element: str | None = None
    part: str | None = None
    measure: str | None = None
    onset: Onset | None = None


class AnchorState(StrEnum):
    """How an anchor holds."""

    WHOLE = "whole"  # it is about the score
    ATTACHED = "attached"
    DETACHED = "detached"  # what it was about is gone


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a thread is to be shown now.

    Attributes:
        state: how its anchor holds.
        part: the part, as far as there is one.
        measure: the measure; None where it is nowhere in particular.
        onset: where in that measure.
    """

    state: AnchorState
    part: str | None = None
    measure: str | None = None
    onset: Onset | None = None


def anchored(anchor: Anchor, lookup: Lookup) -> Anchor | None:
    """The anchor with the place where its element stands now, to fall back to later.

    Returns:
        The anchor to keep; None when neither its element nor its measure is there.
    """
    if anchor == Anchor():
        return anchor
    if anchor.element is not None:
        found = place_of(anchor.element, lookup)
        if found is not None:
            return found
    if anchor.measure is not None and _is_there("measures", anchor.measure, lookup):
        part = anchor.part if _is_there("parts", anchor.part, lookup) else None
        return replace(anchor, part=part, onset=anchor.onset or _START)
    return None


def place_of(element: str, lookup: Lookup) -> Anchor | None:
    """An anchor at an element, with the place where it stands; None when it is not there."""
    spanner = _object(lookup("sp", element))
    if spanner is None:
        return _place_of_owner(element, lookup)
    start = spanner.get("start")
    at = _place_of_owner(start, lookup) if isinstance(start, str) else None
    return None if at is None else replace(at, element=element)


def _place_of_owner(element: str, lookup: Lookup) -> Anchor | None:
    """The same for what stands somewhere by itself."""
    for facet in _IN_CELLS:
        value = _object(lookup(facet, element))
        if value is not None:
            return _at_cell(element, value, lookup)
    if _is_there("measures", element, lookup):
        return Anchor(element, None, element, _START)
    if _is_there("parts", element, lookup):
        return Anchor(element, element)
    return None


def placement(anchor: Anchor, lookup: Lookup) -> Placement:
    """Where a thread is to be shown, by the table above."""
    if anchor == Anchor():
        return Placement(AnchorState.WHOLE)
    if anchor.element is not None:
        found = place_of(anchor.element, lookup)
        if found is not None:
            return Placement(AnchorState.ATTACHED, found.part, found.measure, found.onset)
    part = anchor.part if _is_there("parts", anchor.part, lookup) else None
    if anchor.measure is None or not _is_there("measures", anchor.measure, lookup):
        return Placement(AnchorState.DETACHED, part)
    state = AnchorState.ATTACHED if anchor.element is None else AnchorState.DETACHED
    return Placement(state, part, anchor.measure, anchor.onset)


def read_onset(value: object) -> Onset | None:
    """An onset as the documents hold it, ``[numerator, denominator]``; None for anything else."""
    value = normalise_numbers(value)
    if not isinstance(value, list | tuple) or len(value) != len(_START):
        return None
    if any(isinstance(each, bool) or not isinstance(each, int) for each in value):
        return None
    numerator, denominator = value
    if not (0 <= numerator <= UINT53_MAX and 1 <= denominator <= UINT53_MAX):
        return None
    return numerator, denominator


def _at_cell(element: str, value: Mapping[str, object], lookup: Lookup) -> Anchor | None:
    measure, part = value.get("measure"), value.get("part")
    if not isinstance(measure, str) or not _is_there("measures", measure, lookup):
        return None
    is_known = isinstance(part, str) and _is_there("parts", part, lookup)
    onset = read_onset(value.get("onset")) or _START
    return Anchor(element, str(part) if is_known else None, measure, onset)


def _is_there(facet: Facet, key: str | None, lookup: Lookup) -> bool:
    value = None if key is None else _object(lookup(facet, key))
    return value is not None and value.get("deleted") is not True


def _object(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, Mapping) else None
