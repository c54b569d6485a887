"""Operations as JSON: what is refused, and where it says the fault is."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any, get_args

import pytest

from collab.errors import EditRefused, InvalidOperation
from collab.limits import SCORE_EDITS_MAX
from collab.score.intervals import Interval, WrittenPitch
from collab.score.operations import (
    Operation,
    decode_operation,
    decode_operations,
    encode_operation,
    plan,
    plan_all,
)
from collab.score.operations import operations as ops
from tests.support.counts import repeats
from tests.support.random_edits import first_score, ids, random_operation

NOTE: dict[str, Any] = {
    "op": "InsertNote",
    "part": "p",
    "measure": "m1",
    "onset": [1, 2],
    "duration": [3, 4],
    "pitch": {"step": "F", "octave": 4, "alter": 1},
}


def test_edit_9_an_operation_is_its_name_and_its_members() -> None:
    note = ops.InsertNote("p", "m1", Fraction(1, 2), Fraction(3, 4), WrittenPitch("F", 4, 1))
    assert decode_operation(NOTE) == note
    assert encode_operation(note) == NOTE
    barline = {"op": "ChangeSetting", "kind": "barline", "measure": "m1", "at": "right"}
    style = {"value": {"style": "light-heavy"}}
    assert decode_operation(barline | style) == ops.ChangeSetting(
        "barline", "m1", {"style": "light-heavy"}, at="right"
    )
    transpose = {"op": "TransposeParts", "interval": {"diatonic": -1, "chromatic": -2}}
    assert decode_operation(transpose) == ops.TransposeParts(Interval(-1, -2))


def test_edit_9_every_operation_goes_there_and_back() -> None:
    score: Any = first_score()
    seen: set[type] = set()
    for seed in range(repeats(1500, proof=50_000)):
        operation = random_operation(random.Random(seed), score)
        told = json.loads(json.dumps(encode_operation(operation)))
        assert decode_operation(told) == operation
        seen.add(type(operation))
    assert seen == set(get_args(Operation))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"op": "InsertNotes"}, "op"),
        ({"op": ["InsertNote"]}, "op"),
        ({"colour": "red"}, "colour"),
        ({"part": 1}, "part"),
        ({"part": "p" * 1001}, "part"),
        ({"onset": [1, 0]}, "onset"),
        ({"onset": [1, 2, 3]}, "onset"),
        ({"onset": [True, 1]}, "onset"),
        ({"onset": [2**53, 1]}, "onset"),
        ({"onset": 0.5}, "onset"),
        ({"voice": 1.0}, "voice"),
        ({"voice": None}, "voice"),
        ({"pitch": {"step": "F"}}, "pitch.octave"),
        ({"pitch": {"step": "H", "octave": 4}}, "pitch.step"),
        ({"pitch": {"step": "C", "octave": 40}}, "pitch.octave"),
        ({"pitch": {"step": "C", "octave": 4, "alter": float("nan")}}, "pitch.alter"),
        ({"pitch": {"step": "C", "octave": 4, "colour": 1}}, "pitch.colour"),
        ({"op": "Retime"}, "part"),
    ],
)
def test_edit_9_what_is_no_operation_is_refused_with_the_path_of_the_fault(
    change: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidOperation) as caught:
        decode_operations([NOTE, NOTE | change])
    assert caught.value.path == f"operations.1.{path}"


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        [NOTE] * (SCORE_EDITS_MAX + 1),
        [{"op": "DeleteElements", "elements": ["a", "a"]}],
        [{"op": "DeleteElements", "elements": ["a"] * 10_001}],
        [{"op": "TransposeEvents", "events": [], "interval": {"diatonic": 0, "chromatic": 61}}],
        [{"op": "Articulate", "events": ["a"], "add": ["stakkato"]}],
        [{"op": "Articulate", "events": ["a"], "add": ["accent", "accent"]}],
        [{"op": "Articulate", "events": ["a"], "fermata": "over"}],
        [{"op": "AddSpanner", "kind": "glissando", "start": "a", "end": "b", "fields": {}}],
        [{"op": "AddSpanner", "kind": "wedge", "start": "a", "end": "b", "fields": {"x": 1e999}}],
        [{"op": "Paste", "clip": {"events": [{}], "spanners": []}, "part": "p", "measure": "m"}],
    ],
)
def test_edit_9_operations_are_bounded(wrong: object) -> None:
    with pytest.raises(InvalidOperation, match="operations"):
        decode_operations(wrong)


def test_edit_9_values_of_the_document_are_bounded_in_depth() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = {"x": deep}
    told = {"op": "AddDirection", "part": "p", "measure": "m1", "onset": [0, 1]}
    with pytest.raises(InvalidOperation, match=r"operation\.fields"):
        decode_operation({**told, "kind": "words", "fields": deep})


@pytest.mark.parametrize(
    "clip",
    [
        {"events": [], "spanners": [{"kind": "slur", "start": "x", "end": "y"}]},
        {"events": [{"id": "x", "part": -1}], "spanners": []},
        {"events": [{"id": "x"}, {"id": "x"}], "spanners": []},
        {"events": [{"id": "x", "fields": {"voice": [1]}}], "spanners": []},
    ],
)
def test_edit_5_a_clip_that_nobody_copied_is_refused(clip: dict[str, Any]) -> None:
    usual = {"id": "x", "part": 0, "offset": [0, 1], "duration": [1, 1], "fields": {}}
    usual |= {"pitch": None, "notation": None, "lyrics": {}}
    clip = {**clip, "events": [usual | each for each in clip["events"]]}
    told = {"op": "Paste", "clip": clip, "part": "p", "measure": "m1", "onset": [0, 1]}
    with pytest.raises(EditRefused) as caught:
        plan(first_score(), decode_operation({**told, "replaces": True}), ids("x"))
    assert caught.value.code in {"malformed", "out-of-range"}


def test_edit_10_operations_are_made_one_after_the_other_or_not_at_all() -> None:
    told = [
        {**NOTE, "measure": "m3", "onset": [0, 1], "duration": [4, 1]},
        {"op": "Repitch", "event": "x1", "pitch": {"step": "A", "octave": 3}},
        {"op": "InsertMeasures", "after": "m3", "count": 2},
        {**NOTE, "measure": "x2", "onset": [0, 1], "duration": [1, 1]},
        {"op": "DeleteElements", "elements": ["n4"]},
    ]
    changes, made = plan_all(first_score(), decode_operations(told), ids("x"))
    assert made == [["x1"], [], ["x2", "x3"], ["x4"], []]
    assert changes.sets["pt", "x1"] == {"step": "A", "octave": 3}
    assert {key for _, key in changes.sets} == {"x1", "x2", "x3", "x4"}
    assert changes.deletes == {("ev", "n4"), ("pt", "n4")}
    taken = {**NOTE, "onset": [0, 1], "duration": [3, 2]}
    with pytest.raises(EditRefused) as caught:
        plan_all(first_score(), decode_operations([*told, taken]), ids("x"))
    refused = caught.value
    assert (refused.operation, refused.code) == (5, "occupied")
    assert set(refused.element_ids) == {"n0", "n1"}
