"""What can be searched for in a score: its words, and its melodies as intervals.

Pure views over the facets. What stands in a deleted measure is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Final

from collab.score.model import Event, Score, read_score, string
from collab.score.schema import KEY_SEPARATOR

Facets = Mapping[str, Mapping[str, object]]

_SAID: Final = ("words", "rehearsal")
_NO_WORDS: Final = frozenset({"title", "schema"})
_OPEN: Final = frozenset({"begin", "middle"})
_EMPTY: Final[Mapping[str, object]] = {}


@dataclass(frozen=True, slots=True)
class Verse:
    """What one part sings, as one text.

    Attributes:
        part: its id.
        verse: its name, usually ``1``, ``2`` ...
        text: the syllables joined to words.
    """

    part: str
    verse: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScoreText:
    """All words of a score.

    Attributes:
        title: as the document has it.
        about: all else that it says of itself, such as its composer, by name.
        parts: the names of the parts, from the top of the page.
        verses: what is sung, by part from the top and verse.
        words: what is said in directions, in the order of the score, each once.
    """

    title: str = field(repr=False)
    about: Mapping[str, str] = field(repr=False)
    parts: tuple[str, ...] = field(repr=False)
    verses: tuple[Verse, ...] = field(repr=False)
    words: tuple[str, ...] = field(repr=False)


def text_of(facets: Facets) -> ScoreText:
    """All words of a score."""
    score = read_score(facets)
    meta = facets.get("meta", _EMPTY)
    # Raw header fragments of an imported file are markup, and no words.
    about = {
        name: text
        for name, text in sorted(meta.items())
        if isinstance(text, str) and text and name not in _NO_WORDS
        if not name.startswith("hdr.")
    }
    names = (_fields(facets, "parts", part).get("name") for part in score.parts)
    return ScoreText(
        title=string(meta.get("title")),
        about=about,
        parts=tuple(string(name) for name in names),
        verses=tuple(_verses(facets, score)),
        words=tuple(_words(facets, score)),
    )


def melodies_of(facets: Facets) -> dict[str, tuple[int, ...]]:
    """The upper line of each part as intervals in semitones, by part from the top of the page.

    A note belongs to it when nothing higher sounds at its onset. Tied notes sound once, grace
    notes and rests not at all; so two parts that differ in key, octave and rhythm have the same
    melody. A part with fewer than two notes has none.
    """
    score = read_score(facets)
    held = {each.end for each in score.spanners.values() if each.kind == "tie"}
    cells: dict[tuple[str, str], list[tuple[Event, float]]] = {}
    for event in score.events.values():
        pitch = score.pitches.get(event.id)
        if pitch is None or pitch.semitones is None or event.is_space or event.grace is not None:
            continue
        cells.setdefault((event.part, event.measure), []).append((event, pitch.semitones))
    there = [key for key, measure in score.measures.items() if not measure.is_deleted]
    found: dict[str, tuple[int, ...]] = {}
    for part in score.parts:
        line = [
            height for measure in there for height in _upper(cells.get((part, measure), []), held)
        ]
        if len(line) > 1:
            found[part] = tuple(round(after - before) for before, after in pairwise(line))
    return found


def _upper(cell: list[tuple[Event, float]], held: set[str]) -> list[float]:
    """The upper line of one part in one measure."""
    line: dict[Fraction, float] = {}
    for event, height in cell:
        covered = any(
            other.onset <= event.onset < other.end and above > height for other, above in cell
        )
        if not covered and event.id not in held:
            line[event.onset] = height
    return [line[onset] for onset in sorted(line)]


def _verses(facets: Facets, score: Score) -> list[Verse]:
    places = {measure: number for number, measure in enumerate(score.measures)}
    parts = {part: number for number, part in enumerate(score.parts)}
    sung: dict[tuple[int, str, str], list[tuple[int, Fraction, str, Mapping[str, object]]]] = {}
    for key in facets.get("ly", _EMPTY):
        event_id, _, verse = key.partition(KEY_SEPARATOR)
        event = score.events.get(event_id)
        if event is None or event.part not in parts or not _is_there(score, event):
            continue
        place = (places[event.measure], event.onset, event_id, _fields(facets, "ly", key))
        sung.setdefault((parts[event.part], event.part, verse), []).append(place)
    return [
        Verse(part, verse, _joined([each[3] for each in sorted(syllables, key=_place)]))
        for (_, part, verse), syllables in sorted(sung.items(), key=lambda item: item[0])
    ]


def _place(syllable: tuple[int, Fraction, str, Mapping[str, object]]) -> tuple[int, Fraction, str]:
    return syllable[:3]


def _joined(syllables: list[Mapping[str, object]]) -> str:
    pieces: list[str] = []
    for syllable in syllables:
        goes_on = syllable.get("syllabic") in _OPEN
        pieces.append(string(syllable.get("text")) + ("" if goes_on else " "))
    return "".join(pieces).strip()


def _words(facets: Facets, score: Score) -> dict[str, None]:
    places = {measure: number for number, measure in enumerate(score.measures)}
    said = []
    for direction in score.directions.values():
        measure = score.measures.get(direction.measure)
        fields = _fields(facets, "dir", direction.id)
        text = string(fields.get("text")).strip()
        if measure is None or measure.is_deleted or fields.get("kind") not in _SAID or not text:
            continue
        said.append((places[direction.measure], direction.onset, direction.id, text))
    return dict.fromkeys(text for *_, text in sorted(said))


def _is_there(score: Score, event: Event) -> bool:
    measure = score.measures.get(event.measure)
    return measure is not None and not measure.is_deleted


def _fields(facets: Facets, facet: str, key: str) -> Mapping[str, object]:
    value = facets.get(facet, _EMPTY).get(key)
    return value if isinstance(value, Mapping) else _EMPTY
