"""Scores out of encodings and containers, and what is refused before any library sees it."""

import io
import zipfile
from xml.etree.ElementTree import fromstring

import pytest

from tests.support.sheet import score
from workers.tools import texts
from workers.tools.failures import Failure, TooLarge
from workers.tools.texts import musicxml_text, packed, unpacked

SCORE = score(2, title="Tést")
BARE = SCORE.partition("?>")[2]


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{BARE}'


@pytest.mark.parametrize(
    "data",
    [
        SCORE.encode(),
        BARE.encode(),
        b"\xef\xbb\xbf" + SCORE.encode(),
        declared("UTF-16").encode("utf-16"),
        declared("UTF-16").encode("utf-16-le"),
        b"\xfe\xff" + declared("UTF-16").encode("utf-16-be"),
        declared("ISO-8859-1").encode("latin-1"),
        declared("windows-1252").encode("cp1252"),
    ],
)
def test_texts_are_read_in_their_encoding(data: bytes) -> None:
    """TOOL-3."""
    assert musicxml_text(data).strip() == BARE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no element"),
        (b"\xff\xfe\x00", "no text in utf-16"),
        (b"<a>\xff</a>", "no text in utf-8"),
        (declared("martian").encode(), "no text in martian"),
        (b"<mei/>", "begins with <mei>"),
        (SCORE.encode()[:-9], "no well-formed XML: .* line 1, column"),
        (b'<!DOCTYPE a [<!ENTITY a "b">]><score-partwise>&a;</score-partwise>', "entities"),
        (b"<score-partwise>" * 101 + b"</score-partwise>" * 101, "deeper than 100"),
    ],
)
def test_what_is_no_score_is_refused_with_a_reason(data: bytes, said: str) -> None:
    """TOOL-5: The library would take most of it, as an empty score."""
    with pytest.raises(Failure, match=said):
        musicxml_text(data)


def test_a_score_is_packed_and_unpacked() -> None:
    """TOOL-6: And packed to the same bytes each time."""
    assert unpacked(packed(SCORE.encode())) == SCORE.encode()
    assert packed(SCORE.encode()) == packed(SCORE.encode())
    with zipfile.ZipFile(io.BytesIO(packed(SCORE.encode()))) as archive:
        assert archive.namelist()[0] == "mimetype"
        container = fromstring(archive.read("META-INF/container.xml"))  # noqa: S314 - ours
        (rootfile,) = container.iter("rootfile")
        assert archive.read(rootfile.attrib["full-path"]) == SCORE.encode()


def container(parts: dict[str, bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return into.getvalue()


def test_the_score_that_the_container_names_is_taken() -> None:
    """TOOL-3: Whatever else is in it; without a container, the first score."""
    names = b"<container><rootfiles><rootfile full-path='b.xml'/></rootfiles></container>"
    parts = {"a.xml": b"not this", "b.xml": SCORE.encode()}
    assert unpacked(container({"META-INF/container.xml": names, **parts})) == SCORE.encode()
    assert unpacked(container({"x.png": b"", "c.xml": SCORE.encode()})) == SCORE.encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK", "no compressed MusicXML"),
        (container({}), "holds no score"),
        (container({"META-INF/container.xml": b"<container/>"}), "names no score"),
        (
            container({"META-INF/container.xml": b"<rootfile full-path='gone.xml'/>"}),
            "no compressed MusicXML",
        ),
    ],
)
def test_a_container_without_a_score_is_refused(data: bytes, said: str) -> None:
    """TOOL-5."""
    with pytest.raises(Failure, match=said):
        unpacked(data)


def test_a_bomb_is_not_unpacked_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """TOOL-5: Whatever size it claims to have."""
    bomb = container({"a.xml": bytes(2_000_000)})
    assert len(bomb) < 3_000
    assert len(unpacked(bomb)) == 2_000_000
    monkeypatch.setattr(texts, "TEXT_BYTES_MAX", 1_999_999)
    with pytest.raises(TooLarge, match="unpacked"):
        unpacked(bomb)
    with pytest.raises(TooLarge, match="1001 parts"):
        unpacked(container({f"{number}.xml": b"" for number in range(1_001)}))
