"""Where things are and may be: cells, lengths of measures, room in a voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from collab.score.model import Event, Measure, Setting, read_event, read_score
from collab.score.normalise.settings import Settings, by_measure
from collab.score.operations.changes import Cell, Draft, refusal
from collab.score.schema import EVERY_PART
from collab.score.spelling import signature_fifths

_UNMEASURED: Final = Fraction(4)  # what an empty measure without any metre counts for


@dataclass(frozen=True, slots=True)
class Bar:
    """A measure that is not deleted.

    Attributes:
        length: in quarter notes, for one part; None without a metre.
        usual: the same by the metre alone, whatever the measure says of itself.
        fifths: the key signature that holds at its start.
    """

    id: str
    length: Fraction | None
    usual: Fraction | None
    fifths: int

    @property
    def extent(self) -> Fraction:
        """How long it is taken to be."""
        return _UNMEASURED if self.length is None else self.length


def bars(draft: Draft, part: str = EVERY_PART) -> Sequence[Bar]:
    """Name the measures that are there, in order, as one part has them."""
    return draft.of_frame(f"bars of {part}", lambda: _bars(draft, part))


def _bars(draft: Draft, part: str) -> Sequence[Bar]:
    score = read_score(draft.view(("parts", "measures", "attr")))
    settings, set_in = Settings(), by_measure(score.settings.values())
    found: list[Bar] = []
    fifths = 0
    for measure in score.measures.values():
        here = set_in.get(measure.id, ())
        settings.enter(measure, here)
        keys = _keys(draft, here, part)
        for at, value in keys:
            fifths = fifths if at else value
        if not measure.is_deleted:
            length = settings.length(measure, part)
            found.append(Bar(measure.id, length, settings.metre(part), fifths))
        fifths = keys[-1][1] if keys else fifths
    return found


def _keys(draft: Draft, here: Sequence[Setting], part: str) -> list[tuple[Fraction, int]]:
    """Key signatures of one measure by onset, those of the part itself behind those for all."""
    found: list[tuple[Fraction, int]] = []
    for setting in sorted(here, key=lambda setting: (setting.at or 0, setting.scope != EVERY_PART)):
        if setting.kind == "key" and setting.part in {EVERY_PART, part}:
            fifths = signature_fifths(draft.get("attr", setting.key) or {})
            if fifths is not None and setting.at is not None:
                found.append((setting.at, fifths))
    return found


def require_part(draft: Draft, part: str) -> None:
    """Refuse what is for a part that is not there."""
    draft.find("parts", part, "part")


def require_measure(draft: Draft, measure: str) -> None:
    """Refuse what is for a measure that is not there, or is deleted."""
    if draft.find("measures", measure, "measure").get("deleted") is True:
        raise refusal("deleted-measure", "The measure is deleted: restore it first.", measure)


def measures_in_order(draft: Draft) -> list[Measure]:
    """Name all measures, the deleted ones too."""
    return list(read_score(draft.view(("measures",))).measures.values())


def is_note(draft: Draft, key: str) -> bool:
    """Whether an event sounds."""
    pitch = draft.get("pt", key)
    return pitch is not None and "rest" not in pitch


def require_note(draft: Draft, key: str) -> None:
    """Refuse what is for notes alone."""
    draft.find("ev", key, "note or rest")
    if not is_note(draft, key):
        raise refusal("wrong-kind", "That is no note.", key)


def events_in(draft: Draft, cells: AbstractSet[Cell]) -> Mapping[Cell, Sequence[Event]]:
    """Read the events of some cells; by id in each cell."""
    return {
        cell: [
            event
            for key, value in draft.events_in(cell)
            if (event := read_event(key, value)) is not None
        ]
        for cell in cells
    }


def require_room(
    draft: Draft, events: Sequence[Event], former_ends: Mapping[str, Fraction] | None = None
) -> None:
    """Refuse notes that do not fit into their cells, or onto which another note falls.

    Args:
        draft: without the events, or with them at their former places.
        events: as they would be.
        former_ends: what already ends after its measure may go on doing so.

    Raises:
        EditRefused: ``out-of-range`` or ``occupied``, with the ids concerned.
    """
    by_cell: dict[Cell, list[Event]] = {}
    for event in events:
        by_cell.setdefault((event.part, event.measure), []).append(event)
    lengths = {
        (part, bar.id): bar.length
        for part in sorted({part for part, _ in by_cell})
        for bar in bars(draft, part)
    }
    own = {event.id for event in events}
    present = events_in(draft, by_cell.keys())
    for cell, inside in by_cell.items():
        _require_length(inside, lengths.get(cell), former_ends or {})
        others = [
            other for other in present[cell] if other.id not in own and is_note(draft, other.id)
        ]
        for event in inside:
            in_the_way = [other.id for other in (*others, *inside) if _collide(event, other)]
            if in_the_way:
                raise refusal("occupied", "Another note of the voice is there.", *in_the_way)


def _require_length(
    events: Sequence[Event], length: Fraction | None, former_ends: Mapping[str, Fraction]
) -> None:
    for event in events if length is not None else ():
        latest = max(length or event.end, former_ends.get(event.id, event.onset))
        if event.end > latest or (event.onset >= latest and event.grace is None):
            raise refusal("out-of-range", "It does not end within its measure.", event.id)


def _collide(one: Event, other: Event) -> bool:
    if one.voice != other.voice or one.grace is not None or other.grace is not None:
        return False
    if (one.onset, one.end) == (other.onset, other.end):
        return False
    return one.onset < other.end and other.onset < one.end
