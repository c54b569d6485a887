"""Events across measures: where they are from a first measure on, and how barlines cut them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from collab.score.operations.changes import Draft, refusal, written_time
from collab.score.operations.events import tuplet_ratio, value_fields
from collab.score.schema import Json
from collab.score.values import cut


@dataclass(frozen=True, slots=True)
class Span:
    """What of an event is in one measure."""

    measure: str
    onset: Fraction
    duration: Fraction


class Timeline:
    """Measures one after the other, in quarter notes from the first on."""

    def __init__(self, lengths: Sequence[tuple[str, Fraction]]) -> None:
        self.measures: Sequence[str] = [key for key, _ in lengths]
        self._places = {key: place for place, key in enumerate(self.measures)}
        ends = list(accumulate(length for _, length in lengths))
        self._starts = [Fraction(0), *ends[:-1]]
        self.end = ends[-1] if ends else Fraction(0)

    def start(self, measure: str) -> Fraction | None:
        """When a measure begins; None when it is none of these."""
        place = self._places.get(measure)
        return None if place is None else self._starts[place]

    def at(self, time: Fraction) -> tuple[str, Fraction]:
        """Find the measure, and the onset in it; the end is in the last measure."""
        place = bisect_right(self._starts, time) - 1
        return self.measures[place], time - self._starts[place]

    def ended_at(self, time: Fraction) -> tuple[str, Fraction]:
        """Find the measure that lasts until a time or over it, and the time since its start."""
        place = max(0, bisect_left(self._starts, time) - 1)
        return self.measures[place], time - self._starts[place]

    def between(self, first: str, last: str) -> Sequence[str]:
        """Name the measures from one to another, both included."""
        return self.measures[self._places[first] : self._places[last] + 1]

    def spans(self, begin: Fraction, duration: Fraction) -> list[Span]:
        """Cut an event at the barlines.

        Raises:
            EditRefused: it begins or ends after the last measure.
        """
        if begin + duration > self.end or begin < 0:
            raise refusal("out-of-range", "There are not enough measures.")
        found: list[Span] = []
        while duration > 0 or not found:
            measure, onset = self.at(begin)
            place = self._places[measure]
            barline = self._starts[place + 1] if place + 1 < len(self._starts) else self.end
            taken = min(duration, barline - begin)
            found.append(Span(measure, onset, taken))
            begin, duration = begin + taken, duration - taken
        return found


def lay(
    draft: Draft,
    key: str,
    value: Mapping[str, Json | None],
    pitch: Mapping[str, Json | None] | None,
    spans: Sequence[Span],
) -> list[str]:
    """Write an event into the measures that it reaches into, its parts tied together.

    Args:
        draft: gets ``ev``, ``pt`` and ties.
        key: of the event, or of its first piece.
        value: of ``ev``; place and time are those of the spans.
        pitch: of ``pt``, if it has one.
        spans: one or more.

    Returns:
        The ids of the pieces, in order.
    """
    pieces = _pieces(value, spans)
    ids: list[str] = []
    for place, (span, fields) in enumerate(pieces):
        piece = draft.new_id() if place else key
        onset, duration = written_time(span.onset), written_time(span.duration)
        time = {"measure": span.measure, "onset": onset, "duration": duration}
        draft.put("ev", piece, {**value, **fields, **time, **({"chord": None} if place else {})})
        if pitch is not None:
            draft.put("pt", piece, {**pitch, "accidental": None} if place else pitch)
            if place and "rest" not in pitch:
                line = {"kind": "tie", "start": ids[-1], "end": piece}
                draft.put("sp", draft.new_id(), line)
        ids.append(piece)
    return ids


def _pieces(
    value: Mapping[str, Json | None], spans: Sequence[Span]
) -> list[tuple[Span, Mapping[str, Json | None]]]:
    if len(spans) == 1:
        return [(spans[0], {})]
    written = {name: field for name, field in value.items() if field is not None}
    ratio = tuplet_ratio(written, sum((span.duration for span in spans), Fraction(0)))
    found: list[tuple[Span, Mapping[str, Json | None]]] = []
    for span in spans:
        onset = span.onset
        for nominal in cut(span.duration / ratio):
            found.append((Span(span.measure, onset, nominal * ratio), value_fields(nominal)))
            onset += nominal * ratio
    return found
