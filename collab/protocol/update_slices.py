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
from collab.protocol.scanned import ClockRange, ScannedUpdate, StructIndex
from collab.protocol.update_format import GC, HAS_ANY_ORIGIN, HAS_ORIGIN, HAS_RIGHT_ORIGIN, SKIP
from collab.protocol.update_scan import UpdateScan
from collab.protocol.varint import Reader, write_uint

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
        "_block_of",
        "_blocks",
        "_clocks",
        "_deletes",
        "_deletes_at",
        "_ends",
        "_is_branch",
        "_is_waiting",
        "_next",
        "_offsets",
        "_order",
        "_reader",
        "_update",
        "_waiting",
        "_wanted",
        "_whole",
        "slice_branches",
        "slice_bytes",
    )

    def __init__(self, update: bytes, scanned: ScannedUpdate, slice_bytes: int) -> None:
        self.slice_bytes: int = slice_bytes
        self.slice_branches: int = SLICE_BRANCHES
        self._update: bytes = update
        self._reader: Reader = Reader(update)
        self._whole: bool = (
            len(update) <= slice_bytes
            and scanned.struct_count <= SLICE_STRUCTS
            and scanned.branches <= SLICE_BRANCHES
            and len(scanned.ranges) <= SLICE_CLIENTS
        )
        index = StructIndex() if self._whole else _index_of(update, scanned)
        self._offsets = index.offsets
        self._clocks = index.clocks
        self._ends: list[int] = index.ends
        self._blocks: list[ClockRange] = [] if self._whole else scanned.ranges
        self._deletes: list[ClockRange] = [] if self._whole else scanned.deletes
        self._deletes_at: int = 0
        # By block: the place of its next struct. The first follows the end of the block before.
        self._next: list[int] = [0]
        self._block_of: dict[int, int] = {}
        for block, span in enumerate(self._blocks):
            self._next.append(self._ends[block] + 1)
            self._block_of[span.client] = block
        # Replicas integrate higher client ids first, which spares them walks; so do the slices.
        self._order: list[int] = [self._block_of[client] for client in sorted(self._block_of)]
        # Blocks being worked on, each waiting for the one behind it to reach a clock.
        self._waiting: list[int] = []
        self._wanted: list[int] = []
        self._is_waiting: list[bool] = [False] * len(self._blocks)
        self._is_branch: bool = False

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
        begins: dict[int, int] = {}
        size = 0
        count = 0
        branches = 0
        while True:
            block = self._current_block()
            if block < 0 or (count and block not in begins and len(begins) >= SLICE_CLIENTS):
                break
            at = self._next[block]
            behind = at + 1
            if self._update[self._offsets[at]] == SKIP:
                # A Skip never ends a block: it travels with what follows it, or not at all.
                behind += 1
                at = at if block in begins else at + 1
            if self._waits(block, behind - 1):
                continue
            more = self._offsets[behind] - self._offsets[at]
            branches += self._is_branch
            if count and (
                size + more > self.slice_bytes
                or count >= SLICE_STRUCTS
                or branches > self.slice_branches
            ):
                break
            begins.setdefault(block, at)
            self._next[block] = behind
            size += more
            count += behind - at
        return self._write_structs(begins) if begins else b""

    def _current_block(self) -> int:
        """The block to take the next struct from, or -1 when all are done."""
        while True:
            while self._waiting:
                block = self._waiting[-1]
                if self._clocks[self._next[block]] <= self._wanted[-1]:
                    return block
                self._waiting.pop()
                self._wanted.pop()
                self._is_waiting[block] = False
            if not self._order:
                return -1
            first = self._order.pop()
            self._want(first, self._blocks[first].end - 1)

    def _want(self, block: int, clock: int) -> None:
        self._waiting.append(block)
        self._wanted.append(clock)
        self._is_waiting[block] = True

    def _waits(self, block: int, at: int) -> bool:
        """Whether a struct refers to one that is still to come; if so, that one is next."""
        reader = self._reader
        reader.at = self._offsets[at]
        info = reader.read_u8()
        self._is_branch = info != GC
        if info == GC:
            return False
        if info & HAS_ORIGIN:
            client = reader.read_uint()
            clock = reader.read_uint()
            if clock + 1 == self._clocks[at] and client == self._blocks[block].client:
                self._is_branch = False
            elif self._waits_for(block, client, clock):
                return True
        if info & HAS_RIGHT_ORIGIN:
            return self._waits_for(block, reader.read_uint(), reader.read_uint())
        if info & HAS_ANY_ORIGIN or reader.read_uint() == 1:
            return False
        return self._waits_for(block, reader.read_uint(), reader.read_uint())

    def _waits_for(self, block: int, client: int, clock: int) -> bool:
        other = self._block_of.get(client, block)
        if other == block or self._is_waiting[other]:
            # Its own block comes in order, and a circle cannot be put in order.
            return False
        if clock >= self._blocks[other].end or self._clocks[self._next[other]] > clock:
            return False
        self._want(other, clock)
        return True

    def _write_structs(self, begins: dict[int, int]) -> bytes:
        parts = [write_uint(len(begins))]
        for block, begin in begins.items():
            end = self._next[block]
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


def _index_of(update: bytes, scanned: ScannedUpdate) -> StructIndex:
    if scanned.index is not None:
        return scanned.index
    scan = UpdateScan(update, indexed=True)
    while not scan.advance(SLICE_STRUCTS):
        pass
    return scan.result.index or StructIndex()
