"""Directions and chord symbols: made from their facts, or changed where those differ."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from collab.score.musicxml import chords, markup
from collab.score.musicxml.current import Value
from collab.score.musicxml.markup import DIRECTION_ORDER, made
from collab.score.musicxml.note_writing import written_value
from collab.score.musicxml.source import Element

PLACE: Final = ("part", "measure", "onset", "staff")
"""What says where a direction stands."""

DYNAMICS: Final = frozenset(
    {
        *("p", "pp", "ppp", "pppp", "ppppp", "pppppp", "f", "ff", "fff", "ffff", "fffff"),
        *("ffffff", "mp", "mf", "sf", "sfp", "sfpp", "fp", "rf", "rfz", "sfz", "sffz", "fz"),
        *("n", "pf", "sfzp"),
    }
)
_ENDS: Final = {
    "wedge": ("wedge", frozenset({"crescendo", "diminuendo", "stop", "continue"})),
    "ottava": ("octave-shift", frozenset({"up", "down", "stop", "continue"})),
    "pedal": (
        "pedal",
        frozenset({"start", "stop", "sostenuto", "change", "continue", "discontinue", "resume"}),
    ),
}
_HARMONY_ORDER: Final = (
    *("root", "numeral", "function", "kind", "inversion", "bass", "degree", "frame", "offset"),
    *("footnote", "level", "staff"),
)


def made_direction(value: Value, *, has_staves: bool, source: Element | None = None) -> Element:
    """Write a direction.

    Args:
        value: its facts.
        has_staves: whether its part has several staves, so that one must be named.
        source: the sign that it was read from, when it stood elsewhere: what is not modelled of
            it comes along.
    """
    if value["kind"] == "harmony":
        return _made_harmony(value, has_staves=has_staves, source=source)
    direction = _copied(source)
    if direction is None:
        sign = made_sign(value) if source is None else copy.deepcopy(source)
        if source is not None:
            change_sign(sign, value)
        direction = made("direction", None, None, [made("direction-type", None, None, [sign])])
    else:
        change_sign(direction.find("direction-type")[0], value)
    _set_place(direction, value, has_staves=has_staves)
    return direction


def set_placement(direction: Element, value: Value) -> None:
    """Have a direction say whether it stands above or below."""
    placement = value.get("placement")
    if placement is not None:
        direction.set("placement", placement)
    elif "placement" in direction.attrib:
        del direction.attrib["placement"]


def _set_place(direction: Element, value: Value, *, has_staves: bool) -> None:
    set_placement(direction, value)
    for offset in direction.findall("offset"):
        markup.drop(offset)
    if has_staves or "staff" in value:
        markup.set_text(direction, "staff", str(value.get("staff", 1)), DIRECTION_ORDER)


def _copied(source: Element | None) -> Element | None:
    """Copy a whole direction, when the sign is all that is in it."""
    if source is None:
        return None
    group = source.getparent()
    direction = None if group is None else group.getparent()
    if direction is None or len(group) != 1 or len(direction.findall("direction-type")) != 1:
        return None
    copied = copy.deepcopy(direction)
    copied.tail = None
    return copied


def made_sign(value: Value) -> Element:
    """Make the sign of a direction from its facts alone."""
    return _MAKERS[value["kind"]](value)


def change_sign(sign: Element, value: Value) -> None:
    """Have a sign say what the facts say now; its attributes stay where they still fit."""
    fresh = made_sign(value)
    if fresh.tag != sign.tag:
        parent = sign.getparent()
        if parent is not None:
            parent.replace(sign, fresh)
        return
    if sign.tag == "dynamics" and _dynamics_text(sign) == value.get("text"):
        return
    sign.text = fresh.text
    sign[:] = list(fresh)
    for name, text in fresh.attrib.items():
        if name != "number" or name not in sign.attrib:
            sign.set(name, text)


def _dynamics_text(sign: Element) -> str:
    return " ".join(
        (mark.text or "").strip() if mark.tag == "other-dynamics" else str(mark.tag)
        for mark in sign
        if isinstance(mark.tag, str)
    )


def _words(tag: str) -> Callable[[Value], Element]:
    return lambda value: made(tag, value.get("text", ""))


def _dynamics(value: Value) -> Element:
    names = value.get("text", "").split() or [""]
    marks = [made(name) if name in DYNAMICS else made("other-dynamics", name) for name in names]
    return made("dynamics", None, None, marks)


def _metronome(value: Value) -> Element:
    unit = Fraction(*value.get("unit", [1, 1]))
    return metronome(unit, value.get("bpm", 120))


def metronome(unit: Fraction, bpm: float) -> Element:
    """Write how many units, in quarter notes, sound in a minute."""
    kind, dots = written_value(unit)
    if kind is None:
        kind, dots, bpm = "quarter", 0, float(bpm * unit)
    children = [made("beat-unit", kind), *(made("beat-unit-dot") for _ in range(dots))]
    return made("metronome", None, None, [*children, made("per-minute", markup.number_text(bpm))])


def _end(value: Value) -> Element:
    tag, types = _ENDS[value["kind"]]
    kind = value.get("text", "stop")
    attributes = {"type": kind if kind in types else "stop"}
    if tag == "octave-shift":
        attributes["size"] = str(value.get("size", 8))
    if "number" in value:
        attributes["number"] = value["number"]
    return made(tag, None, attributes)


_MAKERS: Final[Mapping[str, Callable[[Value], Element]]] = {
    "words": _words("words"),
    "rehearsal": _words("rehearsal"),
    "dynamics": _dynamics,
    "metronome": _metronome,
    "segno": lambda _: made("segno"),
    "coda": lambda _: made("coda"),
    "wedge": _end,
    "ottava": _end,
    "pedal": _end,
}


def _made_harmony(value: Value, *, has_staves: bool, source: Element | None) -> Element:
    harmony = made("harmony") if source is None else copy.deepcopy(source)
    harmony.tail = None
    for offset in harmony.findall("offset"):
        markup.drop(offset)
    change_harmony(harmony, value)
    if has_staves or "staff" in value:
        markup.set_text(harmony, "staff", str(value.get("staff", 1)), _HARMONY_ORDER)
    return harmony


def change_harmony(harmony: Element, value: Value) -> None:
    """Have a chord symbol say what the facts say now."""
    text = value.get("text", "")
    if chords.symbol(harmony) == text:
        return
    chord = chords.parsed(text)
    kind = made("kind", chord.kind, {"text": chord.text})
    # A root must be named; where there is no chord, none is heard.
    roots = [_tone("root", chord.step or "C", chord.alter)]
    basses = [_tone("bass", chord.bass_step, chord.bass_alter)] if chord.bass_step else []
    tags = ("root", "numeral", "function", "kind", "inversion", "bass", "degree")
    markup.replace_all(harmony, tags, [*roots, kind, *basses], _HARMONY_ORDER)


def _tone(name: str, step: str, alter: int) -> Element:
    altered = [made(f"{name}-alter", str(alter))] if alter else []
    return made(name, None, None, [made(f"{name}-step", step), *altered])
