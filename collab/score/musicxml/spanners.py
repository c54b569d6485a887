"""Which end belongs to which: ties, slurs, tuplets and lines between directions."""

from __future__ import annotations

from typing import Final

from collab.score import schema
from collab.score.musicxml.state import Cell, Mark, Reading

_OPEN_MAX: Final = 256
"""Ends of one kind and number that wait in one part; the oldest goes when there are more."""


def join_marks(reading: Reading, cell: Cell) -> None:
    """Pair the ends that a cell holds with each other and with those open before it.

    Markup goes voice by voice, time does not: a slur may stop in a voice written before the one
    in which it starts. So ends are taken in the order of time, at one note the stop first.
    """
    for mark in sorted(cell.marks, key=_order):
        open_marks = cell.part.open_marks.setdefault((mark.kind, *mark.key), [])
        reading.marks.setdefault(mark.owner, []).append(mark)
        if mark.role == "start":
            open_marks.append(mark)
            del open_marks[:-_OPEN_MAX]
        elif (start := _taken(open_marks, mark)) is not None:
            _join(reading, start, mark)


def _order(mark: Mark) -> tuple[object, ...]:
    onset, grace, index = mark.place
    return (onset, grace, index, mark.role == "start")


def _taken(open_marks: list[Mark], stop: Mark) -> Mark | None:
    """Take the latest start in the same voice, or else the latest of all."""
    for index in range(len(open_marks) - 1, -1, -1):
        if open_marks[index].voice == stop.voice:
            return open_marks.pop(index)
    return open_marks.pop() if open_marks else None


def _join(reading: Reading, start: Mark, stop: Mark) -> None:
    spanner = reading.ids.claim(None, f"{start.kind}-{start.owner}"[: schema.ID_CHARS_MAX - 8])
    start.spanner = stop.spanner = spanner
    value: dict[str, schema.Json] = {
        "kind": start.kind,
        "start": start.owner,
        "end": stop.owner,
        **start.fields,
    }
    reading.facets["sp"][spanner] = value
