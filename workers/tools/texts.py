"""Texts of scores, out of the bytes and containers that they come in."""

from __future__ import annotations

import io
import re
import zipfile
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Final
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import quoteattr

from collab.limits import MIB
from workers.tools.failures import Failure, TooLarge

TEXT_BYTES_MAX: Final = 64 * MIB
"""Of one score, out of its container."""

DEPTH_MAX: Final = 100
"""Elements in elements; a score has some ten."""

_ENTRIES_MAX: Final = 1_000
_CONTAINER: Final = "META-INF/container.xml"
_SCORE: Final = "score.musicxml"
_MEDIA_TYPE: Final = "application/vnd.recordare.musicxml"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time that a container can tell
_DECLARED: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_DECLARATION: Final = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_ROOTFILE: Final = re.compile(r"<rootfile\s[^>]*?full-path\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ROOT: Final = re.compile(r"<(?![!?])([A-Za-z_][\w.:-]*)")


def text_of_xml(data: bytes) -> str:
    """An XML text in any encoding that Python knows, without its declaration and byte order mark.

    Raises:
        Failure: the bytes are no text in the encoding that they declare, or entities are declared.
        TooLarge: there are too many.
    """
    if len(data) > TEXT_BYTES_MAX:
        raise TooLarge(f"the score has {len(data)} bytes; {TEXT_BYTES_MAX} may be")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise Failure(f"the file is no text in {encoding}: {error}") from error
    text = _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)
    root = _ROOT.search(text)
    if root is None:
        raise Failure("the file is no XML: there is no element in it")
    if "<!ENTITY" in text[: root.start()]:
        raise Failure("the file declares entities, which are not expanded")
    return text


def musicxml_text(data: bytes) -> str:
    """The text of an uncompressed MusicXML file.

    Raises:
        Failure: as `text_of_xml`, or it is another kind of XML.
        TooLarge: as `text_of_xml`.
    """
    text = text_of_xml(data)
    root = _ROOT.search(text)
    assert root is not None
    if root[1] not in {"score-partwise", "score-timewise"}:
        raise Failure(f"the file is no MusicXML score: it begins with <{root[1]}>")
    _require_whole(text)
    return text


def _require_whole(text: str) -> None:
    """Refuse what is no well-formed XML, or nested deeper than any score; Verovio takes it."""
    depth = 0

    def begin(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_MAX:
            raise Failure(f"the file is nested deeper than {DEPTH_MAX} elements")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    try:
        parser.Parse(text, True)  # noqa: FBT003 - the last piece
    except ExpatError as error:
        raise Failure(f"the file is no well-formed XML: {error}") from error


def unpacked(data: bytes) -> bytes:
    """The score in a compressed MusicXML file.

    Raises:
        Failure: it is no such container, or names no score in it.
        TooLarge: the score is, unpacked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > _ENTRIES_MAX:
                raise TooLarge(f"the file has {len(names)} parts; {_ENTRIES_MAX} may be")
            return _read(archive, _score_in(archive, names))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, KeyError) as error:
        raise Failure(f"the file is no compressed MusicXML: {error}") from error


def packed(text: bytes) -> bytes:
    """A compressed MusicXML file; the same bytes for the same score."""
    container = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
        f"<rootfile full-path={quoteattr(_SCORE)} media-type={quoteattr(_MEDIA_TYPE + '+xml')}/>"
        "</rootfiles></container>\n"
    )
    packed_into = io.BytesIO()
    with zipfile.ZipFile(packed_into, "w") as archive:
        _write(archive, "mimetype", _MEDIA_TYPE.encode(), zipfile.ZIP_STORED)
        _write(archive, _CONTAINER, container.encode(), zipfile.ZIP_DEFLATED)
        _write(archive, _SCORE, text, zipfile.ZIP_DEFLATED)
    return packed_into.getvalue()


def _encoding(data: bytes) -> str:
    if data.startswith(BOM_UTF8):
        return "utf-8"
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    if data[:2] in {b"<\0", b"\0<"}:
        return "utf-16-le" if data[:1] == b"<" else "utf-16-be"
    declared = _DECLARED.match(data.lstrip())
    return declared[1].decode().lower() if declared else "utf-8"


def _score_in(archive: zipfile.ZipFile, names: list[str]) -> str:
    if _CONTAINER in names:
        found = _ROOTFILE.search(_read(archive, _CONTAINER).decode(errors="replace"))
        if found is None:
            raise Failure("the compressed MusicXML names no score")
        return found[1] or found[2]
    scores = [name for name in names if name.lower().endswith((".xml", ".musicxml"))]
    if not scores:
        raise Failure("the compressed MusicXML holds no score")
    return scores[0]


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        data = part.read(TEXT_BYTES_MAX + 1)
    if len(data) > TEXT_BYTES_MAX:
        raise TooLarge(f"the score has over {TEXT_BYTES_MAX} bytes, unpacked")
    return data


def _write(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, compress_type=method)
