"""The musical facts of a MusicXML file, and of a score's facets: two readings to be compared.

Neither uses the codec. A fact is a tuple that begins with part and measure, both counted from 0 as
they come, and with the onset in quarter notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from lxml import etree

Fact = tuple[Any, ...]


def facts_of_file(data: bytes) -> Counter[Fact]:
    """Read the facts of a score-partwise or score-timewise file."""
    root = etree.fromstring(data)
    facts: Counter[Fact] = Counter()
    for part_index, measures in enumerate(_measures_of_parts(root)):
        divisions = Fraction(1)
        for measure_index, measure in measures:
            cell = _FileCell((part_index, measure_index), divisions)
            facts.update(cell.facts(measure))
            divisions = cell.divisions
    return facts


def _measures_of_parts(root: Any) -> Iterator[list[tuple[int, Any]]]:  # noqa: ANN401
    """Read the measures that each part has, and the place of each."""
    if root.tag != "score-timewise":
        for part in root.iterfind("part"):
            yield list(enumerate(part.iterfind("measure")))
        return
    for listed in root.iterfind("part-list/score-part"):
        yield [
            (index, part)
            for index, measure in enumerate(root.iterfind("measure"))
            for part in measure.iterfind("part")
            if part.get("id") == listed.get("id")
        ]


class _FileCell:
    def __init__(self, place: tuple[int, int], divisions: Fraction) -> None:
        self.divisions = divisions
        self._place = place
        self._now = Fraction(0)
        self._last = Fraction(0)

    def facts(self, measure: Any) -> Iterator[Fact]:  # noqa: ANN401 - lxml ships no types
        numbered = measure if measure.tag == "measure" else measure.getparent()
        yield (*self._place, "number", numbered.get("number", ""))
        for child in measure:
            if child.tag == "note":
                fact = self._note(child)
                yield fact
                yield from self._marks(child, fact)
            elif child.tag in {"backup", "forward"}:
                distance = self._time(child.findtext("duration"))
                self._now += distance if child.tag == "forward" else -distance
                self._now = max(self._now, Fraction(0))
            elif child.tag == "attributes":
                yield from self._attributes(child)
            elif child.tag == "direction":
                yield from self._direction(child)
            elif child.tag == "barline":
                for repeat in child.iterfind("repeat"):
                    edge = child.get("location", "right")
                    yield (*self._place, "repeat", edge, repeat.get("direction"))

    def _time(self, text: str | None) -> Fraction:
        return Fraction(text.strip()) / self.divisions if text and text.strip() else Fraction(0)

    def _note(self, note: Any) -> Fact:  # noqa: ANN401
        duration = self._time(note.findtext("duration"))
        if note.find("grace") is not None:
            duration = Fraction(0)
        if note.find("chord") is None:
            self._last = self._now
            self._now += duration
        pitch = note.find("pitch")
        if pitch is not None:
            alter = float(pitch.findtext("alter") or 0)
            sound: object = (pitch.findtext("step"), alter, int(pitch.findtext("octave")))
        else:
            sound = "rest" if note.find("rest") is not None else "unpitched"
        lyrics = sorted(
            _lyric_text(lyric) for lyric in note.iterfind("lyric") if lyric.find("text") is not None
        )
        return (
            *self._place,
            self._last,
            "note",
            duration,
            note.find("grace") is not None,
            (note.findtext("voice") or "1").strip(),
            sound,
            note.findtext("type"),
            len(note.findall("dot")),
            tuple(lyrics),
        )

    def _marks(self, note: Any, fact: Fact) -> Iterator[Fact]:  # noqa: ANN401
        at = (*self._place, fact[2], fact[6], fact[7])
        ties = {tie.get("type") for tie in note.iterfind("tie")}
        ties |= {tie.get("type") for tie in note.iterfind("notations/tied")}
        for role in ties & {"start", "stop"}:
            yield (*at, "tie", role)
        for kind in ("slur", "tuplet"):
            for mark in note.iterfind(f"notations/{kind}"):
                yield (*at, kind, mark.get("type"))

    def _attributes(self, attributes: Any) -> Iterator[Fact]:  # noqa: ANN401
        for child in attributes:
            if child.tag == "divisions":
                self.divisions = Fraction(child.text.strip())
            elif child.tag == "key" and child.find("fifths") is not None:
                yield (*self._place, self._now, "key", int(child.findtext("fifths")))
            elif child.tag == "time" and child.find("beats") is not None:
                beats = child.findtext("beats").strip()
                yield (*self._place, self._now, "time", beats, child.findtext("beat-type").strip())
            elif child.tag == "clef":
                sign, line = child.findtext("sign"), child.findtext("line")
                number = int(child.get("number", "1"))
                yield (*self._place, self._now, "clef", number, sign, line and line.strip())

    def _direction(self, direction: Any) -> Iterator[Fact]:  # noqa: ANN401
        onset = max(self._now + self._time(direction.findtext("offset")), Fraction(0))
        for sign in direction.iterfind("direction-type/*"):
            if sign.tag == "dynamics" and len(sign):
                marks = [mark.text if mark.tag == "other-dynamics" else mark.tag for mark in sign]
                yield (*self._place, onset, "dynamics", " ".join(mark or "" for mark in marks))
            elif sign.tag in {"words", "rehearsal"}:
                yield (*self._place, onset, sign.tag, sign.text or "")


def _lyric_text(lyric: Any) -> str:  # noqa: ANN401
    texts = [
        (child.text or ("\u203f" if child.tag == "elision" else ""))
        for child in lyric
        if child.tag in {"text", "elision"}
    ]
    return "".join(texts)


def facts_of_facets(facets: Mapping[str, Mapping[str, Any]]) -> Counter[Fact]:
    """Read the same facts of facets, as docs/score-schema.md describes them."""
    parts, measures = _shown_places(facets)
    facts: Counter[Fact] = Counter()
    for name, event in facets["ev"].items():
        if event["part"] in parts and event["measure"] in measures:
            place = (parts[event["part"]], measures[event["measure"]])
            facts[(*place, *_event(facets, name, event))] += 1
    for value in facets["dir"].values():
        shown = value["part"] in parts and value["measure"] in measures
        if shown and value["kind"] in {"dynamics", "words", "rehearsal"}:
            place = (parts[value["part"]], measures[value["measure"]])
            onset = Fraction(*map(int, value["onset"]))
            facts[(*place, onset, value["kind"], value.get("text", ""))] += 1
    return facts


def differences(data: bytes, facets: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Fact]]:
    """Compare notes, signs and numbers of measures of a file with those of facets.

    A note whose written value the facets leave open may have one in the file.

    Returns:
        What only one of both has, and which; empty when they agree.
    """
    of_facets = facts_of_facets(facets)
    facts = facts_of_file(data)
    of_file = Counter({fact: count for fact, count in facts.items() if fact[3:4] in _COMPARED})
    numbers = _numbers(facets)
    only_file, only_facets = of_file - of_facets, of_facets - of_file
    for fact in [fact for fact in only_facets if fact[3] == "note" and fact[_TYPE] is None]:
        for other in [other for other in only_file if _open(other) == _open(fact)]:
            count = min(only_facets[fact], only_file[other])
            only_facets[fact] -= count
            only_file[other] -= count
    return [
        *(("file", fact) for fact in only_file.elements()),
        *(("facets", fact) for fact in only_facets.elements()),
        *(("file", fact) for fact in facts if fact[2] == "number" and fact not in numbers),
    ]


def _numbers(facets: Mapping[str, Mapping[str, Any]]) -> set[Fact]:
    """The numbers that measures may have; parts may end early, and a file has one measure."""
    parts, measures = _shown_places(facets)
    return {
        (part, index, "number", facets["measures"][name]["number"] if name else "1")
        for part in parts.values() or [0]
        for name, index in (measures or {"": 0}).items()
    }


_COMPARED = {("note",), ("dynamics",), ("words",), ("rehearsal",)}
_TYPE = 8


def _open(fact: Fact) -> Fact:
    """A note without its written value."""
    return (*fact[:_TYPE], *fact[_TYPE + 2 :])


def missing(data: bytes, facets: Mapping[str, Mapping[str, Any]]) -> list[Fact]:
    """Name the lines and settings of facets that a file does not have.

    A file may have more: ends that met no other end are in no facet.
    """
    facts = facts_of_file(data)
    cells = {fact[:2] for fact in facts if fact[2] == "number"}
    wanted = _marks_of_facets(facets) + _settings_of_facets(facets)
    return [
        fact
        for fact in (wanted - facts).elements()
        if fact[2] != "repeat" or fact[:2] in cells  # in a part that ends early, none
    ]


def _shown_places(facets: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, int], dict[str, int]]:
    measures = facets["measures"]
    shown = {name: value for name, value in measures.items() if not value.get("deleted")}
    return _places(facets["parts"]), _places(shown)


def _marks_of_facets(facets: Mapping[str, Mapping[str, Any]]) -> Counter[Fact]:
    parts, measures = _shown_places(facets)
    marks: Counter[Fact] = Counter()
    for value in facets["sp"].values():
        ends = [facets["ev"].get(value[name]) for name in ("start", "end")]
        if value["kind"] not in {"tie", "slur", "tuplet"}:
            continue
        shown = [end for end in ends if end and end["part"] in parts and end["measure"] in measures]
        if len(shown) < 2:
            continue
        for event, name, role in zip(shown, ("start", "end"), ("start", "stop"), strict=True):
            fact = _event(facets, value[name], event)
            place = (parts[event["part"]], measures[event["measure"]], fact[0])
            mark = (*place, fact[4], fact[5], value["kind"], role)
            # Ties are said once for each note.
            marks[mark] = 1 if value["kind"] == "tie" else marks[mark] + 1
    return marks


def _settings_of_facets(facets: Mapping[str, Mapping[str, Any]]) -> Counter[Fact]:
    parts, measures = _shown_places(facets)
    settings: Counter[Fact] = Counter()
    own = {
        (*tuple(key.split("|")[:2]), key.split("|")[3])
        for key in facets["attr"]
        if "|*|" not in key
    }
    for key, value in facets["attr"].items():
        kind, measure, scope, at = key.split("|")
        if kind not in {"key", "time", "clef", "barline"} or measure not in measures:
            continue
        part, _, staff = scope.partition("/")
        if part == "*" and (kind, measure, at) in own:
            continue  # some part has its own
        for index in parts.values() if part == "*" else [parts[part]] if part in parts else []:
            cell = (index, measures[measure])
            settings.update(_setting(cell, at, kind, int(staff or 1), value))
    return settings


def _setting(
    cell: Fact, at: str, kind: str, staff: int, value: Mapping[str, Any]
) -> Iterator[Fact]:
    if kind == "barline":
        edge = at if at in {"left", "right"} else "middle"
        if "repeat" in value:
            yield (*cell, "repeat", edge, value["repeat"])
        return
    place = (*cell, Fraction(at))
    if kind == "clef":
        line = value.get("line")
        yield (*place, "clef", staff, value["sign"], None if line is None else str(int(line)))
    elif kind == "key" and "steps" not in value:
        yield (*place, "key", int(value["fifths"]))
    elif kind == "time" and value["beats"] and "plus" not in value:
        beats = "+".join(str(int(count)) for count in value["beats"])
        yield (*place, "time", beats, str(int(value["unit"])))


def _places(entries: Mapping[str, Any]) -> dict[str, int]:
    order = sorted(entries, key=lambda name: (entries[name]["order"], name))
    return {name: index for index, name in enumerate(order)}


def _event(facets: Mapping[str, Mapping[str, Any]], name: str, event: Mapping[str, Any]) -> Fact:
    pitch = facets["pt"].get(name, {"rest": "rest"})
    if "rest" in pitch or "unpitched" in pitch:
        sound: object = "rest" if "rest" in pitch else "unpitched"
    else:
        sound = (pitch["step"], float(pitch.get("alter", 0)), int(pitch["octave"]))
    is_grace = "grace" in event
    lyrics = sorted(
        value["text"] for key, value in facets["ly"].items() if key.startswith(f"{name}|")
    )
    return (
        Fraction(*map(int, event["onset"])),
        "note",
        Fraction(0) if is_grace else Fraction(*map(int, event["duration"])),
        is_grace,
        str(int(event["voice"])),
        sound,
        event.get("type"),
        int(event.get("dots", 0)),
        tuple(lyrics),
    )
