"""What tests ask of MusicXML: canonical forms, and a journey through a shared document."""

from __future__ import annotations

from typing import Any

from lxml import etree
from pycrdt import Doc

from collab.score.seed import seed_update
from tests.support.random_edits import read_facets


def canonical(data: bytes) -> bytes:
    """Write XML canonically: comments count, white space between elements does not."""
    reader = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    text: bytes = etree.tostring(
        etree.ElementTree(etree.fromstring(data, reader)), method="c14n", with_comments=True
    )
    return text


def through_a_document(facets: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - any facets
    """Carry facets through a shared document, as a client reads them back: floats and all."""
    return read_facets(document_of(facets))


def document_of(facets: Any) -> Doc[Any]:  # noqa: ANN401 - any facets
    """Make a shared document of facets."""
    doc: Doc[Any] = Doc()
    doc.apply_update(seed_update(facets))
    return doc
