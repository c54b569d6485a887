"""Facets as a MusicXML file: what was not edited as it came, the rest made from its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from collab.errors import InvalidScore, LimitExceeded
from collab.limits import SCORE_XML_BYTES_MAX
from collab.score.musicxml import frame
from collab.score.musicxml import kept as keeping
from collab.score.musicxml.cell_work import Scope
from collab.score.musicxml.cell_writing import Written, write_cell
from collab.score.musicxml.current import (
    START,
    Facts,
    Value,
    element_of,
    length_of,
    onset_of,
    sorted_facts,
    sound_facets,
)
from collab.score.musicxml.digests import CellPlace, cell_digests
from collab.score.musicxml.kept import Kept
from collab.score.musicxml.layout import NOTES, Entry, divisions_element, divisions_for
from collab.score.musicxml.markup import made
from collab.score.musicxml.note_writing import NoteWriter
from collab.score.musicxml.numbering import numbers_of
from collab.score.musicxml.reading import read_score
from collab.score.musicxml.source import Element
from collab.score.musicxml.state import Cell, Finding, Reading, Ticks
from collab.score.musicxml.timewise import as_timewise

_DIVISIONS_USUAL_MAX: Final = 16_383  # what all readers take; beyond that measures say their own


@dataclass(frozen=True, slots=True)
class Exported:
    """A score that was written.

    Args:
        data: a MusicXML file, in UTF-8.
        findings: what of the document could not be written as it stands.
    """

    data: bytes
    findings: list[Finding] = field(default_factory=list)


def write_musicxml(facets: Mapping[str, Mapping[str, Any]], *, with_ids: bool = False) -> bytes:
    """Write a score as a MusicXML file; see ``export_musicxml``, which tells findings as well."""
    return export_musicxml(facets, with_ids=with_ids).data


def export_musicxml(facets: Mapping[str, Mapping[str, Any]], *, with_ids: bool = False) -> Exported:
    """Write a score as a MusicXML file.

    A cell of an imported score whose facts were not edited goes out as it came in; in others what
    was edited is changed. What is no score data in a document is left out, and told.

    Args:
        facets: as read from a shared document; its numbers may be floats.
        with_ids: give every note and sign its id, not only those that have none in the file; for
            engravers that hand ids on.

    Raises:
        InvalidScore: the document holds hardly anything of a score's shape.
        LimitExceeded: the file would be larger than a score may be.
    """
    sound, findings = sound_facets(facets)
    try:
        kept = keeping.kept_of(sound)
    except (InvalidScore, LimitExceeded) as error:
        kept = None
        findings.append(Finding(0, f"the kept markup is not used: {error}"))
    score = _Score(sorted_facts(sound), kept)
    try:
        tree = score.written(with_ids=with_ids)
    except _KeptDiffers:
        findings.append(Finding(0, "the kept markup is not used: it is not that of an import"))
        tree = _Score(sorted_facts(sound), None).written(with_ids=with_ids)
    data: bytes = etree.tostring(tree, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    if len(data) > SCORE_XML_BYTES_MAX:
        raise LimitExceeded(
            f"the score has more than {SCORE_XML_BYTES_MAX} bytes", limit="SCORE_XML_BYTES_MAX"
        )
    return Exported(data, findings)


class _KeptDiffers(Exception):
    """The kept markup does not read as the ids it is kept under."""


class _Score:
    """The writing of one score."""

    def __init__(self, facts: Facts, kept: Kept | None) -> None:
        self._facts = facts
        self._kept = kept
        facets = facts.facets
        if not facets["parts"] and (kept is None or kept.parts):
            # A file has one part at least, and a part one measure.
            name = "P1"
            while any(name == part_id for part_id, _ in (*facts.events, *facts.directions)):
                name += "_"  # what is left of a part that was removed stays out
            facts.facets["parts"][name] = {"order": "a0", "name": "", "staves": 1}
        self._part_ids = sorted(facets["parts"], key=lambda name: _order(facets["parts"], name))
        measures = facets["measures"]
        self._measures = [
            name
            for name in sorted(measures, key=lambda name: _order(measures, name))
            if not measures[name].get("deleted")
        ]
        self._reading: Reading | None = None
        self._cells: dict[CellPlace, Cell] = {}
        self._edited: set[CellPlace] = set()
        self._filled = set() if kept is None else {part_id for part_id, _ in kept.cells}

    def written(self, *, with_ids: bool) -> Element:
        """Write the score as a tree."""
        kept = self._kept
        tree = frame.fresh_tree() if kept is None else kept.tree
        root = tree.getroot()
        if kept is not None:
            digests = cell_digests(self._facts.facets, list(kept.cells))
            self._edited = {place for place in kept.cells if digests[place] != kept.facts[place]}
        bodies = {} if kept is None else dict(kept.parts)
        if kept is None or self._edited or with_ids or not self._has_old_shape(kept):
            if kept is not None:
                self._read_again(kept, with_ids=with_ids)
            self._write_parts(root, bodies)
        frame.write_header(root, self._facts.facets)
        listed = {} if kept is None else kept.listed
        frame.write_part_list(root, self._facts.facets, self._part_ids, listed)
        as_timewise(root)
        return tree

    def _has_old_shape(self, kept: Kept) -> bool:
        """Whether parts and measures are those of the file, in its order."""
        old = list(dict.fromkeys(measure for _, measure in kept.cells))
        is_whole = kept.parts.keys() <= kept.empty | self._filled
        return is_whole and self._measures == old and self._with_music() == list(kept.parts)

    def _with_music(self) -> list[str]:
        """Name the parts that have music, or could have: those that the file only lists do not."""
        silent: set[str] = set()
        if self._kept is not None:
            held = {part_id for part_id, _ in self._facts.events}
            silent = self._kept.listed.keys() - self._kept.parts.keys() - held
        return [name for name in self._part_ids if name not in silent]

    def _read_again(self, kept: Kept, *, with_ids: bool) -> None:
        """Read the facts of the file again, to see what was edited, and find where they stand."""
        reading = self._reading = read_score(kept.tree.getroot())
        self._cells = {(cell.part.id, cell.measure): cell for cell in reading.cells}
        if self._cells.keys() != kept.cells.keys() or any(
            cell.element is not kept.cells[place] for place, cell in self._cells.items()
        ):
            raise _KeptDiffers
        self._edited |= self._facts.carried
        shown = self._facts.spanners
        for marks in reading.marks.values():
            for mark in marks:
                if mark.spanner and (mark.spanner, mark.role) not in shown.get(mark.owner, {}):
                    # The other end is gone: this one goes as well.
                    owner = element_of(reading.facets, mark.owner)
                    if owner is not None:
                        self._edited.add((owner["part"], owner["measure"]))
        if with_ids:
            _set_ids(reading)

    def _write_parts(self, root: Element, bodies: dict[str, Element]) -> None:
        old = {measure for _, measure in self._cells}
        numbers = numbers_of(self._facts, self._reading, self._measures)
        with_music = self._with_music()
        notes = NoteWriter(self._facts, self._reading, numbers)
        first = with_music[0] if with_music else ""
        scope = Scope(self._facts, self._reading, notes, first)
        elements = []
        for part_id in with_music:
            known = part_id in bodies
            if not known:
                listed = {} if self._kept is None else self._kept.listed
                bodies[part_id] = etree.Element("part", {"id": listed.get(part_id, part_id)})
            was_empty = self._kept is not None and part_id in self._kept.empty
            absent = old if was_empty or part_id in self._filled else set()
            measures = self._write_part(scope, part_id, absent)
            if not measures and not was_empty:
                measures = [self._empty_measure()]
            _set_measures(bodies[part_id], measures)
            elements.append(bodies[part_id])
        present = root.findall("part")
        if present != elements:
            for element in present:
                root.remove(element)
            root.extend(elements)

    def _empty_measure(self) -> Element:
        """Make the one measure that a part must have; it is the first of all parts."""
        first = self._facts.facets["measures"][self._measures[0]] if self._measures else {}
        return made("measure", None, {"number": first.get("number", "1")})

    def _write_part(self, scope: Scope, part_id: str, absent: set[str]) -> list[Element]:
        out: list[Element] = []
        divisions: Ticks = 1
        if not absent:
            scope.preferred_divisions = _divisions_of(self._facts, part_id, self._measures)
            divisions = 0
        time: Value | None = None
        for measure_id in self._reached(part_id, absent):
            place = (part_id, measure_id)
            settings = self._facts.settings.get(place, {})
            time = settings.get(("time", "", START), time)
            cell = self._cells.get(place)
            is_first = not out
            if cell is None or place in self._edited or (is_first and cell.number != 1):
                written = write_cell(scope, place, cell, divisions, time, is_first=is_first)
            else:
                written = Written(cell.element, cell.divisions, cell.end_divisions)
            if written.start != divisions:
                _say_divisions(out, written)
            divisions = written.end
            out.append(written.element)
        return out

    def _reached(self, part_id: str, absent: set[str]) -> Sequence[str]:
        """Name the measures up to the last that a part has: in the file some parts end early."""
        facts, told = self._facts, self._newly_set(part_id) if absent else frozenset()
        for count in range(len(self._measures), 0, -1):
            place = (part_id, self._measures[count - 1])
            held = place in self._cells or place in facts.events or place in facts.directions
            if held or place[1] in told or place[1] not in absent:
                return self._measures[:count]
        return []

    def _newly_set(self, part_id: str) -> frozenset[str]:
        """Name the measures in which the file does not say what is set for a part."""
        file = {} if self._reading is None else self._reading.facets["attr"]
        changed = (
            key for key, value in self._facts.facets["attr"].items() if file.get(key) != value
        )
        places = (key.split("|") for key in changed)
        return frozenset(place[1] for place in places if place[2] in ("*", part_id))


def _divisions_of(facts: Facts, part_id: str, measures: Sequence[str]) -> int:
    """Find divisions for a whole part that came from no file."""
    entries = [
        Entry(None, onset_of(event), NOTES, (), duration=length_of(event))
        for measure_id in measures
        for name in facts.events.get((part_id, measure_id), ())
        for event in (facts.facets["ev"][name],)
    ]
    divisions = divisions_for(entries, 1)
    return divisions if divisions <= _DIVISIONS_USUAL_MAX else 1


def _order(entries: Mapping[str, Any], name: str) -> tuple[str, str]:
    return entries[name]["order"], name


def _set_ids(reading: Reading) -> None:
    for facet in ("ev", "dir"):
        for name in reading.facets[facet]:
            reading.elements[facet, name][0][1].set("id", name)


def _say_divisions(out: Sequence[Element], written: Written) -> None:
    """Say which divisions a measure counts in that is left as it is."""
    start = written.start
    element = divisions_element(start if isinstance(start, int) else int(start))
    if out:
        out[-1].append(element)
    else:
        written.element.insert(0, element)


def _set_measures(part: Element, measures: Sequence[Element]) -> None:
    """Have a part hold these measures; comments go with the measure that they stand before."""
    if part.findall("measure") == list(measures):
        return
    before: dict[Element, list[Element]] = {}
    waiting: list[Element] = []
    for child in part:
        if child.tag == "measure":
            before[child] = waiting
            waiting = []
        else:
            waiting.append(child)
    children: list[Element] = []
    for measure in measures:
        children += before.get(measure, [])
        children.append(measure)
    part[:] = [*children, *waiting]
