"""Reading documents: which roots there are, of which kind, and what they hold as plain JSON.

Updates do not tell the types of roots. They follow from what is in them: keys make a map, strings
or embeds a text, XML nodes a fragment, other elements an array.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, cast

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from collab.limits import UINT53_MAX
from collab.protocol.state_vector import encode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.doc import RoomDoc


class Kind(StrEnum):
    """What a root is, by what it holds."""

    MAP = "map"
    TEXT = "text"
    ARRAY = "array"
    XML = "xml"
    EMPTY = "empty"


def load(update: bytes, *, client: int | None = None) -> Doc[Any]:
    """A document from one update, empty from none; under a client id if it is to be edited.

    What waits in the update for what is not there is left out, as in the room itself.
    """
    doc: Doc[Any] = Doc(client_id=client)
    if update:
        doc.apply_update(_integrated(update))
    return doc


def _integrated(update: bytes) -> bytes:
    """An update without what waits in it: the library would take in what stands behind a gap."""
    scanned = scan_update(update, stored=True)
    if scanned.integrates({}):
        return update
    room = RoomDoc()
    room.apply(update, scanned, stored=True)
    return room.difference(encode_state_vector({}))


def root_names(*docs: Doc[Any]) -> list[str]:
    """The names of the roots of any of the documents, in order."""
    return sorted({name for doc in docs for name in doc.keys()})  # noqa: SIM118 - no mapping


def kind_of(doc: Doc[Any], name: str) -> Kind:
    """What a root is; one that holds keys and elements alike counts as a map."""
    if len(doc.get(name, type=Map)):
        return Kind.MAP
    # Read as a text first: the library never comes back from a formatted text read as an array.
    pieces = [piece for piece, _ in doc.get(name, type=Text).diff()]
    if any(isinstance(each, XmlElement | XmlText | XmlFragment) for each in pieces):
        return Kind.XML
    if pieces:
        is_array = any(isinstance(each, Map | Array | Text | Doc) for each in pieces)
        return Kind.ARRAY if is_array else Kind.TEXT
    return Kind.ARRAY if len(doc.get(name, type=Array)) else Kind.EMPTY


def root_of(doc: Doc[Any], name: str, kind: Kind) -> Any:  # noqa: ANN401 - one of four types
    """A root as the type that its kind asks for."""
    types = {Kind.TEXT: Text, Kind.ARRAY: Array, Kind.XML: XmlFragment}
    return doc.get(name, type=types.get(kind, Map))


def plain(value: Any, *, tagged: bool = False) -> Any:  # noqa: ANN401 - JSON of any shape
    """A value as JSON; shared types as what they hold.

    Args:
        value: what the CRDT library returned.
        tagged: whether shared types are told from plain values that look the same.
    """
    if isinstance(value, Map):
        held: Any = {key: plain(each, tagged=tagged) for key, each in value.items()}
        return {"$map": held} if tagged else held
    if isinstance(value, Array):
        held = [plain(each, tagged=tagged) for each in value]
        return {"$array": held} if tagged else held
    if isinstance(value, Text):
        held = _text(value)
        return {"$text": held} if tagged else held
    if isinstance(value, XmlFragment | XmlElement | XmlText):
        return _node(value) if tagged else str(value)
    if isinstance(value, Doc):
        return {"$subdocument": value.guid}
    return _plain_value(value)


def canonical(value: object) -> str:
    """A text that is equal for equal values only, kinds of shared types included."""
    return json.dumps(plain(value, tagged=True), sort_keys=True, ensure_ascii=False)


def describe(update: bytes) -> bytes:
    """The roots of a document with their kinds and values, as JSON."""
    doc = load(update)
    roots = {}
    for name in root_names(doc):
        kind = kind_of(doc, name)
        value = None if kind is Kind.EMPTY else plain(root_of(doc, name, kind))
        roots[name] = {"type": kind.value, "value": value}
    return as_json({"roots": roots})


def as_json(told: object) -> bytes:
    """What is told, as JSON; half characters, which documents may hold, are replaced."""
    return json.dumps(told, ensure_ascii=False).encode(errors="replace")


def _node(node: XmlFragment | XmlElement | XmlText) -> dict[str, Any]:
    """An XML node by its parts: as markup, the library writes attributes in an order of chance."""
    if isinstance(node, XmlText):
        return {"$words": _runs(node.diff()), "attributes": _attributes(node)}
    nodes = [_node(child) for child in node.children]
    if isinstance(node, XmlElement):
        return {"$element": node.tag, "attributes": _attributes(node), "nodes": nodes}
    return {"$xml": nodes}


def _attributes(node: XmlElement | XmlText) -> dict[str, Any]:
    # The view's type is no iterable to mypy: its __iter__ says to return one, not an iterator.
    return dict(cast("Iterable[tuple[str, Any]]", node.attributes))


def _text(text: Text) -> object:
    return _runs(text.diff())


def _runs(runs: list[tuple[Any, dict[str, Any] | None]]) -> object:
    if all(isinstance(piece, str) and not attributes for piece, attributes in runs):
        return "".join(str(piece) for piece, _ in runs)
    return [
        {"insert": _plain_value(piece)}
        | ({"attributes": _plain_value(attributes)} if attributes else {})
        for piece, attributes in runs
    ]


def _plain_value(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes | bytearray):
        return {"$base64": base64.b64encode(value).decode()}
    if isinstance(value, float):
        if not math.isfinite(value):
            return None  # as JavaScript writes it
        return int(value) if value.is_integer() and abs(value) <= UINT53_MAX else value
    return value if isinstance(value, str | int | bool) or value is None else str(value)
