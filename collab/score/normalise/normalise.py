"""The walk through a score that gives its view; see the package for what that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from collab.score.model import Direction, Event, Measure, Place, Score, Setting, Spanner, read_score
from collab.score.normalise.cells import Layout, close_gaps, lay_out
from collab.score.normalise.settings import Settings, by_measure
from collab.score.normalise.view import (
    Cell,
    Chord,
    Grace,
    Hidden,
    HiddenReason,
    MeasureView,
    Orphan,
    OrphanReason,
    Space,
    View,
    WrittenRest,
)
from collab.score.schema import EVERY_PART

_ZERO: Final = Fraction(0)


def normalise(facets: Mapping[str, object]) -> View:
    """Show a score as musicians agree on it, whatever was merged.

    Args:
        facets: facet name to key to value, as read from the shared document; not changed.

    Returns:
        The same view for equal facets, in every order of their entries. Nothing raises: what
        cannot be shown is named in ``hidden``, ``orphans`` and ``unreadable``.
    """
    return _Walk(read_score(facets)).view()


@dataclass(slots=True)
class _Content:
    """What is written into one cell."""

    events: list[Event] = field(default_factory=list)
    directions: list[Direction] = field(default_factory=list)


class _Walk:
    def __init__(self, score: Score) -> None:
        self._score = score
        self._orphans: dict[Place, OrphanReason] = {}
        self._shown: set[str] = set()
        self._places = {part: place for place, part in enumerate(score.parts)}

    def view(self) -> View:
        score, contents = self._score, self._contents()
        settings = Settings()
        set_in = by_measure(
            setting for setting in score.settings.values() if self._is_in_score(setting)
        )
        measures: list[MeasureView] = []
        for measure in score.measures.values():
            keys = settings.enter(measure, set_in.get(measure.id, ()))
            if not measure.is_deleted:
                cells = self._cells(measure, contents.get(measure.id, {}), settings)
                length = settings.length(measure, EVERY_PART)
                measures.append(MeasureView(measure.id, length, keys, cells))
                self._shown.add(measure.id)
        for key in settings.finish():
            self._orphans["attr", key] = "measure-deleted"
        self._find_detached()
        spanners, hidden = self._spanners()
        return View(
            parts=tuple(score.parts),
            measures=tuple(measures),
            deleted=tuple(key for key, measure in score.measures.items() if measure.is_deleted),
            spanners=spanners,
            hidden=hidden,
            orphans=tuple(
                Orphan(facet, key, reason) for (facet, key), reason in sorted(self._orphans.items())
            ),
            unreadable=score.unreadable,
        )

    def _contents(self) -> Mapping[str, Mapping[str, _Content]]:
        """Sort events and directions into cells, by measure and part; set orphans aside."""
        score = self._score
        contents: dict[str, dict[str, _Content]] = {}
        for event in score.events.values():
            if self._is_in_cell("ev", event):
                if not event.is_space and event.id not in score.pitches:
                    self._orphans["ev", event.id] = "pitch-missing"
                    continue
                row = contents.setdefault(event.measure, {})
                row.setdefault(event.part, _Content()).events.append(event)
        for direction in score.directions.values():
            if self._is_in_cell("dir", direction):
                row = contents.setdefault(direction.measure, {})
                row.setdefault(direction.part, _Content()).directions.append(direction)
        return contents

    def _is_in_cell(self, facet: str, value: Event | Direction) -> bool:
        score, place = self._score, (facet, value.id)
        if value.measure not in score.measures:
            self._orphans[place] = "measure-missing"
        elif value.part not in score.parts:
            self._orphans[place] = "part-missing"
        elif score.measures[value.measure].is_deleted:
            self._orphans[place] = "measure-deleted"
        else:
            return True
        return False

    def _is_in_score(self, setting: Setting) -> bool:
        if setting.measure not in self._score.measures:
            self._orphans["attr", setting.key] = "measure-missing"
        elif setting.scope != EVERY_PART and setting.part not in self._score.parts:
            self._orphans["attr", setting.key] = "part-missing"
        else:
            return True
        return False

    def _cells(
        self, measure: Measure, row: Mapping[str, _Content], settings: Settings
    ) -> tuple[Cell, ...]:
        laid: list[tuple[str, _Content, Fraction | None, Layout]] = []
        for part in sorted(row, key=lambda part: self._places.get(part, 0)):
            length = settings.length(measure, part)
            layout = lay_out(row[part].events, self._score.pitches, length)
            laid.append((part, row[part], length, layout))
        # Without a metre, all parts last as long as the longest of them.
        end = max([layout.end for _, _, _, layout in laid], default=_ZERO)
        return tuple(self._cell(*entry, end) for entry in laid)

    def _cell(
        self,
        part: str,
        content: _Content,
        length: Fraction | None,
        layout: Layout,
        longest: Fraction,
    ) -> Cell:
        end = longest if length is None else length
        voices = tuple(close_gaps(number, items, end) for number, items in layout.voices.items())
        directions = sorted(content.directions, key=lambda value: (value.onset, value.id))
        for voice in voices:
            for item in voice.items:
                match item:
                    case Chord(ids=ids) | Grace(ids=ids):
                        self._shown.update(ids)
                    case WrittenRest(id=key) | Space(id=key):
                        self._shown.add(key)
        self._shown.update(direction.id for direction in directions)
        return Cell(
            part=part,
            length=length,
            is_overfull=length is not None and layout.end > length,
            is_underfull=length is not None and layout.end > _ZERO and layout.filled_until < length,
            voices=voices,
            covered=layout.covered,
            directions=tuple(direction.id for direction in directions),
        )

    def _find_detached(self) -> None:
        """Set aside what belongs to an element that is gone."""
        score = self._score
        for key in score.pitches:
            if key not in score.events:
                self._orphans["pt", key] = "event-missing"
        for (facet, key), owner_id in score.attached.items():
            if facet == "lay":
                if owner_id not in score.measures:
                    self._orphans[facet, key] = "measure-missing"
                elif score.measures[owner_id].is_deleted:
                    self._orphans[facet, key] = "measure-deleted"
            elif owner_id not in score.events:
                self._orphans[facet, key] = "event-missing"

    def _spanners(self) -> tuple[tuple[str, ...], tuple[Hidden, ...]]:
        shown: list[str] = []
        hidden: list[Hidden] = []
        drawn: set[tuple[str, str, str]] = set()
        for _, spanner in sorted(self._score.spanners.items()):
            reason = self._reason_to_hide(spanner, drawn)
            if reason is None:
                shown.append(spanner.id)
                drawn.add((spanner.kind, spanner.start, spanner.end))
            else:
                hidden.append(Hidden(spanner.id, reason))
        return tuple(shown), tuple(hidden)

    def _reason_to_hide(
        self, spanner: Spanner, drawn: set[tuple[str, str, str]]
    ) -> HiddenReason | None:
        ends: Sequence[str] = (spanner.start, spanner.end)
        if not self._shown.issuperset(ends):
            return "dangling"
        if (spanner.kind, *ends) in drawn:
            return "duplicate"
        pitches = [self._score.pitches.get(end) for end in ends]
        sounds = {pitch.semitones for pitch in pitches if pitch and pitch.semitones is not None}
        return "pitches-differ" if spanner.kind == "tie" and len(sounds) > 1 else None
