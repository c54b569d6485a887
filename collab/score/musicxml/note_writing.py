"""One note: made from its facts, or changed where its facts differ from those it was read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from collab.score.musicxml import markup
from collab.score.musicxml.current import Facts, Value
from collab.score.musicxml.markup import NOTE_ORDER, made
from collab.score.musicxml.notes import ELISION, TYPES, lyric_parts
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Reading

_NOTHING: Final[Value] = {}
_OCTAVE_MAX: Final = 9
_DOTS_TRIED: Final = 4
_ARTICULATIONS: Final = frozenset(
    {
        *("accent", "strong-accent", "staccato", "tenuto", "detached-legato", "staccatissimo"),
        *("spiccato", "scoop", "plop", "doit", "falloff", "breath-mark", "caesura", "stress"),
        *("unstress", "soft-accent"),
    }
)
_ACCIDENTALS: Final = frozenset(
    {
        *("sharp", "natural", "flat", "double-sharp", "sharp-sharp", "flat-flat"),
        *("natural-sharp", "natural-flat", "quarter-flat", "quarter-sharp"),
        *("three-quarters-flat", "three-quarters-sharp", "sharp-down", "sharp-up"),
        *("natural-down", "natural-up", "flat-down", "flat-up", "double-sharp-down"),
        *("double-sharp-up", "flat-flat-down", "flat-flat-up", "arrow-down", "arrow-up"),
        *("triple-sharp", "triple-flat", "slash-quarter-sharp", "slash-sharp", "slash-flat"),
        *("double-slash-flat", "sharp-1", "sharp-2", "sharp-3", "sharp-5", "flat-1", "flat-2"),
        *("flat-3", "flat-4", "sori", "koron"),
    }
)


@dataclass(slots=True)
class NoteWriter:
    """Writes the notes of a score.

    Args:
        facts: as they are now.
        reading: as they were in the file; None for a score that came from none.
        numbers: the number of each spanner that was made since, see ``numbers_of``.
    """

    facts: Facts
    reading: Reading | None
    numbers: Mapping[str, str]

    def before(self, facet: str, key: str) -> Value:
        """Read a fact as it was in the file; empty when it was not there."""
        if self.reading is None:
            return _NOTHING
        value: Any = self.reading.facets[facet].get(key)
        return value or _NOTHING

    def now(self, facet: str, key: str) -> Value:
        """Read a fact as it is; empty when it is not there."""
        return self.facts.facets[facet].get(key) or _NOTHING

    def is_moved(self, event_id: str) -> bool:
        """Whether an event sounds at another time, in another voice or chord, than in the file."""
        before, now = self.before("ev", event_id), self.now("ev", event_id)
        return any(before.get(name) != now.get(name) for name in _TIMING)

    def write(self, event_id: str, element: Element | None) -> Element:
        """Write a note without its duration and chord mark, which depend on its neighbours.

        Args:
            event_id: of an event that is there.
            element: the note that it was read from, which is changed; None makes a new one.
        """
        note = made("note", None, {"id": event_id}) if element is None else element
        known = element is not None
        event = self.now("ev", event_id)
        event_before = self.before("ev", event_id) if known else _NOTHING
        self._write_pitch(note, event_id, is_known=known)
        self._write_value(note, event_id, event, event_before)
        if not known or event["voice"] != event_before["voice"]:
            markup.set_text(note, "voice", str(event["voice"]), NOTE_ORDER)
        part = self.facts.facets["parts"].get(event["part"], _NOTHING)
        has_staves = part.get("staves", 1) > 1
        if (not known and has_staves) or (known and event["staff"] != event_before["staff"]):
            markup.set_text(note, "staff", str(event["staff"]), NOTE_ORDER)
        self._write_drawing(note, event_id, is_known=known)
        self._write_marks(note, event_id, is_known=known)
        self._write_lyrics(note, event_id, is_known=known)
        return note

    def _write_pitch(self, note: Element, event_id: str, *, is_known: bool) -> None:
        now = self.now("pt", event_id)
        before = self.before("pt", event_id) if is_known else _NOTHING
        if now == before and is_known:
            return
        sounds = [{**value, "accidental": None} for value in (now, before)]
        if sounds[0] != sounds[1] or not is_known:
            tags = ("pitch", "rest", "unpitched")
            markup.replace_all(note, tags, [_pitch_element(now)], NOTE_ORDER)
            stems = [
                value.get("stem")
                for value in (self.now("nx", event_id), self.before("nx", event_id))
            ]
            if is_known and stems[0] == stems[1]:
                # It was that of another height.
                markup.set_text(note, "stem", None, NOTE_ORDER)
        sign = now.get("accidental")
        if sign != before.get("accidental"):
            text = sign if sign is None or sign in _ACCIDENTALS else "other"
            markup.set_text(note, "accidental", text, NOTE_ORDER)

    def _write_value(self, note: Element, event_id: str, now: Value, before: Value) -> None:
        """Write type, dots, grace and the ratio of a tuplet."""
        grace, grace_before = now.get("grace"), before.get("grace")
        if grace != grace_before:
            slash = {"slash": "yes"} if grace and grace.get("slash") else {}
            graces = [made("grace", None, slash)] if grace else []
            markup.replace_all(note, ("grace",), graces, NOTE_ORDER)
        if grace is not None:
            markup.set_text(note, "duration", None, NOTE_ORDER)
        names = ("type", "dots", "duration")
        is_same = all(now.get(name) == before.get(name) for name in names)
        if is_same and self._tuplets(event_id) == self._tuplets_before(event_id):
            return
        kind, dots = now.get("type"), now.get("dots", 0)
        if kind is None and grace is None:
            kind, dots = written_value(Fraction(*now["duration"]))
        if kind != before.get("type"):
            markup.set_text(note, "type", kind, NOTE_ORDER)
        if dots != before.get("dots", 0):
            markup.replace_all(note, ("dot",), [made("dot") for _ in range(dots)], NOTE_ORDER)
        if grace is None:
            tuplets = self._tuplets(event_id).values()
            ratio = _ratio(Fraction(*now["duration"]), kind, dots, tuplets)
            markup.replace_all(note, ("time-modification",), ratio, NOTE_ORDER)

    def _tuplets(self, event_id: str) -> dict[str, Value]:
        """Find the tuplets that begin or stop at an event, by their ids."""
        return {
            spanner: value
            for (spanner, _), value in self.facts.spanners.get(event_id, {}).items()
            if value["kind"] == "tuplet"
        }

    def _tuplets_before(self, event_id: str) -> dict[str, Value]:
        marks = self.reading.marks.get(event_id, ()) if self.reading else ()
        return {
            mark.spanner: self.before("sp", mark.spanner)
            for mark in marks
            if mark.spanner and mark.kind == "tuplet"
        }

    def _write_drawing(self, note: Element, event_id: str, *, is_known: bool) -> None:
        now = self.now("nx", event_id)
        before = self.before("nx", event_id) if is_known else _NOTHING
        if now == before:
            return
        if now.get("stem") != before.get("stem"):
            markup.set_text(note, "stem", now.get("stem"), NOTE_ORDER)
        if now.get("beams") != before.get("beams"):
            set_beams(note, now.get("beams", []))
        if now.get("articulations") != before.get("articulations"):
            wanted: Counter[str] = Counter(now.get("articulations", []))
            had: Counter[str] = Counter(before.get("articulations", []))
            _set_articulations(note, list((wanted - had).elements()), had - wanted)
        if now.get("fermata") != before.get("fermata"):
            for sign in list(note.iterfind("notations/fermata"))[:1]:
                _drop_sign(sign)
            if "fermata" in now:
                _add_sign(note, made("fermata", None, {"type": now["fermata"]}))

    def _write_marks(self, note: Element, event_id: str, *, is_known: bool) -> None:
        """Write the ends of ties, slurs and tuplets at this event."""
        marks = self.reading.marks.get(event_id, []) if self.reading and is_known else []
        before = {(mark.spanner, mark.role): mark for mark in marks if mark.spanner}
        now = self.facts.spanners.get(event_id, {})
        for key, mark in before.items():
            if key not in now:
                for element in mark.elements:
                    _drop_sign(element)
        for (spanner, role), value in now.items():
            if (spanner, role) not in before:
                self._add_mark(note, spanner, role, value)

    def _add_mark(self, note: Element, spanner: str, role: str, value: Value) -> None:
        kind = value["kind"]
        if kind == "tie":
            # What sounds is tied or not, however many lines are drawn; the format has room for one.
            if all(each.get("type") != role for each in note.iterfind("tie")):
                markup.insert(note, made("tie", None, {"type": role}), NOTE_ORDER)
            _add_sign(note, made("tied", None, {"type": role}))
        elif kind in {"slur", "tuplet"}:
            attributes = {"type": role, "number": self.numbers.get(spanner, "1")}
            if kind == "slur" and role == "start" and "placement" in value:
                attributes["placement"] = value["placement"]
            _add_sign(note, made(kind, None, attributes))

    def _write_lyrics(self, note: Element, event_id: str, *, is_known: bool) -> None:
        now = self.facts.lyrics.get(event_id, {})
        elements = self._lyric_elements(event_id) if is_known else {}
        for verse, element in elements.items():
            if verse not in now:
                markup.drop(element)
        for verse, value in sorted(now.items()):
            element = elements.get(verse)
            if element is None:
                markup.insert(note, _lyric(verse, value), NOTE_ORDER)
            elif value != self.before("ly", f"{event_id}|{verse}"):
                _change_lyric(element, value)

    def _lyric_elements(self, event_id: str) -> dict[str, Element]:
        return self.reading.lyrics.get(event_id, {}) if self.reading else {}


_TIMING: Final = ("part", "measure", "onset", "duration", "voice", "chord", "grace")


def written_value(duration: Fraction) -> tuple[str | None, int]:
    """Find a written value with dots for a duration in quarter notes; none for odd ones."""
    for name, length in TYPES.items():
        for dots in range(_DOTS_TRIED):
            if length * (2 - Fraction(1, 2**dots)) == duration:
                return name, dots
    return None, 0


def set_beams(note: Element, beams: Sequence[str]) -> None:
    """Have a note say which beams begin, go on and end at it."""
    elements = [
        made("beam", text, {"number": str(level)})
        for level, text in enumerate(beams[:_BEAMS_MAX], start=1)
    ]
    markup.replace_all(note, ("beam",), elements, NOTE_ORDER)


_BEAMS_MAX: Final = 8


def _pitch_element(pitch: Value) -> Element:
    step, octave = pitch.get("step"), min(max(pitch.get("octave", 4), 0), _OCTAVE_MAX)
    if "rest" in pitch or "unpitched" in pitch or step is None:
        drawn = (
            []
            if step is None
            else [made("display-step", step), made("display-octave", str(octave))]
        )
        if "unpitched" in pitch:
            return made("unpitched", None, None, drawn)
        is_whole = pitch.get("rest") == "measure"
        return made("rest", None, {"measure": "yes"} if is_whole else None, drawn)
    alter = pitch.get("alter")
    altered = [made("alter", markup.number_text(alter))] if alter else []
    children = [made("step", step), *altered, made("octave", str(octave))]
    return made("pitch", None, None, children)


def _ratio(
    duration: Fraction, kind: str | None, dots: int, tuplets: Iterable[Value]
) -> list[Element]:
    """Say how a written value became a duration, as the tuplet here does if it says the same."""
    if kind not in TYPES or not duration:
        return []
    written = TYPES[str(kind)] * (2 - Fraction(1, 2**dots))
    ratio = duration / written
    if ratio == 1:
        return []
    actual, normal = ratio.denominator, ratio.numerator
    for tuplet in tuplets:
        said = (tuplet.get("actual", 0), tuplet.get("normal", 0))
        if all(said) and Fraction(said[1], said[0]) == ratio:
            actual, normal = said
    counts = [made("actual-notes", str(actual)), made("normal-notes", str(normal))]
    return [made("time-modification", None, None, counts)]


def _add_sign(note: Element, sign: Element) -> None:
    notations = note.find("notations")
    if notations is None:
        notations = made("notations")
        markup.insert(note, notations, NOTE_ORDER)
    notations.append(sign)


def _drop_sign(sign: Element) -> None:
    """Take a sign out, and what holds nothing else with it."""
    holder = sign.getparent()
    markup.drop(sign)
    while holder is not None and len(holder) == 0 and holder.tag in {"notations", "articulations"}:
        holder, emptied = holder.getparent(), holder
        markup.drop(emptied)


def _set_articulations(note: Element, added: Sequence[str], removed: Counter[str]) -> None:
    for name, count in removed.items():
        for sign in list(note.iterfind(f"notations/articulations/{name}"))[:count]:
            _drop_sign(sign)
    if not added:
        return
    holder = note.find("notations/articulations")
    if holder is None:
        holder = made("articulations")
        _add_sign(note, holder)
    for name in added:
        known = name in _ARTICULATIONS
        holder.append(made(name) if known else made("other-articulation", name))


def _lyric(verse: str, value: Value) -> Element:
    name = "number" if verse.isalnum() else "name"
    lyric = made("lyric", None, {name: verse})
    _fill_lyric(lyric, value)
    return lyric


def _fill_lyric(lyric: Element, value: Value) -> None:
    """Write a syllable; one with elisions becomes several texts."""
    texts = value["text"].split(ELISION)
    lyric.append(made("syllabic", value["syllabic"]))
    lyric.append(made("text", texts[0]))
    for text in texts[1:]:
        lyric.append(made("elision", ELISION))
        lyric.append(made("text", text))
    if value.get("extend"):
        lyric.append(made("extend"))


def _change_lyric(lyric: Element, value: Value) -> None:
    """Change a syllable in place where it is a plain one, so that its attributes stay."""
    _, syllabics, extends = lyric_parts(lyric)
    texts = lyric.findall("text")
    plain = len(texts) == 1 and len(syllabics) == 1 and ELISION not in value["text"]
    if plain and extends == bool(value.get("extend")):
        texts[0].text = markup.safe(value["text"])
        lyric.find("syllabic").text = value["syllabic"]
        return
    kept = ("end-line", "end-paragraph", "editorial", "footnote", "level")
    behind = [child for child in lyric if child.tag in kept]
    lyric[:] = []
    _fill_lyric(lyric, value)
    lyric.extend(behind)
