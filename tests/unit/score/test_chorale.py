"""The demo chorale is Bach's, complete, and sound by the schema's own rules.

Expected notes: J. S. Bach, BWV 244, no. 3; no. 78 in "371 vierstimmige Choralgesänge" (Breitkopf
& Härtel, Leipzig, 4th edition, about 1875) and in Riemenschneider's numbering. Read from the
printed music, in measures where the editions agree.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from fractions import Fraction
from typing import Any, cast

import pytest

from collab.ids import room_name
from collab.score.chorale import CHORALE_ROOM, CHORALE_SEED_SHA256, chorale_facets
from collab.score.schema import FACETS
from collab.score.seed import seed_update
from collab.score.validate import validate

Facets = dict[str, dict[str, Any]]


@pytest.fixture
def facets() -> Facets:
    return cast("Facets", chorale_facets())


def _sounding(facets: Facets, part: str, measure: int) -> list[str]:
    """One part's measure as "pitch duration-in-quarters" in order of onset."""
    events = {
        event_id: event
        for event_id, event in facets["ev"].items()
        if event["part"] == part and event["measure"] == f"m{measure}"
    }
    ordered = sorted(events, key=lambda event_id: Fraction(*events[event_id]["onset"]))
    return [
        _pitch(facets["pt"][event_id]) + f" {Fraction(*events[event_id]['duration'])}"
        for event_id in ordered
    ]


def _pitch(pitch: dict[str, Any]) -> str:
    sign = {1: "#", 0: "", -1: "b"}[pitch.get("alter", 0)]
    return f"{pitch['step']}{sign}{pitch['octave']}"


@pytest.mark.parametrize(
    ("part", "measure", "expected"),
    [
        ("soprano", 0, ["B4 1"]),
        ("alto", 0, ["F#4 1"]),
        ("tenor", 0, ["D4 1"]),
        ("bass", 0, ["B3 1"]),
        ("soprano", 1, ["B4 1", "B4 1", "A#4 1/2", "G#4 1/2", "F#4 1"]),
        ("alto", 1, ["G4 1", "D4 1/2", "E4 1/2", "F#4 1", "C#4 1"]),
        ("tenor", 1, ["E4 1", "B3 1", "C#4 1/2", "B3 1/2", "A#3 1"]),
        ("bass", 1, ["E3 1/2", "F#3 1/2", "G3 1", "F#3 1", "F#3 1/2", "E3 1/2"]),
        ("soprano", 5, ["G5 1", "G5 1", "F#5 1/2", "E5 1/2", "F#5 1"]),
        ("alto", 5, ["G4 1", "A4 1", "A4 1", "D5 1/2", "C#5 1/2"]),
        ("tenor", 5, ["D4 1", "E4 1", "E4 1", "D4 1"]),
        ("bass", 5, ["B3 1", "C#4 1", "D4 1/2", "C#4 1/2", "B3 1/2", "A3 1/2"]),
        ("tenor", 8, ["D4 1", "D4 1", "D4 1", "C4 1"]),
        (
            "bass",
            8,
            ["D4 1/2", "C4 1/2", "B3 1/2", "A3 1/2", "G3 1/2", "F#3 1/2", "E3 1/2", "D#3 1/2"],
        ),
        ("soprano", 9, ["G4 2", "F#4 1", "F#5 1"]),
        ("alto", 9, ["F#4 1/2", "D#4 1/2", "E4 1", "E4 1", "D4 1"]),
        ("tenor", 9, ["B3 3/2", "A#3 1/4", "B3 1/4", "C#4 1", "B3 1"]),
        ("bass", 9, ["E3 2", "A#2 1", "B2 1"]),
        ("alto", 10, ["G4 1", "F#4 1", "F#4 3/2", "E4 1/2"]),
        ("soprano", 11, ["B4 3"]),
        ("alto", 11, ["D#4 3"]),
        ("tenor", 11, ["F#3 3"]),
        ("bass", 11, ["B2 3"]),
    ],
)
def test_notes_are_those_of_the_printed_edition(
    facets: Facets, part: str, measure: int, expected: list[str]
) -> None:
    assert _sounding(facets, part, measure) == expected


def test_every_part_has_the_number_of_notes_counted_in_the_edition(facets: Facets) -> None:
    counts: defaultdict[str, int] = defaultdict(int)
    for event in facets["ev"].values():
        counts[event["part"]] += 1
    assert counts == {"soprano": 43, "alto": 47, "tenor": 51, "bass": 52}


def test_every_measure_of_every_part_is_exactly_full_without_gap_or_overlap(
    facets: Facets,
) -> None:
    filled: defaultdict[tuple[str, str], list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for event in facets["ev"].values():
        onset, duration = Fraction(*event["onset"]), Fraction(*event["duration"])
        filled[event["part"], event["measure"]].append((onset, onset + duration))
    quarters = {"m0": 1, "m11": 3} | {f"m{number}": 4 for number in range(1, 11)}
    expected_cells = {
        (part, measure) for part in ("soprano", "alto", "tenor", "bass") for measure in quarters
    }
    assert set(filled) == expected_cells
    for (_, measure), spans in filled.items():
        edges = [Fraction(0), *(end for _, end in sorted(spans))]
        assert [start for start, _ in sorted(spans)] == edges[:-1]
        assert edges[-1] == quarters[measure]


def test_upbeat_and_last_measure_override_their_lengths_and_make_one_measure(
    facets: Facets,
) -> None:
    lengths = {
        key: value["length"] for key, value in facets["measures"].items() if "length" in value
    }
    assert lengths == {"m0": [1, 1], "m11": [3, 1]}
    assert facets["attr"]["time|m0|*|0/1"] == {"beats": [4], "unit": 4, "symbol": "common"}


def test_measures_and_parts_sort_by_their_order_as_they_sound(facets: Facets) -> None:
    measures, parts = facets["measures"], facets["parts"]
    in_order = sorted(measures, key=lambda key: measures[key]["order"])
    assert [measures[key]["number"] for key in in_order] == [str(n) for n in range(12)]
    assert sorted(parts, key=lambda key: parts[key]["order"]) == [
        "soprano",
        "alto",
        "tenor",
        "bass",
    ]


@pytest.mark.parametrize(
    ("part", "lowest", "highest"),
    [("soprano", 60, 81), ("alto", 53, 74), ("tenor", 48, 69), ("bass", 40, 64)],
)
def test_voices_keep_within_the_ranges_of_choir_singers(
    facets: Facets, part: str, lowest: int, highest: int
) -> None:
    """C4 to A5, F3 to D5, C3 to A4, E2 to E4, as MIDI numbers."""
    semitones = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    sung = [
        12 * (pitch["octave"] + 1) + semitones[pitch["step"]] + pitch.get("alter", 0)
        for event_id, pitch in facets["pt"].items()
        if facets["ev"][event_id]["part"] == part
    ]
    assert lowest <= min(sung)
    assert max(sung) <= highest


def test_written_types_and_dots_tell_the_same_durations(facets: Facets) -> None:
    quarters = {"half": Fraction(2), "quarter": Fraction(1), "eighth": Fraction(1, 2)}
    quarters["16th"] = Fraction(1, 4)
    for event in facets["ev"].values():
        dotted = {0: Fraction(1), 1: Fraction(3, 2)}[event.get("dots", 0)]
        assert Fraction(*event["duration"]) == quarters[event["type"]] * dotted


def test_fermatas_close_all_four_lines_in_all_four_voices(facets: Facets) -> None:
    held = {
        (event["part"], event["measure"], *event["onset"])
        for event_id, event in facets["ev"].items()
        if "fermata" in facets["nx"].get(event_id, {})
    }
    line_ends = [("m3", 2, 1), ("m6", 2, 1), ("m9", 2, 1), ("m11", 0, 1)]
    assert held == {
        (part, *place) for part in ("soprano", "alto", "tenor", "bass") for place in line_ends
    }


def test_printed_accidentals_are_those_that_the_key_signature_does_not_say(facets: Facets) -> None:
    signs = {
        event_id: pitch["accidental"]
        for event_id, pitch in facets["pt"].items()
        if "accidental" in pitch
    }
    assert signs == {
        "s1n3": "sharp",
        "s1n4": "sharp",
        "a9n2": "sharp",
        "a9n5": "natural",
        "a11n1": "sharp",
        "t1n5": "sharp",
        "t2n2": "sharp",
        "t3n3": "sharp",
        "t8n4": "natural",
        "t9n2": "sharp",
        "t10n2": "sharp",
        "b3n1": "sharp",
        "b8n2": "natural",
        "b8n8": "sharp",
        "b9n2": "sharp",
    }


def test_soprano_sings_the_first_verse_of_heermanns_hymn(facets: Facets) -> None:
    words = ""
    for syllable in facets["ly"].values():
        words += syllable["text"] + ("" if syllable["syllabic"] in {"begin", "middle"} else " ")
    assert words.split() == [
        *("Herzliebster", "Jesu,", "was", "hast", "du", "verbrochen,"),
        *("daß", "man", "ein", "solch", "scharf", "Urteil", "hat", "gesprochen?"),
        *("Was", "ist", "die", "Schuld,", "in", "was", "für", "Missetaten"),
        *("bist", "du", "geraten?"),
    ]


def test_each_line_of_the_verse_ends_on_a_fermata(facets: Facets) -> None:
    ends = [key for key, value in facets["ly"].items() if value["text"][-1] in ",?"]
    held = [key for key in ends if "fermata" in facets["nx"].get(key.split("|")[0], {})]
    assert [facets["ly"][key]["text"] for key in held] == ["chen,", "chen?", "ten?"]
    assert facets["ly"]["s9n2|1"]["text"] == "ten"  # the third line has no stop after it


def test_slurs_join_the_two_notes_of_each_held_syllable(facets: Facets) -> None:
    slurs = {(value["start"], value["end"]) for value in facets["sp"].values()}
    assert slurs == {
        ("s1n3", "s1n4"),
        ("s3n1", "s3n2"),
        ("s4n3", "s4n4"),
        ("s5n3", "s5n4"),
        ("s7n4", "s7n5"),
    }


def test_beams_follow_the_edition_where_four_eighths_share_one(facets: Facets) -> None:
    beams = [facets["nx"][f"b8n{position}"]["beams"] for position in range(1, 9)]
    assert beams == 2 * [["begin"], ["continue"], ["continue"], ["end"]]
    assert facets["nx"]["t9n2"]["beams"] == ["begin", "begin"]
    assert facets["nx"]["t9n3"]["beams"] == ["end", "end"]


def test_key_clefs_and_closing_barline_are_set(facets: Facets) -> None:
    attributes = facets["attr"]
    assert attributes["key|m0|*|0/1"] == {"fifths": 2, "mode": "minor"}
    assert attributes["clef|m0|soprano|0/1"] == {"sign": "G", "line": 2}
    assert attributes["clef|m0|alto|0/1"] == {"sign": "G", "line": 2}
    assert attributes["clef|m0|tenor|0/1"] == {"sign": "G", "line": 2, "octave": -1}
    assert attributes["clef|m0|bass|0/1"] == {"sign": "F", "line": 4}
    assert attributes["barline|m11|*|right"] == {"style": "light-heavy"}
    assert attributes["tempo|m0|*|0/1"] == {"unit": [1, 1], "bpm": 60}


def test_title_page_names_the_work_its_makers_and_its_rights(facets: Facets) -> None:
    meta = facets["meta"]
    assert meta["title"] == "Herzliebster Jesu, was hast du verbrochen"
    assert meta["composer"] == "Johann Sebastian Bach"
    assert meta["rights"] == "Public domain"


def test_chorale_has_every_facet_and_no_problem(facets: Facets) -> None:
    assert tuple(facets) == FACETS
    # It came from no file, so it keeps no markup of one.
    assert [name for name, entries in facets.items() if not entries] == ["raw"]
    assert validate(facets) == []


def test_ids_are_unique_over_the_whole_score(facets: Facets) -> None:
    owners = ("parts", "measures", "ev", "sp", "dir")
    ids = [key for name in owners for key in facets[name]]
    assert len(ids) == len(set(ids))


def test_each_call_returns_a_fresh_equal_value(facets: Facets) -> None:
    again = cast("Facets", chorale_facets())
    facets["attr"]["clef|m0|alto|0/1"]["sign"] = "C"
    facets["meta"]["title"] = "changed"
    assert again == chorale_facets()
    assert again["attr"]["clef|m0|alto|0/1"]["sign"] == "G"


def test_demo_room_has_a_valid_name() -> None:
    assert room_name(CHORALE_ROOM) == "demo/chorale"


def test_seed_of_the_chorale_is_the_recorded_one() -> None:
    """The digest was computed by Yjs 13.6.33 in Node from the same facets, not by our encoder."""
    digest = hashlib.sha256(seed_update(chorale_facets())).hexdigest()
    assert digest == "3a63b0255e7ad425714b259a29e4bb919ff19154d8209a20125d79a9c8ad6944"
    assert digest == CHORALE_SEED_SHA256
