"""Freeing a large document without holding up everything else.

The CRDT library frees a document in one go, some 15 ms for each megabyte of notes. Deleting
everything first can be done in pieces: it costs as much again, and what is then left to be freed in
one go takes a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

from collab.limits import DISSOLVE_CLOCKS, SLICE_TARGET_MS
from collab.protocol.document_shape import DocumentShape
from collab.protocol.scanned import ClockRange
from collab.room.replica import Replica, is_library_failure
from collab.room.waiting import delete_update


def dissolve(
    replica: Replica, shape: DocumentShape, clocks: Mapping[int, int]
) -> Generator[None, float | None, None]:
    """Empty a document in steps; sent how many milliseconds each took, they grow or shrink.

    Each client's clocks go from the last to the first: what lies in a shared type goes before the
    type, whose deletion would take it all along.

    Args:
        replica: the document; of no use from the first step on.
        shape: its shape, so that no character is halved.
        clocks: next expected clock by client id.
    """
    count = DISSOLVE_CLOCKS
    for client, clock in clocks.items():
        end = clock
        while end > 0:
            start = max(0, end - count)
            start -= shape.is_half(client, start)
            try:
                replica.apply_update(delete_update([ClockRange(client, start, end)]))
            except BaseException as error:
                if not is_library_failure(error):
                    raise
                return  # then what is left is freed in one go
            end = start
            took_ms = (yield) or 0.0
            if took_ms * 2 > SLICE_TARGET_MS:
                count = max(2, count // 2)
            elif took_ms * 4 < SLICE_TARGET_MS:
                count *= 2
