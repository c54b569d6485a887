"""What holds in a cell from a place on: written where it is not what the file says."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from collab.score.musicxml import markup, setting_writing, sign_writing
from collab.score.musicxml.cell_work import FIRST, LAST, NOTHING, Work
from collab.score.musicxml.current import START, SettingPlace, Value, onset_of
from collab.score.musicxml.layout import BEFORE_NOTES, Entry
from collab.score.musicxml.markup import made
from collab.score.musicxml.source import Element
from collab.score.schema import KEY_SEPARATOR


def write_settings(work: Work, *, is_first: bool) -> None:
    """Write keys, times, clefs and barlines, and what the part is where it begins."""
    now = {
        place: value
        for place, value in work.facts.settings.get(work.place, {}).items()
        if place[0] != "tempo"
    }
    before = work.scope.settings_before.get(work.place, {}) if work.cell else {}
    for place, (value, element) in before.items():
        kept = now.get(place)
        if kept is None:
            _drop_setting(work, place, element)
        elif kept != value:
            if place[0] == "barline":
                setting_writing.set_barline(element, kept)
            else:
                setting_writing.changed_setting(element, place[0], kept)
    for place, value in sorted(now.items()):
        if place not in before:
            _add_setting(work, place, value)
    _write_tempi(work)
    _write_endings(work)
    if is_first:
        _write_part(work)


def _drop_setting(work: Work, place: SettingPlace, element: Element) -> None:
    if place[0] == "barline":
        setting_writing.set_barline(element, NOTHING)
        if len(element) == 0:
            work.drop_item(element)
        return
    attributes = element.getparent()
    markup.drop(element)
    if attributes is not None and len(attributes) == 0:
        work.drop_item(attributes)


def _add_setting(work: Work, place: SettingPlace, value: Value) -> None:
    kind, staff, at = place
    if kind == "barline":
        setting_writing.set_barline(work.barline(at), value)
        return
    element = setting_writing.made_setting(kind, staff, value)
    if at == START:
        markup.insert(work.leading_attributes(), element, markup.ATTRIBUTES_ORDER)
    else:
        attributes = made("attributes", None, None, [element])
        order = (LAST, kind, staff)
        work.added.append(Entry(attributes, Fraction(at), BEFORE_NOTES, order))


def _write_tempi(work: Work) -> None:
    """Write tempi where the file had them; new ones in the first part."""
    _, measure_id = work.place
    reading = work.scope.reading
    before = reading.facets["attr"] if reading is not None else NOTHING
    for key in [key for key in before if key.startswith(f"tempo|{measure_id}|")]:
        for cell, sound in reading.elements.get(("attr", key), []) if reading else []:
            if cell is not work.cell:
                continue
            now = work.facts.facets["attr"].get(key)
            if now is None:
                sound.attrib.pop("tempo", None)
            elif now == before[key]:
                continue
            elif _lacks_mark(work, key, now):
                sound.attrib.pop("tempo", None)
                order = (LAST, "tempo")
                work.added.append(Entry(_tempo(now), _onset(key), BEFORE_NOTES, order))
            else:
                sound.set("tempo", markup.number_text(_quarters(now)))
    if work.place[0] != work.scope.first_part:
        return
    for (kind, _, at), value in work.facts.settings.get(work.place, {}).items():
        key = f"tempo|{measure_id}|*|{at}"
        if kind == "tempo" and key not in before:
            work.added.append(Entry(_tempo(value), Fraction(at), BEFORE_NOTES, (LAST, "tempo")))


def _lacks_mark(work: Work, key: str, now: Value) -> bool:
    """Whether a tempo has words of its own, or the mark that showed it was taken away."""
    reading = work.scope.reading
    held: Any = reading.facets["dir"] if reading is not None else NOTHING
    had, has = (
        any(
            each["kind"] == "metronome" and onset_of(each) == _onset(key)
            for each in signs.values()
            if (each["part"], each["measure"]) == work.place
        )
        for signs in (held, work.facts.facets["dir"])
    )
    return not has and (had or "text" in now)


def _onset(key: str) -> Fraction:
    return Fraction(key.rpartition(KEY_SEPARATOR)[2])


def _write_endings(work: Work) -> None:
    _, measure_id = work.place
    now = work.facts.endings.get(measure_id, {})
    before: Mapping[str, str] = {}
    if work.cell is not None and work.scope.reading is not None:
        before = work.scope.reading.endings.get(measure_id, {})
    for role, at in (("start", "left"), ("stop", "right")):
        if now.get(role) == before.get(role):
            continue
        types = {"start"} if role == "start" else {"stop", "discontinue"}
        for ending in list(work.measure.iterfind("barline/ending")):
            if ending.get("type") in types:
                barline = ending.getparent()
                markup.drop(ending)
                if len(barline) == 0:
                    work.drop_item(barline)
        if role in now:
            setting_writing.set_ending(work.barline(at), role, now[role])


def _write_part(work: Work) -> None:
    """Write how many staves a part has and how it sounds, where it begins."""
    part_id, _ = work.place
    part = work.facts.facets["parts"][part_id]
    was_first = work.cell is not None and work.cell.number == 1
    before = work.before("parts", part_id) if was_first else NOTHING
    if part["staves"] != before.get("staves", 1):
        attributes = work.leading_attributes()
        text = str(part["staves"])
        markup.set_text(attributes, "staves", text, markup.ATTRIBUTES_ORDER)
    if part.get("transposition") != before.get("transposition"):
        attributes = work.leading_attributes()
        setting_writing.set_transposition(attributes, part.get("transposition"))


def write_measure(work: Work) -> None:
    """Write the measure's number and the breaks before it."""
    part_id, measure_id = work.place
    before = work.before("measures", measure_id)
    setting_writing.set_measure(work.measure, before, work.facts.facets["measures"][measure_id])
    breaks = work.facts.facets["lay"].get(measure_id, NOTHING)
    if breaks == work.before("lay", measure_id):
        return
    reading = work.scope.reading
    for cell, element in reading.elements.get(("lay", measure_id), []) if reading else []:
        if cell is work.cell:
            setting_writing.set_breaks(element, breaks)
            return
    if part_id == work.scope.first_part and breaks:
        element = made("print")
        setting_writing.set_breaks(element, breaks)
        work.added.append(Entry(element, Fraction(0), BEFORE_NOTES, (FIRST, 0)))


def _quarters(tempo: Value) -> float:
    return float(tempo["bpm"] * Fraction(*tempo["unit"]))


def _tempo(value: Value) -> Element:
    """Write a tempo with a mark that shows it, or in its own words."""
    mark = sign_writing.metronome(Fraction(*value["unit"]), value["bpm"])
    signs = [made("words", value["text"])] if value.get("text") else []
    groups = [made("direction-type", None, None, [sign]) for sign in (*signs, mark)]
    sound = made("sound", None, {"tempo": markup.number_text(_quarters(value))})
    return made("direction", None, {"placement": "above"}, [*groups, sound])
