"""Every departure from the schema is found, named, and told apart from what merging may leave."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest

from collab.score.chorale import chorale_facets
from collab.score.validate import Problem, malformed, validate

Document = dict[str, Any]


@pytest.fixture
def document() -> Document:
    return cast("Document", copy.deepcopy(chorale_facets()))


def test_documents_read_with_float_numbers_are_as_sound_as_written_ones() -> None:
    measure = {"order": "a0", "number": "1", "length": [3.0, 1.0]}
    assert validate({"measures": {"m1": measure}}) == []


def test_an_empty_document_is_sound() -> None:
    assert validate({}) == []


@pytest.mark.parametrize(
    ("facet", "key", "value"),
    [
        ("parts", "P2", {"order": "a5", "name": "Horn in F", "staves": 1.0}),
        (
            "parts",
            "P2",
            {
                "order": "a5",
                "name": "Horn",
                "staves": 1,
                "transposition": {"diatonic": -4, "chromatic": -7},
            },
        ),
        ("pt", "s1n1", {"step": "B", "octave": 4, "alter": -0.5}),
        ("pt", "s1n1", {"rest": "rest"}),
        ("pt", "s1n1", {"unpitched": True}),
        ("pt", "s1n1", {"unpitched": True, "step": "E", "octave": 4}),
        ("measures", "m12", {"order": "z", "number": "X1", "implicit": True}),
        ("attr", "time|m4|*|0/1", {"beats": [], "unit": 4}),
        (
            "attr",
            "time|m4|*|0/1",
            {"beats": [2], "unit": 4, "plus": [{"beats": [3], "unit": 8}]},
        ),
        ("attr", "key|m4|*|0/1", {"fifths": 0, "steps": ["F", "B"], "alters": [1, -0.5]}),
        ("attr", "barline|m4|*|left", {"repeat": "forward"}),
        ("raw", "*|0", {"texts": ["<note>", "</note>"]}),
        ("raw", "alto|12", {"measures": ["m1"], "facts": ["x"], "xml": ["##"]}),
        ("pt", "s1n1", {"rest": "measure", "step": "D", "octave": 4}),
        ("nx", "s1n1", {}),
        ("nx", "s1n1", {"articulations": ["staccato"], "stem": "up", "raw": ["<x/>"]}),
        ("sp", "w1", {"kind": "wedge", "start": "heading", "end": "s1n4", "text": "cresc."}),
        ("sp", "t1", {"kind": "tuplet", "start": "s1n1", "end": "s1n3", "actual": 3, "normal": 2}),
        ("sp", "e1", {"kind": "ending", "start": "m3", "end": "m4", "text": "1."}),
        (
            "dir",
            "d1",
            {"part": "alto", "measure": "m1", "onset": [1, 2], "kind": "dynamics", "text": "mf"},
        ),
        ("ly", "a1n1|chorus", {"text": "", "syllabic": "single"}),
        ("attr", "time|m4|*|0/1", {"beats": [3, 2], "unit": 8}),
        ("attr", "key|m4|alto|3/2", {"fifths": -3}),
        ("attr", "clef|m4|alto/2|1/1", {"sign": "C", "line": 3}),
        ("attr", "barline|m4|*|left", {"style": "heavy-light", "repeat": "forward"}),
        ("attr", "barline|m4|*|2/1", {"style": "dashed"}),
        ("attr", "tempo|m4|*|0/1", {"unit": [3, 2], "bpm": 52.5, "text": "Adagio"}),
        ("lay", "m7", {"page": True}),
        ("meta", "hdr.identification", "<identification/>"),
    ],
)
def test_values_of_the_schema_are_accepted(
    document: Document, facet: str, key: str, value: object
) -> None:
    document[facet][key] = value
    assert validate(document) == []


def test_grace_notes_and_chords_are_accepted(document: Document) -> None:
    lead = document["ev"]["s1n1"]
    document["ev"]["x1"] = {**lead, "chord": "s1n1"}
    document["ev"]["x2"] = {**lead, "duration": [0, 1], "grace": {"order": "a0", "slash": True}}
    document["pt"].update(x1={"step": "G", "octave": 4}, x2={"step": "C", "octave": 5})
    assert validate(document) == []


@pytest.mark.parametrize(
    ("facet", "key", "field", "value"),
    [
        ("ev", "s1n1", "onset", [1, 0]),
        ("ev", "s1n1", "onset", [-1, 1]),
        ("ev", "s1n1", "onset", [1]),
        ("ev", "s1n1", "onset", [1.5, 1]),
        ("ev", "s1n1", "onset", [True, 1]),
        ("ev", "s1n1", "onset", "1/2"),
        ("ev", "s1n1", "duration", [2**53, 1]),
        ("ev", "s1n1", "kind", "rest"),
        ("ev", "s1n1", "kind", []),
        ("ev", "s1n1", "voice", 0),
        ("ev", "s1n1", "voice", True),
        ("ev", "s1n1", "type", "crotchet"),
        ("ev", "s1n1", "dots", 9),
        ("ev", "s1n1", "part", "1 2"),
        ("ev", "s1n1", "grace", {"slash": True}),
        ("ev", "s1n1", "grace", {"order": "a0", "more": 1}),
        ("pt", "s1n1", "step", "H"),
        ("pt", "s1n1", "step", ""),
        ("pt", "s1n1", "octave", 4.5),
        ("pt", "s1n1", "alter", "sharp"),
        ("pt", "s1n1", "alter", float("nan")),
        ("pt", "s1n1", "rest", True),
        ("nx", "s1n3", "beams", ["start"]),
        ("nx", "s1n3", "beams", ["begin"] * 65),
        ("nx", "s1n3", "beams", "begin"),
        ("nx", "s1n3", "fermata", True),
        ("sp", "slur-s1n3", "kind", "line"),
        ("dir", "heading", "placement", "left"),
        ("ly", "s1n1|1", "syllabic", "middel"),
        ("parts", "alto", "order", ""),
        ("parts", "alto", "order", "a b"),
        ("parts", "alto", "transposition", {"diatonic": 1}),
        ("measures", "m1", "length", [0, 1]),
        ("measures", "m1", "deleted", 1),
        ("attr", "time|m0|*|0/1", "beats", 4),
        ("attr", "clef|m0|alto|0/1", "sign", "H"),
        ("attr", "tempo|m0|*|0/1", "bpm", 0),
        ("lay", "m6", "system", "yes"),
    ],
)
def test_a_field_that_holds_something_else_is_named(
    document: Document, facet: str, key: str, field: str, value: object
) -> None:
    document[facet][key][field] = value
    (problem,) = validate(document)
    assert (problem.facet, problem.key, problem.code) == (facet, key, "bad-value")
    assert problem.detail.startswith(f"{field}: expected ")
    assert not problem.is_conflict


@pytest.mark.parametrize(
    ("facet", "key", "field"),
    [
        ("parts", "alto", "name"),
        ("measures", "m1", "order"),
        ("ev", "s1n1", "duration"),
        ("sp", "slur-s1n3", "end"),
        ("dir", "heading", "onset"),
        ("ly", "s1n1|1", "text"),
        ("attr", "key|m0|*|0/1", "fifths"),
        ("attr", "clef|m0|bass|0/1", "sign"),
    ],
)
def test_a_missing_field_is_named(document: Document, facet: str, key: str, field: str) -> None:
    del document[facet][key][field]
    assert validate(document) == [Problem(facet, key, "missing-field", field)]


def test_a_pitch_is_a_step_with_its_octave_or_a_rest(document: Document) -> None:
    document["pt"]["s1n1"] = {"step": "B"}
    assert validate(document) == [
        Problem("pt", "s1n1", "missing-field", "step and octave, or rest, or unpitched")
    ]


def test_a_field_the_schema_does_not_know_is_named(document: Document) -> None:
    document["ev"]["s1n1"]["colour"] = "red"
    assert validate(document) == [Problem("ev", "s1n1", "unknown-field", "colour")]


@pytest.mark.parametrize(
    ("facet", "key"),
    [
        *(("meta", ""), ("parts", "1"), ("measures", "m 1"), ("ev", "a|b"), ("lay", "m:1")),
        *(("ly", "s1n1"), ("ly", "s1n1|"), ("ly", "|1"), ("ly", "s1n1|1|2")),
        *(("attr", "time"), ("attr", "time|m0|*"), ("attr", "time|m0|*|0/1|x")),
        *(("attr", "metre|m0|*|0/1"), ("attr", "time|0|*|0/1"), ("attr", "time|m0||0/1")),
        *(("attr", "time|m0|*|0"), ("attr", "time|m0|*|2/4"), ("attr", "time|m0|*|0/2")),
        *(("attr", "time|m0|*|1/0"), ("attr", "time|m0|*|left"), ("attr", "time|m0|*|-1/2")),
        *(("attr", "clef|m0|alto/0|0/1"), ("attr", "clef|m0|alto/|0/1")),
        ("attr", "clef|m0|*/1|0/1"),
    ],
)
def test_a_key_that_names_no_place_is_refused(document: Document, facet: str, key: str) -> None:
    document[facet][key] = {}
    (problem,) = validate(document)
    assert (problem.facet, problem.key, problem.code) == (facet, key, "bad-key")


@pytest.mark.parametrize("value", [None, 1, "text", [], True])
def test_an_entry_that_is_no_object_is_refused(document: Document, value: object) -> None:
    document["ev"]["s1n1"] = value
    assert ("ev", "s1n1", "not-an-object") in _codes(validate(document))


@pytest.mark.parametrize("value", [None, 1, "text", []])
def test_a_facet_that_is_no_map_is_refused(value: object) -> None:
    assert _codes(validate({"lay": value})) == [("lay", "", "not-a-map")]


def test_a_root_that_is_no_facet_is_reported() -> None:
    assert _codes(validate({"notes": {}})) == [("notes", "", "unknown-facet")]


def test_meta_holds_text_only(document: Document) -> None:
    document["meta"]["title"] = {"text": "x"}
    assert _codes(validate(document)) == [("meta", "title", "bad-value")]


@pytest.mark.parametrize(
    ("facet", "key", "dangling"),
    [
        ("ev", "s1n3", {("pt", "s1n3"), ("nx", "s1n3"), ("sp", "slur-s1n3"), ("ly", "s1n3|1")}),
        ("measures", "m6", {("lay", "m6")}),
        ("parts", "bass", {("attr", "clef|m0|bass|0/1")}),
    ],
)
def test_what_an_erased_entry_leaves_behind_is_a_conflict_not_a_fault(
    document: Document, facet: str, key: str, dangling: set[tuple[str, str]]
) -> None:
    del document[facet][key]
    problems = validate(document, problems_max=1000)
    assert {(p.facet, p.key) for p in problems if p.facet != "ev"} == dangling
    assert {p.code for p in problems} == {"dangling"}
    assert all(p.is_conflict for p in problems)


def test_events_in_a_deleted_measure_are_recoverable_orphans(document: Document) -> None:
    document["measures"]["m6"]["deleted"] = True
    problems = validate(document)
    orphans = {key for key, event in document["ev"].items() if event["measure"] == "m6"}
    assert {p.key for p in problems if p.facet == "ev"} == orphans
    assert {(p.facet, p.key) for p in problems if p.facet != "ev"} == {("lay", "m6")}
    assert {p.code for p in problems} == {"orphaned"}
    assert all(p.is_conflict for p in problems)


def test_the_report_stops_at_its_bound(document: Document) -> None:
    document["parts"] = {}
    assert len(validate(document)) == 100
    assert len(validate(document, problems_max=7)) == 7
    assert len(validate(document, problems_max=1000)) == 193 + 3 + 1 + 1


def test_conflicts_hide_nothing_that_is_malformed(document: Document) -> None:
    document["parts"] = {}
    document["pt"]["s1n1"] = 1
    assert _codes(malformed(document)) == [("pt", "s1n1", "not-an-object")]
    assert [each for each in validate(document) if not each.is_conflict] == []


def test_the_report_is_ordered_by_facet_and_key_whatever_the_order_of_the_maps(
    document: Document,
) -> None:
    document["parts"] = {}
    turned = {name: dict(reversed(entries.items())) for name, entries in reversed(document.items())}
    assert validate(turned) == validate(document)


def test_a_report_never_shows_content_and_does_not_grow_with_it(document: Document) -> None:
    document["x" * 5000] = {}
    document["ev"]["y" * 5000] = {}
    document["ev"]["s1n1"]["z" * 5000] = 1
    document["meta"]["title"] = ["a secret"]
    problems = validate(document)
    assert len(problems) == 4
    assert all(len(repr(problem)) < 700 for problem in problems)
    assert "secret" not in repr(problems)


def _codes(problems: list[Problem]) -> list[tuple[str, str, str]]:
    return [(problem.facet, problem.key, problem.code) for problem in problems]
