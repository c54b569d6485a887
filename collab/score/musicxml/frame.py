"""What stands around the music: titles, creators and the list of parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lxml import etree

from collab.score.musicxml import markup
from collab.score.musicxml.header import CREATORS, read_header, score_parts
from collab.score.musicxml.markup import (
    IDENTIFICATION_ORDER,
    SCORE_ORDER,
    SCORE_PART_ORDER,
    made,
)
from collab.score.musicxml.source import Element, text_of
from collab.score.musicxml.state import Ids, Reading

_VERSION: Final = "4.0"
_Facets = Mapping[str, Mapping[str, Any]]


def fresh_tree() -> Element:
    """Begin a document for a score that came from no file."""
    return etree.ElementTree(made("score-partwise", None, {"version": _VERSION}))


def write_header(root: Element, facets: _Facets) -> None:
    """Write titles and creators where they are not what the document says already."""
    said = Reading(Ids(set()))
    read_header(said, root)
    before, now = said.facets["meta"], facets["meta"]
    for key in ("title", "movement", *CREATORS, "rights"):
        text, was = now.get(key), before.get(key)
        if text == was or (not text and not was):
            continue
        found = said.elements.get(("meta", key))
        if found:
            element = found[0][1]
            if text:
                element.text = markup.safe(str(text))
            else:
                markup.drop(element)
        elif text:
            _add_header(root, key, str(text))


def _add_header(root: Element, key: str, text: str) -> None:
    if key == "title":
        markup.set_text(_child(root, "work", SCORE_ORDER), "work-title", text, _WORK_ORDER)
    elif key == "movement":
        markup.set_text(root, "movement-title", text, SCORE_ORDER)
    else:
        identification = _child(root, "identification", SCORE_ORDER)
        element = made("rights", text) if key == "rights" else made("creator", text, {"type": key})
        markup.insert(identification, element, IDENTIFICATION_ORDER)


_WORK_ORDER: Final = ("work-number", "work-title", "opus")


def _child(parent: Element, tag: str, order: Sequence[str]) -> Element:
    found = parent.find(tag)
    if found is None:
        found = made(tag)
        markup.insert(parent, found, order)
    return found


def write_part_list(
    root: Element, facets: _Facets, part_ids: Sequence[str], listed: Mapping[str, str]
) -> None:
    """Write the list of parts, where it is not what the document says already.

    Args:
        root: of the document.
        facets: the score.
        part_ids: of all parts, in their order.
        listed: the ids under which the parts of the file are listed, in its order.
    """
    entries = score_parts(root)
    names = {part_id: listed.get(part_id, part_id) for part_id in part_ids}
    if list(part_ids) == list(listed) and all(
        _says(entries.get(name)) == _named(facets["parts"][part_id])
        for part_id, name in names.items()
    ):
        return
    part_list = _child(root, "part-list", SCORE_ORDER)
    wanted = set(names.values())
    for name, entry in entries.items():
        if name not in wanted:
            markup.drop(entry)
    order: dict[Element, None] = {}
    for part_id, name in names.items():
        entry = entries.get(name)
        if entry is None:
            entry = made("score-part", None, {"id": name}, [made("part-name", "")])
            part_list.append(entry)
        if _says(entry) != _named(facets["parts"][part_id]):
            _write_names(entry, facets["parts"][part_id])
        order[entry] = None
    _reorder(part_list, list(order))


def _named(part: Mapping[str, Any]) -> dict[str, str]:
    return {key: part[key] for key in ("name", "abbreviation") if part.get(key)}


def _says(entry: Element | None) -> dict[str, str]:
    if entry is None:
        return {}
    said = {
        "name": text_of(entry.find("part-name")),
        "abbreviation": text_of(entry.find("part-abbreviation")),
    }
    return {key: text for key, text in said.items() if text}


def _write_names(entry: Element, part: Mapping[str, Any]) -> None:
    said = _says(entry)
    if said.get("name", "") != part["name"]:
        markup.set_text(entry, "part-name", part["name"], SCORE_PART_ORDER)
        markup.set_text(entry, "part-name-display", None, SCORE_PART_ORDER)
    if said.get("abbreviation") != (part.get("abbreviation") or None):
        text = part.get("abbreviation") or None
        markup.set_text(entry, "part-abbreviation", text, SCORE_PART_ORDER)
        markup.set_text(entry, "part-abbreviation-display", None, SCORE_PART_ORDER)


def _reorder(part_list: Element, order: Sequence[Element]) -> None:
    """Deal the entries out to their places in a new order; groups keep theirs."""
    entries = [child for child in part_list if child.tag == "score-part"]
    wanted = [*order, *(entry for entry in entries if entry not in order)]
    if entries == wanted:
        return
    places = [part_list.index(entry) for entry in entries]
    children = list(part_list)
    for place, entry in zip(places, wanted, strict=True):
        children[place] = entry
    part_list[:] = children
