"""Articulations and fermatas: what notes and chords have of them, also in a file."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from collab.errors import EditRefused
from collab.score.musicxml import read_musicxml, write_musicxml
from collab.score.operations import Operation, plan
from collab.score.operations import operations as ops
from collab.score.schema import FACETS, Facets, Json
from tests.support.random_edits import ids
from tests.support.scores import event, notes, pitch, small_score


def _score(**marks: Json) -> Facets:
    """A note, a chord of two, others at its time, a grace note, a rest, a space."""
    music = notes(
        a=event(0, 1),
        b=event(1, 1),
        c=event(1, 1, chord="b"),
        v=event(1, 1, voice=2),
        w=event(1, 2, voice=3),
        g=event(1, 0, grace={"order": "a"}),
        r=event(2, 1),
        s=event(3, 1, kind="space"),
    )
    music["pt"]["r"] = pitch("rest")
    del music["pt"]["s"]
    return small_score({**music, "nx": dict(marks)})


def _made(operation: Operation, score: Facets) -> dict[str, Json]:
    """What ``nx`` is afterwards; nothing else is written."""
    changes = plan(score, operation, ids("new"))
    assert {facet for facet, _ in (*changes.sets, *changes.deletes)} <= {"nx"}
    left = {key: each for key, each in score["nx"].items() if ("nx", key) not in changes.deletes}
    return left | {key: value for (_, key), value in changes.sets.items()}


def test_edit_3_articulations_are_added_and_removed_beside_what_is_there() -> None:
    score = _score(a={"articulations": ["accent"], "stem": "up"})
    both = ops.Articulate(("a",), add=("staccato", "accent"))
    assert _made(both, score) == {"a": {"articulations": ["accent", "staccato"], "stem": "up"}}
    assert _made(ops.Articulate(("a",), remove=("accent",)), score) == {"a": {"stem": "up"}}
    instead = ops.Articulate(("a",), add=("tenuto",), remove=("accent",), fermata="upright")
    assert _made(instead, score) == {
        "a": {"articulations": ["tenuto"], "stem": "up", "fermata": "upright"}
    }


def test_edit_3_a_note_that_has_no_mark_left_has_no_entry() -> None:
    score = _score(a={"articulations": ["accent"]}, b={"fermata": "inverted"})
    assert _made(ops.Articulate(("a",), remove=("accent",)), score) == {"b": score["nx"]["b"]}
    assert _made(ops.Articulate(("b",), fermata="none"), score) == {"a": score["nx"]["a"]}


def test_edit_3_a_chord_has_an_articulation_once_whichever_of_its_notes_is_named() -> None:
    wanted = {"b": {"articulations": ["staccato"]}}
    for named in (("b", "c"), ("b",), ("c",)):
        assert _made(ops.Articulate(named, add=("staccato",)), _score()) == wanted
    score = _score(c={"articulations": ["staccato"], "fermata": "upright"})
    assert _made(ops.Articulate(("b",), add=("staccato",)), score) == score["nx"]
    assert _made(ops.Articulate(("b",), fermata="inverted"), score) == {
        "c": {"articulations": ["staccato"], "fermata": "inverted"}
    }
    assert _made(ops.Articulate(("b",), remove=("staccato",), fermata="none"), score) == {}


def test_edit_3_notes_of_other_voices_and_lengths_are_other_chords() -> None:
    operation = ops.Articulate(("v", "w", "g"), add=("tenuto",))
    assert _made(operation, _score()) == {key: {"articulations": ["tenuto"]} for key in "vwg"}


def test_edit_3_a_rest_has_a_fermata_and_no_articulation() -> None:
    assert _made(ops.Articulate(("r",), fermata="upright"), _score()) == {
        "r": {"fermata": "upright"}
    }


def test_edit_3_what_is_left_of_a_chord_keeps_its_marks_as_long_as_it_is_there() -> None:
    marks: dict[str, Json] = {
        "b": {"articulations": ["staccato", "accent"], "fermata": "upright", "stem": "up"},
        "c": {"articulations": ["accent"]},
    }
    score: dict[str, dict[str, Any]] = {name: dict(_score().get(name, {})) for name in FACETS}
    score["nx"] = dict(marks)
    _make(score, ops.DeleteElements(("b",)))
    assert score["nx"] == {"c": {"articulations": ["accent", "staccato"], "fermata": "upright"}}
    _make(score, ops.DeleteElements(("c", "w")))
    assert score["nx"] == {}


def test_edit_5_what_is_malformed_of_a_chord_keeps_nobody_from_deleting() -> None:
    score: dict[str, dict[str, Any]] = {name: dict(_score().get(name, {})) for name in FACETS}
    score["nx"] = {"b": {"fermata": ["upright"]}, "c": {"stem": 5}}
    _make(score, ops.DeleteElements(("b",)))
    assert score["nx"] == {"c": {"stem": 5}}


@pytest.mark.parametrize(
    ("operation", "code", "element_id"),
    [
        (ops.Articulate(("a", "x"), add=("accent",)), "unknown-element", "x"),
        (ops.Articulate(("a", "r"), add=("accent",)), "wrong-kind", "r"),
        (ops.Articulate(("a", "s"), fermata="upright"), "wrong-kind", "s"),
    ],
)
def test_edit_2_what_is_not_drawn_or_does_not_sound_has_none(
    operation: Operation, code: str, element_id: str
) -> None:
    with pytest.raises(EditRefused) as refused:
        plan(_score(), operation, ids("new"))
    assert (refused.value.code, refused.value.element_ids) == (code, (element_id,))


def test_mxl_4_articulations_fermatas_and_hairpins_are_in_the_file_and_come_back() -> None:
    """As do those that are taken away again from what was read."""
    score: dict[str, dict[str, Any]] = {name: dict(_score().get(name, {})) for name in FACETS}
    del score["ev"]["s"]
    names: tuple[ops.Articulation, ...] = ("staccato", "strong-accent")
    for operation in (
        ops.Articulate(("c",), add=names, fermata="upright"),
        ops.Articulate(("r",), fermata="inverted"),
        ops.AddSpanner("wedge", "a", "b", {"text": "diminuendo", "placement": "below"}),
    ):
        _make(score, operation)
    read: Any = read_musicxml(write_musicxml(score)).facets
    assert read["nx"] == score["nx"]
    (line,) = read["sp"].values()
    begin, end = (read["dir"][line[name]] for name in ("start", "end"))
    assert [(each["onset"], each["text"], each["kind"]) for each in (begin, end)] == [
        ([0, 1], "diminuendo", "wedge"),
        # It goes on to the end of its last note.
        ([2, 1], "stop", "wedge"),
    ]
    _make(read, ops.Articulate(("b", "r"), remove=names, fermata="none"))
    _make(read, ops.DeleteElements(tuple(read["sp"])))
    again: Any = read_musicxml(write_musicxml(read)).facets
    assert (again["nx"], again["sp"], again["dir"]) == ({}, {}, {})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # The earlier one has the higher id.
        ({"z": ("a", "b"), "y": ("c", "g")}, [("0", 1, "2", 1), ("2", 1, "3", 1)]),
        # One begins while the last note of another sounds, and outlasts it.
        ({"x": ("v", "w"), "y": ("c", "m")}, [("0", 2, "4", 2), ("2", 1, "1", 1)]),
    ],
)
def test_mxl_4_hairpins_that_follow_each_other_or_overlap_come_back_as_they_were(
    lines: dict[str, tuple[str, str]], expected: list[tuple[str, int, str, int]]
) -> None:
    music = notes(
        a=event(0, 1),
        b=event(1, 1),
        c=event(2, 1),
        d=event(3, 1),
        # A grace note takes no time.
        g=event(3, 0, grace={"order": "a"}),
        v=event(0, 1, voice=5, staff=2),
        w=event(1, 3, voice=5, staff=2),
        m=event(0, 1, "m2"),
    )
    score: dict[str, dict[str, Any]] = {name: {} for name in FACETS} | small_score(music)
    score["parts"]["p"]["staves"] = 2
    score["sp"] = {
        key: {"kind": "wedge", "text": "crescendo", "start": start, "end": end}
        for key, (start, end) in lines.items()
    }
    read: Any = read_musicxml(write_musicxml(score)).facets
    found = []
    for line in read["sp"].values():
        begin, end = (read["dir"][line[name]] for name in ("start", "end"))
        ends = [(str(Fraction(*each["onset"])), each["staff"]) for each in (begin, end)]
        found.append((*ends[0], *ends[1]))
    assert sorted(found) == sorted(expected)


def _make(facets: dict[str, dict[str, Any]], operation: Operation) -> None:
    changes = plan(facets, operation, ids(f"x{len(facets['sp'])}"))
    for facet, key in changes.deletes:
        del facets[facet][key]
    for (facet, key), value in changes.sets.items():
        facets[facet][key] = value
