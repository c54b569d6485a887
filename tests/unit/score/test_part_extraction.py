"""One part by itself, as it is and as another instrument reads it."""

from typing import Any

import pytest

from collab.errors import NotThere
from collab.score.chorale import chorale_facets
from collab.score.extraction import melodies_of
from collab.score.model import read_score
from collab.score.part_extraction import extract_part
from collab.score.schema import Transposition
from collab.score.templates import TEMPLATES, template_facets
from collab.score.validate import validate

IN_B_FLAT = Transposition(diatonic=-1, chromatic=-2)
IN_E_FLAT = Transposition(diatonic=-5, chromatic=-9)
AT_PITCH = Transposition(diatonic=0, chromatic=0)


def written(facets: Any, count: int) -> list[str]:  # noqa: ANN401 - facets
    """The first pitches of a part as they are spelled."""
    score = read_score(facets)
    places = {measure: number for number, measure in enumerate(score.measures)}
    order = sorted(score.events.values(), key=lambda each: (places[each.measure], each.onset))
    signs = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
    return [
        f"{one['step']}{signs[one.get('alter', 0)]}{one['octave']}"
        for one in (facets["pt"][event.id] for event in order[:count])
    ]


def test_a_part_has_what_is_its_own_and_what_is_everybodys() -> None:
    """SCO-11: Nothing of the others; and it is a sound score."""
    whole = chorale_facets()
    part = extract_part(whole, "alto")
    assert validate(part) == []
    assert list(part["parts"]) == ["alto"]
    assert part["measures"] == whole["measures"]
    assert part["ly"] == {}
    assert {value["part"] for value in part["ev"].values() if isinstance(value, dict)} == {"alto"}
    assert part["pt"].keys() == part["ev"].keys()
    assert "time|m0|*|0/1" in part["attr"]
    assert [key for key in part["attr"] if key.startswith("clef")] == ["clef|m0|alto|0/1"]
    assert melodies_of(part) == {"alto": melodies_of(whole)["alto"]}
    assert extract_part(whole, "soprano")["ly"] == whole["ly"]
    with pytest.raises(NotThere):
        extract_part(whole, "flute")


@pytest.mark.parametrize(
    ("reader", "fifths", "pitches"),
    [
        # A major second up: B minor is read as C sharp minor.
        (IN_B_FLAT, 4, ["C#5", "C#5", "C#5", "B#4", "A#4", "G#4", "C#5", "D#5", "E5"]),
        # A major sixth up: G sharp minor.
        (IN_E_FLAT, 5, ["G#5", "G#5", "G#5", "F##5", "E#5", "D#5", "G#5", "A#5", "B5"]),
        (AT_PITCH, 2, ["B4", "B4", "B4", "A#4", "G#4", "F#4", "B4", "C#5", "D5"]),
    ],
)
def test_another_instrument_reads_what_sounds_the_same(
    reader: Transposition, fifths: int, pitches: list[str]
) -> None:
    """SCO-11: The tune's beginning in B minor, as a clarinet and an alto saxophone read it."""
    part = extract_part(chorale_facets(), "soprano", reader)
    assert validate(part) == []
    key: Any = part["attr"]["key|m0|*|0/1"]
    assert key["fifths"] == fifths
    assert written(part, len(pitches)) == pitches
    assert melodies_of(part) == {"soprano": melodies_of(chorale_facets())["soprano"]}


def test_another_instrument_finds_the_signs_that_it_needs() -> None:
    """SCO-11: In C sharp minor the tune goes down from B sharp over A sharp."""
    part: Any = extract_part(chorale_facets(), "soprano", IN_B_FLAT)
    signs = [value.get("accidental") for value in part["pt"].values()]
    assert written(part, 9)[3:5] == ["B#4", "A#4"]
    assert signs[:9] == [None, None, None, "sharp", "sharp", None, None, None, None]


def test_a_signature_that_is_no_row_of_fifths_moves_with_the_notes() -> None:
    """SCO-11: C D E F# G A Bb, a tone up: D E F# G# A B C."""
    facets: Any = template_facets(TEMPLATES["solo"], {})
    facets["attr"]["key|m1|p1|0/1"] = {"fifths": 0, "steps": ["F", "B"], "alters": [1, -1]}
    part = extract_part(facets, "p1", IN_B_FLAT)
    moved = {"fifths": 0, "steps": ["F", "G"], "alters": [1, 1]}
    assert part["attr"]["key|m1|p1|0/1"] == moved


@pytest.mark.parametrize(
    "odd",
    [
        {"step": "", "octave": 4},
        {"step": "CD", "octave": 4},
        {"step": "C", "octave": 4, "alter": 1e300},
        {"step": "C", "octave": 4, "alter": float("inf")},
        {"step": "C", "octave": 10**6},
    ],
)
def test_what_is_no_pitch_is_left_as_it_is(odd: dict[str, Any]) -> None:
    """SCO-11: Whatever somebody wrote, others get their parts."""
    facets: Any = template_facets(TEMPLATES["solo"], {})
    cell = {"part": "p1", "measure": "m1", "kind": "note", "voice": 1, "staff": 1}
    for number, pitch in enumerate((odd, {"step": "C", "octave": 4})):
        facets["ev"][f"n{number}"] = {**cell, "onset": [number, 1], "duration": [1, 1]}
        facets["pt"][f"n{number}"] = pitch
    facets["pt"]["n1|of no event"] = odd
    part = extract_part(facets, "p1", IN_B_FLAT)
    assert part["pt"] == {"n0": odd, "n1": {"step": "D", "octave": 4}}


def test_a_part_goes_there_and_back_again() -> None:
    """SCO-11: And what was written for one instrument is written for another."""
    whole = chorale_facets()
    there = extract_part(whole, "tenor", IN_E_FLAT)
    back = extract_part(there, "tenor", AT_PITCH)
    plain = extract_part(whole, "tenor")
    assert back["pt"] == plain["pt"]
    assert back["attr"] == plain["attr"]
    assert back["parts"] == plain["parts"]
    other = extract_part(there, "tenor", IN_B_FLAT)
    assert other["pt"] == extract_part(whole, "tenor", IN_B_FLAT)["pt"]


def test_a_key_of_too_many_signs_is_spelled_the_other_way() -> None:
    """SCO-11: F sharp major for a clarinet is A flat major, and so are its notes; until C comes."""
    facets: Any = template_facets(TEMPLATES["solo"], {})
    facets["attr"]["key|m1|p1|0/1"] = {"fifths": 6}
    facets["attr"]["key|m2|p1|0/1"] = {"fifths": 0}
    for number, (step, alter) in enumerate((("F", 1), ("C", 1), ("E", 1)), start=1):
        cell = {"part": "p1", "measure": "m1", "kind": "note", "voice": 1, "staff": 1}
        facets["ev"][f"n{number}"] = {**cell, "onset": [number, 1], "duration": [1, 1]}
        facets["pt"][f"n{number}"] = {"step": step, "alter": alter, "octave": 4}
    facets["ev"]["n9"] = {**facets["ev"]["n1"], "measure": "m2"}
    facets["pt"]["n9"] = {"step": "C", "octave": 4}
    part: Any = extract_part(facets, "p1", IN_B_FLAT)
    assert part["attr"]["key|m1|p1|0/1"] == {"fifths": -4}
    assert part["attr"]["key|m2|p1|0/1"] == {"fifths": 2}
    assert written(part, 4) == ["Ab4", "Eb4", "G4", "D4"]


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("Bb", "C"), ("F#m7/A", "G#m7/B"), ("C/E", "D/F#"), ("Ebmaj7", "Fmaj7"), ("N.C.", "N.C.")],
)
def test_chord_symbols_move_with_the_notes(symbol: str, expected: str) -> None:
    """SCO-11."""
    facets: Any = template_facets(TEMPLATES["lead-sheet"], {})
    cell = {"part": "p1", "measure": "m1", "onset": [0, 1]}
    facets["dir"]["h"] = {**cell, "kind": "harmony", "text": symbol}
    facets["dir"]["w"] = {**cell, "kind": "words", "text": "Bb"}
    part: Any = extract_part(facets, "p1", IN_B_FLAT)
    assert part["dir"]["h"]["text"] == expected
    assert part["dir"]["w"]["text"] == "Bb"
