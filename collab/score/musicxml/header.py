"""What stands before the music: titles, names, and the list of parts."""

from __future__ import annotations

from typing import Final

from collab.score.musicxml.source import Element, text_of
from collab.score.musicxml.state import Reading

CREATORS: Final = ("composer", "lyricist", "arranger")


def read_header(reading: Reading, root: Element) -> None:
    """Read titles and creators; the first of each kind counts."""
    work, movement = root.find("work/work-title"), root.find("movement-title")
    if text_of(work):
        reading.put("meta", "title", text_of(work), None, work)
        if text_of(movement):
            reading.put("meta", "movement", text_of(movement), None, movement)
    elif text_of(movement):
        reading.put("meta", "title", text_of(movement), None, movement)
    identification = root.find("identification")
    if identification is None:
        return
    for creator in identification.iterchildren("creator"):
        kind = creator.get("type")
        if kind in CREATORS and text_of(creator) and kind not in reading.facets["meta"]:
            reading.put("meta", kind, text_of(creator), None, creator)
    rights = identification.find("rights")
    if text_of(rights):
        reading.put("meta", "rights", text_of(rights), None, rights)


def score_parts(root: Element) -> dict[str, Element]:
    """Find the entries of the list of parts by their ids; of two with one id, the first."""
    found: dict[str, Element] = {}
    for entry in root.iterfind("part-list/score-part"):
        found.setdefault(entry.get("id", ""), entry)
    return found
