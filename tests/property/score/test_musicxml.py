"""Whatever the bytes and whatever the document: MusicXML is read and written, or refused."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from collab.errors import InvalidScore, LimitExceeded
from collab.score.chorale import chorale_facets
from collab.score.musicxml import export_musicxml, pieces, read_musicxml, write_musicxml
from collab.score.musicxml.container import packed
from collab.score.schema import FACETS
from collab.score.validate import validate
from tests.support.musicxml import canonical
from tests.support.musicxml_samples import SAMPLES

IMPORTED: list[Any] = [read_musicxml(data).facets for data in SAMPLES.values()]
BASES: list[Any] = [chorale_facets(), *IMPORTED]
NAMES = st.sampled_from(
    sorted({key for facets in BASES for name in facets for key in facets[name]})
)
WORDS = st.sampled_from(
    [*("note", "start", "stop", "m1", "P1", "p1m1n1", "slur", "tie", "tuplet", "wedge", "words")]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2000)
    | st.floats(-9, 9)
    | WORDS
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
XML_TEXT = st.text(st.sampled_from("<>/=\"' abnote\n&;") | st.characters(), max_size=60)


@st.composite
def documents(draw: st.DrawFn) -> Any:  # noqa: ANN401 - any JSON
    """A score in which some fields and entries say something else."""
    facets = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(0, 6))):
        entries = facets[draw(st.sampled_from(FACETS))]
        key = draw(st.sampled_from(sorted(entries))) if entries else draw(NAMES)
        value = entries.get(key)
        if isinstance(value, dict) and value and draw(st.booleans()):
            field = draw(st.sampled_from(sorted(value)))
            others = [other.get(field) for other in entries.values() if isinstance(other, dict)]
            value[field] = draw(st.sampled_from(others) | VALUES)
        elif draw(st.booleans()):
            entries.pop(key, None)
        else:
            entries[draw(NAMES)] = draw(VALUES)
    return facets


@given(documents())
def test_mxl_7_any_document_is_exported_as_xml_that_is_read_again(facets: Any) -> None:  # noqa: ANN401
    before = repr(facets)
    exported = export_musicxml(facets)
    assert repr(facets) == before
    assert etree.fromstring(exported.data).tag in {"score-partwise", "score-timewise"}
    again = read_musicxml(exported.data)
    assert validate(again.facets) == []
    assert canonical(write_musicxml(again.facets)) == canonical(exported.data)


@given(st.lists(XML_TEXT, max_size=6))
def test_pieces_join_to_what_was_cut(texts: list[str]) -> None:
    found, cells = pieces.cut(texts)
    assert pieces.joined(found, cells) == texts
    assert len(found) == len(set(found))


@st.composite
def damaged(draw: st.DrawFn, files: list[bytes]) -> tuple[bytes, bytes]:
    """A file in which some bytes say something else, and the file as it was."""
    whole = draw(st.sampled_from(files))
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data) - 1))
        data[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data), whole


@given(damaged(list(SAMPLES.values())))
def test_mxl_6_any_bytes_are_a_score_or_refused(files: tuple[bytes, bytes]) -> None:
    data, _ = files
    try:
        imported = read_musicxml(data)
    except (InvalidScore, LimitExceeded):
        return
    assert validate(imported.facets) == []
    assert canonical(write_musicxml(imported.facets)) == canonical(data)


@given(damaged([packed(data) for data in SAMPLES.values()]))
def test_mxl_6_any_archive_is_the_score_that_was_packed_or_refused(
    files: tuple[bytes, bytes],
) -> None:
    data, whole = files
    try:
        imported = read_musicxml(data)
    except (InvalidScore, LimitExceeded):
        return
    # Its own sum guards what is in it.
    assert imported.facets == read_musicxml(whole).facets
