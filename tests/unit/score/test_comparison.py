"""What changed between two states of a score, as a musician would say it."""

from typing import Any

import pytest

from collab.score.chorale import chorale_facets
from collab.score.comparison import Comparison, compare_scores, counts, told
from collab.score.schema import Facets


def changed(facets: Facets, facet: str, key: str, **fields: object) -> None:
    """Change fields of an entry; None takes one away."""
    value: Any = facets[facet].get(key)
    merged = {**(value or {}), **fields}
    facets[facet][key] = {name: each for name, each in merged.items() if each is not None}


def said(comparison: Comparison) -> dict[str, list[tuple[Any, ...]]]:
    """The changes of elements by the numbers of their measures."""
    pieces: list[dict[str, Any]] = [item for kind, item in told(comparison) if kind == "measures"]
    return {
        piece["number"]: [
            (each["change"], each["old"], each["new"], tuple(each["aspects"]))
            for each in piece["changes"]
        ]
        for piece in pieces
    }


@pytest.fixture
def old() -> Facets:
    return chorale_facets()


@pytest.fixture
def new() -> Facets:
    return chorale_facets()


def note_of(facets: Facets, part: str, measure: str, onset: list[int]) -> str:
    """The id of the note of a part at a place."""
    (found,) = (
        key
        for key, value in facets["ev"].items()
        if isinstance(value, dict)
        and (value["part"], value["measure"], value["onset"]) == (part, measure, onset)
    )
    return found


def test_a_score_does_not_differ_from_itself(old: Facets, new: Facets) -> None:
    """VER-17."""
    comparison = compare_scores(old, new)
    assert comparison == Comparison((), ())
    assert counts(comparison) == {"added": 0, "removed": 0, "changed": 0}


def test_a_note_is_told_by_what_changed_about_it(old: Facets, new: Facets) -> None:
    """VER-17: The chorale begins with a B in the soprano; made a C sharp, it is re-pitched."""
    first = note_of(new, "soprano", "m0", [0, 1])
    changed(new, "pt", first, step="C", octave=5, alter=1)
    assert said(compare_scores(old, new)) == {
        "0": [("changed", 'B4 quarter "Herz"', 'C#5 quarter "Herz"', ("pitch",))]
    }
    changed(new, "ev", first, duration=[1, 2], type="eighth")
    changed(new, "nx", first, fermata="upright")
    changed(new, "ly", f"{first}|1", text="Schmerz")
    (change,) = said(compare_scores(old, new))["0"]
    assert change[3] == ("pitch", "rhythm", "notation", "lyrics")
    assert change[2] == 'C#5 eighth "Schmerz"'


def test_a_note_that_moves_is_one_change(old: Facets, new: Facets) -> None:
    """VER-17: Told in the measure where it is now, with that where it was."""
    note = note_of(new, "bass", "m1", [0, 1])
    changed(new, "ev", note, measure="m2", onset=[7, 2])
    pieces = [item for kind, item in told(compare_scores(old, new)) if kind == "measures"]
    (measure,) = (piece for piece in pieces if piece["number"] == "2")
    changes: Any = measure["changes"]
    (change,) = (each for each in changes if each["element"] == note)
    assert change["from_measure"] == "m1"
    assert change["onset"] == [7, 2]
    assert change["aspects"] == ["place", "rhythm"]


def test_what_came_and_went_is_told_in_its_measure(old: Facets, new: Facets) -> None:
    """VER-17: Notes, directions, settings and breaks, those for all parts first."""
    gone = note_of(new, "alto", "m1", [0, 1])
    for facet in ("ev", "pt", "nx"):
        new[facet].pop(gone, None)
    new["dir"]["loud"] = {
        "part": "tenor",
        "measure": "m1",
        "onset": [0, 1],
        "kind": "dynamics",
        "text": "f",
    }
    new["attr"]["key|m1|*|0/1"] = {"fifths": -3, "mode": "minor"}
    new["lay"]["m1"] = {"system": True}
    found = said(compare_scores(old, new))["1"]
    assert [each[:3] for each in found] == [
        ("added", None, "system break"),
        ("added", None, "key of -3 fifths minor"),
        ("removed", found[2][1], None),
        ("added", None, "dynamics f"),
    ]
    assert set(said(compare_scores(new, old))["1"]) == {
        ("removed" if kind == "added" else "added", after, before, aspects)
        for kind, before, after, aspects in found
    }


def test_with_a_deleted_measure_goes_all_that_stands_in_it(old: Facets, new: Facets) -> None:
    """VER-17: Marked or erased; and a line that loses an end goes as well."""
    slur = {"kind": "slur", "start": note_of(old, "soprano", "m0", [0, 1])}
    end = note_of(old, "soprano", "m2", [0, 1])
    old["sp"]["slur"] = new["sp"]["slur"] = {**slur, "end": end}
    changed(new, "measures", "m2", deleted=True)
    comparison = compare_scores(old, new)
    pieces = {each.number: each for each in comparison.measures}
    assert set(pieces) == {"0", "2"}
    assert pieces["2"].change == "removed"
    assert {each.change for each in pieces["2"].changes} == {"removed"}
    in_measure = sum(isinstance(v, dict) and v["measure"] == "m2" for v in old["ev"].values())
    notes = [each for each in pieces["2"].changes if each.element.kind in {"note", "rest"}]
    assert len(notes) == in_measure
    assert [each.element.element_id for each in pieces["0"].changes] == ["slur"]
    del new["measures"]["m2"]
    assert compare_scores(old, new) == comparison


def test_titles_and_parts_are_told_by_themselves(old: Facets, new: Facets) -> None:
    """VER-17."""
    new["meta"]["title"] = "Another"
    changed(new, "parts", "bass", name="Basso")
    entries = [item for kind, item in told(compare_scores(old, new)) if kind == "entries"]
    assert [(each["facet"], each["key"], each["change"]) for each in entries] == [
        ("meta", "title", "changed"),
        ("parts", "bass", "changed"),
    ]
    assert entries[0]["new"] == "Another"


@pytest.mark.parametrize(
    "odd",
    [
        {"ev": {"x": 1, "y": {"measure": "m1"}, "z": {"measure": 3, "onset": "now"}}},
        {"attr": {"time": {}, "key|m1|*|1/0": {}, "clef|m1|x|left": 2}},
        {"attr": {f"key|m1|*|{'1' * 5000}/1": {"fifths": 1}}},
        {"sp": {"s": {"start": "s"}, "t": {"start": [], "end": {}}}},
        {"ly": {"|": {"text": 3}, "x|": 4}},
        {"measures": {"m1": "deleted"}},
        {"parts": {"p": None}, "meta": {"title": 4}},
    ],
)
def test_what_is_no_score_is_compared_all_the_same(odd: Any, old: Facets) -> None:  # noqa: ANN401 - odd
    there = {facet: {**old[facet], **odd.get(facet, {})} for facet in old}
    back = compare_scores(there, old)
    assert compare_scores(there, there) == Comparison((), ())
    assert len(back.measures) == len(compare_scores(old, there).measures)
