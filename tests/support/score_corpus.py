"""Scores and the schema of MusicXML, from packages that are installed for tests only."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lxml import etree

_SERVICE: Final = Path(__file__).parents[1] / "services/scores/.venv"
EXCEPTIONS: Final[dict[str, str]] = {}
"""Files of the corpus that do not come out as they went in, each with the reason."""

SUFFIXES: Final = frozenset({".xml", ".musicxml", ".mxl"})

# What the schema needs of two others that it names by address.
_XLINK: Final = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    ' targetNamespace="http://www.w3.org/1999/xlink">'
    + "".join(
        f'<xs:attribute name="{name}" type="xs:string"/>'
        for name in ("href", "type", "role", "title", "show", "actuate")
    )
    + "</xs:schema>"
)
_XML: Final = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    ' targetNamespace="http://www.w3.org/XML/1998/namespace">'
    '<xs:attribute name="lang" type="xs:language"/>'
    '<xs:attribute name="space" type="xs:string"/></xs:schema>'
)


@functools.cache
def _packages() -> Path:
    found = list(_SERVICE.glob("lib/python3*/site-packages"))
    assert found, "run: make services"
    return found[0]


@functools.cache
def corpus() -> Sequence[Path]:
    """Name the MusicXML files that come with music21, by their path."""
    root = _packages() / "music21"
    return sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES)


def corpus_name(path: Path) -> str:
    """Name a file of the corpus within it."""
    return path.relative_to(_packages() / "music21").as_posix()


def plain(path: Path) -> bytes:
    """Read the XML of a file of the corpus; of an archive, the score that its container names."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        container = etree.fromstring(archive.read("META-INF/container.xml"))
        return archive.read(container.find("{*}rootfiles/{*}rootfile").get("full-path"))


def problems(data: bytes) -> list[str]:
    """Check a file against the schema of MusicXML 4.0.

    Returns:
        What is wrong, each with its line; empty for a valid file.
    """
    schema = _schema()
    schema.validate(etree.fromstring(data))
    return [f"line {entry.line}: {entry.message}" for entry in schema.error_log]


@functools.cache
def _schema() -> Any:  # noqa: ANN401 - lxml ships no types
    path = _packages() / "musicxml/generate_classes/musicxml_4_0.xsd"
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Resolver())
    return etree.XMLSchema(etree.parse(str(path), parser))


class _Resolver(etree.Resolver):  # type: ignore[misc]
    def resolve(self, url: str, public_id: str, context: object) -> Any:  # noqa: ANN401
        if url.endswith("xlink.xsd"):
            return self.resolve_string(_XLINK, context)
        if url.endswith("xml.xsd"):
            return self.resolve_string(_XML, context)
        return None
