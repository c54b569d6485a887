"""What the structural scan found in an update."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple


class ClockRange(NamedTuple):
    """Consecutive clocks of one client.

    Attributes:
        client: client id.
        start: first clock.
        end: clock behind the last one.
    """

    client: int
    start: int
    end: int


class StructIndex:
    """Where each struct of an update stands, in eight bytes each.

    Behind the structs of each block stands one more entry: the block's end.

    Attributes:
        offsets: first byte of each struct.
        clocks: first clock of each struct.
        ends: for each block, the place of its last entry.
    """

    __slots__ = ("clocks", "ends", "offsets")

    def __init__(self) -> None:
        self.offsets: array[int] = array("Q")
        self.clocks: array[int] = array("Q")
        self.ends: list[int] = []


class ScannedUpdate:
    """The shape of one accepted update.

    Attributes:
        ranges: what each client block spans, from its first struct to its last, fillers included;
            a client stands here at most once.
        fillers: GC and Skip structs: clocks without content.
        skips: Skip structs alone: clocks that the update does not bring.
        deletes: the delete set, in order within a client.
        needs: for each client that structs of *other* clients refer to (as origin, right origin
            or parent): the highest clock referred to, plus one. References to the struct's own
            client always lie before the struct, so the ranges already cover them.
        struct_count: how many structs.
        branches: structs that do not simply continue the one before them, and delete ranges: each
            may make the CRDT library walk along many siblings or split a long item, so that a
            few thousand of them can take seconds.
        index: where each struct stands.
    """

    __slots__ = (
        "branches",
        "deletes",
        "fillers",
        "index",
        "needs",
        "ranges",
        "skips",
        "struct_count",
    )

    def __init__(self) -> None:
        self.ranges: list[ClockRange] = []
        self.fillers: list[ClockRange] = []
        self.skips: list[ClockRange] = []
        self.deletes: list[ClockRange] = []
        self.needs: dict[int, int] = {}
        self.struct_count: int = 0
        self.branches: int = 0
        self.index: StructIndex = StructIndex()

    def integrates(self, known: Mapping[int, int]) -> bool:
        """Whether a document can take in the update whole, leaving nothing of it pending.

        An update that does not is to be kept aside, never to be given to the CRDT library: gaps
        and pending structs lead it into states where small updates crash it.

        Args:
            known: the document's state vector: next clock by client.

        Returns:
            True if nothing is missing before a block, under a Skip, behind a reference, or under
            a delete.
        """
        ends: dict[int, int] = {}
        for span in self.ranges:
            if span.start > known.get(span.client, 0):
                return False
            ends[span.client] = span.end
        for skip in self.skips:
            if skip.end > known.get(skip.client, 0):
                return False
        for client, clock in self.needs.items():
            if clock > known.get(client, 0) and clock > ends.get(client, 0):
                return False
        for span in self.deletes:
            if span.end > known.get(span.client, 0) and span.end > ends.get(span.client, 0):
                return False
        return True
