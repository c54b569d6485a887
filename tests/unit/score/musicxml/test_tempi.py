"""Tempi in a file: what is heard, and the mark that shows it."""

from __future__ import annotations

from typing import Any

from lxml import etree

from collab.score.musicxml import read_musicxml, write_musicxml
from tests.support.musicxml_markup import first, note, score

MARKED = (
    '<direction placement="above"><direction-type><words>Andante</words></direction-type>'
    "<direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>60</per-minute>"
    '</metronome></direction-type><sound tempo="60"/></direction>'
)
ALLEGRO: Any = {"unit": [3, 2], "bpm": 80, "text": "Allegro"}


def _written(facets: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401 - facets to be changed
    """Words, marks and tempi in the order of the file."""
    tree: Any = etree.fromstring(write_musicxml(facets))
    return [
        (each.tag, each.findtext("per-minute") or each.get("tempo") or each.text)
        for each in tree.iter("words", "metronome", "sound")
    ]


def test_mxl_4_a_tempo_whose_mark_was_taken_away_has_one_of_its_own() -> None:
    facets: Any = read_musicxml(score(first(MARKED + note()))).facets
    (mark,) = [key for key, value in facets["dir"].items() if value["kind"] == "metronome"]
    del facets["dir"][mark]
    facets["attr"]["tempo|m1|*|0/1"] = ALLEGRO
    assert _written(facets) == [
        *(("words", "Andante"), ("sound", None)),
        *(("words", "Allegro"), ("metronome", "80"), ("sound", "120")),
    ]


def test_mxl_4_a_tempo_of_which_a_file_says_nothing_but_what_is_heard_gets_its_words() -> None:
    facets: Any = read_musicxml(score(first('<sound tempo="60"/>' + note()))).facets
    facets["attr"]["tempo|m1|*|0/1"] = {"unit": [1, 1], "bpm": 90}
    assert _written(facets) == [("sound", "90")]
    facets["attr"]["tempo|m1|*|0/1"] = ALLEGRO
    assert _written(facets) == [
        *(("sound", None), ("words", "Allegro"), ("metronome", "80"), ("sound", "120")),
    ]
