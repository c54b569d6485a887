"""One part of a score by itself, as a player has it on the stand, in a transposition if wanted.

A pure view: what stands in other parts is left out, and with a transposition pitches, keys and
chord symbols are written anew. Markup that the schema does not model, and the markup that is kept
of an imported file, belongs to the page of the whole score and is left out of a transposed part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from collab.errors import NotThere
from collab.score.intervals import Interval, WrittenPitch, fitting_interval, transpose_pitch
from collab.score.model import Event, Score, integer, read_score
from collab.score.operations.changes import Draft, no_ids
from collab.score.operations.transposing import write_accidentals
from collab.score.schema import EVERY_PART, KEY_SEPARATOR, Facets, Json, Transposition
from collab.score.spelling import moved_signature, pitch_value, signature_fifths, written_pitch

_SIGNS: Final = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
_ROOT: Final = re.compile(r"(?P<before>^|/)(?P<step>[A-G])(?P<sign>bb|##|b|#|)")
_KEPT_RAW: Final = "raw"
_ANY_OCTAVE: Final = 4

Held = Mapping[str, Mapping[str, object]]


def extract_part(facets: Held, part_id: str, transposition: Transposition | None = None) -> Facets:
    """The facets of one part.

    Args:
        facets: of the score.
        part_id: which part.
        transposition: of the instrument that shall read it; None to leave it as it is written.

    Returns:
        A score with the one part, ids as they were, which sounds as the part sounds.

    Raises:
        NotThere: there is no such part.
    """
    score = read_score(facets)
    part = facets.get("parts", {}).get(part_id)
    if not isinstance(part, Mapping):
        raise NotThere("there is no such part in the score")
    kept = _kept(facets, score, part_id)
    if transposition is None:
        return kept
    was = part.get("transposition")
    old = _interval(was if isinstance(was, Mapping) else {})
    new = _interval(cast("Mapping[str, object]", transposition))
    shift = Interval(old.diatonic - new.diatonic, old.chromatic - new.chromatic)
    fields = {name: value for name, value in part.items() if name != "transposition"}
    if new != Interval(0, 0):
        fields["transposition"] = {"diatonic": new.diatonic, "chromatic": new.chromatic}
    kept["parts"][part_id] = cast("Json", fields)
    if shift == Interval(0, 0):
        return kept
    return _Transposer(score, kept, shift, part_id).transposed()


def _kept(facets: Held, score: Score, part_id: str) -> Facets:
    """What belongs to a part, or to all of them."""
    events = {key for key, event in score.events.items() if event.part == part_id}
    directions = {key for key, each in score.directions.items() if each.part == part_id}
    ends = events | directions | set(score.measures)

    def belongs(facet: str, key: str) -> bool:
        owner = key.partition(KEY_SEPARATOR)[0]
        match facet:
            case "parts":
                return key == part_id
            case "ev" | "pt" | "nx":
                return key in events
            case "ly":
                return owner in events
            case "dir":
                return key in directions
            case "sp":
                spanner = score.spanners.get(key)
                return spanner is not None and {spanner.start, spanner.end} <= ends
            case "attr":
                setting = score.settings.get(key)
                return setting is not None and setting.part in {part_id, EVERY_PART}
            case "raw":
                return owner in {part_id, EVERY_PART}
            case _:
                return True

    return {
        facet: {key: cast("Json", value) for key, value in entries.items() if belongs(facet, key)}
        for facet, entries in facets.items()
    }


class _Transposer:
    """Writes a part anew, by one interval, or where that gives too many signs by its twin."""

    def __init__(self, score: Score, kept: Facets, shift: Interval, part_id: str) -> None:
        self._score = score
        self._kept = kept
        self._shift = shift
        self._part_id = part_id
        measures = {measure: number for number, measure in enumerate(score.measures)}
        self._places = measures
        keys = [
            (measures[each.measure], each.at, each.key)
            for each in score.settings.values()
            if each.kind == "key" and each.key in kept.get("attr", {}) and each.measure in measures
            if each.at is not None
        ]
        # From one key to the next the same interval holds, so that a scale stays a scale.
        self._keys = [(number, at, self._fitting(key), key) for number, at, key in sorted(keys)]

    def transposed(self) -> Facets:
        kept = {facet: dict(entries) for facet, entries in self._kept.items()}
        kept.pop(_KEPT_RAW, None)
        draft = Draft(kept, no_ids)
        for *_, key in self._keys:
            moved = moved_signature(draft.find("attr", key, "key signature"), self._shift)
            if moved is not None:
                draft.put("attr", key, moved)
        for key, _ in draft.entries("nx"):
            draft.put("nx", key, {**draft.find("nx", key, "notation"), _KEPT_RAW: None})
        for key, value in draft.entries("dir"):
            direction = self._score.directions[key]
            if value.get("kind") == "harmony":
                interval = self._interval(direction.measure, direction.onset)
                draft.put("dir", key, _moved_harmony(draft.find("dir", key, "sign"), interval))
        self._move_pitches(draft)
        for (facet, key), changed in draft.changes().sets.items():
            kept[facet][key] = changed
        return kept

    def _move_pitches(self, draft: Draft) -> None:
        moved: list[Event] = []
        for key, value in draft.entries("pt"):
            event, pitch = self._score.events[key], written_pitch(value)
            if pitch is not None:
                there = transpose_pitch(pitch, self._interval(event.measure, event.onset))
                draft.put("pt", key, {**draft.find("pt", key, "pitch"), **pitch_value(there)})
                moved.append(event)
        write_accidentals(draft, moved)

    def _fitting(self, key: str) -> Interval:
        """The interval that leaves a key with at most seven signs."""
        value = self._kept["attr"][key]
        fifths = signature_fifths(value) if isinstance(value, Mapping) else None
        return fitting_interval(fifths or 0, self._shift)

    def _interval(self, measure: str, onset: object) -> Interval:
        """The interval at a place."""
        place = (self._places.get(measure, 0), onset)
        found = self._shift
        for number, at, interval, _ in self._keys:
            if (number, at) <= place:
                found = interval
        return found


def _interval(transposition: Mapping[str, object]) -> Interval:
    steps, semitones = (transposition.get(name) for name in ("diatonic", "chromatic"))
    return Interval(integer(steps, -99, 99) or 0, integer(semitones, -99, 99) or 0)


def _moved_harmony(value: Mapping[str, Json], interval: Interval) -> Mapping[str, Json | None]:
    """A chord symbol such as ``F#m7/A``: its root and its bass."""
    text = value.get("text")
    if not isinstance(text, str):
        return value

    def root(found: re.Match[str]) -> str:
        alter = found["sign"].count("#") - found["sign"].count("b")
        moved = transpose_pitch(WrittenPitch(found["step"], _ANY_OCTAVE, alter), interval)
        return f"{found['before']}{moved.step}{_SIGNS.get(round(moved.alter), '')}"

    return {**value, _KEPT_RAW: None, "text": _ROOT.sub(root, text)}
