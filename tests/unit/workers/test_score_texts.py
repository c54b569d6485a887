"""Scores as Verovio takes them, and what is refused before it sees them."""

import pytest
from lxml import etree

from collab.score.musicxml.container import packed
from tests.support.sheet import score
from workers.tools.failures import Failure, TooLarge
from workers.tools.texts import musicxml_bytes, musicxml_text

SCORE = score(2, title="Tést")
BARE = SCORE.partition("?>")[2]


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{BARE}'


def canonical(text: str) -> str:
    return str(etree.canonicalize(text))


@pytest.mark.parametrize(
    "data",
    [
        SCORE.encode(),
        BARE.encode(),
        b"\xef\xbb\xbf" + SCORE.encode(),
        declared("UTF-16").encode("utf-16"),
        declared("ISO-8859-1").encode("latin-1"),
        packed(SCORE.encode()),
    ],
)
def test_texts_are_read_in_their_encoding(data: bytes) -> None:
    """TOOL-3: Packed or not."""
    text = musicxml_text(data)
    assert canonical(text) == canonical(BARE)
    assert text.startswith("<score-partwise")
    assert musicxml_text(musicxml_bytes(text)) == text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "XML"),
        (b"<mei/>", "the root is <mei>"),
        (SCORE.encode()[:-9], "line 1: not well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY a "b">]><score-partwise>&a;</score-partwise>', "entities"),
        (b"PK\x03\x04", "archive"),
    ],
)
def test_what_is_no_score_is_refused_with_a_reason(data: bytes, said: str) -> None:
    """TOOL-5: The library would take most of it, as an empty score."""
    with pytest.raises(Failure, match=said):
        musicxml_text(data)


@pytest.mark.parametrize(
    "bomb",
    [
        packed(b"<score-partwise>" + b" " * 50_000_000 + b"</score-partwise>"),
        b"<score-partwise>" * 100 + b"</score-partwise>" * 100,
    ],
    ids=["archive", "nesting"],
)
def test_what_is_too_much_is_told_as_such(bomb: bytes) -> None:
    """TOOL-5."""
    with pytest.raises(TooLarge):
        musicxml_text(bomb)
