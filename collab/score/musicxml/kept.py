"""The markup of a file, kept beside its facts: the frame in ``meta``, the cells in ``raw``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from lxml import etree

from collab.errors import InvalidScore
from collab.score import rules, schema
from collab.score.musicxml import pieces
from collab.score.musicxml.digests import cell_digests
from collab.score.musicxml.header import score_parts
from collab.score.musicxml.source import ROOTS, Element, read_tree
from collab.score.musicxml.state import Reading

_HEADER_KEY: Final = "hdr.xml"
"""The key of ``meta`` with the whole document as it came, its parts empty."""

_PARTS_KEY: Final = "hdr.parts"
"""The key of ``meta`` with the ids of the parts that have music, in the order of the file."""

_SILENT_KEY: Final = "hdr.silent"
"""The key of ``meta`` with the ids of the parts that are listed without music, in their order."""

_EMPTY_KEY: Final = "hdr.empty"
"""The key of ``meta`` with the ids of the parts of the file that have no measure."""

_CELLS_MAX: Final = rules.LIST_ITEMS_MAX


def keep(reading: Reading, tree: Element) -> None:
    """Put the markup into the facets, and take it out of the tree.

    Args:
        reading: the facts of the tree; it forgets where it found them.
        tree: the whole document, partwise.
    """
    facets = reading.facets
    places = [(cell.part.id, cell.measure) for cell in reading.cells]
    digests = cell_digests(facets, places)
    root = tree.getroot()
    parts = root.findall("part")
    found, characters = pieces.cut([text for part in parts for text in _cell_texts(part)])
    for number, texts in enumerate(pieces.stored(found)):
        facets["raw"][schema.raw_key(schema.EVERY_PART, number)] = {"texts": texts}
    rows = zip(places, characters, strict=True)
    for part_id, of_part in groupby(rows, key=lambda row: row[0][0]):
        cells = list(of_part)
        for number, start in enumerate(range(0, len(cells), _CELLS_MAX)):
            group = cells[start : start + _CELLS_MAX]
            facets["raw"][schema.raw_key(part_id, number)] = {
                "measures": [place[1] for place, _ in group],
                "facts": [digests[place] for place, _ in group],
                "xml": [text for _, text in group],
            }
    silent = [part_id for part_id in facets["parts"] if part_id not in reading.parts]
    names = list(reading.parts)
    filled = {part_id for part_id, _ in places}
    empty = [name for name in names if name not in filled]
    reading.forget_markup()
    for part in parts:
        if part.find("measure") is not None:
            part[:] = []
    facets["meta"][_HEADER_KEY] = etree.tostring(tree, encoding="unicode")
    facets["meta"][_PARTS_KEY] = " ".join(names)
    if silent:
        facets["meta"][_SILENT_KEY] = " ".join(silent)
    if empty:
        facets["meta"][_EMPTY_KEY] = " ".join(empty)


def _cell_texts(part: Element) -> list[str]:
    """Write the measures of a part, each with what stands between it and the one before."""
    texts: list[str] = []
    waiting: list[str] = []
    for child in part:
        has_text = child.tail is not None and not child.tail.isspace()
        waiting.append(etree.tostring(child, encoding="unicode", with_tail=has_text))
        if child.tag == "measure":
            texts.append("".join(waiting))
            waiting = []
    if waiting and texts:
        texts[-1] += "".join(waiting)
    return texts


@dataclass(frozen=True, slots=True)
class Kept:
    """The file a score came from, put together again.

    Args:
        tree: the whole document, partwise, as it came.
        cells: the measure elements by part and measure id, in the order of the file.
        facts: the digest of the facts that were read from each of them.
        parts: the part elements by part id.
        listed: the ids under which parts are listed, by part id; those without music come last.
        empty: the ids of the parts that had no measure in the file. Of another part there may be
            none left: somebody removed it, while others changed it and so have it still.
    """

    tree: Element
    cells: dict[tuple[str, str], Element]
    facts: dict[tuple[str, str], str]
    parts: dict[str, Element]
    listed: dict[str, str]
    empty: frozenset[str]


def kept_of(facets: Mapping[str, Mapping[str, Any]]) -> Kept | None:
    """Put the file together again that a score came from.

    Returns:
        None when it came from none.

    Raises:
        InvalidScore: what is kept is not what an import keeps.
        LimitExceeded: it is more than a score may have.
    """
    text = facets["meta"].get(_HEADER_KEY)
    if not isinstance(text, str):
        return None
    tree = read_tree(text.encode())
    root = tree.getroot()
    if root.tag not in ROOTS:
        raise InvalidScore("the kept document is no score")
    names = str(facets["meta"].get(_PARTS_KEY, "")).split()
    elements = root.findall("part")
    if len(elements) != len(names) or len(set(names)) != len(names):
        raise InvalidScore("the kept document has other parts than are named")
    parts = dict(zip(names, elements, strict=True))
    texts, by_part = _entries(facets["raw"])
    empty = frozenset(str(facets["meta"].get(_EMPTY_KEY, "")).split())
    kept = Kept(tree, {}, {}, parts, _listed(root, facets["meta"], parts), empty)
    for part_id, rows in by_part.items():
        if part_id not in parts:
            raise InvalidScore("there is kept markup of a part that is not named")
        _fill(kept, part_id, rows, pieces.joined(texts, [row[2] for row in rows]))
    return kept


def _listed(root: Element, meta: Mapping[str, Any], parts: Mapping[str, Element]) -> dict[str, str]:
    listed = {part_id: str(element.get("id", "")) for part_id, element in parts.items()}
    with_music = set(listed.values())
    silent = [name for name in score_parts(root) if name not in with_music]
    names = str(meta.get(_SILENT_KEY, "")).split()
    if len(names) != len(silent):
        raise InvalidScore("the kept document lists other parts than are named")
    return {**listed, **dict(zip(names, silent, strict=True))}


def _fill(kept: Kept, part_id: str, rows: list[tuple[str, str, str]], markup: list[str]) -> None:
    """Put the markup of one part into its place in the frame."""
    source = read_tree(f"<part>{''.join(markup)}</part>".encode()).getroot()
    measures = source.findall("measure")
    if len(measures) != len(rows):
        raise InvalidScore("the kept markup has other measures than are named")
    kept.parts[part_id].extend(list(source))
    for measure, (measure_id, digest, _) in zip(measures, rows, strict=True):
        kept.cells[part_id, measure_id] = measure
        kept.facts[part_id, measure_id] = digest


def _entries(
    raw: Mapping[str, Any],
) -> tuple[list[str], dict[str, list[tuple[str, str, str]]]]:
    """Sort the entries of ``raw``: the pieces, and the cells of each part in order."""
    texts: dict[int, list[str]] = {}
    groups: dict[str, dict[int, list[tuple[str, str, str]]]] = {}
    for key, value in raw.items():
        if not _is_sound(key, value):
            raise InvalidScore("an entry of kept markup has another shape")
        scope, _, number = key.partition(schema.KEY_SEPARATOR)
        if scope == schema.EVERY_PART:
            texts[int(number)] = value["texts"]
        else:
            rows = zip(value["measures"], value["facts"], value["xml"], strict=False)
            groups.setdefault(scope, {})[int(number)] = list(rows)
    by_part = {
        part_id: [row for number in sorted(entries) for row in entries[number]]
        for part_id, entries in groups.items()
    }
    return pieces.collected(texts), by_part


def _is_sound(key: str, value: object) -> bool:
    if not rules.key_rule("raw").holds(key) or not isinstance(value, dict):
        return False
    shape = rules.shape_of("raw", key)
    return (
        set(value) == shape.required
        and all(shape.rules[name].holds(value[name]) for name in value)
        and len({len(items) for items in value.values()}) == 1
    )
