"""The facts as they are now, sorted by where the writer needs them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from collab.errors import InvalidScore
from collab.score import schema
from collab.score.musicxml.digests import CellPlace
from collab.score.musicxml.state import Finding
from collab.score.validate import malformed

PROBLEMS_MAX: Final = 10_000
START: Final = "0/1"
"""Where a measure starts, as keys of ``attr`` say it."""

Value = Mapping[str, Any]
SettingPlace = tuple[str, str, str]
"""Kind, staff as ``/2`` or nothing, and place in the measure."""


@dataclass(slots=True)
class Facts:
    """A score's facts, by place and owner.

    Attributes:
        events: ids of events by their cell.
        directions: ids of directions by their cell.
        spanners: at an element, by spanner id and end.
        lyrics: at an event, by verse.
        settings: by cell, those of all parts already dealt out; by measure for barlines as well.
        endings: at a measure: text of an ending that starts, and whether one stops.
        carried: cells that hold settings of deleted measures before them.
    """

    facets: dict[str, dict[str, Any]]
    events: dict[CellPlace, list[str]] = field(default_factory=lambda: defaultdict(list))
    directions: dict[CellPlace, list[str]] = field(default_factory=lambda: defaultdict(list))
    spanners: dict[str, dict[tuple[str, str], Value]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    lyrics: dict[str, dict[str, Value]] = field(default_factory=lambda: defaultdict(dict))
    settings: dict[CellPlace, dict[SettingPlace, Value]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    endings: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    carried: set[CellPlace] = field(default_factory=set)

    def is_shown(self, element_id: str) -> bool:
        """Whether something is exported: its part is there, its measure is and was not deleted."""
        value = element_of(self.facets, element_id)
        if value is None or value["part"] not in self.facets["parts"]:
            return False
        measure = self.facets["measures"].get(value["measure"])
        return measure is not None and not measure.get("deleted")


def element_of(facets: Mapping[str, Mapping[str, Any]], element_id: str) -> Value | None:
    """Find an event or direction; None when there is no such thing."""
    value: Value | None = facets["ev"].get(element_id) or facets["dir"].get(element_id)
    return value


def sorted_facts(facets: dict[str, dict[str, Any]]) -> Facts:
    """Sort sound facets by place; what refers to nothing is left out."""
    facts = Facts(facets)
    for facet, by_cell in (("ev", facts.events), ("dir", facts.directions)):
        for key, value in facets[facet].items():
            by_cell[value["part"], value["measure"]].append(key)
    for key, value in facets["ly"].items():
        event_id, _, verse = key.partition(schema.KEY_SEPARATOR)
        facts.lyrics[event_id][verse] = value
    for key, value in sorted(facets["sp"].items()):
        _add_spanner(facts, key, value)
    # Those of one part come after those of all, and hide them.
    for key, value in sorted(facets["attr"].items(), key=_scope_last):
        kind, measure_id, scope, at = key.split(schema.KEY_SEPARATOR)
        part_id, slash, staff = scope.partition("/")
        parts = list(facets["parts"]) if scope == schema.EVERY_PART else [part_id]
        for name in parts:
            facts.settings[name, measure_id][kind, slash + staff, at] = value
    _carry_settings(facts)
    return facts


def _carry_settings(facts: Facts) -> None:
    """Have what was set in deleted measures hold in the measure after them."""
    measures = facts.facets["measures"]
    if not any(measure.get("deleted") for measure in measures.values()):
        return
    order = sorted(measures, key=lambda name: (measures[name]["order"], name))
    for part_id in facts.facets["parts"]:
        carried: dict[SettingPlace, Value] = {}
        for measure_id in order:
            held = facts.settings.get((part_id, measure_id), {})
            if measures[measure_id].get("deleted"):
                # The later of two in a measure holds on.
                latest = sorted(held.items(), key=lambda item: _when(item[0][2]))
                for (kind, staff, _), value in latest:
                    if kind != "barline":
                        carried[kind, staff, START] = value
            elif carried:
                added = {place: value for place, value in carried.items() if place not in held}
                if added:
                    facts.settings[part_id, measure_id].update(added)
                    facts.carried.add((part_id, measure_id))
                carried = {}


def _when(at: str) -> Fraction:
    return Fraction(at) if "/" in at else Fraction(0)


def _scope_last(item: tuple[str, Any]) -> tuple[bool, str]:
    key = item[0]
    return (key.split(schema.KEY_SEPARATOR)[2] != schema.EVERY_PART, key)


def _add_spanner(facts: Facts, key: str, value: Value) -> None:
    start, end = value["start"], value["end"]
    if value["kind"] == "ending":
        measures = (facts.facets["measures"].get(name) for name in (start, end))
        if all(measure is not None and not measure.get("deleted") for measure in measures):
            facts.endings[start]["start"] = value.get("text", "")
            facts.endings[end]["stop"] = value.get("text", "")
        return
    if facts.is_shown(start) and facts.is_shown(end):
        facts.spanners[start][key, "start"] = value
        facts.spanners[end][key, "stop"] = value


def sound_facets(
    facets: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """Leave out what is no score data, so that the writer can rely on every shape.

    Args:
        facets: as read from a shared document.

    Returns:
        The facets with normalised numbers, and what was left out.

    Raises:
        InvalidScore: there is more of it than could be honest.
    """
    plain: Any = schema.normalise_numbers(facets)
    sound: dict[str, dict[str, Any]] = {name: dict(plain.get(name) or {}) for name in schema.FACETS}
    problems = malformed(facets, problems_max=PROBLEMS_MAX)
    if len(problems) == PROBLEMS_MAX:
        raise InvalidScore("the document is no score: nearly nothing in it has a score's shape")
    findings = []
    for problem in problems:
        if problem.facet not in sound:
            continue
        if problem.key == "":
            sound[problem.facet] = {}
        sound[problem.facet].pop(problem.key, None)
        findings.append(Finding(0, f"{problem.facet}: {problem.code}, left out"))
    return sound, findings


def onset_of(value: Value) -> Fraction:
    """When something stands, in quarter notes from the start of its measure."""
    return Fraction(*value["onset"])


def length_of(value: Value) -> Fraction:
    """How long an event is, in quarter notes; a grace note takes no time."""
    return Fraction(0) if "grace" in value else Fraction(*value["duration"])
