"""The plain-letter notation reads what it says and refuses what it does not know."""

from __future__ import annotations

from fractions import Fraction

import pytest

from collab.score.notation import parse_line, parse_text


def test_a_bare_note_is_a_quarter_and_onsets_add_up() -> None:
    (notes,) = parse_line("C4 D4/8 E4/4. F4/2 G4/1 A4/16 B4/8..", 0)
    assert [note.duration for note in notes] == [
        *(Fraction(1), Fraction(1, 2), Fraction(3, 2), Fraction(2)),
        *(Fraction(4), Fraction(1, 4), Fraction(7, 8)),
    ]
    assert [note.onset for note in notes] == [
        *(Fraction(0), Fraction(1), Fraction(3, 2), Fraction(3)),
        *(Fraction(5), Fraction(9), Fraction(37, 4)),
    ]
    assert [(note.type, note.dots) for note in notes] == [
        *(("quarter", 0), ("eighth", 0), ("quarter", 1), ("half", 0)),
        *(("whole", 0), ("16th", 0), ("eighth", 2)),
    ]


def test_signs_are_printed_once_in_a_measure_for_their_octave_only() -> None:
    first, second = parse_line("F#4 F#4 F#5 F4 | F#4 C5 B4 Bb4", 0)
    assert [note.accidental for note in first] == ["sharp", "", "sharp", "natural"]
    assert [note.accidental for note in second] == ["sharp", "", "", "flat"]


@pytest.mark.parametrize(
    ("fifths", "line"),
    [(2, "F#4 C#5 G4"), (-3, "Bb4 Eb4 Ab4 D4"), (0, "F4 B4"), (7, "B#3"), (-7, "Fb4")],
)
def test_what_the_key_signature_says_is_not_printed(fifths: int, line: str) -> None:
    (notes,) = parse_line(line, fifths)
    assert [note.accidental for note in notes] == [""] * len(notes)


def test_leaving_the_key_signature_prints_a_sign() -> None:
    (notes,) = parse_line("F4 B4", -2)
    assert [note.accidental for note in notes] == ["", "natural"]


def test_brackets_beam_and_carets_hold() -> None:
    (notes,) = parse_line("[C4/8 D4/8 E4/8] F4/8 [G4/16 A4/16] B4^", 0)
    assert [note.beams for note in notes] == [
        *(("begin",), ("continue",), ("end",), (), ("begin", "begin"), ("end", "end"), ())
    ]
    assert [note.has_fermata for note in notes] == [False] * 6 + [True]


@pytest.mark.parametrize(
    "line",
    [
        *("", "H4", "C", "C4/3", "C4/", "C4/32", "c4", "C##4", "C4 || D4", "R"),
        *("[C4/8 D4/8", "C4/8]", "[C4/8 [D4/8 E4/8]", "[C4/8]", "[C4/8 | D4/8]"),
        "[C4 D4]",
    ],
)
def test_what_is_not_in_the_notation_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a note|beam|measure"):
        parse_line(line, 0)


def test_words_divide_at_hyphens_and_holds_lengthen_syllables() -> None:
    sung = parse_text("A- ma- _ zing grace,", 5)
    assert [(s.text, s.syllabic, s.first, s.last) for s in sung] == [
        ("A", "begin", 0, 0),
        ("ma", "middle", 1, 2),
        ("zing", "end", 3, 3),
        ("grace,", "single", 4, 4),
    ]


@pytest.mark.parametrize("text", ["one two", "one two three four", "_ one two", ""])
def test_text_that_does_not_fit_the_notes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="3 notes"):
        parse_text(text, 3)
