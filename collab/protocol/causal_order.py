"""The order in which an update's structs can be integrated: each behind what it refers to."""

from __future__ import annotations

from collab.errors import MalformedUpdate
from collab.protocol.scanned import ClockRange, ScannedUpdate
from collab.protocol.update_format import GC, HAS_ANY_ORIGIN, HAS_ORIGIN, HAS_RIGHT_ORIGIN, SKIP
from collab.protocol.varint import Reader


class CausalOrder:
    """Walks the structs of an update, Skips left out, in an order that integrates.

    A client's structs come by clock; a struct that refers to one of another client's in the same
    update comes behind that one; where there is a choice, the highest client id comes first, as
    that spares replicas searches. References to what the update does not hold decide nothing.

    Args:
        update: a whole update.
        scanned: its scan.

    Attributes:
        block: of the struct that is next, once :meth:`peek` has found it.
        at: its place in the index of structs.
        is_branch: whether it does anything but continue the struct before it.
        taken: by block, the place behind the last struct taken.
    """

    __slots__ = (
        "_block_of",
        "_blocks",
        "_clocks",
        "_is_ready",
        "_is_waiting",
        "_offsets",
        "_order",
        "_reader",
        "_update",
        "_waiting",
        "_wanted",
        "at",
        "block",
        "is_branch",
        "taken",
    )

    def __init__(self, update: bytes, scanned: ScannedUpdate) -> None:
        self.block: int = -1
        self.at: int = 0
        self.is_branch: bool = False
        self.taken: list[int] = [0]
        self._update: bytes = update
        self._reader: Reader = Reader(update)
        self._blocks: list[ClockRange] = scanned.ranges
        self._offsets = scanned.index.offsets
        self._clocks = scanned.index.clocks
        self._block_of: dict[int, int] = {}
        for block, span in enumerate(self._blocks):
            self.taken.append(scanned.index.ends[block] + 1)
            self._block_of[span.client] = block
        self._order: list[int] = [self._block_of[client] for client in sorted(self._block_of)]
        # Blocks being worked on, each waiting for the one behind it to reach a clock.
        self._waiting: list[int] = []
        self._wanted: list[int] = []
        self._is_waiting: list[bool] = [False] * len(self._blocks)
        self._is_ready: bool = False

    def peek(self) -> bool:
        """Find the next struct; False when there is none.

        Raises:
            MalformedUpdate: structs wait for each other in a circle.
        """
        while not self._is_ready:
            if not self.step():
                return False
        return True

    def take(self) -> None:
        """Go on behind the struct that :meth:`peek` found."""
        self.taken[self.block] = self.at + 1
        self._is_ready = False

    def step(self) -> bool:
        """Do one bounded piece of the work of :meth:`peek`; False when no struct is left.

        Raises:
            MalformedUpdate: structs wait for each other in a circle.
        """
        if not self._waiting:
            if not self._order:
                return False
            first = self._order.pop()
            self._want(first, self._blocks[first].end - 1)
        block = self._waiting[-1]
        at = self.taken[block]
        if self._has_reached(block, self._wanted[-1]):
            self._waiting.pop()
            self._wanted.pop()
            self._is_waiting[block] = False
            return True
        if self._update[self._offsets[at]] == SKIP:
            at += 1
        self.block = block
        self.at = at
        self._is_ready = not self._waits()
        return True

    @property
    def is_ready(self) -> bool:
        """Whether the next struct is found."""
        return self._is_ready

    def _has_reached(self, block: int, clock: int) -> bool:
        """Whether all that a block brings up to a clock is taken; a Skip brings nothing."""
        at = self.taken[block]
        if self._clocks[at] > clock:
            return True
        return self._update[self._offsets[at]] == SKIP and self._clocks[at + 1] > clock

    def _want(self, block: int, clock: int) -> None:
        self._waiting.append(block)
        self._wanted.append(clock)
        self._is_waiting[block] = True

    def _waits(self) -> bool:
        """Whether the struct refers to one that is still to come; if so, that one is next."""
        reader = self._reader
        reader.at = self._offsets[self.at]
        info = reader.read_u8()
        self.is_branch = info != GC
        if info == GC:
            return False
        if info & HAS_ORIGIN:
            client = reader.read_uint()
            clock = reader.read_uint()
            if client == self._blocks[self.block].client:
                self.is_branch = clock + 1 != self._clocks[self.at]
            elif self._waits_for(client, clock):
                return True
        if info & HAS_RIGHT_ORIGIN:
            return self._waits_for(reader.read_uint(), reader.read_uint())
        if info & HAS_ANY_ORIGIN or reader.read_uint() == 1:
            return False
        return self._waits_for(reader.read_uint(), reader.read_uint())

    def _waits_for(self, client: int, clock: int) -> bool:
        other = self._block_of.get(client, self.block)
        if other == self.block or clock >= self._blocks[other].end:
            return False
        if self._has_reached(other, clock):
            return False
        if self._is_waiting[other]:
            raise MalformedUpdate("structs wait for each other in a circle")
        self._want(other, clock)
        return True
