"""The bytes of a file as a tree: bounded, with entities, DTDs and the network off."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, Final, TypeAlias

from lxml import etree

from collab.errors import InvalidScore, LimitExceeded
from collab.limits import (
    SCORE_FILE_BYTES_MAX,
    SCORE_XML_BYTES_MAX,
    SCORE_XML_DEPTH_MAX,
    SCORE_XML_ELEMENTS_MAX,
)
from collab.score.musicxml.container import Archive, is_archive

Element: TypeAlias = Any
"""An lxml element, comment or processing instruction; lxml ships no types."""

ROOTS: Final = frozenset({"score-partwise", "score-timewise"})

_DEEPER: Final = etree.XPath(f"boolean({'/*' * (SCORE_XML_DEPTH_MAX + 1)})")
_COUNT: Final = etree.XPath("count(//*)")
_SUBSET: Final = re.compile(r"<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*\[")
_NO_ELEMENTS: Final = (b"</", b"<!", b"<?")
_PLACE: Final = re.compile(r", line \d+, column \d+.*", re.DOTALL)

_PARSING: Final = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "remove_blank_text": True,
    "remove_comments": False,
    "remove_pis": False,
    "huge_tree": False,
    "recover": False,
}
"""Fetches nothing, expands nothing and drops white space between elements.

White space is kept where it is all that an element holds.
"""


def read_file(data: bytes) -> tuple[Element, list[str]]:
    """Read a file, plain or an archive, up to its tree.

    Args:
        data: ``.musicxml``, ``.xml`` or ``.mxl``; what it is shows from its first bytes.

    Returns:
        The document as an lxml tree, and the names of files that came with it in the archive.

    Raises:
        InvalidScore: it is no MusicXML score; tells the line where there is one.
        LimitExceeded: it passes a limit.
    """
    if len(data) > SCORE_FILE_BYTES_MAX:
        raise LimitExceeded(
            f"the file has more than {SCORE_FILE_BYTES_MAX} bytes", limit="SCORE_FILE_BYTES_MAX"
        )
    others: list[str] = []
    if is_archive(data):
        archive = Archive(data)
        name = archive.score_name(_rootfile(archive.container))
        others = archive.others(name)
        data = archive.read(name)
    tree = read_tree(data)
    root = tree.getroot()
    if root.tag not in ROOTS:
        raise InvalidScore(f"the root is <{str(root.tag)[:64]}>, not a score", line=root.sourceline)
    return tree, others


def read_tree(data: bytes) -> Element:
    """Parse XML.

    Raises:
        InvalidScore: it is not well formed, or declares entities or other markup of its own.
        LimitExceeded: it is too large, too deep or has too many elements.
    """
    if len(data) > SCORE_XML_BYTES_MAX:
        raise LimitExceeded(
            f"the score has more than {SCORE_XML_BYTES_MAX} bytes", limit="SCORE_XML_BYTES_MAX"
        )
    _check_elements(_tags_in(data))  # before each of them becomes an object
    reader = etree.XMLParser(**_PARSING)
    try:
        tree = etree.ElementTree(etree.fromstring(data, reader))
    except etree.XMLSyntaxError as error:
        message = _PLACE.sub("", error.msg or "no XML")
        raise InvalidScore(f"not well-formed XML: {message}", line=error.lineno) from error
    except (ValueError, LookupError) as error:
        raise InvalidScore(f"not XML that can be read: {error}") from error
    _check_declarations(tree, data)
    for entry in reader.error_log:
        # Of an entity in an attribute the tree keeps no trace.
        if "UNDECLARED_ENTITY" in entry.type_name:
            raise InvalidScore("the document refers to an entity", line=entry.line)
    if _DEEPER(tree):
        raise LimitExceeded(
            f"elements nest deeper than {SCORE_XML_DEPTH_MAX}", limit="SCORE_XML_DEPTH_MAX"
        )
    _check_elements(_COUNT(tree))
    return tree


def text_of(element: Element | None) -> str:
    """Read what an element says, without white space around it; empty when it is not there."""
    return "" if element is None else (element.text or "").strip()


def _tags_in(data: bytes) -> int:
    """Count the tags that begin elements; in nearly all encodings they are of ASCII's bytes.

    In some there are zeros between those.
    """
    text = data.replace(b"\0", b"")
    return text.count(b"<") - sum(map(text.count, _NO_ELEMENTS))


def _check_elements(count: float) -> None:
    if count > SCORE_XML_ELEMENTS_MAX:
        raise LimitExceeded(
            f"the score has more than {SCORE_XML_ELEMENTS_MAX} elements",
            limit="SCORE_XML_ELEMENTS_MAX",
        )


def _check_declarations(tree: Element, data: bytes) -> None:
    """Refuse markup that is declared in the document, so that nothing is defined behind its text.

    lxml does not tell all that is declared, but writes it: what stands before the root is written
    by itself, out of a tree that was only begun. A type of another name than the root's it does not
    write; such a one may have no brackets.
    """
    declared = tree.docinfo.internalDTD
    if declared is not None:
        _, root = next(etree.iterparse(BytesIO(data), ("start",), **_PARSING))
        prolog = data.replace(b"\0", b"").partition(b"<" + root.tag.encode())[0]
        if _SUBSET.search(etree.tostring(root.getroottree(), encoding="unicode")) or (
            declared.name != root.tag and b"[" in prolog
        ):
            raise InvalidScore("the document type declares entities or elements of its own")
    for reference in tree.getroot().iter(etree.Entity):
        raise InvalidScore("the document refers to an entity", line=reference.sourceline)


def _rootfile(container: bytes | None) -> str | None:
    if container is None:
        return None
    try:
        tree = read_tree(container)
    except InvalidScore as error:
        raise InvalidScore(f"META-INF/container.xml: {error}") from error
    found = tree.xpath("//*[local-name()='rootfile']/@full-path")
    return str(found[0]) if found else None
