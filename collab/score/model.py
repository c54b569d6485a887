"""A score as typed immutable values, read from its facets: times are ``Fraction``s.

Reading is total. What a value says in the expected form is taken over, what can be left out falls
back to its usual value, and an entry that says too little is listed in ``Score.unreadable``. What
exactly is wrong with it is for ``collab.score.validate`` to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeVar

from collab.limits import UINT53_MAX
from collab.score.schema import KEY_SEPARATOR, AttributeKind, attribute_place, part_of

Place = tuple[str, str]
"""Facet and key of one entry."""

Entry = Mapping[str, object]
"""The value of one entry, an object of whatever members."""
T = TypeVar("T")

STEPS: Final = "CDEFGAB"
"""The letters of the scale, from the one at which an octave begins."""

STEP_SEMITONES: Final = dict(zip(STEPS, (0, 2, 4, 5, 7, 9, 11), strict=True))
_QUARTERS_IN_WHOLE: Final = 4
COUNT_MAX: Final = 1024
_TIMES_KEPT: Final = 1024
_STAVES_MAX: Final = 99
_OCTAVE_MAX: Final = 99
_ALTER_MAX: Final = 99
_GROUPS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One part, in the order of the score."""

    id: str
    order: str
    staves: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure; ``length`` in quarter notes, where it differs from the time signature."""

    id: str
    order: str
    length: Fraction | None
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Event:
    """When, where and how long; times in quarter notes, the onset from the measure's start.

    Attributes:
        is_space: takes time and is not drawn.
        grace: its place among the grace notes before one onset; None when it takes time.
    """

    id: str
    part: str
    measure: str
    is_space: bool
    onset: Fraction
    duration: Fraction
    voice: int
    staff: int
    grace: str | None

    @property
    def end(self) -> Fraction:
        """When it ends, from the measure's start; a grace note takes no time."""
        return self.onset if self.grace is not None else self.onset + self.duration


@dataclass(frozen=True, slots=True)
class Pitch:
    """What an event sounds like.

    Attributes:
        rest: empty for a note, ``measure`` for the rest that fills a measure, else ``rest``.
        semitones: above C0 as written, or None when the entry does not say.
    """

    rest: str
    semitones: float | None


@dataclass(frozen=True, slots=True)
class Spanner:
    """A line from one element to another."""

    id: str
    kind: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Direction:
    """A sign or words at a cell and onset."""

    id: str
    part: str
    measure: str
    onset: Fraction


@dataclass(frozen=True, slots=True)
class Setting:
    """An entry of ``attr``, by its key.

    Attributes:
        part: whom it is for, ``*`` for all.
        scope: as in the key; may name a staff as well.
        at: the onset in the measure, or None at one of its edges.
        length: how long a measure is from there on, for a time signature; None without a metre.
    """

    key: str
    kind: AttributeKind
    measure: str
    part: str
    scope: str
    at: Fraction | None
    length: Fraction | None


@dataclass(frozen=True, slots=True)
class Score:
    """What could be read of a document; every map by id.

    Attributes:
        parts: in the order of the score.
        measures: in the order of the score, the deleted ones at their places.
        attached: keys of ``nx``, ``ly`` and ``lay``, with the id that each belongs to.
        unreadable: entries that say too little, by facet and key.
    """

    parts: Mapping[str, Part]
    measures: Mapping[str, Measure]
    events: Mapping[str, Event]
    pitches: Mapping[str, Pitch]
    spanners: Mapping[str, Spanner]
    directions: Mapping[str, Direction]
    settings: Mapping[str, Setting]
    attached: Mapping[Place, str]
    unreadable: tuple[Place, ...]


def read_score(facets: Mapping[str, object]) -> Score:
    """Read all that a document says in the expected form.

    Args:
        facets: facet name to key to value, as read from the shared document; anything else than
            that is read as far as it goes, and nothing raises.
    """
    reading = _Reading(facets)
    parts = reading.values("parts", _part)
    measures = reading.values("measures", read_measure)
    return Score(
        parts={part.id: part for part in sorted(parts.values(), key=_by_order)},
        measures={measure.id: measure for measure in sorted(measures.values(), key=_by_order)},
        events=reading.values("ev", read_event),
        pitches=reading.values("pt", _pitch),
        spanners=reading.values("sp", read_spanner),
        directions=reading.values("dir", _direction),
        settings=reading.values("attr", read_setting),
        attached={
            (facet, key): owner_id
            for facet in ("nx", "ly", "lay")
            for key, owner_id in reading.values(facet, _owner).items()
        },
        unreadable=tuple(sorted(reading.unreadable)),
    )


def integer(value: object, low: int, high: int) -> int | None:
    """Read an integer; a whole float is one, for JavaScript knows one kind of number only."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    return None


def string(value: object) -> str:
    """Read a text; empty when it is none."""
    return value if isinstance(value, str) else ""


def time(value: object) -> Fraction | None:
    """Read a time in quarter notes, ``[numerator, denominator]``; None when it is none."""
    if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004 - a rational's terms
        return None
    numerator, denominator = (integer(item, 0, UINT53_MAX) for item in value)
    return None if numerator is None or not denominator else _fraction(numerator, denominator)


def time_length(value: Entry) -> Fraction | None:
    """How many quarter notes a time signature gives a measure.

    Returns:
        0 for music without metre, which has no beats; None when the entry does not say.
    """
    length = _group_length(value)
    groups = value.get("plus", ())
    if length is None or not isinstance(groups, list | tuple) or len(groups) > _GROUPS_MAX:
        return None
    for group in groups:
        added = _group_length(group) if isinstance(group, Mapping) else None
        if added is None:
            return None
        length += added
    return length


def _group_length(value: Entry) -> Fraction | None:
    counts, unit = value.get("beats"), integer(value.get("unit"), 1, COUNT_MAX)
    if not isinstance(counts, list | tuple) or len(counts) > _GROUPS_MAX or unit is None:
        return None
    beats = 0
    for item in counts:
        count = integer(item, 1, COUNT_MAX)
        if count is None:
            return None
        beats += count
    return Fraction(_QUARTERS_IN_WHOLE * beats, unit)


class _Reading:
    """The entries of each facet, and those that were passed over."""

    def __init__(self, facets: Mapping[str, object]) -> None:
        self._facets = facets
        self.unreadable: list[Place] = []

    def values(self, facet: str, read: Callable[[str, Entry], T | None]) -> dict[str, T]:
        entries = self._facets.get(facet)
        found: dict[str, T] = {}
        for key, value in entries.items() if isinstance(entries, Mapping) else ():
            read_value = read(key, value) if isinstance(value, Mapping) else None
            if read_value is None:
                self.unreadable.append((facet, str(key)))
            else:
                found[key] = read_value
        return found


def _by_order(value: Part | Measure) -> tuple[str, str]:
    return (value.order, value.id)


def _part(key: str, value: Entry) -> Part:
    staves = integer(value.get("staves"), 1, _STAVES_MAX) or 1
    return Part(key, string(value.get("order")), staves)


def read_measure(key: str, value: Entry) -> Measure:
    """Read one entry of ``measures``."""
    length = time(value.get("length")) or None  # a measure of no length says nothing
    return Measure(key, string(value.get("order")), length, value.get("deleted") is True)


@lru_cache(maxsize=_TIMES_KEPT)
def _fraction(numerator: int, denominator: int) -> Fraction:
    """Build a time, or give the one that was built before: a score has few different ones."""
    return Fraction(numerator, denominator)


def read_event(key: str, value: Entry) -> Event | None:
    """Read one entry of ``ev``; None when it does not say where or how long."""
    part, measure = value.get("part"), value.get("measure")
    onset, duration = time(value.get("onset")), time(value.get("duration"))
    if not isinstance(part, str) or not isinstance(measure, str):
        return None
    if onset is None or duration is None:
        return None
    grace = value.get("grace")
    order = string(grace.get("order")) if isinstance(grace, Mapping) else None
    return Event(
        id=key,
        part=part,
        measure=measure,
        is_space=value.get("kind") == "space",
        onset=onset,
        duration=duration,
        voice=integer(value.get("voice"), 1, COUNT_MAX) or 1,
        staff=integer(value.get("staff"), 1, _STAVES_MAX) or 1,
        # What lasts no time stands before an onset, as a grace note does.
        grace="" if order is None and duration == 0 else order,
    )


def _pitch(_key: str, value: Entry) -> Pitch:
    rest = value.get("rest")
    if isinstance(rest, str):
        return Pitch("measure" if rest == "measure" else "rest", None)
    step, octave = (
        string(value.get("step")),
        integer(value.get("octave"), -_OCTAVE_MAX, _OCTAVE_MAX),
    )
    alter = value.get("alter", 0)
    if (
        value.get("unpitched") is True
        or step not in STEP_SEMITONES
        or octave is None
        or isinstance(alter, bool)
        or not isinstance(alter, int | float)
        or not -_ALTER_MAX <= alter <= _ALTER_MAX  # true for NaN
    ):
        return Pitch("", None)
    return Pitch("", 12 * octave + STEP_SEMITONES[step] + alter)


def read_spanner(key: str, value: Entry) -> Spanner | None:
    """Read one entry of ``sp``; None when it does not name both ends."""
    kind, start, end = value.get("kind"), value.get("start"), value.get("end")
    if isinstance(kind, str) and isinstance(start, str) and isinstance(end, str):
        return Spanner(key, kind, start, end)
    return None


def _direction(key: str, value: Entry) -> Direction | None:
    part, measure, onset = value.get("part"), value.get("measure"), time(value.get("onset"))
    if isinstance(part, str) and isinstance(measure, str) and onset is not None:
        return Direction(key, part, measure, onset)
    return None


def read_setting(key: str, value: Entry) -> Setting | None:
    """Read one entry of ``attr``; None when its key is no place or its metre no metre."""
    place = attribute_place(key)
    if place is None:
        return None
    length = time_length(value) if place.kind == "time" else Fraction(0)
    if length is None:
        return None
    return Setting(
        key=key,
        kind=place.kind,
        measure=place.measure,
        part=part_of(place.scope),
        scope=place.scope,
        at=place.at if isinstance(place.at, Fraction) else None,
        length=length or None,
    )


def _owner(key: str, _value: Entry) -> str:
    """Name the element that an entry of ``nx``, ``ly`` or ``lay`` belongs to."""
    return key.partition(KEY_SEPARATOR)[0]
