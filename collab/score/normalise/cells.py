"""What one part has in one measure: chords, voices without overlaps, and what is left empty."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from typing import Final, TypeAlias

from collab.score.model import Event, Pitch
from collab.score.normalise.view import Chord, Gap, Grace, Item, Space, Voice, WrittenRest

_Timed: TypeAlias = Chord | WrittenRest | Space

_ZERO: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Layout:
    """The events of one cell in their voices, gaps still open.

    Attributes:
        voices: by number; items by onset, grace notes before what they lead to.
        covered: ids of rests and spaces where something else is.
        end: when the last of them ends.
        filled_until: up to when some voice always has something.
    """

    voices: Mapping[int, Sequence[Item]]
    covered: tuple[str, ...]
    end: Fraction
    filled_until: Fraction


def lay_out(
    events: Sequence[Event], pitches: Mapping[str, Pitch], length: Fraction | None
) -> Layout:
    """Give each event of one cell its place.

    Notes of one voice with equal onset and duration are one chord. Where chords of a voice
    overlap, that with the lowest id stays, and the others go to the first voice that nobody
    wrote into and where there is room. Rests and spaces give way to whatever overlaps them.

    Args:
        events: in any order; each has a pitch or is a space.
        pitches: by event id.
        length: of the measure in quarter notes, for rests that fill it.
    """
    found = _Sorted()
    for event in sorted(events, key=lambda event: event.id):
        found.add(event, pitches, length)
    lines: dict[int, _Line] = {}
    displaced = [
        (chord.onset, voice, chord)
        for voice, chord in found.chords()
        if not lines.setdefault(voice, _Line()).place(chord)
    ]
    for voice, silence in found.silences:
        if not lines.setdefault(voice, _Line()).place(silence):
            found.covered.append(silence.id)
    taken = lines.keys() | {voice for voice, _, _ in found.graces}
    displaced.sort(key=lambda entry: (entry[0], entry[1], entry[2].ids))
    for number, chord in _in_free_voices(displaced, taken):
        lines.setdefault(number, _Line()).place(chord)
    timed = [item for line in lines.values() for item in line.items]
    graces = found.grace_items()
    return Layout(
        voices={
            number: _in_order(
                graces.get(number, ()), lines[number].items if number in lines else ()
            )
            for number in sorted(lines.keys() | graces.keys())
        },
        covered=tuple(sorted(found.covered)),
        end=max(
            [item.onset + item.duration for item in timed]
            + [grace.onset for items in graces.values() for _, grace in items],
            default=_ZERO,
        ),
        filled_until=_filled_until(timed),
    )


def close_gaps(number: int, items: Sequence[Item], end: Fraction) -> Voice:
    """Fill the time of a voice that nothing is written into, up to ``end``."""
    staff = items[0].staff
    reached = _ZERO
    filled: list[Item] = []
    for item in items:
        if item.onset > reached:
            filled.append(Gap(reached, item.onset - reached, staff))
            reached = item.onset
        filled.append(item)
        staff = item.staff
        if not isinstance(item, Grace):
            reached = item.onset + item.duration
    if end > reached:
        filled.append(Gap(reached, end - reached, staff))
    return Voice(number, tuple(filled))


@dataclass(slots=True)
class _Sorted:
    """The events of a cell, sorted out; they are added by id, so that lists are by lowest id."""

    notes: dict[tuple[int, Fraction, Fraction], list[Event]] = field(default_factory=dict)
    silences: list[tuple[int, WrittenRest | Space]] = field(default_factory=list)
    graces: dict[tuple[int, Fraction, str], list[Event]] = field(default_factory=dict)
    covered: list[str] = field(default_factory=list)

    def add(self, event: Event, pitches: Mapping[str, Pitch], length: Fraction | None) -> None:
        rest = "space" if event.is_space else pitches[event.id].rest
        if not rest and event.grace is not None:
            self.graces.setdefault((event.voice, event.onset, event.grace), []).append(event)
        elif not rest:
            place = (event.voice, event.onset, event.duration)
            self.notes.setdefault(place, []).append(event)
        elif rest == "measure" and (length or event.duration):
            self._add_rest(event, _ZERO, length or event.duration, fills_measure=True)
        elif event.grace is not None:
            self.covered.append(event.id)  # silence that takes no time
        elif rest == "space":
            space = Space(event.id, event.onset, event.duration, event.staff)
            self.silences.append((event.voice, space))
        else:
            self._add_rest(event, event.onset, event.duration, fills_measure=False)

    def _add_rest(
        self, event: Event, onset: Fraction, duration: Fraction, *, fills_measure: bool
    ) -> None:
        rest = WrittenRest(event.id, onset, duration, event.staff, fills_measure)
        self.silences.append((event.voice, rest))

    def chords(self) -> Iterator[tuple[int, Chord]]:
        for (voice, onset, duration), notes in self.notes.items():
            ids = tuple(note.id for note in notes)
            yield voice, Chord(ids, onset, duration, notes[0].staff)

    def grace_items(self) -> dict[int, list[tuple[str, Grace]]]:
        """Grace notes of each voice, with what they are ordered by at one onset."""
        items: dict[int, list[tuple[str, Grace]]] = {}
        for (voice, onset, order), notes in self.graces.items():
            grace = Grace(tuple(note.id for note in notes), onset, notes[0].staff)
            items.setdefault(voice, []).append((order, grace))
        return items


class _Line:
    """What a voice has, by onset, none overlapping another."""

    def __init__(self) -> None:
        self.items: list[_Timed] = []
        self._onsets: list[Fraction] = []
        self._ends: list[Fraction] = []

    def place(self, item: _Timed) -> bool:
        """Put an item in, if there is room for it."""
        end = item.onset + item.duration
        at = bisect_left(self._onsets, item.onset)
        if at > 0 and self._ends[at - 1] > item.onset:
            return False
        if at < len(self._onsets) and end > self._onsets[at]:
            return False
        self.items.insert(at, item)
        self._onsets.insert(at, item.onset)
        self._ends.insert(at, end)
        return True


def _in_free_voices(
    displaced: Sequence[tuple[Fraction, int, Chord]], taken: set[int]
) -> Iterator[tuple[int, Chord]]:
    """Give each chord, from the first onset on, the lowest voice that is free by then."""
    numbers = (number for number in count(1) if number not in taken)
    free: list[int] = []
    busy: list[tuple[Fraction, int]] = []
    for onset, voice, chord in displaced:
        while busy and busy[0][0] <= onset:
            heappush(free, heappop(busy)[1])
        number = heappop(free) if free else next(numbers)
        heappush(busy, (onset + chord.duration, number))
        yield number, replace(chord, moved_from=voice)


def _in_order(graces: Sequence[tuple[str, Grace]], timed: Sequence[_Timed]) -> list[Item]:
    keyed: list[tuple[tuple[Fraction, int, str, tuple[str, ...]], Item]] = [
        ((grace.onset, 0, order, grace.ids), grace) for order, grace in graces
    ]
    keyed += [((item.onset, 1, "", ()), item) for item in timed]
    return [item for _, item in sorted(keyed, key=lambda entry: entry[0])]


def _filled_until(timed: Sequence[_Timed]) -> Fraction:
    reached = _ZERO
    for item in sorted(timed, key=lambda item: item.onset):
        if item.onset > reached:
            break
        reached = max(reached, item.onset + item.duration)
    return reached
