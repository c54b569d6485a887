"""The reference implementation of the ports: the plainest code that keeps their promises.

No method waits, so each one is atomic on its event loop; snapshots are blobs here as everywhere.
Rows carry checksums as on disk, so that tests can damage bytes here and find the same behaviour as
in every other store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field, replace

from collab.cluster.heads import LogPlace
from collab.errors import EpochMoved, HeadMoved, InvariantViolated, ManifestMoved
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, RoomName, Sequence, UnixSeconds
from collab.ports import LogRow, LogTail, Manifest
from persistence.blob_snapshots import BlobSnapshots
from persistence.checksums import row_checksum
from persistence.memory.blobs import MemoryBlobs
from persistence.memory.leases import MemoryLeases
from persistence.memory.records import MemoryRecords
from persistence.stores import Stores, StoreUsage


@dataclass(slots=True)
class MemoryRow:
    """One stored update with its checksum; mutable, so that tests can damage it."""

    update: bytes = field(repr=False)
    checksum: bytes
    stored_at: UnixSeconds = UnixSeconds(0)


@dataclass(slots=True)
class MemoryRoomLog:
    """The log of one room.

    Attributes:
        head: highest sequence given.
        epoch: the log's.
        trimmed_through: rows up to here were deleted on purpose.
        rows: by sequence.
        quarantined: rows moved aside, by sequence; None stands for a row that had vanished.
    """

    head: Sequence = NO_SEQUENCE
    epoch: Epoch = FIRST_EPOCH
    trimmed_through: Sequence = NO_SEQUENCE
    rows: dict[Sequence, MemoryRow] = field(default_factory=dict)
    quarantined: dict[Sequence, MemoryRow | None] = field(default_factory=dict)


class MemoryLog:
    """The update log in memory."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.rooms: dict[RoomKey, MemoryRoomLog] = {}

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        """Append updates; see `UpdateLog.append`."""
        if not updates or not all(updates):
            raise InvariantViolated("an append holds at least one update, and no empty one")
        log = self.rooms.get(room, MemoryRoomLog())
        if log.epoch != epoch:
            raise EpochMoved(expected=epoch, actual=log.epoch)
        if log.head != after:
            raise HeadMoved(expected=after, actual=log.head)
        self.rooms[room] = log
        for update in updates:
            log.head = Sequence(log.head + 1)
            log.rows[log.head] = MemoryRow(
                bytes(update),
                row_checksum(room, log.head, update),
                UnixSeconds(int(self._wall())),
            )
        return log.head

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        """Begin a new epoch; see `UpdateLog.begin_epoch`."""
        log = self.rooms.get(room, MemoryRoomLog())
        if log.epoch != of or epoch <= of:
            raise EpochMoved(expected=of, actual=log.epoch)
        if log.head != after:
            raise HeadMoved(expected=after, actual=log.head)
        self.rooms[room] = MemoryRoomLog(head=after, epoch=epoch, trimmed_through=after)

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        """Let the log go on later; see `UpdateLog.skip_to`."""
        log = self.rooms.get(room, MemoryRoomLog())
        if log.epoch > epoch:
            raise EpochMoved(expected=epoch, actual=log.epoch)
        if log.head != after:
            raise HeadMoved(expected=after, actual=log.head)
        self.rooms[room] = MemoryRoomLog(head=head, epoch=epoch, trimmed_through=head)

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        """Read rows; see `UpdateLog.read`."""
        log = self.rooms.get(room)
        if log is None:
            return LogTail((), NO_SEQUENCE, FIRST_EPOCH)
        rows = []
        first = max(after, log.trimmed_through) + 1
        for sequence in map(Sequence, range(first, log.head + 1)):
            if sequence in log.quarantined:
                continue
            row = log.rows.get(sequence)
            if row is None or row.checksum != row_checksum(room, sequence, row.update):
                log.quarantined[sequence] = log.rows.pop(sequence, None)
            else:
                rows.append(LogRow(sequence, row.update, row.stored_at))
        return LogTail(
            rows=tuple(rows),
            head=log.head,
            epoch=log.epoch,
            quarantined=tuple(sorted(s for s in log.quarantined if s >= first)),
        )

    async def head(self, room: RoomKey) -> Sequence:
        """The head; see `UpdateLog.head`."""
        log = self.rooms.get(room)
        return NO_SEQUENCE if log is None else log.head

    async def places(self, rooms: SequenceOf[RoomKey]) -> dict[RoomKey, LogPlace]:
        """Where they stand; see `LogHeads.places`."""
        logs = ((room, self.rooms.get(room)) for room in rooms)
        return {room: LogPlace(log.epoch, log.head) for room, log in logs if log is not None}

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        """Delete merged rows; see `UpdateLog.trim`."""
        log = self.rooms.get(room)
        if log is None:
            return 0
        through = min(through, log.head)
        doomed = [sequence for sequence in log.rows if sequence <= through]
        for sequence in doomed:
            del log.rows[sequence]
        log.trimmed_through = max(log.trimmed_through, through)
        return len(doomed)


class MemoryManifests:
    """The manifests in memory."""

    def __init__(self) -> None:
        self.stored: dict[RoomKey, Manifest] = {}

    async def get(self, room: RoomKey) -> Manifest | None:
        """The manifest; see `RoomManifests.get`."""
        return self.stored.get(room)

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        """Replace the manifest; see `RoomManifests.compare_and_set`."""
        current = self.stored.get(room)
        if manifest.revision != (0 if current is None else current.revision):
            raise ManifestMoved(f"manifest revision {manifest.revision} is not the current one")
        self.stored[room] = replace(manifest, revision=manifest.revision + 1)
        return self.stored[room]

    async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
        """Manifests by name; see `RoomManifests.list`."""
        later = (m for m in self.stored.values() if after is None or m.name > after)
        return tuple(sorted(later, key=lambda manifest: manifest.name)[:limit])


class MemoryStore:
    """All ports over one memory, to be opened any number of times.

    Args:
        wall: the time, in seconds since 1970.

    Attributes:
        log: the update log.
        snapshots: the snapshots.
        manifests: the manifests.
        records: what rooms have besides.
        leases: who does what.
        blobs: whole files.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.log = MemoryLog(wall)
        self.blobs = MemoryBlobs(wall)
        self.snapshots = BlobSnapshots(self.blobs)
        self.manifests = MemoryManifests()
        self.records = MemoryRecords()
        self.leases = MemoryLeases(wall)
        self._closed = False

    def stores(self) -> Stores:
        """The bundle that the rest of the program works with."""
        self._closed = False
        return Stores(
            log=self.log,
            heads=self.log,
            snapshots=self.snapshots,
            manifests=self.manifests,
            records=self.records,
            leases=self.leases,
            blobs=self.blobs,
            description="memory (nothing outlives the process)",
            backend=self,
        )

    async def check(self) -> list[str]:
        """Nothing can be wrong with memory but that it was closed."""
        return ["the store is closed"] if self._closed else []

    async def usage(self) -> StoreUsage:
        """Bytes of rows and blobs."""
        rows = sum(len(row.update) for log in self.log.rooms.values() for row in log.rows.values())
        blobs = sum(len(blob.data) for blob, _ in self.blobs.stored.values())
        return StoreUsage(used_bytes=rows + blobs, free_bytes=None)

    async def scrub(self, room: RoomKey) -> None:
        """Nothing is left of what was deleted; the blobs moved aside go with their epoch."""
        del room

    async def close(self) -> None:
        """Remember that it was closed; what was stored can be opened again."""
        self._closed = True
