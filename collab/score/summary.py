"""What a list or a page says of a score, without its notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from collab.score.model import read_score, string

_PEOPLE = ("composer", "lyricist", "arranger")
_EMPTY: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class PartSummary:
    """One part: its id, and its name as it stands before the first system."""

    part_id: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Summary:
    """A score in brief.

    Attributes:
        title: as the document has it.
        people: composer, lyricist and arranger, as far as they are named.
        parts: from the top of the page.
        measures: how many there are, without the deleted ones.
        notes: how many events there are in those, rests among them.
    """

    title: str = field(repr=False)
    people: Mapping[str, str] = field(repr=False)
    parts: tuple[PartSummary, ...]
    measures: int
    notes: int


def summarise(facets: Mapping[str, Mapping[str, object]]) -> Summary:
    """Sum a score up; what is no score has no parts and no measures."""
    score = read_score(facets)
    meta = facets.get("meta", _EMPTY)
    there = {key for key, measure in score.measures.items() if not measure.is_deleted}
    names = facets.get("parts", _EMPTY)
    return Summary(
        title=string(meta.get("title")),
        people={name: text for name in _PEOPLE if (text := string(meta.get(name)))},
        parts=tuple(PartSummary(key, _name(names.get(key))) for key in score.parts),
        measures=len(there),
        notes=sum(event.measure in there for event in score.events.values()),
    )


def _name(part: object) -> str:
    return string(part.get("name")) if isinstance(part, Mapping) else ""
