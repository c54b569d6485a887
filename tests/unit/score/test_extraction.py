"""The words and melodies of a score."""

from typing import Any

import pytest

from collab.score.chorale import chorale_facets
from collab.score.extraction import melodies_of, text_of


def score(*notes: tuple[str, int, str], **more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A part with notes: (pitch, onset in quarters, id), each a quarter long."""
    facets: dict[str, dict[str, Any]] = {
        "parts": {"p": {"order": "a0", "name": "Melody", "staves": 1}},
        "measures": {
            "m1": {"order": "a0", "number": "1"},
            "m2": {"order": "a1", "number": "2", "deleted": True},
        },
        "ev": {},
        "pt": {},
    }
    for pitch, onset, key in notes:
        cell = {"part": "p", "measure": "m1", "kind": "note", "voice": 1, "staff": 1}
        facets["ev"][key] = {**cell, "onset": [onset, 1], "duration": [1, 1]}
        facets["pt"][key] = {"step": pitch[0], "octave": int(pitch[1:])}
    for facet, entries in more.items():
        facets.setdefault(facet, {}).update(entries)
    return facets


def test_the_chorale_is_found_by_its_words() -> None:
    """SCO-10: The first verse of Heermann's hymn, as it is printed."""
    text = text_of(chorale_facets())
    assert text.title == "Herzliebster Jesu, was hast du verbrochen"
    assert text.about["composer"] == "Johann Sebastian Bach"
    assert text.parts == ("Soprano", "Alto", "Tenor", "Bass")
    (verse,) = text.verses
    assert (verse.part, verse.verse) == ("soprano", "1")
    assert verse.text == (
        "Herzliebster Jesu, was hast du verbrochen, daß man ein solch scharf Urteil hat "
        "gesprochen? Was ist die Schuld, in was für Missetaten bist du geraten?"
    )
    assert text.words == ("Choral",)


def test_the_chorale_is_found_by_its_tune() -> None:
    """SCO-10: do do do ti sol, do re me, as hymnals have it; Bach passes through la to sol."""
    melodies = melodies_of(chorale_facets())
    assert list(melodies) == ["soprano", "alto", "tenor", "bass"]
    assert melodies["soprano"][:8] == (0, 0, -1, -2, -2, 5, 2, 1)


def test_a_melody_is_the_same_in_any_key_and_rhythm() -> None:
    """SCO-10."""
    one = score(("C4", 0, "a"), ("E4", 1, "b"), ("G4", 2, "c"))
    other = score(("F5", 0, "a"), ("A5", 2, "b"), ("C6", 3, "c"))
    assert melodies_of(one) == melodies_of(other) == {"p": (4, 3)}


def test_the_upper_line_is_what_nothing_higher_covers() -> None:
    """SCO-10: Chords count by their highest note; what moves below a held one does not."""
    facets = score(("C4", 0, "a"), ("G4", 0, "b"), ("E4", 1, "c"), ("A4", 2, "d"), ("C5", 3, "e"))
    facets["ev"]["b"]["duration"] = [2, 1]
    assert melodies_of(facets) == {"p": (2, 3)}


@pytest.mark.parametrize(
    "more",
    [
        {"sp": {"t": {"kind": "tie", "start": "a", "end": "b"}}},
        {"ev": {"b": {"part": "p", "measure": "m2", "onset": [1, 1], "duration": [1, 1]}}},
        {"pt": {"b": {"rest": "rest"}}},
        {"ev": {"b": {**score(("C4", 1, "b"))["ev"]["b"], "grace": {"order": "a0"}}}},
        {"pt": {"b": {"step": "H"}}},
    ],
)
def test_what_does_not_sound_anew_is_no_note_of_a_melody(more: dict[str, Any]) -> None:
    """SCO-10: Tied notes, rests, grace notes, and what stands in a deleted measure."""
    facets = score(("C4", 0, "a"), ("C4", 1, "b"), ("D4", 2, "c"))
    for facet, entries in more.items():
        facets.setdefault(facet, {}).update(entries)
    assert melodies_of(facets) == {"p": (2,)}


def test_verses_and_words_are_in_the_order_of_the_score() -> None:
    """SCO-10: Each verse by itself, words once, nothing of a deleted measure."""
    cell = {"part": "p", "measure": "m1"}
    facets = score(
        ("C4", 1, "x"),
        ("D4", 0, "y"),
        ly={
            "x|1": {"text": "rie", "syllabic": "end"},
            "y|1": {"text": "Ky", "syllabic": "begin"},
            "y|2": {"text": "Oh", "syllabic": "single"},
            "gone|1": {"text": "lost", "syllabic": "single"},
        },
        dir={
            "d1": {**cell, "onset": [2, 1], "kind": "words", "text": "dolce"},
            "d2": {**cell, "onset": [0, 1], "kind": "rehearsal", "text": "A"},
            "d3": {**cell, "onset": [3, 1], "kind": "words", "text": "dolce"},
            "d4": {**cell, "onset": [3, 1], "kind": "dynamics", "text": "ff"},
            "d5": {"part": "p", "measure": "m2", "onset": [0, 1], "kind": "words", "text": "old"},
        },
    )
    text = text_of(facets)
    assert [(each.verse, each.text) for each in text.verses] == [("1", "Kyrie"), ("2", "Oh")]
    assert text.words == ("A", "dolce")


@pytest.mark.parametrize("odd", [{}, {"ly": {"x": 1}, "meta": {"title": 3}}, {"ev": {"x": {}}}])
def test_what_is_no_score_has_no_words(odd: Any) -> None:  # noqa: ANN401 - odd
    assert text_of(odd).title == ""
    assert melodies_of(odd) == {}
