"""Where a comment stands, whatever became of what it was about."""

import pytest

from collab.score.anchors import (
    Anchor,
    AnchorState,
    Lookup,
    Onset,
    Placement,
    anchored,
    place_of,
    placement,
    read_onset,
)
from collab.score.chorale import chorale_facets
from collab.score.schema import Facets

CELL = {"part": "p", "measure": "m", "kind": "note", "onset": [3, 2], "duration": [1, 2]}


def score(**facets: dict[str, object]) -> Lookup:
    """The entries of a small score: a part, a measure, a deleted measure, and what is given."""
    held: dict[str, dict[str, object]] = {
        "parts": {"p": {"name": "Soprano"}},
        "measures": {"m": {"number": "1"}, "gone": {"number": "2", "deleted": True}},
        **facets,
    }
    return lambda facet, key: held.get(facet, {}).get(key)


def chorale() -> Lookup:
    facets: Facets = chorale_facets()
    return lambda facet, key: facets[facet].get(key)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("n", Anchor("n", "p", "m", (3, 2))),
        ("d", Anchor("d", "p", "m", (0, 1))),
        ("s", Anchor("s", "p", "m", (3, 2))),
        ("m", Anchor("m", None, "m", (0, 1))),
        ("p", Anchor("p", "p", None, None)),
        ("strange", Anchor("strange", None, "m", (0, 1))),
        ("nowhere", None),
        ("gone", None),
        ("in-gone", None),
        ("ring", None),
        ("unknown", None),
    ],
)
def test_an_element_of_any_kind_has_its_place(element: str, expected: Anchor | None) -> None:
    """CMT-5: A spanner stands where it begins, a part nowhere in particular."""
    lookup = score(
        ev={
            "n": CELL,
            "in-gone": CELL | {"measure": "gone"},
            "nowhere": CELL | {"measure": "never"},
            "strange": {"measure": "m", "part": 7, "onset": "now"},
        },
        dir={"d": {"part": "p", "measure": "m", "onset": [0, 1], "kind": "words"}},
        sp={"s": {"kind": "slur", "start": "n", "end": "d"}, "ring": {"start": "ring"}},
    )
    assert place_of(element, lookup) == expected


def test_a_note_of_the_chorale_is_found_where_it_stands() -> None:
    """CMT-5: The second quaver of the soprano's third beat is half a quarter into it."""
    facets = chorale_facets()
    onsets = {
        key: value["onset"]
        for key, value in facets["ev"].items()
        if isinstance(value, dict) and value["measure"] == "m1" and value["part"] == "soprano"
    }
    for key, onset in onsets.items():
        assert isinstance(onset, list)
        found = place_of(key, chorale())
        assert found == Anchor(key, "soprano", "m1", (onset[0], onset[1]))


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (Anchor(), Anchor()),
        (Anchor(element="n"), Anchor("n", "p", "m", (3, 2))),
        (Anchor("n", "other", "other", (9, 1)), Anchor("n", "p", "m", (3, 2))),
        (Anchor("new", "p", "m", (1, 1)), Anchor("new", "p", "m", (1, 1))),
        (Anchor(measure="m"), Anchor(None, None, "m", (0, 1))),
        (Anchor(part="nobody", measure="m"), Anchor(None, None, "m", (0, 1))),
        (Anchor(element="unknown"), None),
        (Anchor(measure="gone"), None),
        (Anchor(part="p"), None),
    ],
)
def test_what_is_kept_of_an_anchor_is_the_scores_own_account(
    wanted: Anchor, kept: Anchor | None
) -> None:
    """CMT-5: A client's place counts only where the element has not arrived yet."""
    assert anchored(wanted, score(ev={"n": CELL})) == kept


@pytest.mark.parametrize(
    ("anchor", "events", "expected"),
    [
        (Anchor(), {}, Placement(AnchorState.WHOLE)),
        (
            Anchor("n", "p", "m", (0, 1)),
            {"n": CELL},
            Placement(AnchorState.ATTACHED, "p", "m", (3, 2)),
        ),
        (
            Anchor("n", "p", "m", (1, 1)),
            {},
            Placement(AnchorState.DETACHED, "p", "m", (1, 1)),
        ),
        (
            Anchor("n", "p", "m", (1, 1)),
            {"n": CELL | {"measure": "gone"}},
            Placement(AnchorState.DETACHED, "p", "m", (1, 1)),
        ),
        (
            Anchor("n", "left", "gone", (1, 1)),
            {},
            Placement(AnchorState.DETACHED, None, None, None),
        ),
        (
            Anchor(measure="m", onset=(2, 1)),
            {},
            Placement(AnchorState.ATTACHED, None, "m", (2, 1)),
        ),
        (Anchor(measure="gone"), {}, Placement(AnchorState.DETACHED)),
    ],
)
def test_a_comment_is_detached_when_its_element_is_gone(
    anchor: Anchor, events: dict[str, object], expected: Placement
) -> None:
    """CMT-5: And attached where the element stands now, not where it stood."""
    assert placement(anchor, score(ev=events)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([3, 2], (3, 2)),
        ([3.0, 2.0], (3, 2)),
        ((0, 1), (0, 1)),
        ([1, 0], None),
        ([-1, 2], None),
        ([1.5, 2], None),
        ([True, 2], None),
        ([1, 2, 3], None),
        ("3/2", None),
        (None, None),
        ([float("nan"), 1], None),
    ],
)
def test_onsets_are_read_with_care(value: object, expected: Onset | None) -> None:
    assert read_onset(value) == expected
