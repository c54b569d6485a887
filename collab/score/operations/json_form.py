"""Operations as JSON and back: one form for every language, and one codec for all of them.

An operation is an object. ``op`` is its name, and the other members are its fields as
``operations.py`` has them: times are ``[numerator, denominator]``, pitches and intervals are
objects of their fields. What has its usual value may be left out, and nothing may be added. A
change that older readers would take for something else makes a new ``OPERATIONS_VERSION``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from fractions import Fraction
from typing import Any, Final, get_args

from collab.errors import InvalidOperation
from collab.limits import (
    SCORE_CLIP_EVENTS_MAX,
    SCORE_EDIT_ELEMENTS_MAX,
    SCORE_EDITS_MAX,
    SCORE_TEXT_CHARS_MAX,
    UINT53_MAX,
)
from collab.score.intervals import Interval, WrittenPitch
from collab.score.operations.operations import (
    Articulation,
    Clip,
    ClipEvent,
    DirectionKind,
    Fermata,
    HeaderName,
    Operation,
    Placement,
    SettingKind,
    SpannerKind,
    Syllabic,
)
from collab.score.rules import OCTAVE_MAX, OCTAVE_MIN, is_alter, is_step
from collab.score.schema import Edge, Json

_NAME: Final = "op"
_DEPTH_MAX: Final = 8
_COUNT_MAX: Final = 1_000_000
_DIATONIC_MAX: Final = 35  # five octaves
_CHROMATIC_MAX: Final = 60
_TERMS: Final = 2

Read = Callable[[object, str], Any]
"""From JSON, found at a path, to the value of a field; raises InvalidOperation."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How the fields of one type are read and written."""

    read: Read
    write: Callable[[Any], Json]


def encode_operation(operation: Operation) -> dict[str, Json]:
    """Write an operation as JSON; fields that have their usual value are left out."""
    return {_NAME: type(operation).__name__, **_members(operation)}


def decode_operation(value: object, path: str = "operation") -> Operation:
    """Read an operation.

    Args:
        value: as a JSON decoder gave it.
        path: where it was found, for the error.

    Raises:
        InvalidOperation: it is none; the error names the member that is to blame.
    """
    members = _object(value, path)
    name = members.get(_NAME)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidOperation("expected the name of an operation", path=f"{path}.{_NAME}")
    rest = {member: each for member, each in members.items() if member != _NAME}
    found: Operation = _read_fields(kind, rest, path)
    return found


def decode_operations(value: object, path: str = "operations") -> list[Operation]:
    """Read a list of operations, one at least.

    Raises:
        InvalidOperation: it is none, or holds something that is no operation.
    """
    read: list[Operation] = _list(value, path, SCORE_EDITS_MAX, decode_operation)
    if not read:
        raise InvalidOperation("expected one operation at least", path=path)
    return read


def _members(value: Any) -> dict[str, Json]:  # noqa: ANN401 - an operation, or what is in one
    return {
        each.name: _FORMS[str(each.type)].write(getattr(value, each.name))
        for each in fields(value)
        if each.default is MISSING or getattr(value, each.name) != each.default
    }


def _read_fields(kind: type[Any], members: Mapping[str, object], path: str) -> Any:  # noqa: ANN401
    known: dict[str, Field[Any]] = {each.name: each for each in fields(kind)}
    for name in members:
        if name not in known:
            # Names come from clients: an error must not grow with them.
            raise InvalidOperation("there is no such member", path=f"{path}.{name[:64]}")
    read: dict[str, Any] = {}
    for name, each in known.items():
        if name in members:
            read[name] = _FORMS[str(each.type)].read(members[name], f"{path}.{name}")
        elif each.default is MISSING:
            raise InvalidOperation("is missing", path=f"{path}.{name}")
    return kind(**read)


def _object(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidOperation("expected an object", path=path)
    return value


def _list(value: object, path: str, items_max: int, read: Read) -> list[Any]:
    if not isinstance(value, list) or len(value) > items_max:
        raise InvalidOperation(f"expected a list of at most {items_max}", path=path)
    return [read(item, f"{path}.{place}") for place, item in enumerate(value)]


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or len(value) > SCORE_TEXT_CHARS_MAX:
        raise InvalidOperation(f"expected a text of at most {SCORE_TEXT_CHARS_MAX}", path=path)
    return value


def _different(read: Read) -> Read:
    def read_all(value: object, path: str) -> tuple[str, ...]:
        found = tuple(_list(value, path, SCORE_EDIT_ELEMENTS_MAX, read))
        if len(set(found)) < len(found):
            raise InvalidOperation("names something twice", path=path)
        return found

    return read_all


def _whole(low: int, high: int) -> Read:
    def read(value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidOperation(f"expected an integer from {low} to {high}", path=path)
        return value

    return read


def _flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidOperation("expected true or false", path=path)
    return value


def _time(value: object, path: str) -> Fraction:
    match value:
        case [int(numerator), int(denominator)] if not any(isinstance(x, bool) for x in value):
            if -UINT53_MAX <= numerator <= UINT53_MAX and 1 <= denominator <= UINT53_MAX:
                return Fraction(numerator, denominator)
    raise InvalidOperation("expected [numerator, denominator]", path=path)


def _onset_or_edge(value: object, path: str) -> Fraction | str:
    return _edge(value, path) if isinstance(value, str) else _time(value, path)


def _one_of(words: tuple[str, ...]) -> Read:
    def read(value: object, path: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise InvalidOperation(f"expected one of {', '.join(words)}", path=path)
        return value

    return read


def _optional(read: Read) -> Read:
    return lambda value, path: None if value is None else read(value, path)


def _entry(value: object, path: str) -> dict[str, Json]:
    """Read a value of the document as it is; the plan says whether the schema has it."""
    return {str(name): _json(item, path, _DEPTH_MAX) for name, item in _object(value, path).items()}


def _json(value: object, path: str, depth: int) -> Json:
    if not depth or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidOperation("holds what no score holds", path=path)
    if isinstance(value, dict):
        return {str(name): _json(item, path, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item, path, depth - 1) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise InvalidOperation("expected JSON", path=path)


def _pitch(value: object, path: str) -> WrittenPitch:
    pitch: WrittenPitch = _read_fields(WrittenPitch, _object(value, path), path)
    if not is_step(pitch.step):
        raise InvalidOperation("expected a letter from A to G", path=f"{path}.step")
    if not OCTAVE_MIN <= pitch.octave <= OCTAVE_MAX:
        raise InvalidOperation(f"expected {OCTAVE_MIN} to {OCTAVE_MAX}", path=f"{path}.octave")
    return pitch


def _semitones(value: object, path: str) -> float:
    if not is_alter(value):
        raise InvalidOperation("expected a small number of semitones", path=path)
    return value


def _interval(value: object, path: str) -> Interval:
    """Read an interval; a spelling is looked for step by step, so that none is endless."""
    found: Interval = _read_fields(Interval, _object(value, path), path)
    _whole(-_DIATONIC_MAX, _DIATONIC_MAX)(found.diatonic, f"{path}.diatonic")
    _whole(-_CHROMATIC_MAX, _CHROMATIC_MAX)(found.chromatic, f"{path}.chromatic")
    return found


def _clip_event(value: object, path: str) -> ClipEvent:
    found: ClipEvent = _read_fields(ClipEvent, _object(value, path), path)
    return found


def _clip(value: object, path: str) -> Clip:
    found: Clip = _read_fields(Clip, _object(value, path), path)
    return found


def _lyrics(value: object, path: str) -> dict[str, Mapping[str, Json]]:
    return {
        verse: _entry(each, f"{path}.{verse[:64]}") for verse, each in _object(value, path).items()
    }


def _as_is(value: Any) -> Json:  # noqa: ANN401 - what JSON holds
    told: Json = value
    return told


def _as_terms(value: Fraction | str | None) -> Json:
    return [value.numerator, value.denominator] if isinstance(value, Fraction) else value


def _as_list(value: tuple[str, ...] | None) -> Json:
    return None if value is None else list(value)


def _as_members(value: Any) -> Json:  # noqa: ANN401 - a dataclass of JSON form, or none
    return None if value is None else _members(value)


def _as_objects(value: tuple[Any, ...]) -> Json:
    return [_members(each) if isinstance(each, ClipEvent) else dict(each) for each in value]


_edge: Final = _one_of(get_args(Edge))
_texts: Final = _different(_text)

# By how a field is annotated: every annotation that operations use, and no other.
_FORMS: Final[Mapping[str, _Form]] = {
    "str": _Form(_text, _as_is),
    "str | None": _Form(_optional(_text), _as_is),
    "tuple[str, ...]": _Form(_texts, _as_list),
    "tuple[str, ...] | None": _Form(_optional(_texts), _as_list),
    "int": _Form(_whole(-_COUNT_MAX, _COUNT_MAX), _as_is),
    "int | None": _Form(_optional(_whole(-_COUNT_MAX, _COUNT_MAX)), _as_is),
    "float": _Form(_semitones, _as_is),
    "bool": _Form(_flag, _as_is),
    "Fraction": _Form(_time, _as_terms),
    "Fraction | None": _Form(_optional(_time), _as_terms),
    "Fraction | Edge": _Form(_onset_or_edge, _as_terms),
    "SpannerKind": _Form(_one_of(get_args(SpannerKind)), _as_is),
    "DirectionKind": _Form(_one_of(get_args(DirectionKind)), _as_is),
    "HeaderName": _Form(_one_of(get_args(HeaderName)), _as_is),
    "SettingKind": _Form(_one_of(get_args(SettingKind)), _as_is),
    "Syllabic": _Form(_one_of(get_args(Syllabic)), _as_is),
    "tuple[Articulation, ...]": _Form(_different(_one_of(get_args(Articulation))), _as_list),
    "Fermata | None": _Form(_optional(_one_of(get_args(Fermata))), _as_is),
    "Placement | None": _Form(_optional(_one_of(get_args(Placement))), _as_is),
    "WrittenPitch": _Form(_pitch, _as_members),
    "Interval": _Form(_interval, _as_members),
    "Interval | None": _Form(_optional(_interval), _as_members),
    "Mapping[str, Json]": _Form(_entry, _as_is),
    "Mapping[str, Json] | None": _Form(_optional(_entry), _as_is),
    "Mapping[str, Mapping[str, Json]]": _Form(_lyrics, _as_is),
    "Clip": _Form(_clip, _as_members),
    "tuple[ClipEvent, ...]": _Form(
        lambda value, path: tuple(_list(value, path, SCORE_CLIP_EVENTS_MAX, _clip_event)),
        _as_objects,
    ),
    "tuple[Mapping[str, Json], ...]": _Form(
        lambda value, path: tuple(_list(value, path, SCORE_CLIP_EVENTS_MAX, _entry)), _as_objects
    ),
}

_KINDS: Final[Mapping[str, type[Operation]]] = {kind.__name__: kind for kind in get_args(Operation)}

assert all(
    str(each.type) in _FORMS
    for kind in (*_KINDS.values(), WrittenPitch, Interval, Clip, ClipEvent)
    for each in fields(kind)
), "every field of an operation has a form"
