"""Numbers that tell apart slurs, tuplets and lines that are open at the same time."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Final, NamedTuple

from collab.score.musicxml.current import Facts, Value, element_of, length_of, onset_of
from collab.score.musicxml.state import Reading

_NUMBERS: Final = tuple(map(str, range(1, 17)))  # what MusicXML's number-level holds
_NUMBERED: Final = frozenset({"slur", "tuplet", "wedge", "ottava", "pedal"})
_LASTING: Final = frozenset({"wedge", "ottava", "pedal"})

_Time = tuple[int, Fraction]


class _Span(NamedTuple):
    start: _Time
    end: _Time
    spanner: str
    number: str


def numbers_of(facts: Facts, reading: Reading | None, measures: list[str]) -> dict[str, str]:
    """Choose numbers for the spanners that the file did not have.

    Args:
        facts: the score now.
        reading: the file; its spanners keep their numbers.
        measures: ids of the measures, in order.

    Returns:
        The number of each new spanner; with more than 16 open at a time, numbers come again.
    """
    kept = _kept_numbers(reading)
    order = {measure: index for index, measure in enumerate(measures)}
    groups: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    for spanner, value in facts.facets["sp"].items():
        if value["kind"] not in _NUMBERED:
            continue
        first, last = (element_of(facts.facets, value[end]) for end in ("start", "end"))
        if first is None or last is None or not {first["measure"], last["measure"]} <= order.keys():
            continue
        start = order[first["measure"]], onset_of(first)
        end = order[last["measure"]], _end(value["kind"], last)
        span = _Span(start, end, spanner, kept.get(spanner, ""))
        groups[first["part"], value["kind"]].append(span)
    numbers: dict[str, str] = {}
    for spans in groups.values():
        if any(not span.number for span in spans):
            numbers.update(_numbered(spans))
    return numbers


def _end(kind: str, last: Value) -> Fraction:
    """When a spanner is over: a line to a note is open until that ends."""
    is_over_note = kind in _LASTING and "duration" in last
    return onset_of(last) + (length_of(last) if is_over_note else 0)


def _kept_numbers(reading: Reading | None) -> dict[str, str]:
    if reading is None:
        return {}
    return {
        mark.spanner: str(mark.key[0])
        for marks in reading.marks.values()
        for mark in marks
        if mark.spanner and mark.key
    }


def _numbered(spans: list[_Span]) -> dict[str, str]:
    """Number the new spans: by numbers that the file does not use here, as long as there are."""
    kept = {span.number for span in spans if span.number}
    usable = [number for number in _NUMBERS if number not in kept] or list(_NUMBERS)
    numbers: dict[str, str] = {}
    open_until: dict[str, _Time] = {}
    for span in sorted(span for span in spans if not span.number):
        free = (
            number
            for number in usable
            if number not in open_until or open_until[number] < span.start
        )
        number = next(free, usable[0])
        numbers[span.spanner] = number
        open_until[number] = span.end
    return numbers
