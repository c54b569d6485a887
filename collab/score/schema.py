"""The shape of a score: a few flat maps, the *facets*, each from an id to one small JSON value.

One top-level Y.Map for each facet; its values are plain JSON, replaced whole, never shared types.
What two people may change independently lives in different facets (``ev`` when and how long,
``pt`` which pitch), so that both changes survive a merge. See ``docs/score-schema.md``.

Times are rationals ``[numerator, denominator]`` in quarter notes; onsets count from the start of
the measure. Ids are XML NCNames, so that they can be exported as MusicXML ``id`` attributes.
"""

# No `from __future__ import annotations` here: TypedDict reads NotRequired from live annotations.

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final, Literal, NamedTuple, NotRequired, TypeAlias, TypedDict, cast, get_args

from collab.limits import UINT53_MAX

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""One JSON value."""

Facets: TypeAlias = dict[str, dict[str, Json]]
"""A whole score: facet name to key to value."""

Rational: TypeAlias = list[int]
"""``[numerator, denominator]`` in quarter notes, the denominator at least 1."""

Facet = Literal[
    "meta", "parts", "measures", "ev", "pt", "nx", "sp", "dir", "ly", "attr", "lay", "raw"
]
FACETS: Final[tuple[Facet, ...]] = get_args(Facet)
"""The names of the top-level maps, owners before those that refer to them."""

SCHEMA_VERSION: Final = 2
"""What ``meta["schema"]`` says, as text; a score without it is of version 1."""

OPERATIONS_VERSION: Final = 1
"""Of the JSON form of operations; see ``collab.score.operations.json_form``."""

ID_CHARS_MAX: Final = 128
KEY_SEPARATOR: Final = "|"
EVERY_PART: Final = "*"
"""The scope, in a key of ``attr``, of what holds for all parts."""


class Transposition(TypedDict):
    """What sounds compared with what is written: steps of the scale and semitones, signed."""

    diatonic: int
    chromatic: int


class Part(TypedDict):
    """``parts[pid]``: one player or choir part."""

    order: str
    name: str
    staves: int
    abbreviation: NotRequired[str]
    transposition: NotRequired[Transposition]


class Measure(TypedDict):
    """``measures[mid]``: one measure, shared by all parts; ``deleted`` is a tombstone.

    ``implicit`` says that its number is neither printed nor counted.
    """

    order: str
    number: str
    length: NotRequired[Rational]
    implicit: NotRequired[bool]
    deleted: NotRequired[bool]


class Grace(TypedDict):
    """What makes an event a grace note: its place among those before one onset."""

    order: str
    slash: NotRequired[bool]


class Event(TypedDict):
    """``ev[id]``: when, where and how long, but not which pitch."""

    part: str
    measure: str
    kind: Literal["note", "space"]
    onset: Rational
    duration: Rational
    voice: int
    staff: int
    type: NotRequired[str]
    dots: NotRequired[int]
    chord: NotRequired[str]
    grace: NotRequired[Grace]


class Pitch(TypedDict):
    """``pt[id]``: the written pitch, or that the event is a rest or has no pitch.

    Rests and unpitched notes may say with step and octave where they are drawn.
    """

    step: NotRequired[str]
    octave: NotRequired[int]
    alter: NotRequired[float]
    accidental: NotRequired[str]
    rest: NotRequired[Literal["rest", "measure"]]
    unpitched: NotRequired[bool]


class Notation(TypedDict):
    """``nx[id]``: what is drawn at an event; ``raw`` is markup that the schema does not model."""

    articulations: NotRequired[list[str]]
    fermata: NotRequired[Literal["upright", "inverted"]]
    stem: NotRequired[str]
    beams: NotRequired[list[str]]
    raw: NotRequired[list[str]]


class Spanner(TypedDict):
    """``sp[id]``: a line from one element to another, by the ids of both ends."""

    kind: str
    start: str
    end: str
    placement: NotRequired[str]
    text: NotRequired[str]
    actual: NotRequired[int]
    normal: NotRequired[int]
    size: NotRequired[int]


class Direction(TypedDict):
    """``dir[id]``: a sign or words at a cell and onset.

    A wedge, ottava or pedal is a spanner between two of these, one where it begins and one where
    it stops; ``text`` is then the ``type`` that MusicXML gives to this end.
    """

    part: str
    measure: str
    onset: Rational
    kind: str
    text: NotRequired[str]
    placement: NotRequired[str]
    staff: NotRequired[int]
    unit: NotRequired[Rational]
    bpm: NotRequired[float]
    raw: NotRequired[list[str]]


class Syllable(TypedDict):
    """``ly["event|verse"]``: one syllable; ``extend`` draws a line over the notes that follow."""

    text: str
    syllabic: Literal["single", "begin", "middle", "end"]
    extend: NotRequired[bool]


class BeatGroup(TypedDict):
    """Groups of beats of one unit, within a time signature of several units."""

    beats: list[int]
    unit: int


class Time(TypedDict):
    """``attr["time|..."]``: groups of beats (``[4]``, ``[3, 2]``) of one unit (4: a quarter).

    No beats at all is music without metre. ``plus`` adds groups of other units: 2/4 + 3/8.
    """

    beats: list[int]
    unit: int
    symbol: NotRequired[str]
    plus: NotRequired[list[BeatGroup]]


class Key(TypedDict):
    """``attr["key|..."]``: sharps (positive) or flats (negative).

    A signature that is no row of fifths names the altered steps and, in the same order, by how
    many semitones; ``fifths`` is 0 then.
    """

    fifths: int
    mode: NotRequired[str]
    steps: NotRequired[list[str]]
    alters: NotRequired[list[float]]


class Clef(TypedDict):
    """``attr["clef|..."]``: sign, line from below, and octaves by which it shifts."""

    sign: str
    line: NotRequired[int]
    octave: NotRequired[int]


class Barline(TypedDict):
    """``attr["barline|..."]``: how a measure's edge is drawn and whether it repeats."""

    style: NotRequired[str]
    repeat: NotRequired[Literal["forward", "backward"]]
    times: NotRequired[int]


class Tempo(TypedDict):
    """``attr["tempo|..."]``: how many units (a rational in quarter notes) sound in a minute."""

    unit: Rational
    bpm: float
    text: NotRequired[str]


class Layout(TypedDict):
    """``lay[mid]``: a break before the measure."""

    system: NotRequired[bool]
    page: NotRequired[bool]


class RawTexts(TypedDict):
    """``raw["*|n"]``: pieces of the imported file's markup, numbered on from one ``n`` to the next.

    See ``collab.score.musicxml.pieces``.
    """

    texts: list[str]


class RawCells(TypedDict):
    """``raw["part|n"]``: what the imported file held in the measures of one part, in order.

    ``xml`` holds each cell's markup, a character for each of its pieces; ``facts`` a digest of
    the modelled facts that were read from it. A cell whose facts still have that digest is
    exported as it came.
    """

    measures: list[str]
    facts: list[str]
    xml: list[str]


AttributeKind = Literal["time", "key", "clef", "barline", "tempo"]
ATTRIBUTE_KINDS: Final[tuple[AttributeKind, ...]] = get_args(AttributeKind)

Edge = Literal["left", "right"]
_EDGES: Final[tuple[Edge, ...]] = get_args(Edge)
_ONSET: Final = re.compile(r"(0|[1-9][0-9]{0,15})/([1-9][0-9]{0,15})")


class AttributePlace(NamedTuple):
    """What a key of ``attr`` says; see ``attribute_key``."""

    kind: AttributeKind
    measure: str
    scope: str
    at: Fraction | Edge


_NAME_START: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NCNAME: Final = re.compile(
    f"[{_NAME_START}][-.0-9\u00b7\u0300-\u036f\u203f-\u2040{_NAME_START}]{{0,{ID_CHARS_MAX - 1}}}"
)
_NESTING_MAX: Final = 8  # twice what the shapes above need


def is_ncname(text: object) -> bool:
    """Whether a value is an XML NCName (Namespaces in XML 1.0) of at most 128 characters."""
    return isinstance(text, str) and _NCNAME.fullmatch(text) is not None


def as_json(value: Mapping[str, object]) -> Json:
    """Hand a copy of a typed shape over as JSON, which the type checker cannot see it to be."""
    return cast("Json", dict(value))


def rational(value: Fraction | int) -> Rational:
    """Write a time in quarter notes as the document holds it, in lowest terms."""
    return [value.numerator, value.denominator]


def syllable_key(event_id: str, verse: str) -> str:
    """Build the key of a syllable in ``ly``; verses are named, usually ``1``, ``2`` ..."""
    return f"{event_id}{KEY_SEPARATOR}{verse}"


def raw_key(scope: str, number: int) -> str:
    """Build a key of ``raw``: of pieces (scope ``*``) or of the cells of a part."""
    return f"{scope}{KEY_SEPARATOR}{number}"


def attribute_key(kind: AttributeKind, measure_id: str, scope: str, at: Fraction | Edge) -> str:
    """Build the key of an attribute: ``kind|measure|scope|at``.

    The key is the place, so that two people who set the same thing at the same place meet in one
    entry instead of leaving two that contradict each other.

    Args:
        kind: what is set.
        measure_id: the measure it stands in.
        scope: ``*`` for all parts, a part's id, or ``part/staff`` (a clef of staff 2: ``P1/2``).
        at: the onset in the measure in quarter notes, or the edge a barline stands at.

    Returns:
        For example ``time|m1|*|0/1`` or ``barline|m11|*|right``.
    """
    place = at if isinstance(at, str) else f"{at.numerator}/{at.denominator}"
    return KEY_SEPARATOR.join((kind, measure_id, scope, place))


def part_of(scope: str) -> str:
    """Name the part of a scope in a key of ``attr``; ``*`` for all parts."""
    return scope.partition("/")[0]


def attribute_place(key: str) -> AttributePlace | None:
    """Read a key of ``attr``, whatever is named in it and in lowest terms or not.

    Returns:
        None when it is no place: only barlines stand at an edge.
    """
    name, *fields = key.split(KEY_SEPARATOR)
    kind = next((kind for kind in ATTRIBUTE_KINDS if kind == name), None)
    if kind is None or len(fields) != len(AttributePlace._fields) - 1:
        return None
    measure_id, scope, place = fields
    edge = next((edge for edge in _EDGES if edge == place), None)
    if edge is not None:
        return AttributePlace(kind, measure_id, scope, edge) if kind == "barline" else None
    onset = _ONSET.fullmatch(place)
    if onset is None:
        return None
    return AttributePlace(kind, measure_id, scope, Fraction(int(onset[1]), int(onset[2])))


def normalise_numbers(value: object) -> object:
    """Turn whole floats into integers, throughout a value read from a shared document.

    Readers of the CRDT give every number as a float; JavaScript knows one kind of number only.

    Args:
        value: a value, or a whole document; it is not changed. What nests deeper than any shape
            of this module is returned as it is, and fails validation by its shape.

    Returns:
        An equal value, maps as ``dict`` and sequences as ``list``.
    """
    return _normalised(value, _NESTING_MAX)


def _normalised(value: object, levels_left: int) -> object:
    if isinstance(value, float):
        # NaN and the infinities fail the comparison and stay what they are.
        return int(value) if math.fabs(value) <= UINT53_MAX and value.is_integer() else value
    if levels_left == 0:
        return value
    if isinstance(value, Mapping):
        return {key: _normalised(item, levels_left - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(item, levels_left - 1) for item in value]
    return value
