"""Keys, ids and numbers of the score document."""

from __future__ import annotations

from fractions import Fraction

import pytest

from collab.score.schema import (
    FACETS,
    attribute_key,
    is_ncname,
    normalise_numbers,
    rational,
    syllable_key,
)


def test_facets_are_the_twelve_maps_of_the_score_document() -> None:
    assert " ".join(FACETS) == "meta parts measures ev pt nx sp dir ly attr lay raw"


@pytest.mark.parametrize(
    "text", ["a", "_", "s1n3", "P1.2", "a-b", "Ärger", "é", "hdr.credit", "a·"]
)
def test_xml_names_without_colon_are_ids(text: str) -> None:
    assert is_ncname(text)


@pytest.mark.parametrize(
    "value",
    [*("", "1a", "-a", ".a", "a b", "a:b", "a|b", "a/b", "*", "a\n", "×", "·a"), 1, None, ["a"]],
)
def test_what_xml_would_not_take_as_an_id_is_none(value: object) -> None:
    assert not is_ncname(value)


def test_ids_have_at_most_128_characters() -> None:
    assert is_ncname("a" * 128)
    assert not is_ncname("a" * 129)


def test_times_are_written_in_lowest_terms() -> None:
    assert rational(Fraction(6, 4)) == [3, 2]
    assert rational(Fraction(0, 7)) == [0, 1]
    assert rational(2) == [2, 1]


def test_keys_name_the_place() -> None:
    assert syllable_key("s1n1", "1") == "s1n1|1"
    assert attribute_key("time", "m1", "*", Fraction(0)) == "time|m1|*|0/1"
    assert attribute_key("clef", "m2", "P1/2", Fraction(6, 4)) == "clef|m2|P1/2|3/2"
    assert attribute_key("barline", "m11", "*", "right") == "barline|m11|*|right"


def test_whole_floats_become_integers_at_every_depth_and_others_stay() -> None:
    read = {"ev": {"a": {"onset": [3.0, 2.0], "bpm": 60.5, "dots": 0.0, "flag": True}}}
    normalised = normalise_numbers(read)
    assert repr(normalised) == (
        "{'ev': {'a': {'onset': [3, 2], 'bpm': 60.5, 'dots': 0, 'flag': True}}}"
    )


def test_reading_leaves_the_value_it_was_given_alone() -> None:
    read = {"a": [1.0]}
    normalise_numbers(read)
    assert repr(read) == "{'a': [1.0]}"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (-0.0, "0"),
        (9007199254740991.0, "9007199254740991"),
        (9007199254740992.0, "9007199254740992.0"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_only_floats_that_are_exact_integers_are_taken_for_integers(
    number: float, expected: str
) -> None:
    assert repr(normalise_numbers(number)) == expected


def test_bottomless_nesting_is_left_alone_instead_of_followed() -> None:
    value: object = 1.0
    for _ in range(100_000):
        value = [value]
    assert isinstance(normalise_numbers(value), list)
    while isinstance(value, list):  # freed step by step: the interpreter frees recursively
        value = value[0]
