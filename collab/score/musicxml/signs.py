"""Directions, chord symbols and tempi: what stands at a place rather than at a note."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from collab.score import rules, schema
from collab.score.musicxml import chords
from collab.score.musicxml.notes import TYPES, count_of, number_of, ticks_of, whole_or_not
from collab.score.musicxml.source import Element, text_of
from collab.score.musicxml.state import Cell, Mark, Reading, Role

_BPM: Final = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")
_TEXT_CHARS_MAX: Final = 65_536

_SPANNERS: Final = {"wedge": "wedge", "octave-shift": "ottava", "pedal": "pedal"}
_STARTS: Final = frozenset({"crescendo", "diminuendo", "up", "down", "start", "sostenuto"})
_STOPS: Final = frozenset({"stop", "discontinue"})


def read_direction(reading: Reading, cell: Cell, direction: Element) -> None:
    """Read a ``direction``: each sign in it is an entry of its own."""
    onset = _onset(cell, direction)
    first = ""
    for group in direction.iterchildren("direction-type"):
        for sign in group:
            value = _sign(sign)
            if value is None:
                continue
            wanted = sign.get("id") or (direction.get("id") if not first else None)
            name = reading.ids.claim(wanted, cell.id_by_place("d"))
            first = first or name
            entry = {**_place(cell, direction, onset), **value}
            if (placement := direction.get("placement")) in {"above", "below"}:
                entry["placement"] = placement
            reading.put("dir", name, entry, cell, sign)
            reading.signs.setdefault(first, []).append((name, sign))
            if sign.tag in _SPANNERS:
                _add_mark(cell, sign, name, onset, value)
    sound = direction.find("sound")
    if sound is not None:
        read_sound(reading, cell, sound, onset)
    cell.add_item(direction, "sign", first)


def read_harmony(reading: Reading, cell: Cell, harmony: Element) -> None:
    """Read a chord symbol."""
    text = chords.symbol(harmony)
    name = ""
    if text is not None:
        name = reading.ids.claim(harmony.get("id"), cell.id_by_place("h"))
        entry = {**_place(cell, harmony, _onset(cell, harmony)), "kind": "harmony", "text": text}
        reading.put("dir", name, entry, cell, harmony)
        reading.signs[name] = [(name, harmony)]
    cell.add_item(harmony, "sign", name)


def read_sound(reading: Reading, cell: Cell, sound: Element, onset: tuple[int, int]) -> None:
    """Read a tempo in quarter notes a minute; the first at a place counts for all parts."""
    bpm = _bpm(sound.get("tempo", ""))
    if bpm is None:
        return
    key = schema.attribute_key("tempo", cell.measure, schema.EVERY_PART, Fraction(*onset))
    if key not in reading.facets["attr"]:
        reading.put("attr", key, {"unit": [1, 1], "bpm": bpm}, cell, sound)


def beat_unit(metronome: Element) -> tuple[Fraction, float] | None:
    """Read a metronome mark as a unit in quarter notes and how many of them sound in a minute.

    None for those that compare two values or give a range.
    """
    units = metronome.findall("beat-unit")
    bpm = _bpm(text_of(metronome.find("per-minute")))
    if len(units) != 1 or bpm is None or (unit := TYPES.get(text_of(units[0]))) is None:
        return None
    dots = len(metronome.findall("beat-unit-dot"))
    return (unit * (2 - Fraction(1, 2 ** min(dots, 8))), bpm)


def _bpm(text: str) -> float | None:
    if _BPM.fullmatch(text.strip()) is None:
        return None
    bpm = whole_or_not(float(text))
    return bpm if 1 <= bpm <= rules.BPM_MAX else None


def _onset(cell: Cell, sign: Element) -> tuple[int, int]:
    offset = sign.find("offset")
    if offset is None:
        return cell.time(cell.position)
    text = text_of(offset)
    ticks = ticks_of(offset) if not text.startswith(("-", "+")) else None
    if ticks is None:
        number = number_of(text)
        ticks = Fraction(str(number)) if number is not None else 0
    moved = max(cell.position + ticks, 0)
    return cell.time(int(moved) if moved == int(moved) else moved)


def _place(cell: Cell, sign: Element, onset: tuple[int, int]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "part": cell.part.id,
        "measure": cell.measure,
        "onset": list(onset),
    }
    staff = count_of(text_of(sign.find("staff")), rules.STAFF_MAX)
    if staff is not None:
        place["staff"] = staff
    return place


def _sign(sign: Element) -> dict[str, Any] | None:
    """Read one sign of a direction; None for what the schema does not hold."""
    reader = _READERS.get(sign.tag)
    return reader(sign) if reader is not None else None


def _text(kind: str) -> Callable[[Element], dict[str, Any] | None]:
    def read(sign: Element) -> dict[str, Any] | None:
        text = sign.text or ""
        return {"kind": kind, "text": text} if len(text) <= _TEXT_CHARS_MAX else None

    return read


def _dynamics(sign: Element) -> dict[str, Any] | None:
    names = [
        text_of(mark) if mark.tag == "other-dynamics" else mark.tag
        for mark in sign
        if isinstance(mark.tag, str)
    ]
    return {"kind": "dynamics", "text": " ".join(names)} if names else None


def _metronome(sign: Element) -> dict[str, Any] | None:
    beat = beat_unit(sign)
    if beat is None:
        return None
    return {"kind": "metronome", "unit": schema.rational(beat[0]), "bpm": beat[1]}


def _end(sign: Element) -> dict[str, Any] | None:
    text = sign.get("type", "")
    if text in _STARTS or text in _STOPS or text in {"continue", "change", "resume"}:
        return {"kind": _SPANNERS[sign.tag], "text": text}
    return None


def _bare(kind: str) -> Callable[[Element], dict[str, Any] | None]:
    return lambda _: {"kind": kind}


_READERS: Final[Mapping[Any, Callable[[Element], dict[str, Any] | None]]] = {
    "words": _text("words"),
    "rehearsal": _text("rehearsal"),
    "dynamics": _dynamics,
    "metronome": _metronome,
    "segno": _bare("segno"),
    "coda": _bare("coda"),
    "wedge": _end,
    "octave-shift": _end,
    "pedal": _end,
}


def _add_mark(
    cell: Cell, sign: Element, name: str, onset: tuple[int, int], value: Mapping[str, Any]
) -> None:
    text = value["text"]
    if text not in _STARTS and text not in _STOPS:
        return
    kind = value["kind"]
    fields: dict[str, schema.Json] = {}
    if kind == "wedge":
        fields["text"] = text
    elif kind == "ottava":
        size = sign.get("size", "8")
        if size in {"8", "15", "22"}:
            # "down" is 8va: written an octave below what sounds.
            fields["size"] = int(size) if text == "down" else -int(size)
    place = (Fraction(*onset), 0, len(cell.items))
    key = (sign.get("number", "1"),)
    role: Role = "start" if text in _STARTS else "stop"
    cell.marks.append(Mark(kind, role, key, name, 0, place, [sign], fields))
