"""Checks of a plain score document: a pure view, bounded, that never changes anything.

Two kinds of problems are told apart. *Malformed* values are no score data and some client is at
fault. *Conflicts* are what honest concurrent edits may leave behind: a slur whose note is gone, a
note in a measure that somebody deleted. They are shown to people, never repaired silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, cast

from collab.score import rules, schema

Code = Literal[
    "unknown-facet",
    "not-a-map",
    "bad-key",
    "not-an-object",
    "missing-field",
    "unknown-field",
    "bad-value",
    "dangling",
    "orphaned",
]

PROBLEMS_MAX: Final = 100

_CONFLICTS: Final[frozenset[Code]] = frozenset({"dangling", "orphaned"})
_REFERRING_FIELDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ev": {"part": ("parts",), "measure": ("measures",), "chord": ("ev",)},
    "sp": {"start": ("ev", "dir", "measures"), "end": ("ev", "dir", "measures")},
    "dir": {"part": ("parts",), "measure": ("measures",)},
}

_PITCHES: Final = frozenset({"rest", "unpitched"})

_Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document.

    Args:
        facet: the map it was found in.
        key: the entry, cut to 128 characters; empty when it is the map itself.
        code: what kind of problem, see ``Code``.
        detail: the field concerned and what is expected there; never the value found.
    """

    facet: str
    key: str
    code: Code
    detail: str

    @property
    def is_conflict(self) -> bool:
        """Whether honest concurrent edits can lead here; otherwise the value is malformed."""
        return self.code in _CONFLICTS


def validate(document: Mapping[str, object], *, problems_max: int = PROBLEMS_MAX) -> list[Problem]:
    """Check a plain document value against the shapes of ``schema`` and its references.

    Args:
        document: facet name to key to value, as read from the shared document; whole floats
            count as integers. Absent facets are empty ones.
        problems_max: stop after this many problems.

    Returns:
        The problems, by facet and key, the same for equal documents; empty for a sound score.
    """
    return list(islice(_problems(document), problems_max))


def malformed(document: Mapping[str, object], *, problems_max: int = PROBLEMS_MAX) -> list[Problem]:
    """Find the values that are no score data, as ``validate`` does, and pass conflicts over.

    Conflicts do not count towards the most: a score with many of them hides nothing behind them.
    """
    found = (problem for problem in _problems(document) if not problem.is_conflict)
    return list(islice(found, problems_max))


def _problems(read: Mapping[str, object]) -> Iterator[Problem]:
    document = cast("dict[str, object]", schema.normalise_numbers(read))
    for name in sorted(set(document) - set(schema.FACETS)):
        yield _problem(name, "", "unknown-facet", "the score has no such map")
    known: dict[str, _Values] = {name: _entries(document, name) for name in schema.FACETS}
    for name in schema.FACETS:
        if not isinstance(document.get(name, {}), dict):
            yield _problem(name, "", "not-a-map", "expected a map from keys to values")
        for key in sorted(known[name]):
            yield from _entry_problems(known, name, key)


def _entries(document: Mapping[str, object], facet: str) -> dict[str, object]:
    entries = document.get(facet)
    return entries if isinstance(entries, dict) else {}


def _entry_problems(
    known: Mapping[str, _Values], facet: schema.Facet, key: str
) -> Iterator[Problem]:
    value = known[facet][key]
    key_rule = rules.key_rule(facet)
    if not key_rule.holds(key):
        yield _problem(facet, key, "bad-key", f"expected {key_rule.expects}")
    elif facet == "meta":
        if not rules.is_text(value):
            yield _problem(facet, key, "bad-value", "expected text")
    elif not isinstance(value, dict):
        yield _problem(facet, key, "not-an-object", "expected an object")
    else:
        shape = rules.shape_of(facet, key)
        yield from _field_problems(facet, key, value, shape)
        yield from _reference_problems(known, facet, key, value)


def _field_problems(
    facet: schema.Facet, key: str, value: _Values, shape: rules.Shape
) -> Iterator[Problem]:
    for name in sorted(shape.required - set(value)):
        yield _problem(facet, key, "missing-field", name)
    for name in sorted(value):
        rule = shape.rules.get(name)
        if rule is None:
            yield _problem(facet, key, "unknown-field", name)
        elif not rule.holds(value[name]):
            yield _problem(facet, key, "bad-value", f"{name}: expected {rule.expects}")
    if facet == "pt" and not _PITCHES & set(value) and not {"step", "octave"} <= set(value):
        yield _problem(facet, key, "missing-field", "step and octave, or rest, or unpitched")


def _reference_problems(
    known: Mapping[str, _Values], facet: schema.Facet, key: str, value: _Values
) -> Iterator[Problem]:
    for owners, owner_id in _references(facet, key, value):
        if not any(owner_id in known[owner] for owner in owners):
            yield _problem(facet, key, "dangling", f"refers to nothing in {' or '.join(owners)}")
        elif owners == ("measures",) and _is_deleted(known["measures"][owner_id]):
            yield _problem(facet, key, "orphaned", "its measure was deleted")


def _references(
    facet: schema.Facet, key: str, value: _Values
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Name, for one entry, each id that it refers to and the maps that may hold it."""
    if facet in {"pt", "nx"}:
        yield ("ev",), key
    elif facet == "ly":
        yield ("ev",), key.partition(schema.KEY_SEPARATOR)[0]
    elif facet == "lay":
        yield ("measures",), key
    elif facet == "attr":
        _, measure_id, scope, _ = key.split(schema.KEY_SEPARATOR)
        yield ("measures",), measure_id
        if scope != schema.EVERY_PART:
            yield ("parts",), schema.part_of(scope)
    for name, owners in _REFERRING_FIELDS.get(facet, {}).items():
        owner_id = value.get(name)
        if isinstance(owner_id, str) and schema.is_ncname(owner_id):
            yield owners, owner_id


def _is_deleted(measure: object) -> bool:
    return isinstance(measure, dict) and measure.get("deleted") is True


def _problem(facet: str, key: str, code: Code, detail: str) -> Problem:
    # Names and keys come from clients: a report must not grow with them.
    chars_max = schema.ID_CHARS_MAX
    return Problem(facet[:chars_max], key[:chars_max], code, detail[: 2 * chars_max])
