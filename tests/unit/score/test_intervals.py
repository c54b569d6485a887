"""Spelling: the examples are those of any book on intervals."""

from __future__ import annotations

import pytest

from collab.score.intervals import (
    Interval,
    WrittenPitch,
    fitting_interval,
    signature_alter,
    transpose_pitch,
)

MINOR_SECOND = Interval(1, 1)
MAJOR_THIRD = Interval(2, 4)
DIMINISHED_FIFTH = Interval(4, 6)


def _pitch(name: str) -> WrittenPitch:
    signs = name[1:-1]
    return WrittenPitch(name[0], int(name[-1]), signs.count("#") - signs.count("b"))


@pytest.mark.parametrize(
    ("before", "interval", "after"),
    [
        ("C4", MAJOR_THIRD, "E4"),
        ("D4", MAJOR_THIRD, "F#4"),
        ("Bb4", MAJOR_THIRD, "D5"),
        ("F#4", MAJOR_THIRD, "A#4"),
        ("G#4", MAJOR_THIRD, "B#4"),
        ("B4", MINOR_SECOND, "C5"),
        ("E4", MINOR_SECOND, "F4"),
        ("F4", DIMINISHED_FIFTH, "Cb5"),
        ("C4", Interval(-1, -1), "B3"),
        ("C4", Interval(-7, -12), "C3"),
        ("Eb4", Interval(-2, -3), "C4"),
        ("A#4", MAJOR_THIRD, "C##5"),
        ("B##4", MAJOR_THIRD, "E#5"),  # D#### would be right by the book, and unreadable
        ("Fbb4", Interval(-2, -4), "Cb4"),
    ],
)
def test_edit_7_pitches_keep_their_spelling(before: str, interval: Interval, after: str) -> None:
    assert transpose_pitch(_pitch(before), interval) == _pitch(after)


def test_edit_7_quarter_tones_move_with_their_note() -> None:
    assert transpose_pitch(WrittenPitch("D", 4, 0.5), MAJOR_THIRD) == WrittenPitch("F", 4, 1.5)


@pytest.mark.parametrize(
    ("fifths", "interval", "moved"),
    [
        (0, MAJOR_THIRD, 4),  # C to E
        (-3, Interval(1, 2), -1),  # Eb to F
        (4, MAJOR_THIRD, -4),  # E to Ab, for G# would have eight sharps
        (-6, MINOR_SECOND, 1),  # Gb to G, for Abb would have thirteen flats
    ],
)
def test_edit_7_keys_have_at_most_seven_signs(fifths: int, interval: Interval, moved: int) -> None:
    assert fifths + fitting_interval(fifths, interval).fifths == moved


@pytest.mark.parametrize(
    ("fifths", "sharps", "flats"), [(2, "FC", ""), (-3, "", "BEA"), (0, "", "")]
)
def test_key_signatures_alter_their_letters(fifths: int, sharps: str, flats: str) -> None:
    altered = {step: signature_alter(step, fifths) for step in "ABCDEFG"}
    assert {step for step, alter in altered.items() if alter == 1} == set(sharps)
    assert {step for step, alter in altered.items() if alter == -1} == set(flats)
