"""What every key and every field of the score's facets may hold, as tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeGuard

from collab.limits import SCORE_RAW_TEXTS_MAX, UINT53_MAX
from collab.score import schema

ORDER_CHARS_MAX: Final = 256
LIST_ITEMS_MAX: Final = 64
VERSE_CHARS_MAX: Final = 16

_ORDER: Final = re.compile(f"[0-9A-Za-z]{{1,{ORDER_CHARS_MAX}}}")
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,8}")
_VERSE: Final = re.compile(f"[^|]{{1,{VERSE_CHARS_MAX}}}")
_STEPS: Final = frozenset("ABCDEFG")
ALTER_SEMITONES_MAX: Final = 4
OCTAVE_MIN: Final = -1
OCTAVE_MAX: Final = 12
FIFTHS_MAX: Final = 14
DOTS_MAX: Final = 8
COUNT_MAX: Final = 1024
BPM_MAX: Final = 10_000
STAFF_MAX: Final = 99


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field may hold.

    Args:
        expects: the rule in words, completing "expected ...".
        holds: whether a value (numbers normalised) keeps it.
    """

    expects: str
    holds: Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one kind of value.

    Args:
        required: fields that must be there.
        rules: every field that may be there, with its rule.
    """

    required: frozenset[str]
    rules: Mapping[str, Rule]


def key_rule(facet: schema.Facet) -> Rule:
    """Say what the keys of one facet look like."""
    return _KEY_RULES.get(facet, ID)


def shape_of(facet: schema.Facet, key: str) -> Shape:
    """Find the shape of one entry's value.

    Args:
        facet: any facet but ``meta``, whose values are plain text.
        key: a key that keeps the facet's rule; in ``attr`` it decides the shape.
    """
    if facet == "attr":
        return _ATTRIBUTE_SHAPES[key.partition(schema.KEY_SEPARATOR)[0]]
    if facet == "raw":
        return _RAW_TEXTS if key.startswith(schema.EVERY_PART) else _RAW_CELLS
    return _SHAPES[facet]


def is_text(value: object) -> bool:
    """Whether a value is a string, empty ones included."""
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_rational(value: object) -> bool:
    match value:
        case [int(numerator), int(denominator)] if all(map(_is_integer, value)):
            return 0 <= numerator <= UINT53_MAX and 1 <= denominator <= UINT53_MAX
    return False


def _is_positive_rational(value: object) -> bool:
    return _is_rational(value) and isinstance(value, list) and value[0] > 0


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_transposition(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"diatonic", "chromatic"}
        and all(map(_is_integer, value.values()))
    )


def _is_grace(value: object) -> bool:
    return (
        isinstance(value, dict)
        and "order" in value
        and set(value) <= {"order", "slash"}
        and ORDER.holds(value["order"])
        and isinstance(value.get("slash", False), bool)
    )


def _is_syllable_key(value: object) -> bool:
    event_id, separator, verse = str(value).partition(schema.KEY_SEPARATOR)
    return bool(separator) and schema.is_ncname(event_id) and _VERSE.fullmatch(verse) is not None


def _is_attribute_key(value: object) -> bool:
    place = schema.attribute_place(str(value))
    return (
        place is not None
        and schema.is_ncname(place.measure)
        and _is_scope(place.scope)
        # Lowest terms only: one place has one key.
        and schema.attribute_key(*place) == value
    )


def _is_raw_key(value: object) -> bool:
    scope, separator, number = str(value).partition(schema.KEY_SEPARATOR)
    is_scope = scope == schema.EVERY_PART or schema.is_ncname(scope)
    return bool(separator) and is_scope and _NUMBER.fullmatch(number) is not None


def _is_beat_group(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"beats", "unit"}
        and _BEATS.holds(value["beats"])
        and _COUNT.holds(value["unit"])
    )


def is_step(value: object) -> TypeGuard[str]:
    """Whether a value is a letter of the scale."""
    return isinstance(value, str) and value in _STEPS


def is_alter(value: object) -> TypeGuard[float]:
    """Whether a value is by how many semitones a letter may be altered."""
    return _is_number(value, -ALTER_SEMITONES_MAX, ALTER_SEMITONES_MAX)


def _is_scope(text: str) -> bool:
    part_id, slash, staff = text.partition("/")
    staff_fits = not slash or re.fullmatch("[1-9][0-9]?", staff) is not None
    return text == schema.EVERY_PART or (schema.is_ncname(part_id) and staff_fits)


def _one_of(*words: str) -> Rule:
    choices = frozenset(words)
    return Rule("one of " + ", ".join(words), lambda value: is_text(value) and value in choices)


def _integer(low: int, high: int) -> Rule:
    return Rule(
        f"an integer from {low} to {high}",
        lambda value: _is_integer(value) and _is_number(value, low, high),
    )


def _list_of(item: Callable[[object], bool], what: str, items_max: int = LIST_ITEMS_MAX) -> Rule:
    return Rule(
        f"a list of at most {items_max} {what}",
        lambda value: isinstance(value, list) and len(value) <= items_max and all(map(item, value)),
    )


def _shape(typed: type, **rules: Rule) -> Shape:
    """Join a typed shape with the rules of its fields; both name the same fields."""
    assert set(typed.__annotations__) == set(rules), f"{typed.__name__} and its rules differ"
    return Shape(typed.__dict__["__required_keys__"], rules)


ID: Final = Rule("an NCName of at most 128 characters", schema.is_ncname)
ORDER: Final = Rule(
    "a fractional index: 1 to 256 letters and digits of ASCII",
    lambda value: isinstance(value, str) and _ORDER.fullmatch(value) is not None,
)
_TEXT: Final = Rule("text", is_text)
_TEXTS: Final = _list_of(is_text, "texts")
_FLAG: Final = Rule("true or false", lambda value: isinstance(value, bool))
_TIME: Final = Rule("a rational [numerator, denominator], not negative", _is_rational)
_SPAN: Final = Rule("a rational [numerator, denominator] above 0", _is_positive_rational)
_COUNT: Final = _integer(1, COUNT_MAX)
_STAFF: Final = _integer(1, STAFF_MAX)
_BPM: Final = Rule(f"a number from 1 to {BPM_MAX}", lambda value: _is_number(value, 1, BPM_MAX))
_BEATS: Final = _list_of(_COUNT.holds, "counts of beats")
_PIECES: Final = _list_of(is_text, "texts", SCORE_RAW_TEXTS_MAX)
_PLACEMENT: Final = _one_of("above", "below")

_KEY_RULES: Final[Mapping[str, Rule]] = {
    "ly": Rule("event|verse", _is_syllable_key),
    "attr": Rule("kind|measure|scope|at", _is_attribute_key),
    "raw": Rule("part|number, or *|number", _is_raw_key),
}

_SHAPES: Final[Mapping[str, Shape]] = {
    "parts": _shape(
        schema.Part,
        order=ORDER,
        name=_TEXT,
        abbreviation=_TEXT,
        staves=_STAFF,
        transposition=Rule("{diatonic, chromatic}, both integers", _is_transposition),
    ),
    "measures": _shape(
        schema.Measure, order=ORDER, number=_TEXT, length=_SPAN, implicit=_FLAG, deleted=_FLAG
    ),
    "ev": _shape(
        schema.Event,
        part=ID,
        measure=ID,
        kind=_one_of("note", "space"),
        onset=_TIME,
        duration=_TIME,
        voice=_COUNT,
        staff=_STAFF,
        type=_one_of(
            *("1024th", "512th", "256th", "128th", "64th", "32nd", "16th", "eighth"),
            *("quarter", "half", "whole", "breve", "long", "maxima"),
        ),
        dots=_integer(0, DOTS_MAX),
        chord=ID,
        grace=Rule("{order, slash}", _is_grace),
    ),
    "pt": _shape(
        schema.Pitch,
        step=Rule("a letter from A to G", is_step),
        octave=_integer(OCTAVE_MIN, OCTAVE_MAX),
        alter=Rule(
            f"semitones from -{ALTER_SEMITONES_MAX} to {ALTER_SEMITONES_MAX}",
            is_alter,
        ),
        accidental=_TEXT,
        rest=_one_of("rest", "measure"),
        unpitched=_FLAG,
    ),
    "nx": _shape(
        schema.Notation,
        articulations=_TEXTS,
        fermata=_one_of("upright", "inverted"),
        stem=_one_of("up", "down", "none", "double"),
        beams=_list_of(
            _one_of("begin", "continue", "end", "forward hook", "backward hook").holds,
            "beams: begin, continue, end, forward hook or backward hook",
        ),
        raw=_TEXTS,
    ),
    "sp": _shape(
        schema.Spanner,
        kind=_one_of("tie", "slur", "tuplet", "wedge", "ottava", "pedal", "ending"),
        start=ID,
        end=ID,
        placement=_PLACEMENT,
        text=_TEXT,
        actual=_COUNT,
        normal=_COUNT,
        size=_integer(-22, 22),
    ),
    "dir": _shape(
        schema.Direction,
        part=ID,
        measure=ID,
        onset=_TIME,
        kind=_one_of(
            *("dynamics", "words", "rehearsal", "metronome", "harmony"),
            *("segno", "coda", "wedge", "ottava", "pedal"),
        ),
        text=_TEXT,
        placement=_PLACEMENT,
        staff=_STAFF,
        unit=_SPAN,
        bpm=_BPM,
        raw=_TEXTS,
    ),
    "ly": _shape(
        schema.Syllable,
        text=_TEXT,
        syllabic=_one_of("single", "begin", "middle", "end"),
        extend=_FLAG,
    ),
    "lay": _shape(schema.Layout, system=_FLAG, page=_FLAG),
}

_RAW_TEXTS: Final = _shape(schema.RawTexts, texts=_PIECES)
_RAW_CELLS: Final = _shape(
    schema.RawCells, measures=_list_of(ID.holds, "ids"), facts=_TEXTS, xml=_TEXTS
)

_ATTRIBUTE_SHAPES: Final[Mapping[str, Shape]] = {
    "time": _shape(
        schema.Time,
        beats=_BEATS,
        unit=_COUNT,
        symbol=_one_of("common", "cut"),
        plus=_list_of(_is_beat_group, "objects {beats, unit}"),
    ),
    "key": _shape(
        schema.Key,
        fifths=_integer(-FIFTHS_MAX, FIFTHS_MAX),
        mode=_TEXT,
        steps=_list_of(is_step, "letters from A to G"),
        alters=_list_of(is_alter, "numbers of semitones"),
    ),
    "clef": _shape(
        schema.Clef,
        sign=_one_of("G", "F", "C", "percussion", "TAB", "jianpu", "none"),
        line=_integer(1, 9),
        octave=_integer(-3, 3),
    ),
    "barline": _shape(
        schema.Barline,
        style=_one_of(
            *("regular", "dotted", "dashed", "heavy", "light-light", "light-heavy"),
            *("heavy-light", "heavy-heavy", "tick", "short", "none"),
        ),
        repeat=_one_of("forward", "backward"),
        times=_COUNT,
    ),
    "tempo": _shape(schema.Tempo, unit=_SPAN, bpm=_BPM, text=_TEXT),
}
