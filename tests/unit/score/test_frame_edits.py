"""Edits of measures, parts and whole passages."""

from __future__ import annotations

from fractions import Fraction

import pytest

from collab.score.intervals import Interval
from collab.score.normalise import Chord, normalise
from collab.score.operations import EditRefused, Operation, copy, plan
from collab.score.operations import operations as ops
from collab.score.schema import Facets, Json
from tests.support.random_edits import ids
from tests.support.scores import entry, event, notes, pitch, small_score


def _edited(score: Facets, *operations: Operation) -> Facets:
    """The score after some operations; ids of new elements are n1, n2 ..."""
    source = ids("n")
    for operation in operations:
        changes = plan(score, operation, source)
        score = {
            name: {
                key: value for key, value in entries.items() if (name, key) not in changes.deletes
            }
            for name, entries in score.items()
        }
        for (facet, key), value in changes.sets.items():
            score.setdefault(facet, {})[key] = value
    return score


def _measures(score: Facets) -> list[str]:
    return [measure.id for measure in normalise(score).measures]


def _sounding(score: Facets) -> list[str]:
    """The notes of part ``p``, ``measure onset+duration ids``."""
    return [
        f"{measure.id} {item.onset}+{item.duration} {' '.join(item.ids)}"
        for measure in normalise(score).measures
        for cell in measure.cells
        for voice in cell.voices
        for item in voice.items
        if isinstance(item, Chord)
    ]


def test_edit_8_measures_are_inserted_moved_deleted_and_restored() -> None:
    score = _edited(small_score(measures=3), ops.InsertMeasures("m1", 2))
    assert _measures(score) == ["m1", "n1", "n2", "m2", "m3"]
    moved = _edited(score, ops.MoveMeasures(("m3", "m1"), None))
    assert _measures(moved) == ["m3", "m1", "n1", "n2", "m2"]
    deleted = _edited(moved, ops.DeleteMeasures(("m1", "n2")))
    assert _measures(deleted) == ["m3", "n1", "m2"]
    assert _edited(deleted, ops.RestoreMeasures(("n2", "m1"))) == moved


def test_edit_8_a_piece_that_goes_on_ends_with_its_new_last_measure() -> None:
    final, again = {"style": "light-heavy"}, {"style": "light-heavy", "repeat": "backward"}
    score = _edited(small_score(measures=2), ops.ChangeSetting("barline", "m2", final, at="right"))
    after = ops.InsertMeasures("m2", 2)
    barlines = {key: value for key, value in _edited(score, after)["attr"].items() if "bar" in key}
    assert barlines == {"barline|n2|*|right": final}
    assert _edited(score, ops.InsertMeasures("m1"))["attr"] == score["attr"]
    repeated = _edited(score, ops.ChangeSetting("barline", "m2", again, at="right"))
    assert _edited(repeated, after)["attr"] == repeated["attr"]


def test_edit_8_a_piece_that_begins_earlier_begins_with_the_same_settings() -> None:
    """What comes in later stays where it is; what a deleted first measure left holds as well."""
    repeat = {"style": "heavy-light", "repeat": "forward"}
    stay: dict[str, Json] = {
        "barline|m2|*|left": repeat,
        "clef|m2|p|1/1": {"sign": "F", "line": 4},
        "key|m3|*|0/1": {"fifths": 1},
        "tempo|m2|*|2/1": {"unit": [1, 1], "bpm": 80},
    }
    score = small_score(measures=3)
    score["attr"] |= {
        **stay,
        "clef|m1|p|0/1": {"sign": "G", "line": 2},
        "key|m1|*|0/1": {"fifths": -2},
        "key|m2|p|0/1": {"fifths": -1},
        "tempo|m1|*|3/1": {"unit": [1, 1], "bpm": 60},
    }
    deleted = _edited(score, ops.DeleteMeasures(("m1",)))
    earlier = _edited(deleted, ops.InsertMeasures(None, 2))
    assert _measures(earlier) == ["n1", "n2", "m2", "m3"]
    assert earlier["attr"] == {
        **stay,
        "clef|n1|p|0/1": {"sign": "G", "line": 2},
        "key|n1|*|0/1": {"fifths": -2},
        "key|n1|p|0/1": {"fifths": -1},
        "tempo|n1|*|0/1": {"unit": [1, 1], "bpm": 60},
        "time|n1|*|0/1": score["attr"]["time|m1|*|0/1"],
    }
    assert _edited(score, ops.InsertMeasures("m1"))["attr"] == score["attr"]


def test_edit_8_a_piece_whose_measures_are_all_deleted_begins_with_what_they_left() -> None:
    score = small_score(measures=2)
    score["attr"] |= {
        "clef|m1|p|0/1": {"sign": "F", "line": 4},
        "key|m1|*|0/1": {"fifths": 2},
        "key|m2|*|1/1": {"fifths": 3},
        "barline|m2|*|right": {"style": "light-heavy"},
    }
    begun_anew = _edited(_edited(score, ops.DeleteMeasures(("m1", "m2"))), ops.InsertMeasures(None))
    assert _measures(begun_anew) == ["n1"]
    assert begun_anew["attr"] == {
        **score["attr"],
        "clef|n1|p|0/1": {"sign": "F", "line": 4},
        "key|n1|*|0/1": {"fifths": 3},
        "time|n1|*|0/1": score["attr"]["time|m1|*|0/1"],
    }


def test_edit_8_what_a_deleted_measure_said_before_another_one_does_not_hold_again() -> None:
    score = small_score(measures=3)
    score["attr"] |= {"key|m1|*|0/1": {"fifths": 2}, "key|m2|*|0/1": {"fifths": -3}}
    earlier = _edited(_edited(score, ops.DeleteMeasures(("m1", "m2"))), ops.InsertMeasures(None))
    assert _measures(earlier) == ["n1", "m3"]
    assert [bar.settings for bar in normalise(earlier).measures] == [
        ("key|n1|*|0/1", "time|n1|*|0/1"),
        (),
    ]
    assert entry(earlier, "attr", "key|n1|*|0/1") == {"fifths": -3}


def test_edit_5_what_is_malformed_at_the_beginning_stays_and_keeps_nobody_from_inserting() -> None:
    score = small_score()
    score["attr"]["clef|m1|p|0/1"] = {"sign": "H"}
    earlier = _edited(score, ops.InsertMeasures(None))
    assert _measures(earlier) == ["n1", "m1", "m2"]
    assert sorted(earlier["attr"]) == ["clef|m1|p|0/1", "time|n1|*|0/1"]


def test_edit_8_a_part_is_added_under_an_id_for_the_edits_that_follow() -> None:
    clef = ops.ChangeSetting("clef", "m1", {"sign": "F", "line": 4}, "cello")
    score = _edited(small_score(notes(a=event())), ops.AddPart("Cello", "p", part="cello"), clef)
    assert normalise(score).parts == ("p", "cello")
    assert score["attr"]["clef|m1|cello|0/1"] == {"sign": "F", "line": 4}
    for taken in ("p", "m1", "a"):
        with pytest.raises(EditRefused) as refused:
            plan(score, ops.AddPart("Cello", None, part=taken), ids("n"))
        assert (refused.value.code, refused.value.element_ids) == ("occupied", (taken,))
    with pytest.raises(EditRefused) as malformed:
        plan(score, ops.AddPart("Cello", None, part="a b"), ids("n"))
    assert malformed.value.code == "malformed"


def test_edit_3_a_header_is_one_text_and_empty_text_takes_it_away() -> None:
    score = _edited({**small_score(), "meta": {"schema": "2", "title": "Old"}})
    named = _edited(
        score, ops.SetHeader("title", "Ave verum, 短歌"), ops.SetHeader("composer", "C. W.")
    )
    assert named["meta"] == {"schema": "2", "title": "Ave verum, 短歌", "composer": "C. W."}
    assert {**named, "meta": score["meta"]} == score
    assert _edited(named, ops.SetHeader("title", ""))["meta"] == {
        "schema": "2",
        "composer": "C. W.",
    }
    assert not plan(named, ops.SetHeader("title", "Ave verum, 短歌"), ids("n"))


@pytest.mark.parametrize(
    ("name", "text"), [("schema", "3"), ("hdr.xml", ""), ("title", "x" * 1001)]
)
def test_edit_2_what_is_no_header_or_too_long_is_refused(name: ops.HeaderName, text: str) -> None:
    with pytest.raises(EditRefused) as refused:
        plan(small_score(), ops.SetHeader(name, text), ids("n"))
    assert (refused.value.code, list(refused.value.element_ids)) == ("out-of-range", [])
    assert plan(small_score(), ops.SetHeader("title", "\U0001d11e" * 1000), ids("n"))


def test_edit_3_new_measures_are_numbered_and_renumbered_on_demand() -> None:
    score = _edited(
        small_score(measures=2), ops.InsertMeasures("m1", 2), ops.InsertMeasures("m2", 2)
    )
    numbers = {key: entry(score, "measures", key)["number"] for key in score["measures"]}
    assert numbers == {"m1": "1", "n1": "1a", "n2": "1b", "m2": "2", "n3": "3", "n4": "4"}
    renumbered = _edited(score, ops.NumberMeasures(10))
    assert [entry(renumbered, "measures", key)["number"] for key in _measures(score)] == [
        *("10", "11", "12", "13", "14", "15"),
    ]


def test_edit_3_measures_that_do_not_count_keep_their_numbers() -> None:
    score = small_score(measures=3)
    score["measures"]["m2"] = {"order": "a2", "number": "X1", "implicit": True}
    numbered = _edited(score, ops.NumberMeasures(5))
    assert [entry(numbered, "measures", key)["number"] for key in ("m1", "m2", "m3")] == [
        *("5", "X1", "6"),
    ]


def test_edit_8_parts_are_added_moved_renamed_and_removed() -> None:
    score = small_score(notes(a=event(0, 1)))
    score["dir"] = {"d": {"part": "p", "measure": "m1", "onset": [0, 1], "kind": "words"}}
    score["attr"]["clef|m1|p|0/1"] = {"sign": "G", "line": 2}
    score["ly"] = {"a|1": {"text": "la", "syllabic": "single"}}
    score["raw"] = {"*|0": {"texts": ["<note>"]}, "p|0": {"measures": [], "facts": [], "xml": []}}
    added = _edited(score, ops.AddPart("Horn", "p", transposition=Interval(-4, -7)))
    assert normalise(added).parts == ("p", "n1")
    assert entry(added, "parts", "n1")["transposition"] == {"diatonic": -4, "chromatic": -7}
    changed = _edited(
        added,
        ops.MovePart("n1", None),
        ops.RenamePart("n1", "Corno", "Cor."),
        ops.SetTransposition("n1", None),
    )
    assert normalise(changed).parts == ("n1", "p")
    assert {**entry(changed, "parts", "n1"), "order": ""} == {
        "order": "",
        "name": "Corno",
        "abbreviation": "Cor.",
        "staves": 1,
    }
    removed = _edited(changed, ops.RemovePart("p"))
    assert [removed[name] for name in ("ev", "pt", "dir", "ly")] == [{}, {}, {}, {}]
    assert list(removed["attr"]) == ["time|m1|*|0/1"]
    assert list(removed["raw"]) == ["*|0"]


def test_edit_7_a_transposed_score_moves_its_keys_and_signs() -> None:
    score = small_score(notes(a=event(0, 1), b=event(1, 1), c=event(2, 1), d=event(0, 1, "m2")))
    score["attr"]["key|m1|*|0/1"] = {"fifths": 2}
    score["pt"] |= {
        "a": pitch("F#4"),
        "b": {"step": "F", "octave": 4, "accidental": "natural"},
        "c": {**pitch("F#4"), "accidental": "sharp"},
        "d": pitch("C4"),
    }
    moved = _edited(score, ops.TransposeParts(Interval(1, 1)))
    assert moved["attr"]["key|m1|*|0/1"] == {"fifths": -3}
    assert moved["pt"] == {
        "a": {"step": "G", "octave": 4},
        "b": {"step": "G", "octave": 4, "alter": -1, "accidental": "flat"},
        "c": {"step": "G", "octave": 4, "accidental": "natural"},
        "d": {"step": "D", "octave": 4, "alter": -1, "accidental": "flat"},
    }


def test_edit_7_transposing_one_part_leaves_the_key_of_the_others() -> None:
    score = small_score(notes(a=event(0, 1)))
    score["parts"]["q"] = {"order": "a1", "name": "Q", "staves": 1}
    score["attr"]["key|m1|*|0/1"] = {"fifths": 0}
    moved = _edited(score, ops.TransposeParts(Interval(1, 2), ("p",)))
    assert moved["attr"]["key|m1|*|0/1"] == {"fifths": 0}
    assert moved["attr"]["key|m1|p|0/1"] == {"fifths": 2}
    assert moved["pt"]["a"] == {"step": "D", "octave": 4}


def test_edit_7_keys_that_are_no_rows_of_fifths_move_letter_by_letter() -> None:
    score = small_score(notes(a=event(0, 1), b=event(1, 1)))
    score["attr"]["key|m1|*|0/1"] = {"fifths": 0, "steps": ["F", "B"], "alters": [1, -1]}
    score["pt"]["b"] = {"unpitched": True, "step": "E", "octave": 4}
    moved = _edited(score, ops.TransposeParts(Interval(1, 2)))
    # C D E F# G A Bb, a tone up: D E F# G# A B C.
    assert moved["attr"]["key|m1|*|0/1"] == {"fifths": 0, "steps": ["F", "G"], "alters": [1, 1]}
    assert moved["pt"]["b"] == score["pt"]["b"]


def test_edit_7_transposed_notes_get_the_signs_that_they_need() -> None:
    score = small_score(notes(a=event(0, 1), b=event(1, 1)))
    moved = _edited(score, ops.TransposeEvents(("a", "b"), Interval(0, 1)))
    assert moved["pt"] == {
        "a": {"step": "C", "octave": 4, "alter": 1, "accidental": "sharp"},
        "b": {"step": "C", "octave": 4, "alter": 1},
    }


def test_edit_6_pasted_notes_reach_over_barlines_with_ties() -> None:
    score = small_score(notes(a=event(0, 1), b=event(1, 2)), measures=3)
    score["sp"] = {"s": {"kind": "slur", "start": "a", "end": "b"}}
    score["ly"] = {"a|1": {"text": "la", "syllabic": "single"}}
    clip = copy(score, ["b", "a"])
    pasted = _edited(score, ops.Paste(clip, "p", "m1", Fraction(3)))
    assert _sounding(pasted) == ["m1 0+1 a", "m1 1+2 b", "m1 3+1 n1", "m2 0+2 n2"]
    again = _edited(score, ops.Paste(clip, "p", "m2", Fraction(5, 2)))
    assert _sounding(again)[2:] == ["m2 5/2+1 n1", "m2 7/2+1/2 n2", "m3 0+3/2 n3"]
    assert entry(again, "sp", "n4") == {"kind": "tie", "start": "n2", "end": "n3"}
    assert entry(again, "sp", "n5") == {"kind": "slur", "start": "n1", "end": "n3"}
    assert again["ly"]["n1|1"] == {"text": "la", "syllabic": "single"}
    assert [entry(again, "ev", key).get("type") for key in ("n1", "n2", "n3")] == [
        *(None, "eighth", "quarter"),
    ]


def test_pasting_refuses_what_is_there_or_replaces_it() -> None:
    score = small_score(notes(a=event(0, 2), b=event(2, 1), c=event(3, 1)))
    clip = copy(score, ["a"])
    with pytest.raises(EditRefused) as refused:
        _edited(score, ops.Paste(clip, "p", "m1", Fraction(1)))
    assert (refused.value.code, refused.value.element_ids) == ("occupied", ("a", "b"))
    replaced = _edited(score, ops.Paste(clip, "p", "m1", Fraction(2), replaces=True))
    assert _sounding(replaced) == ["m1 0+2 a", "m1 2+2 n1"]
    with pytest.raises(EditRefused) as too_late:
        _edited(score, ops.Paste(clip, "p", "m2", Fraction(3)))
    assert too_late.value.code == "out-of-range"


def test_edit_6_rebarring_cuts_notes_at_the_new_barlines() -> None:
    score = small_score(
        notes(a=event(0, 1), b=event(1, 3), c=event(0, 3, "m2"), d=event(3, 1, "m2"))
    )
    score["ly"] = {"b|1": {"text": "la", "syllabic": "single"}}
    score["sp"] = {"s": {"kind": "slur", "start": "a", "end": "b"}}
    score["dir"] = {"w": {"part": "p", "measure": "m2", "onset": [3, 1], "kind": "words"}}
    score["attr"] |= {
        "clef|m2|p|0/1": {"sign": "F", "line": 4},
        "barline|m2|*|right": {"style": "light-heavy"},
    }
    metre = ops.ChangeSetting("time", "m1", {"beats": [3], "unit": 4})
    rebarred = _edited(score, metre, ops.Rebar("m1", "m2", Fraction(4)))
    assert _sounding(rebarred) == [
        *("m1 0+1 a", "m1 1+2 b", "m2 0+1 n2", "m2 1+2 c", "n1 0+1 n4", "n1 1+1 d"),
    ]
    lines = [entry(rebarred, "sp", key) for key in sorted(rebarred["sp"]) if key != "s"]
    assert lines == [
        {"kind": "tie", "start": "b", "end": "n2"},
        {"kind": "tie", "start": "c", "end": "n4"},
    ]
    assert entry(rebarred, "sp", "s") == {"kind": "slur", "start": "a", "end": "n2"}
    assert entry(rebarred, "dir", "w")["measure"] == "n1"
    assert entry(rebarred, "dir", "w")["onset"] == [1, 1]
    assert sorted(rebarred["attr"]) == [
        *("barline|n1|*|right", "clef|m2|p|1/1", "time|m1|*|0/1"),
    ]
    assert not any(cell.is_overfull for m in normalise(rebarred).measures for cell in m.cells)


def test_edit_6_rebarring_into_longer_measures_deletes_those_that_are_left_empty() -> None:
    score = small_score(
        notes(a=event(0, 2), b=event(0, 2, "m2"), c=event(0, 2, "m3")), measures=3, beats=2
    )
    metre = ops.ChangeSetting("time", "m1", {"beats": [4], "unit": 4})
    rebarred = _edited(score, metre, ops.Rebar("m1", "m3"))
    assert _sounding(rebarred) == ["m1 0+2 a", "m1 2+2 b", "m2 0+2 c"]
    assert normalise(rebarred).deleted == ("m3",)
    assert normalise(rebarred).orphans == ()


def test_edit_6_rebarring_takes_what_measures_lasted_before() -> None:
    """A measure with one note in four beats is four beats long, if that is said."""
    score = small_score(notes(a=event(0, 1), b=event(0, 1, "m2")), beats=3)
    assert _sounding(_edited(score, ops.Rebar("m1", "m2", Fraction(4)))) == [
        *("m1 0+1 a", "m2 1+1 b"),
    ]
    assert _sounding(_edited(score, ops.Rebar("m1", "m2"))) == ["m1 0+1 a", "m1 1+1 b"]


def test_edit_7_a_part_with_a_key_of_its_own_gets_its_signs_by_that() -> None:
    """As instruments that transpose have one, from the first measure on and beside all others'."""
    score = small_score(notes(a=event(), b=event(1, measure="m2")))
    score["attr"] |= {"key|m1|*|0/1": {"fifths": 0}, "key|m1|p|0/1": {"fifths": 2}}
    moved = _edited(score, ops.TransposeEvents(("a", "b"), Interval(0, 1)))
    assert moved["pt"] == {
        "a": {"step": "C", "octave": 4, "alter": 1},
        "b": {"step": "C", "octave": 4, "alter": 1},
    }
