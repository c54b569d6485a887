"""Articulations and fermatas: what notes and chords have of them, also in a file."""

from __future__ import annotations

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


def test_mxl_4_hairpins_one_after_the_other_and_on_two_staves_come_back_as_they_were() -> None:
    """Whichever has the lower id, and though one begins while the last note of another sounds."""
    music = notes(
        a=event(0, 1),
        b=event(1, 1),
        c=event(2, 1),
        d=event(3, 1),
        v=event(0, 1, voice=5, staff=2),
        w=event(1, 3, voice=5, staff=2),
        g=event(3, 0, grace={"order": "a"}),
    )
    score: dict[str, dict[str, Any]] = {name: {} for name in FACETS} | small_score(music)
    score["parts"]["p"]["staves"] = 2
    wedge = {"kind": "wedge", "text": "crescendo"}
    score["sp"] = {
        "z": {**wedge, "start": "a", "end": "b"},
        "y": {**wedge, "start": "c", "end": "g", "text": "diminuendo"},
        "x": {**wedge, "start": "v", "end": "w"},
    }
    read: Any = read_musicxml(write_musicxml(score)).facets
    found = sorted(
        (
            *(
                read["dir"][line[end]][name]
                for end in ("start", "end")
                for name in ("onset", "staff")
            ),
        )
        for line in read["sp"].values()
    )
    assert found == [
        ([0, 1], 1, [2, 1], 1),
        ([0, 1], 2, [4, 1], 2),
        # A grace note takes no time.
        ([2, 1], 1, [3, 1], 1),
    ]


def _make(facets: dict[str, dict[str, Any]], operation: Operation) -> None:
    changes = plan(facets, operation, ids(f"x{len(facets['sp'])}"))
    for facet, key in changes.deletes:
        del facets[facet][key]
    for (facet, key), value in changes.sets.items():
        facets[facet][key] = value
