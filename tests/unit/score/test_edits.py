"""What each edit of notes, lines and signs writes, and when it is refused."""

from __future__ import annotations

import copy as copying
from fractions import Fraction

import pytest
from pycrdt import Doc, Map

from collab.score.intervals import Interval, WrittenPitch
from collab.score.operations import Changes, EditRefused, Operation, apply, plan
from collab.score.operations import operations as ops
from collab.score.operations.changes import Draft, no_ids
from collab.score.schema import Facets, Json
from collab.score.seed import seed_update
from tests.support.random_edits import ids, read_facets
from tests.support.scores import event, notes, pitch, small_score

D5 = WrittenPitch("D", 5)


def _score() -> Facets:
    score = small_score(notes(a=event(0, 1), b=event(1, 1), c=event(2, 2), d=event(0, 4, "m2")))
    score["sp"] = {"s": {"kind": "slur", "start": "a", "end": "b"}}
    score["ly"] = {"a|1": {"text": "la", "syllabic": "single"}}
    return score


def _changes(operation: Operation, score: Facets | None = None) -> Changes:
    return plan(_score() if score is None else score, operation, ids("new"))


def _sets(operation: Operation, score: Facets | None = None) -> dict[str, Json]:
    changes = _changes(operation, score)
    assert not changes.deletes
    return {f"{facet} {key}": value for (facet, key), value in changes.sets.items()}


def _deletes(operation: Operation) -> list[str]:
    return sorted(f"{facet} {key}" for facet, key in _changes(operation).deletes)


def _refused(operation: Operation, score: Facets | None = None) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(EditRefused) as refused:
        _changes(operation, score)
    return refused.value.code, refused.value.element_ids


def test_edit_1_an_operation_is_one_update_and_plans_change_nothing() -> None:
    score = _score()
    kept = copying.deepcopy(score)
    changes = plan(score, ops.DeleteElements(("a", "b"), with_spanners=True), ids("new"))
    assert score == kept
    doc: Doc[Map[object]] = Doc()
    doc.apply_update(seed_update(score))
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    apply(doc, changes)
    doc.unobserve(subscription)
    assert len(updates) == 1
    assert sorted(read_facets(doc)["ev"]) == ["c", "d"]


def test_edit_3_a_new_note_is_when_and_what() -> None:
    place: dict[str, Json] = {"part": "p", "measure": "m2", "voice": 2, "staff": 1}
    score = small_score()
    assert _sets(ops.InsertNote("p", "m2", Fraction(1), Fraction(3, 2), D5, 2), score) == {
        "ev new1": {
            **place,
            "kind": "note",
            "onset": [1, 1],
            "duration": [3, 2],
            "type": "quarter",
            "dots": 1,
        },
        "pt new1": {"step": "D", "octave": 5},
    }


def test_edit_3_a_note_of_a_chord_takes_place_and_duration_of_the_other() -> None:
    assert _sets(ops.InsertChordNote("b", D5)) == {
        "ev new1": event(1, 1, chord="b"),
        "pt new1": {"step": "D", "octave": 5},
    }


def test_edit_3_pitch_and_duration_are_written_apart() -> None:
    assert list(_sets(ops.Repitch("a", D5))) == ["pt a"]
    assert _sets(ops.Retime(("c",), Fraction(1))) == {"ev c": event(2, 1, type="quarter")}
    assert _sets(ops.Repitch("a", WrittenPitch("C", 4))) == {}


def test_edit_3_a_retimed_note_of_a_triplet_stays_one() -> None:
    score = small_score(notes(a=event(0, Fraction(1, 3), type="eighth")))
    changed = event(0, Fraction(2, 3), type="quarter")
    assert _sets(ops.Retime(("a",), Fraction(2, 3)), score) == {"ev a": changed}


def test_edit_3_events_move_in_time_and_between_cells() -> None:
    assert _sets(ops.MoveEvents(("b", "c"), Fraction(-1), measure="m2", voice=2)) == {
        "ev b": event(0, 1, "m2", voice=2),
        "ev c": event(1, 2, "m2", voice=2),
    }


def test_edit_3_notes_that_leave_their_chord_are_notes_of_their_own() -> None:
    score = small_score(notes(a=event(0, 1), b=event(0, 1, chord="a"), c=event(0, 1, chord="a")))
    assert _sets(ops.MoveEvents(("b",), Fraction(2)), score) == {"ev b": event(2, 1)}
    gone = _changes(ops.DeleteElements(("a",)), score)
    assert gone.sets == {("ev", "b"): event(0, 1), ("ev", "c"): event(0, 1, chord="b")}


def test_edit_3_three_in_the_time_of_two() -> None:
    score = small_score(notes(a=event(0, 1), b=event(1, 1), c=event(2, 1)))
    third = Fraction(2, 3)
    assert _sets(ops.Tuplet(("a", "b", "c"), 3, 2), score) == {
        "ev a": event(0, third, type="quarter"),
        "ev b": event(third, third, type="quarter"),
        "ev c": event(2 * third, third, type="quarter"),
        "sp new1": {"kind": "tuplet", "start": "a", "end": "c", "actual": 3, "normal": 2},
    }


def test_edit_3_lines_words_and_settings() -> None:
    assert _sets(ops.Tie("a", "b")) == {"sp new1": {"kind": "tie", "start": "a", "end": "b"}}
    assert _sets(ops.AddSpanner("ending", "m1", "m2", {"text": "1."})) == {
        "sp new1": {"kind": "ending", "start": "m1", "end": "m2", "text": "1."}
    }
    assert _sets(ops.SetLyric("b", "so", syllabic="begin", extends=True)) == {
        "ly b|1": {"text": "so", "syllabic": "begin", "extend": True}
    }
    assert _sets(ops.AddDirection("p", "m1", Fraction(1, 2), "dynamics", {"text": "pp"})) == {
        "dir new1": {
            "part": "p",
            "measure": "m1",
            "onset": [1, 2],
            "kind": "dynamics",
            "text": "pp",
        }
    }
    key = ops.ChangeSetting("key", "m2", {"fifths": -2}, "p", Fraction(3, 2))
    assert _sets(key) == {"attr key|m2|p|3/2": {"fifths": -2}}


def test_edit_3_deleting_takes_all_facets_of_a_note() -> None:
    assert _deletes(ops.DeleteElements(("a",), with_spanners=True)) == [
        *("ev a", "ly a|1", "pt a", "sp s"),
    ]
    assert _deletes(ops.DeleteElements(("s",))) == ["sp s"]
    assert _deletes(ops.SetLyric("a", "")) == ["ly a|1"]
    assert _deletes(ops.ChangeSetting("time", "m1", None)) == ["attr time|m1|*|0/1"]


def test_edit_3_a_line_goes_with_the_signs_at_its_ends() -> None:
    score = _score()
    sign: dict[str, Json] = {"part": "p", "measure": "m1", "kind": "wedge"}
    score["dir"] = {
        "w1": {**sign, "onset": [0, 1], "text": "crescendo"},
        "w2": {**sign, "onset": [3, 1], "text": "stop"},
    }
    score["sp"]["w"] = {"kind": "wedge", "start": "w1", "end": "w2"}
    assert _refused(ops.DeleteElements(("w1",)), score) == ("dangling", ("w",))
    for gone in ("w", "w1"):
        changes = _changes(ops.DeleteElements((gone,), with_spanners=True), score)
        assert changes.deletes == {("dir", "w1"), ("dir", "w2"), ("sp", "w")}


@pytest.mark.parametrize(
    ("operation", "code", "element_ids"),
    [
        (ops.Repitch("x", D5), "unknown-element", ("x",)),
        (ops.InsertNote("x", "m1", Fraction(0), Fraction(1), D5), "unknown-element", ("x",)),
        (ops.InsertNote("p", "m2", Fraction(4), Fraction(1), D5, 2), "out-of-range", ("new1",)),
        (ops.InsertNote("p", "m2", Fraction(3), Fraction(2), D5, 2), "out-of-range", ("new1",)),
        (ops.InsertNote("p", "m1", Fraction(0), Fraction(2), D5), "occupied", ("a", "b")),
        (ops.InsertNote("p", "m1", Fraction(-1), Fraction(1), D5), "out-of-range", ()),
        (ops.Retime(("a",), Fraction(3, 2)), "occupied", ("b",)),
        (ops.Retime(("a",), Fraction(0)), "out-of-range", ("a",)),
        (ops.MoveEvents(("c",), Fraction(1)), "out-of-range", ("c",)),
        (ops.DeleteElements(("a",)), "dangling", ("s",)),
        (ops.DeleteElements(("a", "x")), "unknown-element", ("x",)),
        (ops.Slur("c", "a"), "out-of-range", ("c", "a")),
        (ops.Tuplet(("a", "d"), 3, 2), "wrong-kind", ("a", "d")),
        (ops.AddSpanner("wedge", "a", "x", {}), "unknown-element", ("x",)),
        (ops.Repitch("a", WrittenPitch("H", 4)), "malformed", ("a",)),
        (
            ops.ChangeSetting("time", "m1", {"beats": [0], "unit": 4}),
            *("malformed", ("time|m1|*|0/1",)),
        ),
        (ops.ChangeSetting("key", "m1", {"fifths": 1}, at=Fraction(9)), "out-of-range", ("m1",)),
    ],
)
def test_edit_2_what_the_score_does_not_allow_is_refused(
    operation: Operation, code: str, element_ids: tuple[str, ...]
) -> None:
    assert _refused(operation) == (code, element_ids)


def test_edit_2_ties_join_notes_of_one_pitch() -> None:
    score = _score()
    score["pt"] |= {"b": pitch("D4"), "c": pitch("rest")}
    assert _refused(ops.Tie("a", "b"), score) == ("wrong-kind", ("a", "b"))
    assert _refused(ops.Tie("a", "c"), score) == ("wrong-kind", ("c",))


def test_edit_2_deleted_measures_take_no_notes() -> None:
    score = _score()
    score["measures"]["m2"] = {"order": "a2", "number": "2", "deleted": True}
    insert = ops.InsertNote("p", "m2", Fraction(0), Fraction(1), D5, 2)
    assert _refused(insert, score) == ("deleted-measure", ("m2",))


def test_edit_2_a_note_that_ends_too_late_may_be_shortened_little_by_little() -> None:
    """As after a change of metre."""
    score = small_score(notes(a=event(0, 4)), beats=2)
    assert list(_sets(ops.Retime(("a",), Fraction(3)), score)) == ["ev a"]
    assert _refused(ops.Retime(("a",), Fraction(5)), score) == ("out-of-range", ("a",))


def test_edit_5_what_is_malformed_is_refused_however_much_else_is_written() -> None:
    """Each entry that is written by itself refers to others: that is no reason to stop looking."""
    names = [f"n{number:03}" for number in range(150)]
    score = small_score(notes(**{name: event(0, 1) for name in names}))
    score["pt"][names[-1]] = {**pitch(), "colour": "red"}
    operation = ops.TransposeEvents(tuple(names), Interval(1, 2))
    assert _refused(operation, score) == ("malformed", (names[-1],))


@pytest.mark.parametrize(
    "odd",
    [
        {"step": "C", "octave": 4, "alter": 1e300},
        {"step": "C", "octave": 4, "alter": True},
        {"step": "C", "octave": float(2**53 - 1)},
    ],
)
def test_edit_2_pitches_that_are_none_are_not_transposed(odd: dict[str, Json]) -> None:
    score = _score()
    score["pt"]["b"] = odd
    assert _refused(ops.TransposeEvents(("b",), Interval(1, 2)), score) == ("malformed", ("b",))
    assert _sets(ops.TransposeEvents(("a",), Interval(1, 2)), score) == {
        "pt a": {"step": "D", "octave": 4}
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"fifths": 2**53 - 1},
        {"fifths": True},
        {"fifths": 0, "steps": [["F"]], "alters": [1]},
        {"fifths": 0, "steps": ["F"], "alters": ["sharp"]},
    ],
)
def test_edit_2_keys_that_are_none_stay_when_a_part_is_transposed(odd: dict[str, Json]) -> None:
    score = _score()
    score["attr"]["key|m2|*|0/1"] = odd
    written = _sets(ops.TransposeParts(Interval(1, 2)), score)
    assert written.keys() == {f"pt {key}" for key in "abcd"}


@pytest.mark.parametrize("dots", [-1, 2**53 - 1, "1"])
def test_edit_2_dots_that_are_none_are_written_anew(dots: Json) -> None:
    score = small_score(notes(a=event(0, 1, type="quarter", dots=dots)))
    assert _sets(ops.Retime(("a",), Fraction(2)), score) == {"ev a": event(0, 2, type="half")}


def test_edit_2_a_voice_that_is_none_is_refused() -> None:
    assert _refused(ops.MoveEvents(("a",), voice=0)) == ("malformed", ("a",))


def test_what_a_plan_wrote_or_deleted_is_what_it_reads() -> None:
    draft = Draft(_score(), no_ids)
    draft.put("ev", "a", {})
    draft.drop("ev", "b")
    assert dict(draft.entries("ev")) == {"a": {}, "c": event(2, 2), "d": event(0, 4, "m2")}
