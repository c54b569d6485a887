"""Keys, times, clefs, barlines and breaks: made from their facts, or changed where those differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from collab.score.musicxml import markup
from collab.score.musicxml.current import Value
from collab.score.musicxml.markup import ATTRIBUTES_ORDER, BARLINE_ORDER, made
from collab.score.musicxml.source import Element

_CLOSING_STYLES: Final = ("light-heavy", "light-light")
_ENDING_NUMBERS: Final = re.compile(r"[1-9][0-9]{0,3}")


def made_setting(kind: str, staff: str, value: Value) -> Element:
    """Make a key, time or clef.

    Args:
        kind: which of them.
        staff: ``/2`` for the second staff, or nothing for the whole part.
        value: its facts.
    """
    element = _MAKERS[kind](value)
    if staff:
        element.set("number", staff.removeprefix("/"))
    return element


def changed_setting(element: Element, kind: str, value: Value) -> None:
    """Have a key, time or clef say what the facts say now; other attributes stay."""
    fresh = _MAKERS[kind](value)
    element[:] = list(fresh)
    element.text = None
    if "symbol" in element.attrib:
        del element.attrib["symbol"]
    for name, text in fresh.attrib.items():
        element.set(name, text)


def _key(value: Value) -> Element:
    children: list[Element] = []
    if "steps" in value:
        for step, alter in zip(value["steps"], value.get("alters", []), strict=False):
            children += [made("key-step", step), made("key-alter", markup.number_text(alter))]
    if not children:
        children = [made("fifths", str(value["fifths"]))]
        if value.get("mode"):
            children.append(made("mode", value["mode"]))
    return made("key", None, None, children)


def _time(value: Value) -> Element:
    symbol = {"symbol": value["symbol"]} if "symbol" in value else {}
    if not value["beats"]:
        return made("time", None, symbol, [made("senza-misura")])
    children: list[Element] = []
    for group in (value, *value.get("plus", [])):
        beats = "+".join(map(str, group["beats"])) or "1"
        children += [made("beats", beats), made("beat-type", str(group["unit"]))]
    return made("time", None, symbol, children)


def _clef(value: Value) -> Element:
    children = [made("sign", value["sign"])]
    if "line" in value:
        children.append(made("line", str(value["line"])))
    if value.get("octave"):
        children.append(made("clef-octave-change", str(value["octave"])))
    return made("clef", None, None, children)


_MAKERS: Final[Mapping[str, Callable[[Value], Element]]] = {
    "key": _key,
    "time": _time,
    "clef": _clef,
}


def set_barline(barline: Element, value: Value) -> None:
    """Have a barline show a style and a repeat; its other signs stay."""
    markup.set_text(barline, "bar-style", value.get("style"), BARLINE_ORDER)
    repeats: list[Element] = []
    if "repeat" in value:
        attributes = {"direction": value["repeat"]}
        if "times" in value:
            attributes["times"] = str(value["times"])
        repeats = [made("repeat", None, attributes)]
    before = barline.find("repeat")
    if before is not None and repeats:
        for name, text in before.attrib.items():
            if name not in {"direction", "times"}:
                repeats[0].set(name, text)
    markup.replace_all(barline, ("repeat",), repeats, BARLINE_ORDER)


def set_ending(barline: Element, role: str, text: str) -> None:
    """Have an ending begin or stop at a barline; where nothing ends, its line stays open."""
    is_open = (
        role == "stop"
        and barline.find("repeat") is None
        and barline.findtext("bar-style") not in _CLOSING_STYLES
    )
    kind = "discontinue" if is_open else role
    numbers = ", ".join(_ENDING_NUMBERS.findall(text))
    said = None if text in {"", numbers} else text
    ending = made("ending", said, {"number": numbers, "type": kind})
    markup.insert(barline, ending, BARLINE_ORDER)


def set_transposition(attributes: Element, transposition: Value | None) -> None:
    """Have a part sound as its facts say."""
    children: list[Element] = []
    if transposition is not None and any(transposition.values()):
        chromatic, diatonic = transposition["chromatic"], transposition["diatonic"]
        octaves = int(chromatic / 12)
        parts: list[tuple[str, int]] = [
            ("diatonic", diatonic - 7 * octaves),
            ("chromatic", chromatic - 12 * octaves),
        ]
        if octaves:
            parts.append(("octave-change", octaves))
        steps = [made(tag, str(number)) for tag, number in parts]
        children = [made("transpose", None, None, steps)]
    markup.replace_all(attributes, ("transpose",), children, ATTRIBUTES_ORDER)


def set_breaks(print_element: Element, breaks: Value) -> None:
    """Have a ``print`` element begin a new system or page, or not."""
    for name, attribute in (("system", "new-system"), ("page", "new-page")):
        if breaks.get(name):
            print_element.set(attribute, "yes")
        elif print_element.get(attribute) == "yes":
            del print_element.attrib[attribute]


def set_measure(measure: Element, before: Mapping[str, Any], now: Value) -> None:
    """Have a measure show its number, where that was changed."""
    if measure.get("number") is None or now["number"] != before.get("number"):
        measure.set("number", markup.safe(now["number"]))
    if bool(now.get("implicit")) != bool(before.get("implicit")):
        if now.get("implicit"):
            measure.set("implicit", "yes")
        else:
            measure.attrib.pop("implicit", None)
