"""What was not edited goes out as it came in."""

from __future__ import annotations

from typing import Any

import pytest

from collab.score.musicxml import read_musicxml, write_musicxml
from collab.score.musicxml.container import packed
from collab.score.validate import validate
from tests.support.musicxml import canonical, through_a_document
from tests.support.musicxml_markup import first, measure, notations, note, score
from tests.support.musicxml_samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_mxl_1_a_score_that_was_not_edited_is_exported_as_it_came(name: str) -> None:
    imported = read_musicxml(SAMPLES[name])
    assert validate(imported.facets) == []
    exported = write_musicxml(through_a_document(imported.facets))
    assert canonical(exported) == canonical(SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_mxl_1_reading_again_what_was_exported_finds_the_same_facts(name: str) -> None:
    facets = read_musicxml(SAMPLES[name]).facets
    again = read_musicxml(write_musicxml(facets)).facets
    assert {**again, "raw": {}} == {**facets, "raw": {}}


@pytest.mark.parametrize(
    "behind",
    [
        notations(f"<articulations>{'<accent/>' * 40}</articulations>" * 2),
        "".join(f'<beam number="{level}">begin</beam>' for level in range(1, 66)),
    ],
)
def test_mxl_1_of_more_signs_at_a_note_than_a_document_holds_none_is_lost(behind: str) -> None:
    data = score(first(note(behind=behind)))
    imported = read_musicxml(data)
    assert validate(imported.facets) == []
    assert canonical(write_musicxml(imported.facets)) == canonical(data)


@pytest.mark.parametrize(
    "body",
    ["<!-- to come -->", f"before {first(note())} between <!-- x --> and {measure(note())} after"],
)
def test_mxl_1_what_else_a_part_says_is_kept(body: str) -> None:
    data = score(first(note())).replace(b"</part>", b"</part><part>" + body.encode() + b"</part>")
    imported = read_musicxml(data)
    assert canonical(write_musicxml(through_a_document(imported.facets))) == canonical(data)


def test_mxl_1_a_part_that_leaves_measures_out_has_its_music_where_it_stood() -> None:
    facets: Any = read_musicxml(SAMPLES["timewise with parts that leave measures out"]).facets
    assert list(facets["measures"]) == ["m1", "m2", "m3"]
    horn = [event["measure"] for event in facets["ev"].values() if event["part"] == "P2"]
    assert horn == ["m1"] * 4 + ["m3"]


def test_mxl_6_a_part_that_comes_twice_in_a_measure_is_told() -> None:
    data = SAMPLES["timewise"].replace(b'<part id="P2">', b'<part id="P1">', 1)
    imported = read_musicxml(data)
    assert ["twice" in finding.message for finding in imported.findings] == [True]
    events: Any = imported.facets["ev"]
    assert [event["measure"] for event in events.values()].count("m1") == 8


def test_mxl_1_many_comments_before_a_measure_are_read_in_time() -> None:
    # A measure of Finale's that was taken out line by line; copied for each line, it takes minutes.
    comment = f"<!--{' ' * 300}-->"
    data = score(first(note())).replace(b"<measure", comment.encode() * 40_000 + b"<measure")
    imported = read_musicxml(data)
    assert canonical(write_musicxml(imported.facets)) == canonical(data)


def test_a_staff_is_read_as_the_number_that_it_is() -> None:
    data = score(first(note(behind="<staff>2</staff>") + note(behind="<staff>000012</staff>")))
    events: Any = read_musicxml(data).facets["ev"]
    assert [event["staff"] for event in events.values()] == [2, 12]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "windows-1252"])
def test_any_encoding_holds_the_same_score(encoding: str) -> None:
    text = SAMPLES["credits and defaults"].decode()
    data = text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)
    assert canonical(write_musicxml(read_musicxml(data).facets)) == canonical(text.encode())


def test_a_byte_order_mark_is_no_part_of_the_score() -> None:
    data = SAMPLES["pitches"]
    assert read_musicxml(b"\xef\xbb\xbf" + data).facets == read_musicxml(data).facets


def test_an_archive_holds_the_same_score() -> None:
    data = SAMPLES["pitches"]
    assert read_musicxml(packed(data)).facets == read_musicxml(data).facets


def test_the_document_type_is_kept() -> None:
    exported = write_musicxml(read_musicxml(SAMPLES["pitches"]).facets)
    assert b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0' in exported
