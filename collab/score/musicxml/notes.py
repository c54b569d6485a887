"""Notes and rests: one ``note`` element becomes an event with its pitch, signs and syllables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from collab.score import rules, schema
from collab.score.musicxml.source import Element, text_of
from collab.score.musicxml.state import Cell, Item, Mark, Reading, Role, Ticks
from collab.score.order import order_key

TYPES: Final = {
    **{
        f"{unit}{suffix}": Fraction(4, unit)
        for unit, suffix in (
            (1024, "th"),
            (512, "th"),
            (256, "th"),
            (128, "th"),
            (64, "th"),
            (32, "nd"),
            (16, "th"),
        )
    },
    "eighth": Fraction(1, 2),
    "quarter": Fraction(1),
    "half": Fraction(2),
    "whole": Fraction(4),
    "breve": Fraction(8),
    "long": Fraction(16),
    "maxima": Fraction(32),
}
"""Written values in quarter notes."""

STEMS: Final = frozenset({"up", "down", "none", "double"})
BEAMS: Final = frozenset({"begin", "continue", "end", "forward hook", "backward hook"})
ELISION: Final = "\u203f"

_STEPS: Final = frozenset("ABCDEFG")
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?|\.[0-9]{1,15}")
_SIGNED: Final = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,6})?")
_COUNT: Final = re.compile("0{0,9}[0-9]{1,5}")
_UNNUMBERED_VOICES: Final = 900
_VERSES_ALIKE_MAX: Final = 9

_Found = Mapping[Any, Sequence[Element]]
_NOTHING: Final[tuple[Element, ...]] = ()


def ticks_of(element: Element | None) -> Ticks | None:
    """Read a duration in divisions; None when it is not there, or no number."""
    text = text_of(element)
    if text.isascii() and text.isdigit() and len(text) <= 15:  # noqa: PLR2004 - below 2**53
        return int(text)
    if _NUMBER.fullmatch(text) is None:
        return None
    value = Fraction(text)
    return int(value) if value.denominator == 1 else value


def number_of(text: str) -> float | None:
    """Read a small signed number, whole ones as integers."""
    text = text.strip()
    if _SIGNED.fullmatch(text) is None:
        return None
    return whole_or_not(float(text))


def whole_or_not(value: float) -> float:
    """Write a whole number as an integer, as the document holds it."""
    return int(value) if value.is_integer() else value


def whole_of(text: str) -> int | None:
    """Read a small signed integer; ``3.0`` is one too."""
    number = number_of(text)
    return int(number) if number is not None and number == int(number) else None


def count_of(text: str, high: int) -> int | None:
    """Read a count from 1 on; None when it is none, or higher than it may be."""
    count = int(text) if _COUNT.fullmatch(text) else 0
    return count if 0 < count <= high else None


def read_note(reading: Reading, cell: Cell, note: Element) -> None:
    """Read one ``note`` and move the cell's position past it."""
    found: dict[Any, list[Element]] = {}
    for child in note:
        found.setdefault(child.tag, []).append(child)
    is_follower = "chord" in found and bool(cell.head)
    duration = _duration(reading, note, found)
    if not is_follower:
        cell.head_onset = cell.position
        cell.position += duration
    onset = cell.time(cell.head_onset)
    event_id = reading.ids.claim(note.get("id"), cell.id_by_place("n"))
    voice = _voice(cell, found)
    staff = text_of(found["staff"][0]) if "staff" in found else ""
    event: dict[str, Any] = {
        "part": cell.part.id,
        "measure": cell.measure,
        "kind": "note",
        "onset": list(onset),
        "duration": list(cell.time(duration)),
        "voice": voice,
        "staff": count_of(staff, rules.STAFF_MAX) or 1,
    }
    _add_written_value(event, found)
    if "grace" in found:
        event["grace"] = _grace(cell, found["grace"][0], is_follower=is_follower)
    if is_follower:
        event["chord"] = cell.head
    else:
        cell.head = event_id
    reading.put("ev", event_id, event, cell, note)
    cell.items.append(Item(note, "note", onset, event_id, cell.part.divisions))
    pitch = _pitch(reading, note, found)
    if pitch:
        reading.facets["pt"][event_id] = pitch
    notation = _notation(found)
    _add_marks(cell, found, event_id, pitch, notation)
    if notation:
        reading.facets["nx"][event_id] = notation
    for lyric in found.get("lyric", _NOTHING):
        _read_lyric(reading, event_id, lyric)


def _voice(cell: Cell, found: _Found) -> int:
    """Number a voice; a name that is no number gets one of its own."""
    texts = found.get("voice")
    if texts is None:
        return 1
    name = text_of(texts[0])
    known = cell.part.voices
    voice = known.get(name)
    if voice is None:
        unnumbered = min(_UNNUMBERED_VOICES + len(known), rules.COUNT_MAX)
        voice = known[name] = (count_of(name, rules.COUNT_MAX) or unnumbered) if name else 1
    return voice


def _add_written_value(event: dict[str, Any], found: _Found) -> None:
    types = found.get("type")
    if types and (name := text_of(types[0])) in TYPES:
        event["type"] = name
    if dots := len(found.get("dot", _NOTHING)):
        event["dots"] = min(dots, rules.DOTS_MAX)


def _duration(reading: Reading, note: Element, found: _Found) -> Ticks:
    if "grace" in found:
        return 0
    ticks = ticks_of(found["duration"][0]) if "duration" in found else None
    if ticks is None:
        reading.found(note, "a note has no duration that can be read")
    return ticks or 0


def _grace(cell: Cell, grace: Element, *, is_follower: bool) -> dict[str, Any]:
    if not is_follower or not cell.graces:
        cell.graces += 1
    value: dict[str, Any] = {"order": order_key(cell.graces - 1)}
    if grace.get("slash") == "yes":
        value["slash"] = True
    return value


def _pitch(reading: Reading, note: Element, found: _Found) -> dict[str, schema.Json]:
    value: dict[str, schema.Json] = {}
    if "pitch" in found:
        value = _step_and_octave(found["pitch"][0], "step", "octave")
        if not value:
            reading.found(note, "a note has no pitch that can be read")
            return value
    elif "rest" in found:
        rest = found["rest"][0]
        value = _step_and_octave(rest, "display-step", "display-octave")
        value["rest"] = "measure" if rest.get("measure") == "yes" else "rest"
    elif "unpitched" in found:
        value = _step_and_octave(found["unpitched"][0], "display-step", "display-octave")
        value["unpitched"] = True
    if "accidental" in found and (sign := text_of(found["accidental"][0])):
        value["accidental"] = sign
    return value if {"step", "rest", "unpitched"} & value.keys() else {}


def _step_and_octave(element: Element, step_tag: str, octave_tag: str) -> dict[str, schema.Json]:
    value: dict[str, schema.Json] = {}
    texts = {child.tag: text_of(child) for child in element}
    octave = whole_of(texts.get(octave_tag, ""))
    step = texts.get(step_tag)
    if step in _STEPS and octave is not None and rules.OCTAVE_MIN <= octave <= rules.OCTAVE_MAX:
        value = {"step": step, "octave": octave}
        alter = number_of(texts.get("alter", ""))
        if alter and abs(alter) <= rules.ALTER_SEMITONES_MAX:
            value["alter"] = alter
    return value


def _notation(found: _Found) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if "stem" in found and (stem := text_of(found["stem"][0])) in STEMS:
        value["stem"] = stem
    if "beam" in found:
        beams = [text_of(beam) for beam in found["beam"]]
        numbers = [beam.get("number", "1") for beam in found["beam"]]
        expected = [str(level) for level in range(1, len(beams) + 1)]
        fits = len(beams) <= rules.LIST_ITEMS_MAX
        if fits and numbers == expected and BEAMS.issuperset(beams):
            value["beams"] = beams
    return value


def _add_marks(
    cell: Cell,
    found: _Found,
    event_id: str,
    pitch: Mapping[str, schema.Json],
    notation: dict[str, Any],
) -> None:
    """Read what stands in ``notations``, and ties, which stand beside it too."""
    if "notations" not in found and "tie" not in found:
        return
    # A grace note comes before the note at its onset.
    onset = Fraction(*cell.items[-1].onset)
    place = (onset, 0 if "grace" in found else 1, len(cell.items))
    voice = _voice(cell, found)
    ties: dict[str, list[Element]] = {}
    for tie in found.get("tie", _NOTHING):
        ties.setdefault(tie.get("type", ""), []).append(tie)
    for notations in found.get("notations", _NOTHING):
        for sign in notations:
            tag = sign.tag
            if tag == "tied":
                ties.setdefault(sign.get("type", ""), []).append(sign)
            elif tag in {"slur", "tuplet"} and (role := sign.get("type")) in {"start", "stop"}:
                fields = _tuplet_fields(sign, found) if tag == "tuplet" else _placement(sign)
                key: tuple[object, ...] = (sign.get("number", "1"),)
                cell.marks.append(Mark(tag, role, key, event_id, voice, place, [sign], fields))
            else:
                _add_notation(sign, notation)
    key = (pitch.get("step"), pitch.get("alter", 0), pitch.get("octave"))
    for end in _TIE_ENDS:
        if end in ties:
            cell.marks.append(Mark("tie", end, key, event_id, voice, place, ties[end], {}))


_TIE_ENDS: Final[tuple[Role, ...]] = ("stop", "start")


def _add_notation(sign: Element, notation: dict[str, Any]) -> None:
    if sign.tag == "articulations":
        names = [child.tag for child in sign if isinstance(child.tag, str)]
        held = [*notation.get("articulations", []), *names]
        if 0 < len(held) <= rules.LIST_ITEMS_MAX:
            notation["articulations"] = held
    elif sign.tag == "fermata" and "fermata" not in notation:
        inverted = sign.get("type") == "inverted"
        notation["fermata"] = "inverted" if inverted else "upright"


def _placement(sign: Element) -> dict[str, schema.Json]:
    placement = sign.get("placement")
    return {"placement": placement} if placement in {"above", "below"} else {}


def _tuplet_fields(sign: Element, found: _Found) -> dict[str, schema.Json]:
    """How many notes in the time of how many: as the tuplet says, or else its first note."""
    actual = sign.find("tuplet-actual/tuplet-number")
    normal = sign.find("tuplet-normal/tuplet-number")
    if actual is None or normal is None:
        ratio = found.get("time-modification")
        if not ratio:
            return {}
        actual, normal = ratio[0].find("actual-notes"), ratio[0].find("normal-notes")
    counts = [whole_of(text_of(count)) or 0 for count in (actual, normal)]
    if all(0 < count <= rules.COUNT_MAX for count in counts):
        return {"actual": counts[0], "normal": counts[1]}
    return {}


def _read_lyric(reading: Reading, event_id: str, lyric: Element) -> None:
    verse = _verse(reading, event_id, lyric)
    if verse is None:
        reading.found(lyric, "a lyric's verse cannot be told apart, so its text is kept as it is")
        return
    key = schema.syllable_key(event_id, verse)
    text, syllabics, extends = lyric_parts(lyric)
    if text is None:
        return
    first, last = (syllabics[0], syllabics[-1]) if syllabics else ("single", "single")
    value: dict[str, schema.Json] = {
        "text": text,
        "syllabic": SYLLABICS[first in {"middle", "end"}, last in {"begin", "middle"}],
    }
    if extends:
        value["extend"] = True
    reading.facets["ly"][key] = value
    reading.lyrics.setdefault(event_id, {})[verse] = lyric


def _verse(reading: Reading, event_id: str, lyric: Element) -> str | None:
    """Name the verse: by its number, or where two have one number, by its name or both, or anew."""
    number, name = str(lyric.get("number", "")), str(lyric.get("name", ""))
    usual = number or name or "1"
    others = (
        f"{usual[: rules.VERSE_CHARS_MAX - 2]} {count}" for count in range(2, _VERSES_ALIKE_MAX)
    )
    for verse in (usual, name, f"{number} {name}"[: rules.VERSE_CHARS_MAX].strip(), *others):
        key = schema.syllable_key(event_id, verse)
        fits = 0 < len(verse) <= rules.VERSE_CHARS_MAX and schema.KEY_SEPARATOR not in verse
        if fits and key not in reading.facets["ly"]:
            return verse
    return None


SYLLABICS: Final = {
    (False, False): "single",
    (False, True): "begin",
    (True, True): "middle",
    (True, False): "end",
}
"""By whether a syllable goes on from the one before, and goes on in the one after."""


def lyric_parts(lyric: Element) -> tuple[str | None, list[str], bool]:
    """Read a lyric's text with its elisions, its places in words, and whether a line follows."""
    text: str | None = None
    syllabics: list[str] = []
    extends = False
    for child in lyric:
        if child.tag == "text":
            text = (text or "") + (child.text or "")
        elif child.tag == "elision":
            text = (text or "") + (child.text or ELISION)
        elif child.tag == "syllabic":
            syllabics.append(text_of(child))
        elif child.tag == "extend":
            extends = child.get("type") != "stop"
    return text, syllabics, extends
