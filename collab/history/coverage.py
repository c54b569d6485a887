"""Whether a merged update holds everything that its parts held.

Compared are shapes, not values: which clocks of which client are there, and which are deleted.
That is what a merge could lose; it copies the content of what it keeps. Unlike a state vector,
this also sees what waits for missing predecessors, and deletions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from collab.protocol.scanned import ClockRange, ScannedUpdate


def lost_by_merge(merged: ScannedUpdate, parts: Iterable[ScannedUpdate]) -> list[ClockRange]:
    """The clock ranges and deleted ranges of the parts that the merged update lacks.

    Returns:
        Ranges as they stand in a part; empty when all is well.
    """
    structs = _Spans(_present(merged))
    deletes = _Spans(merged.deletes)
    lost = []
    for part in parts:
        lost += [span for span in _present(part) if not structs.hold(span)]
        lost += [span for span in part.deletes if not deletes.hold(span)]
    return lost


def _present(scanned: ScannedUpdate) -> Iterator[ClockRange]:
    """The clocks that an update brings: its blocks without the Skips in them."""
    skips: dict[int, list[ClockRange]] = {}
    for skip in scanned.skips:
        skips.setdefault(skip.client, []).append(skip)
    for block in scanned.ranges:
        start = block.start
        for skip in skips.get(block.client, ()):
            if skip.start > start:
                yield ClockRange(block.client, start, skip.start)
            start = skip.end
        if block.end > start:
            yield ClockRange(block.client, start, block.end)


class _Spans:
    """Ranges by client, neighbours joined, so that one lookup tells whether a range is inside."""

    def __init__(self, spans: Iterable[ClockRange]) -> None:
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for span in sorted(spans):
            starts = self._starts.setdefault(span.client, [])
            ends = self._ends.setdefault(span.client, [])
            if ends and span.start <= ends[-1]:
                ends[-1] = max(ends[-1], span.end)
            else:
                starts.append(span.start)
                ends.append(span.end)

    def hold(self, span: ClockRange) -> bool:
        place = bisect_right(self._starts.get(span.client, []), span.start) - 1
        return place >= 0 and self._ends[span.client][place] >= span.end
