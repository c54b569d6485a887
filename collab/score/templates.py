"""Scores to begin with: who plays, in which clefs and keys, with empty measures.

Instruments are written as players read them: ``transposition`` is what sounds compared with what
is written, octaves included, as in the score's parts. A voice or instrument that is read in a
clef with a small 8 has that in its clef, and sounds as written there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from collab.limits import SCORE_MEASURES_EMPTY_MAX
from collab.score import schema
from collab.score.intervals import Interval, fitting_interval
from collab.score.order import order_key

CONCERT: Final = (0, 0)
"""Sounds as it is written."""


@dataclass(frozen=True, slots=True)
class ClefSign:
    """A clef as it is printed: its sign, the line it stands on, and octaves by which it shifts."""

    sign: str
    line: int | None
    octave: int = 0


TREBLE: Final = ClefSign("G", 2)
TREBLE_8VB: Final = ClefSign("G", 2, -1)
ALTO: Final = ClefSign("C", 3)
BASS: Final = ClefSign("F", 4)
PERCUSSION: Final = ClefSign("percussion", None)


@dataclass(frozen=True, slots=True)
class Instrument:
    """Who plays one part.

    Attributes:
        name: as it stands before the first system.
        abbreviation: before the others.
        clefs: one for each staff.
        transposition: what sounds compared with what is written: steps and semitones.
    """

    name: str
    abbreviation: str
    clefs: tuple[ClefSign, ...] = (TREBLE,)
    transposition: tuple[int, int] = CONCERT


@dataclass(frozen=True, slots=True)
class Template:
    """A score to begin with.

    Attributes:
        name: for people.
        instruments: from the top of the page.
        fifths: the key, as it sounds.
        beats: of a measure.
        unit: of a beat (4 for a quarter).
        measures: how many.
    """

    name: str
    instruments: tuple[Instrument, ...]
    fifths: int = 0
    beats: int = 4
    unit: int = 4
    measures: int = 32


_FLUTE: Final = Instrument("Flute", "Fl.")
_OBOE: Final = Instrument("Oboe", "Ob.")
_CLARINET: Final = Instrument("Clarinet in B\u266d", "Cl.", transposition=(-1, -2))
_BASSOON: Final = Instrument("Bassoon", "Bsn.", (BASS,))
_HORN: Final = Instrument("Horn in F", "Hn.", transposition=(-4, -7))
_TROMBONE: Final = Instrument("Trombone", "Tbn.", (BASS,))
_TUBA: Final = Instrument("Tuba", "Tba.", (BASS,))
_TIMPANI: Final = Instrument("Timpani", "Timp.", (BASS,))
_VIOLIN_1: Final = Instrument("Violin I", "Vln. I")
_VIOLIN_2: Final = Instrument("Violin II", "Vln. II")
_VIOLA: Final = Instrument("Viola", "Vla.", (ALTO,))
_CELLO: Final = Instrument("Violoncello", "Vc.", (BASS,))
_CONTRABASS: Final = Instrument("Double bass", "Db.", (BASS,), (-7, -12))
_PIANO: Final = Instrument("Piano", "Pno.", (TREBLE, BASS))
_GUITAR: Final = Instrument("Guitar", "Gtr.", transposition=(-7, -12))
_BASS: Final = Instrument("Bass", "Bass", (BASS,), (-7, -12))
_DRUMS: Final = Instrument("Drum set", "Dr.", (PERCUSSION,))
_SOPRANO_SAX: Final = Instrument("Soprano saxophone", "S. Sax.", transposition=(-1, -2))
_BARITONE_SAX: Final = Instrument("Baritone saxophone", "B. Sax.", transposition=(-12, -21))
_CHOIR: Final = (
    Instrument("Soprano", "S."),
    Instrument("Alto", "A."),
    Instrument("Tenor", "T.", (TREBLE_8VB,)),
    Instrument("Bass", "B.", (BASS,)),
)


def _alto_sax(number: str = "") -> Instrument:
    return Instrument(f"Alto saxophone{number}", f"A. Sax.{number}", transposition=(-5, -9))


def _tenor_sax(number: str = "") -> Instrument:
    return Instrument(f"Tenor saxophone{number}", f"T. Sax.{number}", transposition=(-8, -14))


def _trumpet(number: str = "") -> Instrument:
    return Instrument(f"Trumpet in B\u266d{number}", f"Tpt.{number}", transposition=(-1, -2))


def _trombone(number: str) -> Instrument:
    return Instrument(f"Trombone{number}", f"Tbn.{number}", (BASS,))


_FOUR: Final = (" 1", " 2", " 3", " 4")

TEMPLATES: Final[Mapping[str, Template]] = {
    "solo": Template("Solo", (Instrument("Solo", ""),)),
    "lead-sheet": Template("Lead sheet", (Instrument("Melody", ""),)),
    "piano": Template("Piano", (_PIANO,)),
    "guitar": Template("Guitar", (_GUITAR,)),
    "voice-and-piano": Template("Voice and piano", (Instrument("Voice", "V."), _PIANO)),
    "satb": Template("Mixed choir (SATB)", _CHOIR),
    "satb-and-piano": Template("Mixed choir with piano", (*_CHOIR, _PIANO)),
    "piano-trio": Template("Piano trio", (Instrument("Violin", "Vln."), _CELLO, _PIANO)),
    "string-quartet": Template("String quartet", (_VIOLIN_1, _VIOLIN_2, _VIOLA, _CELLO)),
    "string-orchestra": Template(
        "String orchestra", (_VIOLIN_1, _VIOLIN_2, _VIOLA, _CELLO, _CONTRABASS)
    ),
    "wind-quintet": Template("Wind quintet", (_FLUTE, _OBOE, _CLARINET, _HORN, _BASSOON)),
    "brass-quintet": Template(
        "Brass quintet", (_trumpet(" 1"), _trumpet(" 2"), _HORN, _TROMBONE, _TUBA)
    ),
    "saxophone-quartet": Template(
        "Saxophone quartet", (_SOPRANO_SAX, _alto_sax(), _tenor_sax(), _BARITONE_SAX)
    ),
    "jazz-combo": Template(
        "Jazz combo", (_trumpet(), _alto_sax(), _tenor_sax(), _GUITAR, _PIANO, _BASS, _DRUMS)
    ),
    "big-band": Template(
        "Big band",
        (
            *(_alto_sax(" 1"), _alto_sax(" 2"), _tenor_sax(" 1"), _tenor_sax(" 2"), _BARITONE_SAX),
            *map(_trumpet, _FOUR),
            *map(_trombone, _FOUR),
            *(_GUITAR, _PIANO, _BASS, _DRUMS),
        ),
    ),
    "orchestra": Template(
        "Orchestra",
        (
            *(_FLUTE, _OBOE, _CLARINET, _BASSOON, _HORN, _trumpet(), _TROMBONE, _TUBA, _TIMPANI),
            *(_VIOLIN_1, _VIOLIN_2, _VIOLA, _CELLO, _CONTRABASS),
        ),
    ),
}
"""All templates by the name that the API knows them by."""


def template_facets(template: Template, meta: Mapping[str, str]) -> schema.Facets:
    """Make a score of a template.

    Args:
        template: which.
        meta: title, composer and the like.

    Returns:
        Its facets, sound according to ``validate``; ids are ``p1`` ... and ``m1`` ....
    """
    assert 1 <= template.measures <= SCORE_MEASURES_EMPTY_MAX
    facets: schema.Facets = {name: {} for name in schema.FACETS}
    facets["meta"].update({"schema": str(schema.SCHEMA_VERSION), **meta})
    for number in range(1, template.measures + 1):
        measure = schema.Measure(order=order_key(number - 1), number=str(number))
        facets["measures"][f"m{number}"] = schema.as_json(measure)
    for number, instrument in enumerate(template.instruments, start=1):
        _add_part(facets, template, instrument, number)
    everywhere = schema.EVERY_PART
    start = schema.attribute_key("time", "m1", everywhere, Fraction(0))
    facets["attr"][start] = schema.as_json(schema.Time(beats=[template.beats], unit=template.unit))
    end = schema.attribute_key("barline", f"m{template.measures}", everywhere, "right")
    facets["attr"][end] = schema.as_json(schema.Barline(style="light-heavy"))
    return facets


def written_fifths(fifths: int, transposition: tuple[int, int]) -> int:
    """The key that a transposing instrument reads in.

    A key of more than seven signs is written as the one that sounds the same.

    Args:
        fifths: the key that sounds.
        transposition: of the instrument, as in :class:`Instrument`.
    """
    steps, semitones = transposition
    reading = Interval(-steps, -semitones)
    return fifths + fitting_interval(fifths, reading).fifths


def _add_part(
    facets: schema.Facets, template: Template, instrument: Instrument, number: int
) -> None:
    part_id = f"p{number}"
    part = schema.Part(
        order=order_key(number - 1), name=instrument.name, staves=len(instrument.clefs)
    )
    if instrument.abbreviation:
        part["abbreviation"] = instrument.abbreviation
    if instrument.transposition != CONCERT:
        steps, semitones = instrument.transposition
        part["transposition"] = schema.Transposition(diatonic=steps, chromatic=semitones)
    facets["parts"][part_id] = schema.as_json(part)
    key = schema.attribute_key("key", "m1", part_id, Fraction(0))
    fifths = written_fifths(template.fifths, instrument.transposition)
    if instrument.clefs != (PERCUSSION,):
        facets["attr"][key] = schema.as_json(schema.Key(fifths=fifths))
    for staff, clef in enumerate(instrument.clefs, start=1):
        scope = part_id if len(instrument.clefs) == 1 else f"{part_id}/{staff}"
        printed = schema.Clef(sign=clef.sign)
        if clef.line is not None:
            printed["line"] = clef.line
        if clef.octave:
            printed["octave"] = clef.octave
        place = schema.attribute_key("clef", "m1", scope, Fraction(0))
        facets["attr"][place] = schema.as_json(printed)
