"""Freeing a large document without holding up everything else.

The CRDT library frees a document in one go, some 15 ms for each megabyte of notes. Deleting
everything first can be done in pieces: it costs as much again, and what is then left to be freed in
one go takes a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

from collab.errors import InvariantViolated
from collab.limits import DISSOLVE_CLOCKS, DISSOLVE_MS_MAX, DISSOLVE_STEPS_MAX, SLICE_TARGET_MS
from collab.protocol.document_shape import DocumentShape
from collab.protocol.scanned import ClockRange
from collab.room.replica import Replica
from collab.room.waiting import delete_update


def dissolve(
    replica: Replica, shape: DocumentShape, clocks: Mapping[int, int]
) -> Generator[None, float | None, None]:
    """Empty a document in steps; sent how many milliseconds each took, they grow or shrink.

    Documents can be made that take far longer to empty than to free: what is left after
    `DISSOLVE_MS_MAX` is freed in one go.

    Args:
        replica: the document; of no use from the first step on.
        shape: its shape, so that no character is halved.
        clocks: next expected clock by client id.
    """
    # The library looks at every client in every transaction: many need few steps.
    count_min = max(2, min(sum(clocks.values()) // DISSOLVE_STEPS_MAX, len(clocks)))
    pieces = _Pieces(shape, clocks, max(DISSOLVE_CLOCKS, count_min))
    spent_ms = 0.0
    while spent_ms < DISSOLVE_MS_MAX and (step := pieces.next_step()):
        try:
            replica.apply_update(delete_update(step))
        except InvariantViolated:
            return  # then what is left is freed in one go
        took_ms = (yield) or 0.0
        spent_ms += took_ms
        if took_ms * 2 > SLICE_TARGET_MS:
            pieces.count = max(count_min, pieces.count // 2)
        elif took_ms * 4 < SLICE_TARGET_MS:
            pieces.count *= 2


class _Pieces:
    """What is to be deleted, in steps of so many clocks, of one client after the other.

    Each client's clocks go from the last to the first: what lies in a shared type goes before the
    type, whose deletion would take it all along.
    """

    def __init__(self, shape: DocumentShape, clocks: Mapping[int, int], count: int) -> None:
        self.count: int = count
        self._shape: DocumentShape = shape
        self._clients: Iterator[tuple[int, int]] = iter(list(clocks.items()))
        self._client: int = 0
        self._end: int = 0

    def next_step(self) -> list[ClockRange]:
        """The next ranges; none at the end."""
        step: list[ClockRange] = []
        left = self.count
        while left > 0:
            if self._end <= 0:
                client = next(self._clients, None)
                if client is None:
                    break
                self._client, self._end = client
                continue
            start = max(0, self._end - left)
            start -= self._shape.is_half(self._client, start)
            left -= self._end - start
            step.append(ClockRange(self._client, start, self._end))
            self._end = start
        return step
