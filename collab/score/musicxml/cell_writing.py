"""One measure of one part: changed where its facts were changed, or made from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from collab.score.musicxml import layout, markup, setting_writing, sign_writing
from collab.score.musicxml.beaming import rebeam
from collab.score.musicxml.current import Facts, SettingPlace, Value, onset_of
from collab.score.musicxml.digests import CellPlace
from collab.score.musicxml.layout import AT_END, BEFORE_NOTES, Entry
from collab.score.musicxml.markup import made
from collab.score.musicxml.note_writing import NoteWriter
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Cell, Item, Reading, Ticks

_NOTHING: Final[Mapping[str, Any]] = {}
_START: Final = "0/1"
_LAST: Final = 1_000_000_000
_FIRST: Final = -1


@dataclass(slots=True)
class Written:
    """A measure as it goes out, and the divisions that hold at its start and end."""

    element: Element
    start: Ticks
    end: Ticks


@dataclass(slots=True)
class CellWriter:
    """Writes the cells that are not what they were in the file.

    Args:
        facts: as they are now.
        reading: as they were in the file; None for a score that came from none.
        notes: writes the notes.
        first_part: the part that says what counts for all parts but is written once.
        preferred_divisions: what a part that came from no file counts in.
    """

    facts: Facts
    reading: Reading | None
    notes: NoteWriter
    first_part: str
    preferred_divisions: int = 1
    settings_before: dict[CellPlace, dict[SettingPlace, tuple[Value, Element]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        if self.reading is None:
            return
        for (kind, measure, at, staff), by_part in self.reading.settings.items():
            for part_id, (value, _, element) in by_part.items():
                held: Any = value
                by_place = self.settings_before.setdefault((part_id, measure), {})
                by_place[kind, staff, at] = (held, element)

    def write(
        self,
        place: CellPlace,
        cell: Cell | None,
        divisions: Ticks,
        time: Value | None,
        *,
        is_first: bool,
    ) -> Written:
        """Write a cell.

        Args:
            place: which.
            cell: as it was in the file; None makes a new one.
            divisions: that hold before it; 0 when none were said yet.
            time: the time signature in force, for beams.
            is_first: whether it is the first of its part that is written.
        """
        measure = made("measure") if cell is None else cell.element
        work = _Work(self, place, cell, measure, time)
        work.write_settings(is_first=is_first)
        work.write_signs()
        work.write_measure()
        return work.finish(divisions)


class _Work:
    """The writing of one cell."""

    def __init__(
        self,
        writer: CellWriter,
        place: CellPlace,
        cell: Cell | None,
        measure: Element,
        time: Value | None,
    ) -> None:
        self._writer = writer
        self._facts = writer.facts
        self._place = place
        self._cell = cell
        self._measure = measure
        self._time = time
        self._items: list[Item] = [] if cell is None else cell.items
        self._gone: set[int] = set()  # items that are written no longer, by their index
        self._added: list[Entry] = []
        part = self._facts.facets["parts"].get(place[0], _NOTHING)
        self._has_staves = part.get("staves", 1) > 1

    # Settings

    def write_settings(self, *, is_first: bool) -> None:
        """Write keys, times, clefs and barlines, and what the part is where it begins."""
        now = {
            place: value
            for place, value in self._facts.settings.get(self._place, {}).items()
            if place[0] != "tempo"
        }
        before = self._writer.settings_before.get(self._place, {}) if self._cell else {}
        for place, (value, element) in before.items():
            kept = now.get(place)
            if kept is None:
                self._drop_setting(place, element)
            elif kept != value:
                if place[0] == "barline":
                    setting_writing.set_barline(element, kept)
                else:
                    setting_writing.changed_setting(element, place[0], kept)
        for place, value in sorted(now.items()):
            if place not in before:
                self._add_setting(place, value)
        self._write_tempi()
        self._write_endings()
        if is_first:
            self._write_part()

    def _drop_setting(self, place: SettingPlace, element: Element) -> None:
        if place[0] == "barline":
            setting_writing.set_barline(element, _NOTHING)
            if len(element) == 0:
                self._drop_item(element)
            return
        attributes = element.getparent()
        markup.drop(element)
        if attributes is not None and len(attributes) == 0:
            self._drop_item(attributes)

    def _drop_item(self, element: Element) -> None:
        for index, item in enumerate(self._items):
            if item.element is element:
                self._gone.add(index)
        markup.drop(element)

    def _add_setting(self, place: SettingPlace, value: Value) -> None:
        kind, staff, at = place
        if kind == "barline":
            setting_writing.set_barline(self._barline(at), value)
            return
        element = setting_writing.made_setting(kind, staff, value)
        if at == _START:
            markup.insert(self._leading_attributes(), element, markup.ATTRIBUTES_ORDER)
        else:
            attributes = made("attributes", None, None, [element])
            order = (_LAST, kind, staff)
            self._added.append(Entry(attributes, Fraction(at), BEFORE_NOTES, order))

    def _barline(self, at: str) -> Element:
        """Find the barline at a place, or add one."""
        for index, item in enumerate(self._items):
            location = item.element.get("location", "right") if item.kind == "barline" else ""
            if location and location == at and index not in self._gone:
                return item.element
        for entry in self._added:
            if entry.element.tag == "barline" and entry.element.get("location") == at:
                return entry.element
        if at in {"left", "right"}:
            barline = made("barline", None, {"location": at})
            rank, order = (AT_END, (_LAST,)) if at == "right" else (BEFORE_NOTES, (_FIRST, 1))
            self._added.append(Entry(barline, Fraction(0), rank, order))
        else:
            barline = made("barline", None, {"location": "middle"})
            self._added.append(Entry(barline, Fraction(at), BEFORE_NOTES, (_LAST,)))
        return barline

    def _leading_attributes(self) -> Element:
        """Find the first attributes of the measure, before any note, or add some."""
        for index, item in enumerate(self._items):
            if item.kind in {"note", "move"}:
                break
            if item.kind == "attributes" and index not in self._gone:
                return item.element
        for entry in self._added:
            if entry.element.tag == "attributes" and entry.order[0] == _FIRST:
                return entry.element
        attributes = made("attributes")
        self._added.append(Entry(attributes, Fraction(0), BEFORE_NOTES, (_FIRST, 2)))
        return attributes

    def _write_tempi(self) -> None:
        """Write tempi where the file had them; new ones in the first part."""
        _, measure_id = self._place
        reading = self._writer.reading
        before = reading.facets["attr"] if reading is not None else _NOTHING
        for key in [key for key in before if key.startswith(f"tempo|{measure_id}|")]:
            for cell, sound in reading.elements.get(("attr", key), []) if reading else []:
                if cell is not self._cell:
                    continue
                now = self._facts.facets["attr"].get(key)
                if now is None:
                    sound.attrib.pop("tempo", None)
                elif now != before[key]:
                    sound.set("tempo", markup.number_text(_quarters(now)))
        if self._place[0] != self._writer.first_part:
            return
        for (kind, _, at), value in self._facts.settings.get(self._place, {}).items():
            key = f"tempo|{measure_id}|*|{at}"
            if kind == "tempo" and key not in before:
                self._added.append(
                    Entry(_tempo(value), Fraction(at), BEFORE_NOTES, (_LAST, "tempo"))
                )

    def _write_endings(self) -> None:
        _, measure_id = self._place
        now = self._facts.endings.get(measure_id, {})
        before: Mapping[str, str] = {}
        if self._cell is not None and self._writer.reading is not None:
            before = self._writer.reading.endings.get(measure_id, {})
        for role, at in (("start", "left"), ("stop", "right")):
            if now.get(role) == before.get(role):
                continue
            types = {"start"} if role == "start" else {"stop", "discontinue"}
            for ending in list(self._measure.iterfind("barline/ending")):
                if ending.get("type") in types:
                    barline = ending.getparent()
                    markup.drop(ending)
                    if len(barline) == 0:
                        self._drop_item(barline)
            if role in now:
                setting_writing.set_ending(self._barline(at), role, now[role])

    def _write_part(self) -> None:
        """Write how many staves a part has and how it sounds, where it begins."""
        part_id, _ = self._place
        part = self._facts.facets["parts"][part_id]
        reading = self._writer.reading
        before: Any = _NOTHING
        if reading is not None:
            before = reading.facets["parts"].get(part_id, _NOTHING)
        was_first = self._cell is not None and self._cell.number == 1
        staves_before = before.get("staves", 1) if was_first else 1
        if part["staves"] != staves_before:
            attributes = self._leading_attributes()
            text = str(part["staves"])
            markup.set_text(attributes, "staves", text, markup.ATTRIBUTES_ORDER)
        transposition_before = before.get("transposition") if was_first else None
        if part.get("transposition") != transposition_before:
            attributes = self._leading_attributes()
            setting_writing.set_transposition(attributes, part.get("transposition"))

    # Signs

    def write_signs(self) -> None:
        """Write directions and chord symbols."""
        here: set[str] = set()
        for index, item in enumerate(self._items):
            if item.kind == "sign" and item.owner:
                self._write_sign_item(index, item, here)
        for name in sorted(set(self._facts.directions.get(self._place, [])) - here):
            value = self._with_number(name, self._facts.facets["dir"][name])
            source = self._source_of(name)
            element = sign_writing.made_direction(value, has_staves=self._has_staves, source=source)
            order = (_LAST, name)
            self._added.append(Entry(element, onset_of(value), BEFORE_NOTES, order))
        for event_id in sorted(self._facts.events.get(self._place, [])):
            self._add_lines(event_id)

    def _source_of(self, name: str) -> Element | None:
        reading = self._writer.reading
        found = reading.elements.get(("dir", name)) if reading is not None else None
        return found[0][1] if found else None

    def _with_number(self, name: str, value: Value) -> Value:
        """Add what a line's end says because of the line: its number and size."""
        for (spanner, _), line in self._facts.spanners.get(name, {}).items():
            numbers = self._writer.notes.numbers
            added: dict[str, Any] = {"number": numbers[spanner]} if spanner in numbers else {}
            if "size" in line:
                added["size"] = abs(line["size"])
            return {**value, **added}
        return value

    def _write_sign_item(self, index: int, item: Item, here: set[str]) -> None:
        reading = self._writer.reading
        assert reading is not None
        for name, sign in reading.signs[item.owner]:
            before: Any = reading.facets["dir"][name]
            now = self._facts.facets["dir"].get(name, _NOTHING)
            is_gone = any(now.get(key) != before.get(key) for key in sign_writing.PLACE)
            if not is_gone:
                here.add(name)
            if now == before:
                continue
            if is_gone:
                _take_out(sign)
            elif sign.tag == "harmony":
                sign_writing.change_harmony(sign, now)
            else:
                sign_writing.change_sign(sign, now)
                if now.get("placement") != before.get("placement"):
                    sign_writing.set_placement(item.element, now)
        if item.element.getparent() is None or (
            item.element.tag == "direction" and item.element.find("direction-type") is None
        ):
            self._gone.add(index)

    def _add_lines(self, event_id: str) -> None:
        """Write wedges, ottavas and pedals that begin or stop at a note."""
        event = self._facts.facets["ev"][event_id]
        for (spanner, role), line in self._facts.spanners.get(event_id, {}).items():
            if line["kind"] not in {"wedge", "ottava", "pedal"}:
                continue
            is_start = role == "start"
            onset = onset_of(event) + (0 if is_start else Fraction(*event["duration"]))
            size = line.get("size", 8)
            starts = {
                "wedge": line.get("text", "crescendo"),
                "ottava": "down" if size > 0 else "up",
                "pedal": "start",
            }
            value = {
                "kind": line["kind"],
                "text": starts[line["kind"]] if is_start else "stop",
                "size": abs(size),
                "number": self._writer.notes.numbers.get(spanner, "1"),
                "staff": event["staff"],
            }
            if "placement" in line:
                value["placement"] = line["placement"]
            element = sign_writing.made_direction(value, has_staves=self._has_staves)
            self._added.append(Entry(element, onset, BEFORE_NOTES, (_LAST, spanner)))

    # The measure

    def write_measure(self) -> None:
        """Write the measure's number and the breaks before it."""
        part_id, measure_id = self._place
        reading = self._writer.reading
        before: Any = _NOTHING
        if self._cell is not None and reading is not None:
            before = reading.facets["measures"].get(measure_id, _NOTHING)
        setting_writing.set_measure(
            self._measure, before, self._facts.facets["measures"][measure_id]
        )
        breaks = self._facts.facets["lay"].get(measure_id, _NOTHING)
        breaks_before: Any = _NOTHING
        found = reading.elements.get(("lay", measure_id), []) if reading is not None else []
        if self._cell is not None and reading is not None:
            breaks_before = reading.facets["lay"].get(measure_id, _NOTHING)
        if breaks == breaks_before:
            return
        for cell, element in found:
            if cell is self._cell:
                setting_writing.set_breaks(element, breaks)
                return
        if part_id == self._writer.first_part and breaks:
            element = made("print")
            setting_writing.set_breaks(element, breaks)
            self._added.append(Entry(element, Fraction(0), BEFORE_NOTES, (_FIRST, 0)))

    # Notes

    def finish(self, divisions: Ticks) -> Written:
        """Write the notes, and put everything in order where it is not already."""
        events = {
            name: self._facts.facets["ev"][name] for name in self._facts.events.get(self._place, [])
        }
        held = {item.owner: item.element for item in self._items if item.kind == "note"}
        notes = self._writer.notes
        elements = {name: notes.write(name, self._note_of(name)) for name in sorted(events)}
        is_same = events.keys() == held.keys() and not any(map(notes.is_moved, events))
        if is_same and not self._added and self._cell is not None:
            for index in self._gone:
                markup.drop(self._items[index].element)
            return Written(self._measure, self._cell.divisions, self._cell.end_divisions)
        entries, voices = self._entries(events, elements)
        if not is_same:
            rebeam(notes, events, elements, held, self._time)
        return self._lay_out(entries, voices, divisions)

    def _note_of(self, event_id: str) -> Element | None:
        reading = self._writer.reading
        found = reading.elements.get(("ev", event_id)) if reading is not None else None
        return found[0][1] if found else None

    def _entries(
        self, events: Mapping[str, Value], elements: Mapping[str, Element]
    ) -> tuple[list[Entry], list[int]]:
        entries = list(self._added)
        voices: list[int] = []
        stream = 0
        for index, item in enumerate(self._items):
            if item.kind == "note":
                reading = self._writer.reading
                assert reading is not None
                event: Any = reading.facets["ev"][item.owner]
                stream = event["voice"]
                if stream not in voices:
                    voices.append(stream)
            elif item.kind != "move" and index not in self._gone:
                entries.append(self._item_entry(index, item, self._stream_at(index, stream)))
        order = {item.owner: index for index, item in enumerate(self._items) if item.owner}
        pitches = self._facts.facets["pt"]
        is_pitched = {name: "rest" not in pitches.get(name, _NOTHING) for name in events}
        return entries + layout.note_entries(events, elements, is_pitched, order), voices

    def _stream_at(self, index: int, stream: int) -> int:
        """Tell in whose stream an item stands: that of the note after it, or before it."""
        for item in self._items[index + 1 : index + 1 + _LOOK_AHEAD]:
            if item.kind == "move":
                break
            if item.kind == "note":
                reading = self._writer.reading
                assert reading is not None
                event: Any = reading.facets["ev"][item.owner]
                return int(event["voice"])
        return stream

    def _item_entry(self, index: int, item: Item, stream: int) -> Entry:
        if item.kind == "barline":
            location = item.element.get("location", "right")
            if location == "right":
                return Entry(item.element, Fraction(0), AT_END, (index,))
            if location == "left":
                return Entry(item.element, Fraction(0), BEFORE_NOTES, (index,))
        onset = Fraction(*item.onset)
        return Entry(item.element, onset, BEFORE_NOTES, (index,), voice=stream)

    def _lay_out(self, entries: list[Entry], voices: list[int], divisions: Ticks) -> Written:
        preferred, said = self._said_divisions(divisions)
        end = self._old_end()
        wanted = layout.divisions_for(entries, preferred, [] if end is None else [end])
        for attributes, element in said:
            markup.drop(element)
            if len(attributes) == 0:
                entries = [entry for entry in entries if entry.element is not attributes]
        if said or wanted != divisions:
            known = len(self._added)
            layout.set_divisions(self._leading_attributes(), wanted)
            leading = self._leading_attributes()
            entries += self._added[known:]
            if all(entry.element is not leading for entry in entries):
                entries.append(Entry(leading, Fraction(0), BEFORE_NOTES, (_FIRST, 2)))
        for item in self._items:
            _rescale(item, wanted)
        children = layout.laid_out(entries, voices, wanted, end)
        self._measure[:] = children
        return Written(self._measure, divisions, wanted)

    def _said_divisions(self, divisions: Ticks) -> tuple[int, list[tuple[Element, Element]]]:
        """Find the divisions that hold from the start on, and everything that says divisions."""
        said = []
        holds = divisions or self._writer.preferred_divisions
        moved = False
        for item in self._items:
            moved = moved or item.kind in {"note", "move"}
            for element in item.element.findall("divisions") if item.kind == "attributes" else ():
                said.append((item.element, element))
                if not moved:
                    holds = item.divisions
        return (holds if isinstance(holds, int) else Fraction(holds).numerator), said

    def _old_end(self) -> Fraction | None:
        """Where the measure ended in the file, if it is still meant to be as long."""
        if self._cell is None or self._writer.reading is None:
            return None
        before: Any = self._writer.reading.facets["measures"].get(self._place[1], _NOTHING)
        now = self._facts.facets["measures"][self._place[1]]
        return self._cell.end if before.get("length") == now.get("length") else None


_LOOK_AHEAD: Final = 8


def _take_out(sign: Element) -> None:
    """Take a sign out, and the group that holds nothing else with it."""
    group = sign.getparent()
    markup.drop(sign)
    if group is not None and group.tag == "direction-type" and len(group) == 0:
        markup.drop(group)


def _rescale(item: Item, divisions: int) -> None:
    """Write what is measured in divisions, besides notes, in the divisions that hold now."""
    if item.kind not in {"sign", "other"} or item.divisions == divisions:
        return
    for element in item.element.iter("offset", "duration"):
        try:
            ticks = Fraction((element.text or "").strip())
        except (ValueError, ZeroDivisionError):
            continue
        element.text = markup.number_text(ticks * divisions / Fraction(item.divisions))


def _quarters(tempo: Value) -> float:
    return float(tempo["bpm"] * Fraction(*tempo["unit"]))


def _tempo(value: Value) -> Element:
    """Write a tempo with a mark that shows it, or in its own words."""
    mark = sign_writing.metronome(Fraction(*value["unit"]), value["bpm"])
    signs = [made("words", value["text"])] if value.get("text") else []
    groups = [made("direction-type", None, None, [sign]) for sign in (*signs, mark)]
    sound = made("sound", None, {"tempo": markup.number_text(_quarters(value))})
    return made("direction", None, {"placement": "above"}, [*groups, sound])
