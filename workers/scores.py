"""Scores in worker processes: read as facets, and compared as a musician would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from pycrdt import Doc, Map

from collab.errors import PeerError, StateConflict
from collab.ids import Epoch, RoomName
from collab.score.comparison import compare_scores, counts, told
from collab.score.musicxml.reading import read_musicxml
from collab.score.musicxml.writing import write_musicxml
from collab.score.part_extraction import extract_part
from collab.score.schema import FACETS
from collab.score.seed import import_update, seed_update
from collab.score.summary import summarise
from collab.score.validate import validate
from workers.compare import Budget
from workers.content import Kind, as_json, kind_of, load, plain, root_of
from workers.edits import refusal, with_edit, written

_PROBLEMS_MAX: Final = 20


def facets_of(doc: Doc[Any]) -> dict[str, Mapping[str, object]]:
    """The facets of a score as plain values; a root of the same name that is no map is left out."""
    present = set(doc.keys())
    return {
        facet: {key: plain(value) for key, value in entries.items()}
        for facet in FACETS
        if facet in present and kind_of(doc, facet) is Kind.MAP
        for entries in (root_of(doc, facet, Kind.MAP),)
        if isinstance(entries, Map)
    }


def compare_as_scores(old: bytes, new: bytes, bounds: bytes) -> bytes:
    """Compare two scores element by element, measure by measure.

    Args:
        old: one as one update.
        new: the other.
        bounds: as digits, the most changes and the most characters that are told, in between a
            comma.

    Returns:
        JSON: complete counts of elements, and ``entries`` and ``measures`` as far as they go.
    """
    budget = Budget(*map(int, bounds.split(b",")))
    comparison = compare_scores(facets_of(load(old)), facets_of(load(new)))
    answer: dict[str, Any] = {"counts": counts(comparison), "entries": [], "measures": []}
    for kind, item in told(comparison):
        if not budget.take(item):
            break
        answer[kind].append(item)
    answer["truncated"] = budget.is_used_up
    return as_json(answer)


def seed_score(request: bytes) -> bytes:
    """Check the facets of a new score, and encode them as the update that creates them.

    Args:
        request: the facets as JSON.

    Returns:
        JSON with its length of 4 bytes in front, then the update. The JSON is ``{"problems"}``:
        what is wrong with them, the first few; there is an update only where that is nothing.
    """
    facets = json.loads(request)
    found = [
        {"facet": each.facet, "key": each.key, "detail": each.detail}
        for each in validate(facets, problems_max=_PROBLEMS_MAX)
    ]
    update = b"" if found else seed_update(facets)
    return with_edit({"problems": found}, update)


def import_score(file: bytes, room: bytes, epoch: bytes) -> bytes:
    """Read a MusicXML file as the first update of a room.

    Args:
        file: its bytes, compressed or not.
        room: the room's name, in UTF-8.
        epoch: of the room's log, in decimal digits.

    Returns:
        JSON with its length of 4 bytes in front, then the update: the same bytes for the same
        file, room and epoch. The JSON is ``{"title", "findings"}``, or what `refusal` tells.
    """
    try:
        imported = read_musicxml(file)
    except PeerError as error:
        return with_edit(refusal(error), b"")
    title = imported.facets["meta"].get("title", "")
    findings = [{"line": each.line, "message": each.message} for each in imported.findings]
    update = import_update(
        imported.facets,
        RoomName(room.decode()),
        hashlib.sha256(file).digest(),
        epoch=Epoch(int(epoch)),
    )
    return with_edit({"title": title, "findings": findings}, update)


def export_score(update: bytes, wanted: bytes) -> bytes:
    """Write a score, or one part of it, as a MusicXML file.

    Args:
        update: the score as one update.
        wanted: as JSON: ``part`` and ``transposition``, null for all and for as written.

    Returns:
        JSON with its length of 4 bytes in front, then the file. The JSON is empty, or what
        `refusal` tells.
    """
    asked = json.loads(wanted)
    facets: Mapping[str, Mapping[str, Any]] = facets_of(load(update))
    try:
        if not facets.get("parts"):
            raise StateConflict("there is no part in the score")
        if asked["part"] is not None:
            facets = extract_part(facets, asked["part"], asked["transposition"])
        return with_edit({}, write_musicxml(facets))
    except PeerError as error:
        return with_edit(refusal(error), b"")


def set_entries(current: bytes, request: bytes, client: bytes) -> bytes:
    """The edit that sets entries of top-level maps, where they are not so already.

    Args:
        current: the document as one update.
        request: as JSON: map to key to value; null deletes.
        client: the client id of the edit, in decimal digits.

    Returns:
        The edit; empty for none.
    """
    return written(load(current, client=int(client)), json.loads(request))


def summary(update: bytes) -> bytes:
    """A score in brief, as JSON."""
    return as_json(asdict(summarise(facets_of(load(update)))))
