"""One forward edit that turns a document into what it was, by a client id of its own.

Maps are set and unset key by key, texts and arrays edited where they differ, nested shared types
changed in place where the same kind is there and made anew where not. What the result is, is
compared with what it should be; what could not be brought back is told.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

import pycrdt
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from workers.content import Kind, canonical, kind_of, load, plain, root_names, root_of
from workers.differences import clusters, edits
from workers.edits import with_edit

NOTES_MAX: Final = 100
_SHARED: Final = (Map, Array, Text)


class _Unit(NamedTuple):
    """One character as people see it, or one embed, of a text."""

    key: str
    content: Any
    attributes: dict[str, Any]
    size_bytes: int


def restore(current: bytes, wanted: bytes, client: bytes) -> bytes:
    """Make the edit.

    Args:
        current: the document as it is, as one update; empty where nothing was written.
        wanted: the document as it shall be.
        client: the client id of the edit, in decimal digits; nobody has used it.

    Returns:
        JSON ``{"notes": [...]}`` with its length of 4 bytes in front, then the update, which is
        empty when nothing is to be done.
    """
    target = load(wanted)
    doc = load(current, client=int(client))
    names = root_names(doc, target)
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    maker = _Maker()
    with doc.transaction():
        for name in names:
            maker.root(doc, target, name)
    doc.unobserve(subscription)
    replica = load(current)
    for update in made:
        replica.apply_update(update)
    for name in names:
        if _shown(replica, name) != _shown(target, name):
            maker.note(f"{name}: not all of it could be brought back")
    return with_edit({"notes": maker.notes}, pycrdt.merge_updates(*made) if made else b"")


def _shown(doc: Doc[Any], name: str) -> str:
    kind = kind_of(doc, name)
    return "" if kind is Kind.EMPTY else canonical(root_of(doc, name, kind))


class _Maker:
    """Edits shared types, and keeps notes of what could not be done."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        if len(self.notes) < NOTES_MAX and text not in self.notes:
            self.notes.append(text)

    def root(self, doc: Doc[Any], target: Doc[Any], name: str) -> None:
        """Make one root what it is in another document."""
        now, wanted = kind_of(doc, name), kind_of(target, name)
        if wanted is Kind.EMPTY:
            wanted = now
        elif now not in {wanted, Kind.EMPTY}:
            empty = load(b"")
            self.fill(root_of(doc, name, now), root_of(empty, name, now))
        if wanted is not Kind.EMPTY:
            self.fill(root_of(doc, name, wanted), root_of(target, name, wanted))

    def fill(self, now: Any, wanted: Any) -> None:  # noqa: ANN401 - of one of the shared types
        """Make a shared type hold what another of its kind holds."""
        if isinstance(now, Map):
            self._map(now, wanted)
        elif isinstance(now, Text):
            self._text(now, wanted)
        elif isinstance(now, Array):
            self._array(now, wanted)
        else:
            self._xml(now, wanted)

    def _map(self, now: Map[Any], wanted: Map[Any]) -> None:
        kept = set(wanted.keys())
        for key in list(now.keys()):
            if key not in kept:
                del now[key]
        for key in sorted(kept):
            value = wanted[key]
            if key in now:
                present = now[key]
                if isinstance(value, _SHARED) and type(present) is type(value):
                    self.fill(present, value)
                    continue
                if canonical(present) == canonical(value):
                    continue
            made = self._prelim(value)
            if made is not None or value is None:
                now[key] = made
                if isinstance(value, _SHARED):
                    self.fill(now[key], value)

    def _array(self, now: Array[Any], wanted: Array[Any]) -> None:
        old, new = list(now), list(wanted)
        changes = edits([canonical(each) for each in old], [canonical(each) for each in new])
        for start, end, from_, to in reversed(changes):
            pairs = list(zip(old[start:end], new[from_:to], strict=False))
            if end - start == to - from_ and all(
                isinstance(value, _SHARED) and type(present) is type(value)
                for present, value in pairs
            ):
                for present, value in pairs:
                    self.fill(present, value)
                continue
            if end > start:
                del now[start:end]
            at = start
            for value in new[from_:to]:
                made = self._prelim(value)
                if made is None and value is not None:
                    continue
                now.insert(at, made)
                if isinstance(value, _SHARED):
                    self.fill(now[at], value)
                at += 1

    def _prelim(self, value: Any) -> Any:  # noqa: ANN401 - what the library takes
        """What to put in place of a value; an empty shared type is filled once it stands there."""
        for kind in _SHARED:
            if isinstance(value, kind):
                return kind()
        if isinstance(value, XmlElement | XmlText):
            return _xml_copy(value)
        if isinstance(value, XmlFragment):
            return XmlFragment([_xml_copy(child) for child in value.children])
        if isinstance(value, Doc):
            self.note("a subdocument cannot be made again")
            return None
        return value

    def _text(self, now: Text, wanted: Text) -> None:
        old, new = _units(now), _units(wanted)
        starts = [0]
        for unit in old:
            starts.append(starts[-1] + unit.size_bytes)
        changes = edits([unit.key for unit in old], [unit.key for unit in new])
        for start, end, from_, to in reversed(changes):
            if end > start:
                del now[starts[start] : starts[end]]
            for content, attributes in reversed(_runs(new[from_:to])):
                if isinstance(content, str):
                    now.insert(starts[start], content, attributes)
                else:
                    now.insert_embed(starts[start], content[0], attributes)
        self._format(now, new)

    def _format(self, now: Text, wanted: list[_Unit]) -> None:
        """Give each unit of a text, which are all in place, its attributes."""
        at = 0
        for present, unit in zip(_units(now), wanted, strict=False):
            if present.attributes != unit.attributes:
                gone = dict.fromkeys(present.attributes.keys() - unit.attributes.keys())
                now.format(at, at + unit.size_bytes, {**unit.attributes, **gone})
            at += unit.size_bytes

    def _xml(self, now: Any, wanted: Any) -> None:  # noqa: ANN401 - a fragment or an element
        old, new = list(now.children), list(wanted.children)
        changes = edits([str(each) for each in old], [str(each) for each in new])
        for start, end, from_, to in reversed(changes):
            for at in range(end - 1, start - 1, -1):
                del now.children[at]
            for number, child in enumerate(new[from_:to]):
                now.children.insert(start + number, _xml_copy(child))


def _xml_copy(node: Any) -> Any:  # noqa: ANN401 - an element or a text
    if isinstance(node, XmlText):
        return XmlText("".join(str(piece) for piece, _ in node.diff()))
    attributes = dict(node.attributes)
    return XmlElement(node.tag, attributes, [_xml_copy(child) for child in node.children])


def _units(text: Text) -> list[_Unit]:
    units: list[_Unit] = []
    for piece, attributes in text.diff():
        told = dict(attributes or {})
        if isinstance(piece, str):
            units += (_Unit(each, each, told, len(each.encode())) for each in clusters(piece))
        else:
            key = "\0" + json.dumps(plain(piece), sort_keys=True)
            units.append(_Unit(key, [piece], told, 1))
    return units


def _runs(units: list[_Unit]) -> list[tuple[Any, dict[str, Any]]]:
    """Join what may be inserted in one piece."""
    runs: list[tuple[Any, dict[str, Any]]] = []
    for unit in units:
        if (
            runs
            and isinstance(unit.content, str)
            and isinstance(runs[-1][0], str)
            and runs[-1][1] == unit.attributes
        ):
            runs[-1] = (runs[-1][0] + unit.content, unit.attributes)
        else:
            runs.append((unit.content, unit.attributes))
    return runs
