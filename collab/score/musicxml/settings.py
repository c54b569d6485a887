"""What holds from a place on: keys, times, clefs, barlines, breaks, transposition."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from collab.score import rules, schema
from collab.score.musicxml.notes import number_of, ticks_of, whole_of
from collab.score.musicxml.source import Element, text_of
from collab.score.musicxml.state import Cell, Mark, PartState, Reading

_LINE_MAX: Final = 9
_OCTAVES_MAX: Final = 3
_SYMBOLS: Final = frozenset({"common", "cut"})
_CLEFS: Final = frozenset({"G", "F", "C", "percussion", "TAB", "jianpu", "none"})
STYLES: Final = frozenset(
    {
        *("regular", "dotted", "dashed", "heavy", "light-light", "light-heavy"),
        *("heavy-light", "heavy-heavy", "tick", "short", "none"),
    }
)


def read_attributes(reading: Reading, cell: Cell, attributes: Element) -> None:
    """Read an ``attributes`` element; new divisions hold from here on."""
    part = cell.part
    cell.add_item(attributes, "attributes")
    for child in attributes:
        tag = child.tag
        if tag == "divisions":
            _set_divisions(reading, cell, child)
        elif tag == "staves":
            part.staves = max(part.staves, _whole(text_of(child), 1, rules.STAFF_MAX) or 1)
        elif tag == "transpose" and part.transposition is None:
            part.transposition = _transposition(child)
        elif tag in _READERS:
            value = _READERS[tag](child)
            if value is None:
                reading.found(child, f"a {tag} that the score does not model is kept as it is")
                continue
            at = Fraction(*cell.time(cell.position))
            place = f"{at.numerator}/{at.denominator}"
            where = (tag, cell.measure, place, _staff_suffix(part, child, tag))
            reading.settings.setdefault(where, {})[part.id] = (value, cell, child)


def read_barline(reading: Reading, cell: Cell, barline: Element) -> None:
    """Read a barline; its location says at which edge, or in the middle, it stands."""
    cell.add_item(barline, "barline")
    value: dict[str, Any] = {}
    style = text_of(barline.find("bar-style"))
    if style in STYLES:
        value["style"] = style
    repeat = barline.find("repeat")
    if repeat is not None and repeat.get("direction") in {"forward", "backward"}:
        value["repeat"] = repeat.get("direction")
        if times := _whole(repeat.get("times", ""), 1, rules.COUNT_MAX):
            value["times"] = times
    location = barline.get("location", "right")
    if value:
        at = Fraction(*cell.time(cell.position))
        place = f"{at.numerator}/{at.denominator}" if location == "middle" else location
        if location in {"left", "right", "middle"}:
            where = ("barline", cell.measure, place, "")
            reading.settings.setdefault(where, {})[cell.part.id] = (value, cell, barline)
    ending = barline.find("ending")
    if ending is not None and cell.part.number == 1:
        _read_ending(reading, cell, ending)


def read_print(reading: Reading, cell: Cell, element: Element) -> None:
    """Read the breaks before a measure; the first part that has them speaks for all."""
    cell.add_item(element, "other")
    breaks = {
        name: True
        for name, attribute in (("system", "new-system"), ("page", "new-page"))
        if element.get(attribute) == "yes"
    }
    if breaks and cell.measure not in reading.facets["lay"]:
        reading.put("lay", cell.measure, breaks, cell, element)


def settle(reading: Reading) -> None:
    """Give each setting its key: for all parts where they agree, else part by part.

    A clef is always its part's own.
    """
    holders: dict[str, set[str]] = {}
    for cell in reading.cells:
        holders.setdefault(cell.measure, set()).add(cell.part.id)
    for (kind, measure, place, suffix), by_part in reading.settings.items():
        values = [value for value, _, _ in by_part.values()]
        agree = (
            kind != "clef"
            and not suffix
            and by_part.keys() == holders[measure]
            and all(value == values[0] for value in values)
        )
        for part_id, (value, cell, element) in by_part.items():
            scope = schema.EVERY_PART if agree else part_id + suffix
            key = schema.KEY_SEPARATOR.join((kind, measure, scope, place))
            assert isinstance(value, Mapping)
            reading.put("attr", key, dict(value), cell, element)


def _set_divisions(reading: Reading, cell: Cell, element: Element) -> None:
    ticks = ticks_of(element)
    if not ticks:
        reading.found(element, "divisions that are no positive number are passed over")
        return
    before = cell.part.divisions
    if ticks != before:
        cell.position = _converted(cell.position, before, ticks)
        cell.head_onset = _converted(cell.head_onset, before, ticks)
        cell.part.divisions = ticks


def _converted(position: int | Fraction, before: int | Fraction, now: int | Fraction) -> Any:  # noqa: ANN401 - a whole number where it can be one
    moved = Fraction(position) * Fraction(now) / Fraction(before)
    return int(moved) if moved.denominator == 1 else moved


def _whole(text: str, low: int, high: int) -> int | None:
    number = whole_of(text)
    return number if number is not None and low <= number <= high else None


def _staff_suffix(part: PartState, child: Element, tag: str) -> str:
    number = _whole(child.get("number", ""), 1, rules.STAFF_MAX)
    if tag == "clef":
        return f"/{number or 1}" if part.staves > 1 or (number or 1) > 1 else ""
    return f"/{number}" if number is not None else ""


def _transposition(transpose: Element) -> schema.Transposition | None:
    values = [
        whole_of(text_of(transpose.find(tag)) or "0")
        for tag in ("diatonic", "chromatic", "octave-change")
    ]
    if None in values:
        return None
    diatonic, chromatic, octaves = (value or 0 for value in values)
    return {"diatonic": diatonic + 7 * octaves, "chromatic": chromatic + 12 * octaves}


def _key(key: Element) -> dict[str, Any] | None:
    fifths = _whole(text_of(key.find("fifths")), -rules.FIFTHS_MAX, rules.FIFTHS_MAX)
    if fifths is not None:
        mode = text_of(key.find("mode"))
        return {"fifths": fifths, "mode": mode} if mode else {"fifths": fifths}
    steps = [text_of(step) for step in key.iterchildren("key-step")]
    alters = [number_of(text_of(alter)) for alter in key.iterchildren("key-alter")]
    sound = len(steps) == len(alters) and 0 < len(steps) <= rules.LIST_ITEMS_MAX
    if not sound or not set(steps) <= set("ABCDEFG"):
        return None
    if any(alter is None or abs(alter) > rules.ALTER_SEMITONES_MAX for alter in alters):
        return None
    return {"fifths": 0, "steps": steps, "alters": alters}


def _time(time: Element) -> dict[str, Any] | None:
    if time.find("senza-misura") is not None:
        return {"beats": [], "unit": 4}
    groups: list[dict[str, Any]] = []
    beats: list[int] = []
    for child in time:
        if child.tag == "beats":
            counts = [_whole(text, 1, rules.COUNT_MAX) for text in text_of(child).split("+")]
            if None in counts or len(counts) > rules.LIST_ITEMS_MAX:
                return None
            beats = [count for count in counts if count is not None]
        elif child.tag == "beat-type":
            unit = _whole(text_of(child), 1, rules.COUNT_MAX)
            if unit is None or not beats:
                return None
            groups.append({"beats": beats, "unit": unit})
            beats = []
    if not groups or len(groups) > rules.LIST_ITEMS_MAX:
        return None
    value = dict(groups[0])
    if (symbol := time.get("symbol")) in _SYMBOLS:
        value["symbol"] = symbol
    if len(groups) > 1:
        value["plus"] = groups[1:]
    return value


def _clef(clef: Element) -> dict[str, Any] | None:
    sign = text_of(clef.find("sign"))
    if sign not in _CLEFS:
        return None
    value: dict[str, Any] = {"sign": sign}
    if line := _whole(text_of(clef.find("line")), 1, _LINE_MAX):
        value["line"] = line
    octave_text = text_of(clef.find("clef-octave-change"))
    if octave := _whole(octave_text, -_OCTAVES_MAX, _OCTAVES_MAX):
        value["octave"] = octave
    return value


_READERS: Final = {"key": _key, "time": _time, "clef": _clef}


def _read_ending(reading: Reading, cell: Cell, ending: Element) -> None:
    """Read one end of an ending; all parts have the same ones, so the first part's count."""
    kind = ending.get("type")
    waiting = cell.part.open_marks.setdefault(("ending",), [])
    if kind == "start":
        place = (Fraction(0), 0, 0)
        text = ending.get("number", "").strip()
        fields: dict[str, schema.Json] = {"text": text} if text else {}
        waiting[:] = [Mark("ending", "start", (), cell.measure, 0, place, [ending], fields)]
    elif kind in {"stop", "discontinue"} and waiting:
        start = waiting.pop()
        spanner = reading.ids.claim(None, f"ending-{start.owner}"[: schema.ID_CHARS_MAX - 8])
        value = {"kind": "ending", "start": start.owner, "end": cell.measure, **start.fields}
        reading.facets["sp"][spanner] = value
        text = str(start.fields.get("text", ""))
        reading.endings.setdefault(start.owner, {})["start"] = text
        reading.endings.setdefault(cell.measure, {})["stop"] = text


def nominal_length(time: Mapping[str, Any]) -> Fraction | None:
    """How long a measure is under a time signature, in quarter notes; None without metre."""
    groups = [time, *time.get("plus", [])]
    total = sum((Fraction(4 * sum(group["beats"]), group["unit"]) for group in groups), Fraction(0))
    return total or None
