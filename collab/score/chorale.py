"""The chorale that the demo room holds: Bach's "Herzliebster Jesu", written out note by note.

J. S. Bach, St Matthew Passion, BWV 244, no. 3, also no. 78 of the 371 four-part chorales and of
Riemenschneider's edition; words by Johann Heermann (1630), melody by Johann Crüger (1640). All
of it is in the public domain.

The clefs are those of modern choir scores. Sources differ in two places: for the tenor's A3 under
the fermata of measure 6, the 371 chorales as printed by Breitkopf (about 1875) have D4, and some
fill the soprano's D5 in measure 10 with a passing C#5. Editorial are the tempo, the line break,
and the soprano's slurs, which show where two notes share a syllable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from collab.score import schema
from collab.score.notation import Note, parse_line, parse_text
from collab.score.order import order_key

CHORALE_ROOM: Final = "demo/chorale"
CHORALE_SEED_SHA256: Final = "3a63b0255e7ad425714b259a29e4bb919ff19154d8209a20125d79a9c8ad6944"
"""SHA-256 of ``seed_update(chorale_facets())``; changes only when the music is meant to change."""

_FIFTHS: Final = 2
_VERSE: Final = "1"


@dataclass(frozen=True, slots=True)
class _Voice:
    """One part: its id, the letter its notes' ids begin with, its clef and its music."""

    part_id: str
    letter: str
    name: str
    clef: schema.Clef
    line: str


_TREBLE: Final[schema.Clef] = {"sign": "G", "line": 2}
_TENOR: Final[schema.Clef] = {"sign": "G", "line": 2, "octave": -1}
_BASS: Final[schema.Clef] = {"sign": "F", "line": 4}

# The upbeat first, then one measure after the other.
_VOICES: Final = (
    _Voice(
        "soprano",
        "s",
        "Soprano",
        _TREBLE,
        "B4"
        " | B4 B4 [A#4/8 G#4/8] F#4"
        " | B4 C#5 D5 D5"
        " | E5 D5 C#5^ C#5"
        " | D5 E5 [F#5/8 E5/8] D5"
        " | G5 G5 [F#5/8 E5/8] F#5"
        " | E5/2 D5^ D5"
        " | C#5 B4 A4 [F#4/8 G4/8]"
        " | A4 A4 B4 A4"
        " | G4/2 F#4^ F#5"
        " | E5 D5 C#5/2"
        " | B4/2.^",
    ),
    _Voice(
        "alto",
        "a",
        "Alto",
        _TREBLE,
        "F#4"
        " | G4 [D4/8 E4/8] F#4 C#4"
        " | F#4 F#4 F#4 F#4"
        " | F#4/2 F#4^ F#4"
        " | F#4 A4 A4 [B4/8 A4/8]"
        " | G4 A4 A4 [D5/8 C#5/8]"
        " | B4 [A4/8 G4/8] F#4^ F#4"
        " | E4 D4 E4 [D4/8 E4/8]"
        " | F#4 F#4 G4 F#4"
        " | [F#4/8 D#4/8] E4 E4^ D4"
        " | G4 F#4 F#4/4. E4/8"
        " | D#4/2.^",
    ),
    _Voice(
        "tenor",
        "t",
        "Tenor",
        _TENOR,
        "D4"
        " | E4 B3 [C#4/8 B3/8] A#3"
        " | B3 A#3 [B3/8 C#4/8] D4"
        " | C#4 B3 A#3^ A#3"
        " | B3 C#4 [D4/8 C#4/8 B3/8 C#4/8]"
        " | D4 E4 E4 D4"
        " | D4 C#4 A3^ [B3/8 A3/8]"
        " | G3 [G3/8 F#3/8] [E3/8 A3/8] A3"
        " | D4 D4 D4 C4"
        " | B3/4. [A#3/16 B3/16] C#4^ B3"
        " | [B3/8 A#3/8] B3 B3 A#3"
        " | F#3/2.^",
    ),
    _Voice(
        "bass",
        "b",
        "Bass",
        _BASS,
        "B3"
        " | [E3/8 F#3/8] G3 F#3 [F#3/8 E3/8]"
        " | D3 F#3 B2 B3"
        " | A#3 B3 F#3^ F#3"
        " | B3 A3 D3 [G3/8 A3/8]"
        " | B3 C#4 [D4/8 C#4/8 B3/8 A3/8]"
        " | G3 A3 D3^ B2"
        " | [E3/8 F#3/8] G3 C#3 D3"
        " | [D4/8 C4/8 B3/8 A3/8] [G3/8 F#3/8 E3/8 D#3/8]"
        " | E3/2 A#2^ B2"
        " | C#3 [D3/8 E3/8] F#3 F#2"
        " | B2/2.^",
    ),
)

_SOPRANO_TEXT: Final = (
    "Herz- lieb- ster Je- _ su, was hast du ver- bro- _ chen,"
    " daß man ein solch _ scharf Ur- teil hat _ ge- spro- chen?"
    " Was ist die Schuld, in _ was für Mis- se- ta- ten"
    " bist du ge- ra- ten?"
)


def chorale_facets() -> schema.Facets:
    """Build the chorale as the facets of a score.

    Returns:
        A fresh value: twelve flat maps (see ``schema``), sound according to ``validate``. Ids
        tell the place: ``s4n2`` is the second note of the soprano's measure 4.
    """
    facets: schema.Facets = {name: {} for name in schema.FACETS}
    facets["meta"].update(_META)
    _add_frame(facets)
    for index, voice in enumerate(_VOICES):
        facets["parts"][voice.part_id] = schema.as_json(
            schema.Part(
                order=order_key(index),
                name=voice.name,
                abbreviation=f"{voice.name[0]}.",
                staves=1,
            )
        )
        clef_key = schema.attribute_key("clef", "m0", voice.part_id, Fraction(0))
        facets["attr"][clef_key] = schema.as_json(voice.clef)
        _add_notes(facets, voice, parse_line(voice.line, _FIFTHS))
    _add_text(facets, _VOICES[0])
    return facets


_META: Final[Mapping[str, str]] = {
    "title": "Herzliebster Jesu, was hast du verbrochen",
    "work": "St Matthew Passion, BWV 244",
    "movement": "3",
    "composer": "Johann Sebastian Bach",
    "lyricist": "Johann Heermann (1630)",
    "melody": "Johann Crüger (1640)",
    "catalogue": "BWV 244.3; Riemenschneider 78",
    "language": "de",
    "rights": "Public domain",
}


def _add_frame(facets: schema.Facets) -> None:
    """Add what all voices share: measures, time, key, tempo, barline, break and heading."""
    last = _VOICES[0].line.count("|")
    for number in range(last + 1):
        measure = schema.Measure(order=order_key(number), number=str(number))
        # The upbeat and the last measure make one whole measure together.
        if number == 0:
            measure["length"] = [1, 1]
        elif number == last:
            measure["length"] = [3, 1]
        facets["measures"][f"m{number}"] = schema.as_json(measure)
    shared = {
        schema.attribute_key("time", "m0", schema.EVERY_PART, Fraction(0)): schema.as_json(
            schema.Time(beats=[4], unit=4, symbol="common")
        ),
        schema.attribute_key("key", "m0", schema.EVERY_PART, Fraction(0)): schema.as_json(
            schema.Key(fifths=_FIFTHS, mode="minor")
        ),
        schema.attribute_key("tempo", "m0", schema.EVERY_PART, Fraction(0)): schema.as_json(
            schema.Tempo(unit=[1, 1], bpm=60)
        ),
        schema.attribute_key("barline", f"m{last}", schema.EVERY_PART, "right"): schema.as_json(
            schema.Barline(style="light-heavy")
        ),
    }
    facets["attr"].update(shared)
    facets["lay"]["m6"] = schema.as_json(schema.Layout(system=True))
    facets["dir"]["heading"] = schema.as_json(
        schema.Direction(
            part="soprano",
            measure="m0",
            onset=[0, 1],
            kind="words",
            text="Choral",
            placement="above",
        )
    )


def _add_notes(facets: schema.Facets, voice: _Voice, measures: Sequence[Sequence[Note]]) -> None:
    for number, notes in enumerate(measures):
        for position, note in enumerate(notes, start=1):
            event_id = _event_id(voice, number, position)
            facets["ev"][event_id] = schema.as_json(_event(voice, number, note))
            facets["pt"][event_id] = schema.as_json(_pitch(note))
            notation = _notation(note)
            if notation:
                facets["nx"][event_id] = schema.as_json(notation)


def _add_text(facets: schema.Facets, voice: _Voice) -> None:
    ids = [
        _event_id(voice, number, position)
        for number, notes in enumerate(parse_line(voice.line, _FIFTHS))
        for position in range(1, len(notes) + 1)
    ]
    for sung in parse_text(_SOPRANO_TEXT, len(ids)):
        first, last = ids[sung.first], ids[sung.last]
        syllable = schema.Syllable(text=sung.text, syllabic=sung.syllabic)
        if last != first:
            facets["sp"][f"slur-{first}"] = schema.as_json(
                schema.Spanner(kind="slur", start=first, end=last)
            )
            if sung.syllabic in {"single", "end"}:
                syllable["extend"] = True
        facets["ly"][schema.syllable_key(first, _VERSE)] = schema.as_json(syllable)


def _event(voice: _Voice, number: int, note: Note) -> schema.Event:
    event = schema.Event(
        part=voice.part_id,
        measure=f"m{number}",
        kind="note",
        onset=schema.rational(note.onset),
        duration=schema.rational(note.duration),
        voice=1,
        staff=1,
        type=note.type,
    )
    if note.dots:
        event["dots"] = note.dots
    return event


def _pitch(note: Note) -> schema.Pitch:
    pitch = schema.Pitch(step=note.step, octave=note.octave)
    if note.alter:
        pitch["alter"] = note.alter
    if note.accidental:
        pitch["accidental"] = note.accidental
    return pitch


def _notation(note: Note) -> schema.Notation:
    notation = schema.Notation()
    if note.has_fermata:
        notation["fermata"] = "upright"
    if note.beams:
        notation["beams"] = list(note.beams)
    return notation


def _event_id(voice: _Voice, number: int, position: int) -> str:
    return f"{voice.letter}{number}n{position}"
