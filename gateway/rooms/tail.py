"""What a room's log holds beyond its newest snapshot, and whether that should be folded in."""

from __future__ import annotations

from typing import Final

from collab.history.compaction import CompactionLimits, is_bloated, plan_compaction
from collab.ids import Milliseconds, Sequence
from collab.limits import ENCODE_INLINE_BYTES_MAX
from collab.ports import Manifest
from collab.room.doc import RoomDoc
from gateway.rooms.clock import now_ms

_PATIENCE_MAX: Final = 64


class Tail:
    """The rows after the newest snapshot.

    Attributes:
        count: how many.
        size_bytes: of all of them.
        since_ms: when the first was stored, by the event loop's clock; means nothing without one.
    """

    __slots__ = ("_patience", "count", "since_ms", "size_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.size_bytes = 0
        self.since_ms = Milliseconds(0)
        self._patience = 1

    def adopt(self, count: int, size_bytes: int, age_s: int) -> None:
        """Begin with what was loaded, the first of it that old."""
        self.count = count
        self.size_bytes = size_bytes
        self.since_ms = Milliseconds(now_ms() - age_s * 1000)

    def grow(self, size_bytes: int) -> None:
        """One more row."""
        if not self.count:
            self.since_ms = now_ms()
        self.count += 1
        self.size_bytes += size_bytes

    def fold(self, rows: int, size_bytes: int, at_ms: Milliseconds) -> None:
        """A snapshot, begun at a time, now covers so many rows."""
        self.count = max(0, self.count - rows)
        self.size_bytes = max(0, self.size_bytes - size_bytes)
        self.since_ms = at_ms
        self._patience = 1

    def keep(self, rows: int) -> None:
        """A snapshot of another node now covers all but so many rows, of no known size."""
        left = min(self.count, rows)
        self.size_bytes = self.size_bytes * left // max(self.count, 1)
        self.count = left
        self.since_ms = now_ms()
        self._patience = 1

    def postpone(self) -> None:
        """Folding failed: wait for twice as much before the next attempt."""
        self._patience = min(self._patience * 2, _PATIENCE_MAX)

    def outgrows(self, doc: RoomDoc) -> bool:
        """Whether an operator should look at it, beside its document.

        How large the document is said to be only grows until it is measured. That is done where
        it decides, and so not again before log or document have grown by a part of themselves.
        """
        if is_bloated(self.size_bytes, doc.size_bytes):
            return True
        if not is_bloated(self.size_bytes, doc.answers.measured_bytes):
            return False
        is_small = doc.size_bytes <= ENCODE_INLINE_BYTES_MAX
        return is_small and is_bloated(self.size_bytes, doc.measured_bytes())

    def is_due(self, manifest: Manifest, head: Sequence, limits: CompactionLimits) -> bool:
        """Whether it has passed one of its bounds."""
        if not self.count:
            return False
        age_s = (now_ms() - self.since_ms) // 1000
        plan = plan_compaction(
            manifest,
            head=head,
            tail_count=self.count // self._patience,
            tail_bytes=self.size_bytes // self._patience,
            tail_age_s=age_s // self._patience,
            limits=limits,
        )
        return plan is not None
