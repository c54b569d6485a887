"""Sets of CRDT ids, kept as ranges of clocks by client."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from collab.protocol.varint import Reader, write_uint


class IdRanges:
    """A set of ids that grows: for each client, disjoint ranges in order, touching ones joined.

    A question costs a binary search; adding costs the same and, in the middle of many ranges, a
    shift of the list behind.
    """

    __slots__ = ("_spans",)

    def __init__(self) -> None:
        # By client: where its ranges start, and where they end.
        self._spans: dict[int, tuple[list[int], list[int]]] = {}

    def add(self, client: int, start: int, end: int) -> None:
        """Add the ids ``(client, start)`` up to and without ``(client, end)``."""
        if start >= end:
            return
        spans = self._spans.get(client)
        if spans is None:
            self._spans[client] = ([start], [end])
            return
        starts, ends = spans
        if start > ends[-1]:
            starts.append(start)
            ends.append(end)
            return
        # All ranges from `first` up to `behind` touch the new one and are joined with it.
        first = bisect_left(ends, start)
        behind = bisect_right(starts, end)
        if first < behind:
            start = min(start, starts[first])
            end = max(end, ends[behind - 1])
        starts[first:behind] = [start]
        ends[first:behind] = [end]

    def add_delete_set(self, update: bytes) -> None:
        """Add what an update without structs deletes; of one with structs nothing."""
        reader = Reader(update)
        if reader.read_uint() != 0:
            return
        for _ in range(reader.read_uint()):
            client = reader.read_uint()
            for _ in range(reader.read_uint()):
                start = reader.read_uint()
                self.add(client, start, start + reader.read_uint())

    def as_delete_update(self) -> bytes:
        """An update without structs that deletes all ids of the set."""
        parts = [b"\x00", write_uint(len(self._spans))]
        for client, (starts, ends) in self._spans.items():
            parts += (write_uint(client), write_uint(len(starts)))
            for at in range(len(starts)):
                parts += (write_uint(starts[at]), write_uint(ends[at] - starts[at]))
        return b"".join(parts)

    def covers(self, client: int, start: int, end: int) -> bool:
        """Whether all ids from ``(client, start)`` up to and without ``(client, end)`` are in."""
        if start >= end:
            return True
        spans = self._spans.get(client)
        if spans is None:
            return False
        starts, ends = spans
        at = bisect_right(starts, start) - 1
        return at >= 0 and ends[at] >= end
