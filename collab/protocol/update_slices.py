"""Cuts a large V1 update into small ones that add up to it.

The CRDT library applies an update in one go and holds up everything meanwhile. The slices of an
update can be applied one at a time, with other work in between: each is a valid update, structs
come after those of the same update that they refer to, and the delete set comes last. So every
slice integrates at once where the whole would.

Beyond its bytes, a slice is bounded by what it may cost to integrate. A struct that continues the
one before it has its place at once; any other may make the library walk along all siblings that
were inserted at the same place, and a delete may split, that is copy, a long text.
"""

from __future__ import annotations

from typing import Final

from collab.limits import SLICE_BRANCHES, SLICE_CLIENTS, SLICE_STRUCTS, SLICE_TARGET_MS
from collab.protocol.causal_order import CausalOrder
from collab.protocol.scanned import ClockRange, ScannedUpdate
from collab.protocol.varint import write_uint

_NO_STRUCTS: Final = b"\x00"
_NO_DELETES: Final = b"\x00"


class UpdateSlices:
    """The slices of one update, made one at a time.

    Args:
        update: a whole update.
        scanned: its scan.
        slice_bytes: how large a slice may be; a single struct may be larger.

    Attributes:
        slice_bytes: how large a slice may be.
        slice_branches: how many structs that continue nothing, or how many delete ranges, a slice
            may hold; :meth:`adapt` changes it.
    """

    __slots__ = (
        "_blocks",
        "_clocks",
        "_deletes",
        "_deletes_at",
        "_offsets",
        "_order",
        "_update",
        "_whole",
        "slice_branches",
        "slice_bytes",
    )

    def __init__(self, update: bytes, scanned: ScannedUpdate, slice_bytes: int) -> None:
        self.slice_bytes: int = slice_bytes
        self.slice_branches: int = SLICE_BRANCHES
        self._update: bytes = update
        self._whole: bool = (
            len(update) <= slice_bytes
            and scanned.struct_count <= SLICE_STRUCTS
            and scanned.branches <= SLICE_BRANCHES
            and len(scanned.ranges) <= SLICE_CLIENTS
        )
        to_cut = ScannedUpdate() if self._whole else scanned
        self._order: CausalOrder = CausalOrder(update, to_cut)
        self._offsets = to_cut.index.offsets
        self._clocks = to_cut.index.clocks
        self._blocks: list[ClockRange] = to_cut.ranges
        self._deletes: list[ClockRange] = to_cut.deletes
        self._deletes_at: int = 0

    def __iter__(self) -> UpdateSlices:
        return self

    def __next__(self) -> bytes:
        """Make the next slice."""
        if self._whole:
            self._whole = False
            return self._update
        piece = self._cut_structs() or self._cut_deletes()
        if not piece:
            raise StopIteration
        return piece

    def adapt(self, elapsed_ms: float) -> None:
        """Make the next slices cheaper or dearer after what applying the last one took."""
        if elapsed_ms > SLICE_TARGET_MS:
            self.slice_branches = max(1, self.slice_branches // 2)
        elif elapsed_ms * 2 < SLICE_TARGET_MS:
            self.slice_branches = min(SLICE_STRUCTS, self.slice_branches * 2)

    # ------------------------------------------------------------------ structs

    def _cut_structs(self) -> bytes:
        order = self._order
        begins: dict[int, int] = {}
        size = 0
        count = 0
        branches = 0
        while order.peek():
            block = order.block
            if block not in begins and len(begins) >= SLICE_CLIENTS:
                break
            # A Skip never ends a block: it travels between two structs, or not at all.
            begin = order.taken[block] if block in begins else order.at
            more = self._offsets[order.at + 1] - self._offsets[begin]
            branches += order.is_branch
            if count and (
                size + more > self.slice_bytes
                or count >= SLICE_STRUCTS
                or branches > self.slice_branches
            ):
                break
            begins.setdefault(block, begin)
            size += more
            count += order.at + 1 - begin
            order.take()
        return self._write_structs(begins) if begins else b""

    def _write_structs(self, begins: dict[int, int]) -> bytes:
        parts = [write_uint(len(begins))]
        for block, begin in begins.items():
            end = self._order.taken[block]
            parts.append(write_uint(end - begin))
            parts.append(write_uint(self._blocks[block].client))
            parts.append(write_uint(self._clocks[begin]))
            parts.append(self._update[self._offsets[begin] : self._offsets[end]])
        parts.append(_NO_DELETES)
        return b"".join(parts)

    # ------------------------------------------------------------------ the delete set

    def _cut_deletes(self) -> bytes:
        clients = 0
        size = 0
        end = min(self._deletes_at + self.slice_branches, len(self._deletes))
        parts: list[bytes] = []
        while self._deletes_at < end and size < self.slice_bytes:
            client = self._deletes[self._deletes_at].client
            ranges: list[bytes] = []
            while self._deletes_at < end and size < self.slice_bytes:
                span = self._deletes[self._deletes_at]
                if span.client != client:
                    break
                encoded = write_uint(span.start) + write_uint(span.end - span.start)
                size += len(encoded)
                ranges.append(encoded)
                self._deletes_at += 1
            clients += 1
            parts.append(write_uint(client) + write_uint(len(ranges)))
            parts.extend(ranges)
        return _NO_STRUCTS + write_uint(clients) + b"".join(parts) if clients else b""


def slice_update(update: bytes, scanned: ScannedUpdate, *, slice_bytes: int) -> UpdateSlices:
    """Cut an update into slices; an update that is small enough is its own only slice.

    Args:
        update: a whole update.
        scanned: its scan.
        slice_bytes: how large a slice may be; a single struct may be larger.

    Returns:
        An iterator of updates, to be applied in this order. References to what neither the update
        nor its slices bring are left as they are, and wait in the document as they would for the
        whole.
    """
    return UpdateSlices(update, scanned, slice_bytes)
