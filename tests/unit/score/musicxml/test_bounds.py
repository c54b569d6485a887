"""Files that are no scores, or too much of one, end with a clear error."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from collab.errors import InvalidScore, LimitExceeded
from collab.limits import (
    SCORE_ARCHIVE_ENTRIES_MAX,
    SCORE_MEASURES_MAX,
    SCORE_PARTS_MAX,
    SCORE_XML_DEPTH_MAX,
)
from collab.score.musicxml import (
    container,
    current,
    read_musicxml,
    reading,
    source,
    timewise,
    writing,
)
from collab.score.musicxml.container import packed
from tests.support.musicxml_markup import first, measure, note, score
from tests.support.musicxml_samples import SAMPLES

SCORE = SAMPLES["pitches"]


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in entries:
            file.writestr(name, content)
    return out.getvalue()


def with_doctype(subset: str, content: str = "") -> bytes:
    return (
        f"<!DOCTYPE score-partwise [{subset}]><score-partwise>{content}</score-partwise>".encode()
    )


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 1, "empty"),
        (b"not xml", 1, "Start tag expected"),
        (b"<score-partwise>\n<part>\n</score-partwise>", 3, "mismatch"),
        (b"\n\n<html/>", 3, "<html>"),
        (b'<score-partwise a="\xff"/>', 1, "encoding"),
        (b'<?xml version="1.0" encoding="no-such"?><score-partwise/>', 1, "ncoding"),
    ],
)
def test_mxl_6_what_is_no_score_is_refused_with_its_line(
    data: bytes, line: int, words: str
) -> None:
    with pytest.raises(InvalidScore, match=words) as caught:
        read_musicxml(data)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


def test_mxl_6_findings_tell_their_lines() -> None:
    data = score(first("\n\n<note><rest/></note>")).replace(b"<part ", b"\n<part ")
    assert [(found.line, found.message) for found in read_musicxml(data).findings] == [
        (6, "a note has no duration that can be read")
    ]


@pytest.mark.parametrize(
    "data",
    [
        with_doctype('<!ENTITY a "b">', "<part-list>&a;</part-list>"),
        with_doctype('<!ENTITY a SYSTEM "file:///etc/hostname">', "<part-list>&a;</part-list>"),
        with_doctype('<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;'),
        with_doctype('<!ATTLIST part id CDATA "P1">'),
        b'<!DOCTYPE a [<!ATTLIST score-partwise version CDATA "9">]><score-partwise/>',
        '<!DOCTYPE a [<!ENTITY a "b">]><score-partwise/>'.encode("utf-16"),
        with_doctype('<!ENTITY a "b">').decode().encode("utf-16"),
        b"<!--" + b" " * 300_000 + b"-->" + with_doctype('<!ENTITY a "b">'),
        b'<?xml version="1.0" encoding="UTF-7"?>'
        + with_doctype('<!ENTITY a "b">').replace(b"<!", b"+ADwAIQ-"),
        b'<!DOCTYPE score-partwise SYSTEM "x.dtd"><score-partwise a="&b;"/>',
        b'<!DOCTYPE score-partwise SYSTEM "x.dtd"><score-partwise>&b;</score-partwise>',
    ],
)
def test_mxl_5_markup_that_is_declared_in_a_file_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidScore):
        read_musicxml(data)


def test_a_document_type_that_declares_nothing_is_no_harm() -> None:
    assert read_musicxml(with_doctype("<!-- nothing -->")).findings == []


def test_mxl_5_entities_that_multiply_are_refused_at_once() -> None:
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 10}">' for n in range(12)
    )
    with pytest.raises(InvalidScore):
        read_musicxml(with_doctype(entities, "<part-list>&e11;</part-list>"))


def nested(levels: int) -> bytes:
    inner = levels - 1
    return b"<score-partwise>" + b"<a>" * inner + b"</a>" * inner + b"</score-partwise>"


def measures(count: int) -> bytes:
    return score(measure("") * count)


def parts(count: int) -> bytes:
    return b"<score-partwise>" + b"<part/>" * count + b"</score-partwise>"


def entries(count: int) -> bytes:
    others = [(f"{number}.txt", b"") for number in range(count - 1)]
    return archive(("a.xml", SCORE), *others)


@pytest.mark.parametrize(
    ("made", "most", "limit"),
    [
        (nested, SCORE_XML_DEPTH_MAX, "SCORE_XML_DEPTH_MAX"),
        (measures, SCORE_MEASURES_MAX, "SCORE_MEASURES_MAX"),
        (parts, SCORE_PARTS_MAX, "SCORE_PARTS_MAX"),
        (entries, SCORE_ARCHIVE_ENTRIES_MAX, "SCORE_ARCHIVE_ENTRIES_MAX"),
    ],
)
def test_mxl_5_a_limit_is_passed_by_one(
    made: Callable[[int], bytes], most: int, limit: str
) -> None:
    read_musicxml(made(most))
    with pytest.raises(LimitExceeded) as caught:
        read_musicxml(made(most + 1))
    assert caught.value.limit == limit


FOUR_NOTES = score(first(note() * 2), measure(note() * 2, "2"))


@pytest.mark.parametrize(
    ("module", "limit", "most"),
    [
        (source, "SCORE_FILE_BYTES_MAX", len(FOUR_NOTES)),
        (source, "SCORE_XML_BYTES_MAX", len(FOUR_NOTES)),
        (source, "SCORE_XML_ELEMENTS_MAX", 5 + 2 + 10 + 4 * 7),
        (reading, "SCORE_NOTES_MAX", 4),
        (reading, "SCORE_CELLS_MAX", 2),
    ],
)
def test_mxl_5_large_limits_are_passed_by_one(
    monkeypatch: pytest.MonkeyPatch, module: object, limit: str, most: int
) -> None:
    monkeypatch.setattr(module, limit, most)
    facets = read_musicxml(FOUR_NOTES).facets
    assert len(facets["ev"]) == 4
    monkeypatch.setattr(module, limit, most - 1)
    with pytest.raises(LimitExceeded) as caught:
        read_musicxml(FOUR_NOTES)
    assert caught.value.limit == limit


def test_mxl_5_measures_that_parts_leave_out_are_counted_before_any_of_them_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = b"<score-timewise>%b<measure><part id='a'/><part id='b'/></measure></score-timewise>"
    monkeypatch.setattr(timewise, "SCORE_CELLS_MAX", 6)
    read_musicxml(data % (b"<measure/>" * 2))
    with pytest.raises(LimitExceeded) as caught:
        read_musicxml(data % (b"<measure/>" * 3))
    assert caught.value.limit == "SCORE_CELLS_MAX"


def test_mxl_5_elements_are_counted_before_any_of_them_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "SCORE_XML_ELEMENTS_MAX", 9)
    read_musicxml(nested(9))
    with pytest.raises(InvalidScore):
        read_musicxml(nested(9)[:-1])
    # That it is cut off is not seen any more.
    with pytest.raises(LimitExceeded) as caught:
        read_musicxml(nested(10)[:-1])
    assert caught.value.limit == "SCORE_XML_ELEMENTS_MAX"


def test_mxl_5_an_export_is_not_larger_than_a_score_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facets = read_musicxml(FOUR_NOTES).facets
    size = len(writing.write_musicxml(facets))
    monkeypatch.setattr(writing, "SCORE_XML_BYTES_MAX", size)
    writing.write_musicxml(facets)
    monkeypatch.setattr(writing, "SCORE_XML_BYTES_MAX", size - 1)
    with pytest.raises(LimitExceeded):
        writing.write_musicxml(facets)


def test_mxl_5_what_an_archive_inflates_to_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(SCORE)
    monkeypatch.setattr(container, "SCORE_ARCHIVE_RATIO_MAX", 1)
    monkeypatch.setattr(container, "_RATIO_BYTES_MIN", len(SCORE))
    read_musicxml(data)
    monkeypatch.setattr(container, "_RATIO_BYTES_MIN", len(SCORE) - 1)
    with pytest.raises(LimitExceeded) as caught:
        read_musicxml(data)
    assert caught.value.limit == "SCORE_ARCHIVE_RATIO_MAX"


def test_mxl_5_a_bomb_in_an_archive_is_not_inflated() -> None:
    bomb = archive(("a.xml", b"<score-partwise>" + b" " * 80_000_000 + b"</score-partwise>"))
    assert len(bomb) < 100_000
    with pytest.raises(LimitExceeded):
        read_musicxml(bomb)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_mxl_5_an_archive_is_packed_as_the_format_says(method: int) -> None:
    """Python's zip files inflate others whole before they give out what was asked for."""
    with pytest.raises(InvalidScore, match="packed in a way"):
        read_musicxml(archive(("a.xml", SCORE), method=method))


# The end of an archive: its magic, disks and counts, the directory's size and place, no comment.
END = struct.Struct("<4s4H2LH")


def end(magic: bytes, entries: int, size: int, place: int) -> bytes:
    return END.pack(magic, 0, 0, entries, entries, size, place, 0)


def test_mxl_5_the_end_of_an_archive_that_is_believed_is_the_one_that_is_read() -> None:
    plain = entries(SCORE_ARCHIVE_ENTRIES_MAX + 1)
    magic, *_, size, place, _ = END.unpack(plain[-END.size :])
    # The same directory, of which the end says that it is short and a record before it how long.
    start = len(plain) - END.size
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, place)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start, 1)
    large = plain[:start] + record + locator + end(magic, 1, 60, place)
    assert len(zipfile.ZipFile(io.BytesIO(large)).infolist()) == SCORE_ARCHIVE_ENTRIES_MAX + 1
    with pytest.raises(InvalidScore, match="more than a score may have"):
        read_musicxml(large)


def test_mxl_5_a_magic_within_the_end_of_an_archive_is_not_its_start() -> None:
    # What counts the entries reads as the magic of an end that is cut off, and says nothing.
    entries_read = int.from_bytes(b"PK", "little")
    size = int.from_bytes(b"\x05\x06\x00\x00", "little")
    data = b"PK\x03\x04" + b"\0" * size
    data += END.pack(b"PK\x05\x06", 0, 0, 1, entries_read, size, 4, 0)
    with pytest.raises(LimitExceeded) as caught:
        read_musicxml(data)
    assert caught.value.limit == "SCORE_ARCHIVE_ENTRIES_MAX"


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        packed(SCORE)[:-10],
        packed(SCORE)[: len(packed(SCORE)) // 2],
        archive(("readme.txt", b"")),
        archive(("META-INF/container.xml", b"<container"), ("a.xml", SCORE)),
    ],
)
def test_mxl_6_damaged_archives_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidScore):
        read_musicxml(data)


def test_without_a_container_a_score_is_found_by_its_suffix() -> None:
    data = archive(("mimetype", b""), ("readme.txt", b""), ("a.musicxml", SCORE))
    assert read_musicxml(data).facets["ev"] == read_musicxml(SCORE).facets["ev"]


def test_the_score_that_the_container_names_is_read() -> None:
    named = b'<container><rootfiles><rootfile full-path="b/two.xml"/></rootfiles></container>'
    data = archive(
        ("one.xml", SAMPLES["rests"]), ("META-INF/container.xml", named), ("b/two.xml", SCORE)
    )
    imported = read_musicxml(data)
    assert imported.facets == read_musicxml(SCORE).facets
    assert [found.message for found in imported.findings] == [
        "files beside the score in the archive are not kept"
    ]


def test_times_that_no_document_holds_are_refused() -> None:
    with pytest.raises(InvalidScore, match="too long"):
        read_musicxml(score(first(note("C4", 999_999_999_999_999) * 12, 1)))


def test_mxl_7_conflicts_do_not_stop_an_export_however_many_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after many measures with notes were deleted."""
    monkeypatch.setattr(current, "PROBLEMS_MAX", 3)
    facets: Any = read_musicxml(FOUR_NOTES).facets
    for measure_id in ("m1", "m2"):
        facets["measures"][measure_id]["deleted"] = True
    assert writing.export_musicxml(facets).findings == []
