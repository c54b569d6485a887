"""Parts of updates that cannot be integrated yet, kept aside until what they lack has come.

The CRDT library never sees them: gaps and pending structs lead it into states in which small
updates crash it, and what it holds back it would tell nobody of. Structs of one client can only
be integrated in the order of their clocks, so what waits is kept as *runs*: the rest of a client's
structs in one update, from the first that lacks something.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Final, NamedTuple

from collab.protocol.id_ranges import IdRanges
from collab.protocol.scanned import ClockRange, ScannedUpdate
from collab.protocol.update_format import GC, HAS_ANY_ORIGIN, HAS_ORIGIN, HAS_RIGHT_ORIGIN, SKIP
from collab.protocol.varint import Reader, write_uint

_OVERHEAD_BYTES: Final = 256  # what keeping one part takes beyond its bytes
_STRUCT_BYTES: Final = 16  # and what each of its structs takes
_NO_DELETES: Final = b"\x00"


class Missing(NamedTuple):
    """What has to be known first: all clocks of a client up to and without `clock`."""

    client: int
    clock: int


class Run:
    """Consecutive structs of one client.

    Args:
        client: client id.
        data: the bytes of an update, or of a part of it.
        offsets: where in `data` each struct begins, and at last where they end.
        clocks: first clock of each struct, and at last the clock behind them.

    Attributes:
        at: place of the next struct.
        key: what tells it from all other runs, once it has been kept aside.
    """

    __slots__ = ("_clocks", "_offsets", "_reader", "at", "client", "key")

    def __init__(self, client: int, data: bytes, offsets: array[int], clocks: array[int]) -> None:
        self.client: int = client
        self.at: int = 0
        self.key: tuple[int, int, bytes] | None = None
        self._reader: Reader = Reader(data)
        self._offsets: array[int] = offsets
        self._clocks: array[int] = clocks

    @property
    def is_done(self) -> bool:
        """Whether no struct is left."""
        return self.at == len(self._clocks) - 1

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes, once kept aside."""
        return len(self._reader.data) + _STRUCT_BYTES * len(self._clocks) + _OVERHEAD_BYTES

    def advance(self, known: Mapping[int, int], structs_max: int) -> tuple[bytes, Missing | None]:
        """Take the structs that can be integrated now.

        Args:
            known: the document's clocks.
            structs_max: how many to look at.

        Returns:
            An update of those that are new, empty if there are none; and what the next one lacks,
            or None if it only was not looked at.
        """
        begin = self.at
        clocks = self._clocks
        end = min(len(clocks) - 1, begin + structs_max)
        reached = known.get(self.client, 0)
        missing = None
        while self.at < end:
            if clocks[self.at + 1] <= reached:
                if begin == self.at:
                    begin += 1
            else:
                missing = self._missing(known, reached)
                if missing is not None:
                    break
                reached = clocks[self.at + 1]
            self.at += 1
        return (self._cut(begin) if self.at > begin else b"", missing)

    def drop(self) -> None:
        """Leave out all that is left."""
        self.at = len(self._clocks) - 1

    def kept(self) -> Run:
        """What is left of it, without the bytes of anything else."""
        if self.key is not None:
            return self
        offsets, clocks = self._offsets[self.at :], self._clocks[self.at :]
        first = offsets[0]
        data = self._reader.data[first : offsets[-1]]
        run = Run(self.client, data, array("Q", [at - first for at in offsets]), clocks)
        run.key = (self.client, clocks[0], data)
        return run

    def _missing(self, known: Mapping[int, int], reached: int) -> Missing | None:
        start = self._clocks[self.at]
        if start > reached:
            return Missing(self.client, start)
        for client, clock in self._references():
            if client != self.client and clock >= known.get(client, 0):
                return Missing(client, clock + 1)
        return None

    def _references(self) -> Iterator[tuple[int, int]]:
        """The ids that the next struct refers to."""
        reader = self._reader
        reader.at = self._offsets[self.at]
        info = reader.read_u8()
        if info == GC:
            return
        if info & HAS_ORIGIN:
            yield reader.read_uint(), reader.read_uint()
        if info & HAS_RIGHT_ORIGIN:
            yield reader.read_uint(), reader.read_uint()
        if not info & HAS_ANY_ORIGIN and reader.read_uint() == 0:
            yield reader.read_uint(), reader.read_uint()

    def _cut(self, begin: int) -> bytes:
        return b"".join(
            (
                b"\x01",
                write_uint(self.at - begin),
                write_uint(self.client),
                write_uint(self._clocks[begin]),
                self._reader.data[self._offsets[begin] : self._offsets[self.at]],
                _NO_DELETES,
            )
        )


def runs_of(update: bytes, scanned: ScannedUpdate) -> Iterator[Run]:
    """Cut an update into its clients' runs, Skips left out."""
    index = scanned.index
    begin = 0
    for block, span in enumerate(scanned.ranges):
        end = index.ends[block]
        for at in range(begin, end):
            if update[index.offsets[at]] == SKIP:
                if at > begin:
                    yield _run(span.client, update, scanned, begin, at)
                begin = at + 1
        if end > begin:
            yield _run(span.client, update, scanned, begin, end)
        begin = end + 1


def _run(client: int, update: bytes, scanned: ScannedUpdate, begin: int, end: int) -> Run:
    index = scanned.index
    return Run(
        client,
        update,
        array("Q", index.offsets[begin : end + 1]),
        array("Q", index.clocks[begin : end + 1]),
    )


class Waiting:
    """All that waits in one document.

    Attributes:
        size_bytes: about how much memory it takes.
    """

    __slots__ = ("_count", "_deletes", "_keys", "_runs", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self._count = 0
        # By the client that they wait for, ordered by the clock that it has to reach.
        # None for nothing: few documents ever have anything that waits.
        self._runs: dict[int, list[tuple[int, int, Run]]] | None = None
        self._deletes: dict[int, list[tuple[int, int]]] | None = None
        self._keys: set[tuple[int, int, bytes] | None] | None = None

    def __bool__(self) -> bool:
        return bool(self._runs or self._deletes)

    @property
    def clients(self) -> set[int]:
        """The clients that something waits for."""
        return {*(self._runs or ()), *(self._deletes or ())}

    def writers(self) -> set[int]:
        """The clients that wrote what waits."""
        return {run.client for heap in (self._runs or {}).values() for _, _, run in heap}

    def awaits(self, client: int) -> bool:
        """Whether something waits for a client."""
        return client in (self._runs or ()) or client in (self._deletes or ())

    def park(self, run: Run, missing: Missing) -> None:
        """Keep a run until what it lacks has come; the same one is not kept twice."""
        run = run.kept()
        if self._runs is None or self._keys is None:
            self._runs, self._keys = {}, set()
        if run.key in self._keys:
            return
        self._keys.add(run.key)
        self.size_bytes += run.size_bytes
        self._count += 1  # runs themselves have no order
        heappush(self._runs.setdefault(missing.client, []), (missing.clock, self._count, run))

    def park_delete(self, span: ClockRange) -> None:
        """Keep a delete until what it deletes has come."""
        if self._deletes is None:
            self._deletes = {}
        heap = self._deletes.setdefault(span.client, [])
        if (span.start, span.end) not in heap[:1]:
            self.size_bytes += _OVERHEAD_BYTES
            heappush(heap, (span.start, span.end))

    def wake(self, client: int, clock: int) -> list[Run]:
        """Take the runs that may go on now that a client has reached a clock."""
        if self._runs is None or self._keys is None:
            return []
        heap = self._runs.get(client)
        woken = []
        while heap and heap[0][0] <= clock:
            run = heappop(heap)[2]
            self._keys.discard(run.key)
            self.size_bytes -= run.size_bytes
            woken.append(run)
        if not heap:
            self._runs.pop(client, None)
        if not self._runs:
            self._runs = self._keys = None
        return woken

    def wake_deletes(self, client: int, clock: int) -> list[ClockRange]:
        """Take the deletes, or the parts of them, that a client has reached."""
        if self._deletes is None:
            return []
        heap = self._deletes.get(client)
        woken = []
        while heap and heap[0][0] < clock:
            start, end = heappop(heap)
            self.size_bytes -= _OVERHEAD_BYTES
            woken.append(ClockRange(client, start, min(end, clock)))
            if end > clock:
                self.park_delete(ClockRange(client, clock, end))
        if not heap:
            self._deletes.pop(client, None)
        if not self._deletes:
            self._deletes = None
        return woken


def delete_update(spans: Iterable[ClockRange]) -> bytes:
    """An update that deletes these ranges; overlapping ones are joined."""
    ranges = IdRanges()
    for client, start, end in sorted(spans):
        ranges.add(client, start, end)
    return ranges.as_delete_update()
