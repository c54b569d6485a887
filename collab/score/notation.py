"""A line of music in plain letters: how a score is written down in source code.

::

    measure   notes, measures are parted by "|"
    note      step [accidental] octave ["/" value [dots]] [fermata]      A#3  B3/4.  C#5^
    step      A to G            accidental   # or b
    octave    scientific: C4 is middle C
    value     1 whole, 2 half, 4 quarter (when nothing is said), 8 eighth, 16 sixteenth
    dots      "." for each     fermata      "^"
    [ ... ]   notes under one beam, all of one value

    text      one word for each note: "Je-" goes on in the next syllable, "_" holds the last one
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

NoteType = Literal["whole", "half", "quarter", "eighth", "16th"]

_TYPES: Final[dict[str, NoteType]] = {
    "1": "whole",
    "2": "half",
    "4": "quarter",
    "8": "eighth",
    "16": "16th",
}
_BEAMS: Final = {"eighth": 1, "16th": 2}
_ALTERS: Final = {"": 0, "#": 1, "b": -1}
_NOTE: Final = re.compile(
    r"(?P<open>\[?)(?P<step>[A-G])(?P<alter>[#b]?)(?P<octave>[0-9])"
    r"(?:/(?P<value>16|[1248])(?P<dots>\.*))?(?P<fermata>\^?)(?P<close>\]?)"
)
_SHARPS: Final = "FCGDAEB"


@dataclass(frozen=True, slots=True)
class Note:
    """One written note.

    Args:
        step: letter name, A to G.
        alter: semitones by which it is altered, from the key signature too.
        octave: scientific, C4 is middle C.
        onset: from the start of the measure, in quarter notes.
        duration: in quarter notes.
        type: the name of the written value, without dots.
        dots: how many dots.
        beams: for each beam level what it does at this note; empty when unbeamed.
        accidental: the sign to print before it, empty for none.
        has_fermata: whether a fermata stands over it.
    """

    step: str
    alter: int
    octave: int
    onset: Fraction
    duration: Fraction
    type: NoteType
    dots: int
    beams: tuple[str, ...]
    accidental: str
    has_fermata: bool


@dataclass(frozen=True, slots=True)
class SungSyllable:
    """One syllable and the notes it is sung on.

    Args:
        text: without hyphens.
        syllabic: its place in the word, in MusicXML's words.
        first: index of the note it begins on.
        last: index of the last note it is held through.
    """

    text: str
    syllabic: Literal["single", "begin", "middle", "end"]
    first: int
    last: int


def parse_line(line: str, fifths: int) -> list[list[Note]]:
    """Read one part.

    Args:
        line: the notation described above.
        fifths: the key signature, sharps positive; it decides which accidentals are printed.

    Returns:
        The notes of each measure.

    Raises:
        ValueError: the text is not in this notation.
    """
    return [_parse_measure(text, fifths) for text in line.split("|")]


def parse_text(text: str, notes_total: int) -> list[SungSyllable]:
    """Lay one verse under the notes of a part.

    Raises:
        ValueError: there are more or fewer words and "_" than notes.
    """
    words = text.split()
    if len(words) != notes_total or words[:1] == ["_"]:
        raise ValueError(f"{len(words)} syllables and holds for {notes_total} notes")
    starts = [index for index, word in enumerate(words) if word != "_"]
    ends = [*starts[1:], len(words)]
    syllables: list[SungSyllable] = []
    goes_on = False
    for first, end in zip(starts, ends, strict=True):
        was_going_on, goes_on = goes_on, words[first].endswith("-")
        syllabic = _SYLLABIC[was_going_on, goes_on]
        syllables.append(SungSyllable(words[first].removesuffix("-"), syllabic, first, end - 1))
    return syllables


_SYLLABIC: Final[dict[tuple[bool, bool], Literal["single", "begin", "middle", "end"]]] = {
    (False, False): "single",
    (False, True): "begin",
    (True, True): "middle",
    (True, False): "end",
}


def _parse_measure(text: str, fifths: int) -> list[Note]:
    matches = [_match(token) for token in text.split()]
    if not matches:
        raise ValueError("a measure without notes")
    beams = _beams(matches)
    in_force = _key_signature(fifths)
    onset = Fraction(0)
    notes: list[Note] = []
    for found, levels in zip(matches, beams, strict=True):
        step, alter, octave = found["step"], _ALTERS[found["alter"]], int(found["octave"])
        value, dots = found["value"] or "4", len(found["dots"] or "")
        duration = Fraction(4, int(value)) * (2 - Fraction(1, 2**dots))
        # A sign holds for its octave to the end of the measure; the key signature for all octaves.
        sounding = in_force.get((step, octave), in_force.get((step, None), 0))
        in_force[step, octave] = alter
        accidental = "" if alter == sounding else _SIGNS[alter]
        notes.append(
            Note(
                step=step,
                alter=alter,
                octave=octave,
                onset=onset,
                duration=duration,
                type=_TYPES[value],
                dots=dots,
                beams=levels,
                accidental=accidental,
                has_fermata=bool(found["fermata"]),
            )
        )
        onset += duration
    return notes


_SIGNS: Final = {-1: "flat", 0: "natural", 1: "sharp"}


def _match(token: str) -> re.Match[str]:
    found = _NOTE.fullmatch(token)
    if found is None:
        raise ValueError(f"not a note: {token!r}")
    return found


def _key_signature(fifths: int) -> dict[tuple[str, int | None], int]:
    altered = _SHARPS[:fifths] if fifths > 0 else _SHARPS[len(_SHARPS) + fifths :]
    return {(step, None): 1 if fifths > 0 else -1 for step in altered}


def _beams(matches: Sequence[re.Match[str]]) -> Iterator[tuple[str, ...]]:
    inside = False
    for found in matches:
        opens, closes = bool(found["open"]), bool(found["close"])
        if (opens and (inside or closes)) or (closes and not inside):
            raise ValueError(f"a beam opens or closes wrongly at {found[0]!r}")
        inside = (inside or opens) and not closes
        if not (opens or closes or inside):
            yield ()
            continue
        levels = _BEAMS.get(_TYPES[found["value"] or "4"], 0)
        if levels == 0:
            raise ValueError(f"no beam joins values like that of {found[0]!r}")
        role = "begin" if opens else "end" if closes else "continue"
        yield (role,) * levels
    if inside:
        raise ValueError("a beam is left open at the end of a measure")
