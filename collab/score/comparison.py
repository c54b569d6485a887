"""What a musician would say has changed between two states of a score, measure by measure.

Elements are known by their ids, whatever became of their place and content, so a note that was
moved and re-pitched is one change and not a note that went and another that came. What stands in
a measure that was deleted went with it. What is kept of an imported file's markup is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from collab.score.elements import Element, Held, elements_of, measures_in_order, parts_in_order
from collab.score.schema import Json, normalise_numbers

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"

_EMPTY: Final[Mapping[str, object]] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one element.

    Attributes:
        change: ``added``, ``removed`` or ``changed``.
        element: as it is now, or as it was when it is gone.
        was: as it was before a change.
        aspects: what about it changed.
    """

    change: str
    element: Element
    was: Element | None = None
    aspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureChanges:
    """What changed in one measure.

    Attributes:
        measure: its id.
        number: as it is printed, or was when it is gone.
        change: what became of the measure itself; None when it is as it was.
        changes: of its elements: by part from the top, onset and voice.
    """

    measure: str
    number: str
    change: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What became of an entry that stands in no measure: of ``meta`` or ``parts``."""

    change: str
    facet: str
    key: str
    old: Json = field(default=None, repr=False)
    new: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two states of a score.

    Attributes:
        entries: titles, names and parts.
        measures: those in which anything changed, in the order of the score.
    """

    entries: tuple[EntryChange, ...]
    measures: tuple[MeasureChanges, ...]


def compare_scores(old: Held, new: Held) -> Comparison:
    """Compare two states of a score.

    Args:
        old: facet to key to value, as it was.
        new: as it is.
    """
    changes = _by_measure(elements_of(old), elements_of(new))
    ranks = {part: rank for rank, part in enumerate(parts_in_order(new))}
    measures = [
        MeasureChanges(
            measure=key,
            number=_number(new, key) or _number(old, key),
            change=_measure_change(old, new, key),
            changes=tuple(sorted(changes.get(key, ()), key=lambda each: _rank(each, ranks))),
        )
        for key in _all_measures(old, new)
    ]
    return Comparison(
        entries=tuple(_entries(old, new)),
        measures=tuple(each for each in measures if each.change or each.changes),
    )


def _by_measure(old: Mapping[str, Element], new: Mapping[str, Element]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was is None:
            assert now is not None
            found.setdefault(now.measure, []).append(Change(ADDED, now))
        elif now is None:
            found.setdefault(was.measure, []).append(Change(REMOVED, was))
        elif aspects := _aspects(was, now):
            found.setdefault(now.measure, []).append(Change(CHANGED, now, was, aspects))
    return found


def _aspects(was: Element, now: Element) -> tuple[str, ...]:
    names = dict.fromkeys((*was.aspects, *now.aspects))
    changed = [name for name in names if was.aspects.get(name) != now.aspects.get(name)]
    # A spanner stands where its start does: that moves with it.
    if not changed and was.measure != now.measure:
        changed.append("place")
    return tuple(changed)


def _all_measures(old: Held, new: Held) -> list[str]:
    """The measures of both states; one that is gone stands where it stood."""
    orders = {each.id: each.order for state in (old, new) for each in measures_in_order(state)}
    return sorted(orders, key=lambda key: (orders[key], key))


def _measure_change(old: Held, new: Held, key: str) -> str | None:
    was, now = (_fields(state, "measures", key) for state in (old, new))
    is_there = [bool(each) and each.get("deleted") is not True for each in (was, now)]
    if is_there == [False, True]:
        return ADDED
    if is_there == [True, False]:
        return REMOVED
    return CHANGED if was != now else None


def _number(state: Held, key: str) -> str:
    return str(_fields(state, "measures", key).get("number", ""))


def _rank(change: Change, ranks: Mapping[str, int]) -> tuple[int, str, Fraction, int, str]:
    element = change.element
    part = element.part or ""
    # What holds for all parts comes first.
    rank = -1 if not part else ranks.get(part, len(ranks))
    return rank, part, element.onset, element.voice, element.element_id


def _entries(old: Held, new: Held) -> Iterator[EntryChange]:
    for facet in ("meta", "parts"):
        was, now = (_normal(state.get(facet, _EMPTY)) for state in (old, new))
        for key in sorted(was.keys() | now.keys()):
            if key not in was:
                yield EntryChange(ADDED, facet, key, new=now[key])
            elif key not in now:
                yield EntryChange(REMOVED, facet, key, old=was[key])
            elif was[key] != now[key]:
                yield EntryChange(CHANGED, facet, key, was[key], now[key])


def _normal(entries: Mapping[str, object]) -> dict[str, Json]:
    normal = normalise_numbers(entries)
    assert isinstance(normal, dict)
    return normal


def _fields(state: Held, facet: str, key: str) -> Mapping[str, object]:
    value = normalise_numbers(state.get(facet, _EMPTY).get(key))
    return value if isinstance(value, dict) else _EMPTY


# As JSON --------------------------------------------------------------------------------------


def told(comparison: Comparison) -> Iterator[tuple[str, dict[str, Json]]]:
    """A comparison in pieces: a list's name (``entries``, ``measures``) and an item of it.

    Whoever tells them may stop at any one; a measure with many changes comes in one piece.
    """
    for entry in comparison.entries:
        yield (
            "entries",
            {
                "change": entry.change,
                "facet": entry.facet,
                "key": entry.key,
                "old": entry.old,
                "new": entry.new,
            },
        )
    for measure in comparison.measures:
        yield (
            "measures",
            {
                "measure": measure.measure,
                "number": measure.number,
                "change": measure.change,
                "changes": [_change(each) for each in measure.changes],
            },
        )


def counts(comparison: Comparison) -> dict[str, Json]:
    """How many elements were added, removed and changed."""
    changes = [each.change for measure in comparison.measures for each in measure.changes]
    return {kind: changes.count(kind) for kind in (ADDED, REMOVED, CHANGED)}


def _change(change: Change) -> Json:
    element, was = change.element, change.was
    before = element if change.change == REMOVED else was
    after = None if change.change == REMOVED else element
    return {
        "change": change.change,
        "element": element.element_id,
        "kind": element.kind,
        "part": element.part,
        "onset": [element.onset.numerator, element.onset.denominator],
        "aspects": list(change.aspects),
        "from_measure": was.measure if was is not None and was.measure != element.measure else None,
        "old": None if before is None else before.text,
        "new": None if after is None else after.text,
    }
