"""Small tools for changing markup: elements in the order that MusicXML prescribes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from lxml import etree

from collab.score.musicxml.source import Element

NOTE_ORDER: Final = (
    *("grace", "cue", "chord", "pitch", "unpitched", "rest", "duration", "tie", "instrument"),
    *("footnote", "level", "voice", "type", "dot", "accidental", "time-modification", "stem"),
    *("notehead", "notehead-text", "staff", "beam", "notations", "lyric", "play", "listen"),
)
ATTRIBUTES_ORDER: Final = (
    *("footnote", "level", "divisions", "key", "time", "staves", "part-symbol", "instruments"),
    *("clef", "staff-details", "transpose", "for-part", "directive", "measure-style"),
)
BARLINE_ORDER: Final = (
    *("bar-style", "footnote", "level", "wavy-line", "segno", "coda", "fermata", "ending"),
    "repeat",
)
SCORE_ORDER: Final = (
    *("work", "movement-number", "movement-title", "identification", "defaults", "credit"),
    *("part-list", "part"),
)
IDENTIFICATION_ORDER: Final = (
    "creator",
    "rights",
    "encoding",
    "source",
    "relation",
    "miscellaneous",
)
DIRECTION_ORDER: Final = (
    *("direction-type", "offset", "footnote", "level", "voice", "staff", "sound", "listening"),
)
SCORE_PART_ORDER: Final = (
    *("identification", "part-link", "part-name", "part-name-display", "part-abbreviation"),
    *("part-abbreviation-display", "group", "score-instrument", "player", "midi-device"),
    "midi-instrument",
)

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe(text: str) -> str:
    """Replace characters that XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)


def made(
    tag: str,
    text: str | None = None,
    attributes: Mapping[str, str] | None = None,
    children: Iterable[Element] = (),
) -> Element:
    """Make an element."""
    element = etree.Element(tag, {name: safe(value) for name, value in (attributes or {}).items()})
    if text is not None:
        element.text = safe(text)
    element.extend(list(children))
    return element


def insert(parent: Element, child: Element, order: Sequence[str]) -> None:
    """Put a child after all those that come before it, and after others of its kind."""
    rank = order.index(child.tag)
    place = len(parent)
    for index, sibling in enumerate(parent):
        if sibling.tag in order and order.index(sibling.tag) > rank:
            place = index
            break
    parent.insert(place, child)


def drop(element: Element) -> None:
    """Take an element out, but not the text behind it."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def replace_all(
    parent: Element, tags: Sequence[str], children: Iterable[Element], order: Sequence[str]
) -> None:
    """Put children in the place of all children with some tags."""
    for child in [child for child in parent if child.tag in tags]:
        drop(child)
    for child in children:
        insert(parent, child, order)


def set_text(parent: Element, tag: str, text: str | None, order: Sequence[str]) -> None:
    """Have a child say a text; None takes it out. Its attributes stay."""
    child = parent.find(tag)
    if text is None:
        if child is not None:
            drop(child)
    elif child is None:
        insert(parent, made(tag, text), order)
    elif child.text != text:
        child.text = safe(text)


def number_text(value: Fraction | float) -> str:
    """Write a number as MusicXML does: without exponent, whole ones without point."""
    if value == int(value):
        return str(int(value))
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
