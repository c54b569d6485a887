"""Whether a merged update holds everything that its parts held.

Compared are shapes, not values: which clocks of which client are there, and which are deleted.
That is what a merge could lose; it copies the content of what it keeps. Unlike a state vector,
this also sees what waits for missing predecessors, and deletions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collab.protocol.id_ranges import IdRanges
from collab.protocol.scanned import ClockRange, ScannedUpdate


def lost_by_merge(merged: ScannedUpdate, parts: Iterable[ScannedUpdate]) -> list[ClockRange]:
    """The clock ranges and deleted ranges of the parts that the merged update lacks.

    Returns:
        Ranges as they stand in a part; empty when all is well.
    """
    structs = _set_of(_present(merged))
    deletes = _set_of(merged.deletes)
    lost = []
    for part in parts:
        lost += [span for span in _present(part) if not structs.covers(*span)]
        lost += [span for span in part.deletes if not deletes.covers(*span)]
    return lost


def shape(scanned: ScannedUpdate) -> bytes:
    """The clocks that an update brings and those it deletes: the same bytes for the same ones."""
    present, deleted = _set_of(_present(scanned)), _set_of(scanned.deletes)
    return present.as_delete_update() + deleted.as_delete_update()


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


def _set_of(spans: Iterable[ClockRange]) -> IdRanges:
    ranges = IdRanges()
    for client, start, end in sorted(spans):  # in order, each is added at the end
        ranges.add(client, start, end)
    return ranges
