"""ABC, as far as Verovio reads it: what its MEI of a tune says, as MusicXML.

Verovio takes one voice and loses numbered endings, tempo and some decorations, so this is best
effort. Its own MIDI of such MEI is not to be had: repeats in it end the process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element, fromstring

from workers.tools.failures import Failure
from workers.tools.plain_score import (
    Event,
    Measure,
    Part,
    Pitch,
    PlainScore,
    musicxml_of,
    pieces_of,
)

_MEI: Final = "{http://www.music-encoding.org/ns/mei}"
_ID: Final = "{http://www.w3.org/XML/1998/namespace}id"
_ALTER: Final = {"s": 1, "f": -1, "ss": 2, "x": 2, "ff": -2, "n": 0}
_ACCIDENTALS: Final = {
    "s": "sharp",
    "f": "flat",
    "n": "natural",
    "ss": "sharp-sharp",
    "x": "double-sharp",
    "ff": "flat-flat",
}
_DEFAULT_CLEF: Final = ("G", 2)


@dataclass(slots=True)
class _Lines:
    """What is said of notes from outside: by the ids of both ends.

    Attributes:
        ties_to: ids that begin a tie.
        ties_from: ids that end one.
        slurs_to: how many slurs begin at an id.
        slurs_from: how many end there.
        harmonies: chord symbols by the id below them.
    """

    ties_to: set[str] = field(default_factory=set)
    ties_from: set[str] = field(default_factory=set)
    slurs_to: Counter[str] = field(default_factory=Counter)
    slurs_from: Counter[str] = field(default_factory=Counter)
    harmonies: dict[str, str] = field(default_factory=dict)


def musicxml_from_mei(mei: str) -> bytes:
    """A tune as MusicXML, from the MEI that Verovio made of it.

    Raises:
        Failure: there is no music in it.
    """
    root = fromstring(mei)  # noqa: S314 - Verovio's own, which declares no entities
    lines = _lines(root)
    measures = [_measure(element, lines) for element in root.iter(f"{_MEI}measure")]
    if not measures:
        raise Failure("there is no music in the ABC file")
    _open(measures[0], root)
    title, composer = (root.find(f".//{_MEI}work/{_MEI}{name}") for name in ("title", "composer"))
    part = Part("", measures)
    return musicxml_of(PlainScore(_text(title), _text(composer), [part]))


def _open(measure: Measure, root: Element) -> None:
    """Give the first measure its clef, key and time signature."""
    definition = root.find(f".//{_MEI}scoreDef")
    clef = root.find(f".//{_MEI}clef")
    measure.clef = _DEFAULT_CLEF
    if clef is not None:
        measure.clef = (clef.get("shape", "G"), int(clef.get("line", "2")))
    signature = definition.get("keysig", "0") if definition is not None else "0"
    count = int(signature.rstrip("sf") or 0)
    measure.fifths = -count if signature.endswith("f") else count
    time = root.find(f".//{_MEI}meterSig")
    if time is not None and time.get("count", "").isdigit():
        measure.time = (int(time.get("count", "4")), int(time.get("unit", "4")))


def _measure(element: Element, lines: _Lines) -> Measure:
    voices = [
        [piece for event in _events(layer, lines, None) for piece in pieces_of(event)]
        for layer in element.iter(f"{_MEI}layer")
    ]
    lengths = [sum((event.duration for event in voice), Fraction()) for voice in voices]
    right = element.get("right", "")
    return Measure(
        max(lengths, default=Fraction()),
        voices,
        repeats_from=element.get("left") in {"rptstart", "rptboth"},
        repeats_to=right in {"rptend", "rptboth"},
        ends=right == "end",
    )


def _lines(root: Element) -> _Lines:
    lines = _Lines()
    for tie in root.iter(f"{_MEI}tie"):
        lines.ties_to.add(_reference(tie, "startid"))
        lines.ties_from.add(_reference(tie, "endid"))
    for slur in root.iter(f"{_MEI}slur"):
        lines.slurs_to[_reference(slur, "startid")] += 1
        lines.slurs_from[_reference(slur, "endid")] += 1
    for harmony in root.iter(f"{_MEI}harm"):
        lines.harmonies[_reference(harmony, "startid")] = _text(harmony)
    return lines


def _events(element: Element, lines: _Lines, tuplet: tuple[int, int] | None) -> Iterator[Event]:
    """What is in a layer, a beam or a tuplet, in order."""
    for child in element:
        match child.tag.removeprefix(_MEI):
            case "note" | "chord" | "rest" | "space":
                yield _event(child, lines, tuplet)
            case "tuplet":
                ratio = (int(child.get("num", "3")), int(child.get("numbase", "2")))
                yield from _events(child, lines, ratio)
            case "mRest":
                yield Event(_value(child) or Fraction(4))
            case "beam" | "graceGrp":
                yield from _events(child, lines, tuplet)


def _event(element: Element, lines: _Lines, tuplet: tuple[int, int] | None) -> Event:
    notes = list(element.iter(f"{_MEI}note"))
    ids = {each.get(_ID, "") for each in (*notes, element)} - {""}
    written = _value(element) or next(filter(None, map(_value, notes)), Fraction(1))
    duration = written
    if tuplet is not None:
        duration = written * tuplet[1] / tuplet[0]
    if element.get("grace") is not None:
        duration = Fraction()
    syllable = element.find(f"{_MEI}verse/{_MEI}syl")
    return Event(
        duration,
        tuple(_pitch(note) for note in notes),
        written=written if duration != written else None,
        tuplet=tuplet,
        tie_from=bool(ids & lines.ties_from),
        tie_to=bool(ids & lines.ties_to),
        slur_from=sum(lines.slurs_from[each] for each in ids),
        slur_to=sum(lines.slurs_to[each] for each in ids),
        lyric=_text(syllable),
        harmony=next((lines.harmonies[each] for each in ids if each in lines.harmonies), ""),
        is_hidden=element.tag == f"{_MEI}space",
    )


def _value(element: Element) -> Fraction | None:
    """How long something is as written, in quarters."""
    name = element.get("dur", "")
    if name == "breve":
        undotted = Fraction(8)
    elif name.isdigit() and int(name):
        undotted = Fraction(4, int(name))
    else:
        return None
    return undotted * (2 - Fraction(1, 2 ** min(4, int(element.get("dots", "0")))))


def _pitch(note: Element) -> Pitch:
    accidental = note.find(f"{_MEI}accid")
    signs = [note] if accidental is None else [note, accidental]
    shown = "".join(sign.get("accid", "") for sign in signs)
    sounding = shown or "".join(sign.get("accid.ges", "") for sign in signs)
    return Pitch(
        note.get("pname", "c").upper(),
        _ALTER.get(sounding, 0),
        int(note.get("oct", "4")),
        _ACCIDENTALS.get(shown, ""),
    )


def _reference(element: Element, name: str) -> str:
    return element.get(name, "").removeprefix("#")


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()
