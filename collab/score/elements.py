"""What stands in a score, element by element, each with its place and in words.

A pure and tolerant view over the facets, for comparing and for finding: an entry that says too
little is left out, and so is what stands in a measure that is deleted or gone, and a spanner that
has lost an end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, cast

from collab.score.model import Measure, read_score, time
from collab.score.schema import (
    EVERY_PART,
    KEY_SEPARATOR,
    Json,
    attribute_place,
    normalise_numbers,
    part_of,
)

Held = Mapping[str, Mapping[str, object]]
"""A score as it was read: facet to key to value."""

_PLACE: Final = ("part", "measure", "voice", "staff")
_SIGNS: Final = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "x"}
_EMPTY: Final[Mapping[str, object]] = {}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a score.

    Attributes:
        element_id: its id; the key of a setting or break.
        kind: ``note``, ``rest``, ``space``, or what its facet calls it.
        measure: id of the measure that it stands, or begins, in.
        part: id of its part; None for all of them.
        onset: from the measure's start, in quarter notes.
        voice: among several in a part.
        aspects: what may change about it, each by itself.
        text: in words.
    """

    element_id: str
    kind: str
    measure: str
    part: str | None
    onset: Fraction
    voice: int
    aspects: Mapping[str, Json] = field(repr=False)
    text: str = field(repr=False)


def measures_in_order(facets: Held) -> list[Measure]:
    """The measures that are there, from the first to the last."""
    score = read_score({"measures": facets.get("measures", _EMPTY)})
    return [measure for measure in score.measures.values() if not measure.is_deleted]


def parts_in_order(facets: Held) -> list[str]:
    """The ids of the parts, from the top of the page."""
    return list(read_score({"parts": facets.get("parts", _EMPTY)}).parts)


def elements_of(facets: Held) -> dict[str, Element]:
    """The elements of a score by id."""
    there = {measure.id for measure in measures_in_order(facets)}
    found: dict[str, Element] = {}
    for element in (*_events(facets), *_directions(facets), *_settings(facets), *_breaks(facets)):
        if element.measure in there:
            found[element.element_id] = element
    for key, value in _objects(facets, "sp"):
        start, end = (_end(found, there, value.get(name)) for name in ("start", "end"))
        if start is not None and end is not None:
            found.setdefault(key, _spanner(key, value, start))
    return found


def _events(facets: Held) -> Iterator[Element]:
    syllables: dict[str, dict[str, Json]] = {}
    for key, value in _objects(facets, "ly"):
        event, _, verse = key.partition(KEY_SEPARATOR)
        syllables.setdefault(event, {})[verse] = cast("Json", value)
    for key, value in _objects(facets, "ev"):
        pitch = _entry(facets, "pt", key)
        lyrics = syllables.get(key, {})
        kind = str(value.get("kind", "note"))
        if pitch.get("rest"):
            kind = "rest"
        yield _element(
            key,
            kind,
            value,
            {
                "pitch": cast("Json", pitch),
                "rhythm": {
                    name: cast("Json", each) for name, each in value.items() if name not in _PLACE
                },
                "notation": cast("Json", _entry(facets, "nx", key)),
                "lyrics": dict(sorted(lyrics.items())),
            },
            _event_text(kind, value, pitch, lyrics),
        )


def _directions(facets: Held) -> Iterator[Element]:
    for key, value in _objects(facets, "dir"):
        kind = str(value.get("kind", "direction"))
        said = {name: cast("Json", each) for name, each in value.items() if name not in _PLACE}
        yield _element(key, kind, value, {"sign": said}, _said(kind, value.get("text")))


def _settings(facets: Held) -> Iterator[Element]:
    for key, value in _objects(facets, "attr"):
        place = attribute_place(key)
        if place is None:
            continue
        part = part_of(place.scope)
        yield Element(
            element_id=key,
            kind=place.kind,
            measure=place.measure,
            part=None if part == EVERY_PART else part,
            onset=place.at if isinstance(place.at, Fraction) else Fraction(0),
            voice=0,
            aspects={"setting": cast("Json", value)},
            text=_setting_text(place.kind, value),
        )


def _breaks(facets: Held) -> Iterator[Element]:
    for key, value in _objects(facets, "lay"):
        name = f"break{KEY_SEPARATOR}{key}"
        kinds = " and ".join(kind for kind in ("system", "page") if value.get(kind) is True)
        aspects: dict[str, Json] = {"break": cast("Json", value)}
        yield Element(name, "break", key, None, Fraction(0), 0, aspects, f"{kinds} break")


def _element(
    key: str, kind: str, value: Mapping[str, object], aspects: dict[str, Json], text: str
) -> Element:
    voice = value.get("voice")
    part = value.get("part")
    place = {name: cast("Json", value[name]) for name in _PLACE if name in value}
    return Element(
        element_id=key,
        kind=kind,
        measure=str(value.get("measure", "")),
        part=part if isinstance(part, str) else None,
        onset=time(value.get("onset")) or Fraction(0),
        voice=voice if isinstance(voice, int) else 0,
        aspects={"place": place, **aspects},
        text=text,
    )


def _end(found: Mapping[str, Element], there: set[str], name: object) -> Element | None:
    """What a spanner begins or ends at."""
    if not isinstance(name, str):
        return None
    if name in there:
        return Element(name, "measure", name, None, Fraction(0), 0, {}, "")
    return found.get(name)


def _spanner(key: str, value: Mapping[str, object], start: Element) -> Element:
    kind = str(value.get("kind", "spanner"))
    aspects: dict[str, Json] = {"line": cast("Json", value)}
    text = _said(kind, value.get("text"))
    return Element(key, kind, start.measure, start.part, start.onset, start.voice, aspects, text)


# In words -------------------------------------------------------------------------------------


def _event_text(
    kind: str,
    value: Mapping[str, object],
    pitch: Mapping[str, object],
    lyrics: Mapping[str, Json],
) -> str:
    dots = value.get("dots")
    length = str(value.get("type") or _quarters(value.get("duration")))
    words = [kind if kind != "note" else pitch_text(pitch), length + "." * _small(dots)]
    if isinstance(value.get("grace"), Mapping):
        words.append("grace")
    sung = [str(each.get("text", "")) for each in lyrics.values() if isinstance(each, Mapping)]
    return " ".join([*words, *(f'"{text}"' for text in sung)])


def pitch_text(pitch: Mapping[str, object]) -> str:
    """A written pitch in letters, such as ``F#4``; ``note`` where it says none."""
    step, octave, alter = pitch.get("step"), pitch.get("octave"), pitch.get("alter", 0)
    if not isinstance(step, str) or not isinstance(octave, int):
        return "note"
    sign = _SIGNS.get(alter) if isinstance(alter, int) else None
    return f"{step}{f'({alter})' if sign is None else sign}{octave}"


def _setting_text(kind: str, value: Mapping[str, object]) -> str:
    match kind:
        case "time":
            beats = value.get("beats")
            groups = "+".join(map(str, beats)) if isinstance(beats, list) else "?"
            return f"{groups}/{value.get('unit')}"
        case "key":
            return f"key of {value.get('fifths')} fifths {value.get('mode', '')}".strip()
        case "clef":
            octave = value.get("octave")
            return f"clef {value.get('sign')}{value.get('line', '')}" + (
                f" {octave:+d}" if isinstance(octave, int) and octave else ""
            )
        case "tempo":
            return f"tempo {value.get('text') or value.get('bpm')}"
        case _:
            return _said(kind, value.get("repeat") or value.get("style"))


def _said(kind: str, text: object) -> str:
    return f"{kind} {text}" if isinstance(text, str) and text else kind


def _quarters(duration: object) -> str:
    length = time(duration)
    return "" if length is None else f"{length} quarters"


def _small(count: object) -> int:
    return count if isinstance(count, int) and 0 <= count <= len(_SIGNS) else 0


# Reading --------------------------------------------------------------------------------------


def _objects(facets: Held, facet: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for key, value in facets.get(facet, _EMPTY).items():
        if isinstance(value, Mapping):
            normal = normalise_numbers(value)
            assert isinstance(normal, dict)
            yield key, normal


def _entry(facets: Held, facet: str, key: str) -> Mapping[str, object]:
    value = facets.get(facet, _EMPTY).get(key)
    normal = normalise_numbers(value)
    return normal if isinstance(normal, dict) else _EMPTY
