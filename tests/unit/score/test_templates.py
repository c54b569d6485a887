"""Templates: sound scores, in which every instrument is written as its players read it."""

import pytest

from collab.score.elements import parts_in_order
from collab.score.model import STEPS, read_score
from collab.score.schema import FACETS
from collab.score.seed import seed_update
from collab.score.summary import summarise
from collab.score.templates import (
    TEMPLATES,
    Template,
    template_facets,
    written_fifths,
)
from collab.score.validate import validate

# What is heard when a player reads the C in the middle of the treble stave's two octaves (C4), as
# handbooks of orchestration give it; players of all other instruments here hear what they read.
SOUNDS_OF_C4 = {
    "Clarinet in B\u266d": "Bb3",
    "Horn in F": "F3",
    "Trumpet in B\u266d": "Bb3",
    "Soprano saxophone": "Bb3",
    "Alto saxophone": "Eb3",
    "Tenor saxophone": "Bb2",
    "Baritone saxophone": "Eb2",
    "Double bass": "C3",
    "Bass": "C3",  # of a rhythm section; the choir's sings what it reads
    "Guitar": "C3",
}
# The key that each reads when C major sounds.
FIFTHS_OF_C = {
    "Clarinet in B\u266d": 2,  # D major
    "Horn in F": 1,  # G major
    "Trumpet in B\u266d": 2,
    "Soprano saxophone": 2,
    "Alto saxophone": 3,  # A major
    "Tenor saxophone": 2,
    "Baritone saxophone": 3,
}
CLEFS = {
    "Viola": ["C3"],
    "Violoncello": ["F4"],
    "Double bass": ["F4"],
    "Bass": ["F4"],
    "Bassoon": ["F4"],
    "Trombone": ["F4"],
    "Tuba": ["F4"],
    "Timpani": ["F4"],
    "Piano": ["G2", "F4"],
    "Tenor": ["G2-8"],
    "Drum set": ["percussion"],
}
PLAYERS = {  # how many parts, by what everybody knows of these ensembles
    "solo": 1,
    "lead-sheet": 1,
    "piano": 1,
    "guitar": 1,
    "voice-and-piano": 2,
    "satb": 4,
    "satb-and-piano": 5,
    "piano-trio": 3,
    "string-quartet": 4,
    "string-orchestra": 5,
    "wind-quintet": 5,
    "brass-quintet": 5,
    "saxophone-quartet": 4,
    "jazz-combo": 7,
    "big-band": 17,
    "orchestra": 14,
}
SEMITONES = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))


def bare(name: str) -> str:
    """An instrument without the number of its chair."""
    return name.rstrip(" 1234")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_sound_score(name: str) -> None:
    """SCO-2."""
    facets = template_facets(TEMPLATES[name], {"title": "New"})
    assert validate(facets) == []
    assert tuple(facets) == FACETS
    assert seed_update(facets) == seed_update(template_facets(TEMPLATES[name], {"title": "New"}))
    summary = summarise(facets)
    assert (summary.title, summary.measures, summary.notes) == ("New", 32, 0)
    assert len(summary.parts) == PLAYERS[name]
    instruments = [instrument.name for instrument in TEMPLATES[name].instruments]
    assert [part.name for part in summary.parts] == instruments
    assert len(set(instruments)) == len(instruments)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_instrument_is_written_as_it_is_read(name: str) -> None:
    """SCO-2: Transposition, key and clefs against what handbooks say."""
    facets = template_facets(TEMPLATES[name], {})
    score = read_score(facets)
    for part_id in parts_in_order(facets):
        part = facets["parts"][part_id]
        assert isinstance(part, dict)
        instrument = bare(str(part["name"]))
        if "satb" in name and instrument == "Bass":
            instrument = "Bass voice"
        transposition = part.get("transposition", {"diatonic": 0, "chromatic": 0})
        assert isinstance(transposition, dict)
        assert heard(transposition) == SOUNDS_OF_C4.get(instrument, "C4"), instrument
        settings = [each for each in score.settings.values() if each.part == part_id]
        keys = [facets["attr"][each.key] for each in settings if each.kind == "key"]
        if instrument != "Drum set":
            assert keys == [{"fifths": FIFTHS_OF_C.get(instrument, 0)}], instrument
        clefs = sorted((each.scope, each.key) for each in settings if each.kind == "clef")
        expected = ["F4"] if instrument == "Bass voice" else CLEFS.get(instrument, ["G2"])
        assert [spelled(facets["attr"][key]) for _, key in clefs] == expected, instrument
        assert part["staves"] == len(expected)


def heard(transposition: dict[str, int]) -> str:
    """What sounds for a written C4, spelled."""
    steps, semitones = transposition["diatonic"], transposition["chromatic"]
    octave, step = divmod(4 * 7 + steps, 7)
    letter = STEPS[step]
    alter = 4 * 12 + semitones - (octave * 12 + SEMITONES[letter])
    return f"{letter}{'b' * -alter}{'#' * alter}{octave}"


def spelled(clef: object) -> str:
    assert isinstance(clef, dict)
    shift = clef.get("octave", 0)
    return f"{clef['sign']}{clef.get('line', '')}" + (f"{shift * 8:+d}" if shift else "")


@pytest.mark.parametrize(
    ("sounding", "transposition", "written"),
    [
        (-3, (-1, -2), -1),  # E flat major is F major for a clarinet in B flat
        (-3, (-5, -9), 0),  # and C major for an alto saxophone
        (5, (-1, -2), 7),  # B major is C sharp major
        (6, (-1, -2), -4),  # F sharp major is A flat major, not G sharp major
        (5, (-5, -9), -4),
        (-7, (0, 0), -7),
        (2, (-7, -12), 2),
        (0, (2, 3), 3),  # a clarinet in E flat sounds a third higher, and reads A major
    ],
)
def test_keys_are_written_for_who_reads_them(
    sounding: int, transposition: tuple[int, int], written: int
) -> None:
    """SCO-2: In at most seven signs."""
    assert written_fifths(sounding, transposition) == written


def test_a_long_score_is_in_order() -> None:
    """As bytes, whatever the number of measures; and one may go in between any two."""
    facets = template_facets(Template("long", TEMPLATES["solo"].instruments, measures=1_000), {})
    assert validate(facets) == []
    assert list(read_score(facets).measures) == [f"m{number}" for number in range(1, 1_001)]
