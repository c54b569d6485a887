"""Which facts belong to a cell, and a digest of them: it tells whether the cell was edited."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from collab.score import schema

CellPlace = tuple[str, str]
"""Part id and measure id."""

_DIGEST_BYTES: Final = 6
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)

_Facets = Mapping[str, Mapping[str, Any]]


def cell_digests(facets: _Facets, places: Sequence[CellPlace]) -> dict[CellPlace, str]:
    """Digest the facts of cells.

    Args:
        facets: the score, its numbers normalised.
        places: the cells, in the order of the file; what a part is counts with its first cell.

    Returns:
        Eight characters for each cell. Where a measure stands among others does not count.
    """
    by_cell, by_measure = _facts_by_place(facets)
    digests: dict[CellPlace, str] = {}
    seen: set[str] = set()
    for part_id, measure_id in places:
        facts = by_cell.get((part_id, measure_id), []) + by_measure.get(measure_id, [])
        if part_id not in seen:
            seen.add(part_id)
            part = facets["parts"].get(part_id)
            if isinstance(part, Mapping):
                shown = {name: part.get(name) for name in ("staves", "transposition")}
                facts.append(("parts", "", shown))
        lines = sorted(f"{facet}|{key}|{_ENCODER.encode(value)}" for facet, key, value in facts)
        digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=_DIGEST_BYTES)
        digests[part_id, measure_id] = b64encode(digest.digest()).decode()
    return digests


_Fact = tuple[str, str, Any]
"""Facet, key and value."""


def _facts_by_place(
    facets: _Facets,
) -> tuple[dict[CellPlace, list[_Fact]], dict[str, list[_Fact]]]:
    """Sort facts by their cell, and those of all parts by their measure."""
    by_cell: dict[CellPlace, list[_Fact]] = defaultdict(list)
    by_measure: dict[str, list[_Fact]] = defaultdict(list)
    cells: dict[str, CellPlace] = {}
    for facet in ("ev", "dir"):
        for key, value in facets[facet].items():
            place = _place(value)
            if place is not None:
                cells[key] = place
                by_cell[place].append((facet, key, value))
    for facet in ("pt", "nx", "ly"):
        for key, value in facets[facet].items():
            owner = cells.get(key.partition(schema.KEY_SEPARATOR)[0])
            if owner is not None:
                by_cell[owner].append((facet, key, value))
    for key, value in facets["sp"].items():
        for end in _ends(value):
            if end in cells:
                by_cell[cells[end]].append(("sp", key, value))
            else:
                by_measure[end].append(("sp", key, value))
    _add_settings(facets, by_cell, by_measure)
    return by_cell, by_measure


def _add_settings(
    facets: _Facets,
    by_cell: dict[CellPlace, list[_Fact]],
    by_measure: dict[str, list[_Fact]],
) -> None:
    for key, value in facets["attr"].items():
        fields = key.split(schema.KEY_SEPARATOR)
        if len(fields) != 4:  # noqa: PLR2004 - kind, measure, scope, at
            continue
        _, measure_id, scope, _ = fields
        if scope == schema.EVERY_PART:
            by_measure[measure_id].append(("attr", key, value))
        else:
            by_cell[scope.split("/")[0], measure_id].append(("attr", key, value))
    for key, value in facets["measures"].items():
        if isinstance(value, Mapping):
            shown = {name: value[name] for name in value if name != "order"}
            by_measure[key].append(("measures", key, shown))
    for key, value in facets["lay"].items():
        by_measure[key].append(("lay", key, value))


def _place(value: object) -> CellPlace | None:
    if isinstance(value, Mapping):
        part_id, measure_id = value.get("part"), value.get("measure")
        if isinstance(part_id, str) and isinstance(measure_id, str):
            return part_id, measure_id
    return None


def _ends(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        ends = [value.get(name) for name in ("start", "end")]
        yield from {end: None for end in ends if isinstance(end, str)}
