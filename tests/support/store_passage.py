"""Ports whose every call goes through one place, where a test says what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from typing import Protocol, TypeVar

from collab.cluster.heads import LogHeads, LogPlace
from collab.cluster.leases import Lease, LeaseHolder, LeaseName, Leases
from collab.ids import (
    BlobKey,
    BlobTag,
    Epoch,
    RecordId,
    RoomKey,
    RoomName,
    Sequence,
)
from collab.ports import (
    Blob,
    BlobInfo,
    BlobStore,
    LogTail,
    Manifest,
    Record,
    RecordKind,
    RecordStore,
    RoomManifests,
    SnapshotRef,
    SnapshotStore,
    UpdateLog,
)

_T = TypeVar("_T")


class Passage(Protocol):
    """What stands between a caller and its store."""

    async def through(self, call: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """Carry out a call such as ``log.append``, or fail in its place."""


class Gate:
    """A ``Passage`` on which the answer to one call can be held up.

    Args:
        call: the call's name, such as ``blobs.read``.

    Attributes:
        is_shut: whether the next answer is held up; that opens it for those after it.
        reached: set when it is.
        opens: to be set for it to go on.
    """

    def __init__(self, call: str, *, is_shut: bool = False) -> None:
        self.is_shut = is_shut
        self.reached = asyncio.Event()
        self.opens = asyncio.Event()
        self._call = call

    async def through(self, call: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """See ``Passage``."""
        result = await work()
        if self.is_shut and call == self._call:
            self.is_shut = False
            self.reached.set()
            await self.opens.wait()
        return result


class PassedLog:
    """The update log."""

    def __init__(self, log: UpdateLog, passage: Passage) -> None:
        self._log = log
        self._passage = passage

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        return await self._passage.through(
            "log.append", lambda: self._log.append(room, epoch=epoch, after=after, updates=updates)
        )

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        await self._passage.through(
            "log.begin_epoch", lambda: self._log.begin_epoch(room, of=of, epoch=epoch, after=after)
        )

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        await self._passage.through(
            "log.skip_to", lambda: self._log.skip_to(room, epoch=epoch, after=after, head=head)
        )

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        return await self._passage.through("log.read", lambda: self._log.read(room, after=after))

    async def head(self, room: RoomKey) -> Sequence:
        return await self._passage.through("log.head", lambda: self._log.head(room))

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        return await self._passage.through(
            "log.trim", lambda: self._log.trim(room, through=through)
        )


class PassedSnapshots:
    """The snapshots."""

    def __init__(self, snapshots: SnapshotStore, passage: Passage) -> None:
        self._snapshots = snapshots
        self._passage = passage

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        return await self._passage.through(
            "snapshots.put",
            lambda: self._snapshots.put(room, epoch=epoch, sequence=sequence, update=update),
        )

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        return await self._passage.through("snapshots.get", lambda: self._snapshots.get(room, ref))

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        return await self._passage.through("snapshots.list", lambda: self._snapshots.list(room))

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        await self._passage.through("snapshots.delete", lambda: self._snapshots.delete(room, ref))


class PassedManifests:
    """The manifests."""

    def __init__(self, manifests: RoomManifests, passage: Passage) -> None:
        self._manifests = manifests
        self._passage = passage

    async def get(self, room: RoomKey) -> Manifest | None:
        return await self._passage.through("manifests.get", lambda: self._manifests.get(room))

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        return await self._passage.through(
            "manifests.compare_and_set",
            lambda: self._manifests.compare_and_set(room, manifest=manifest),
        )

    async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
        return await self._passage.through(
            "manifests.list", lambda: self._manifests.list(after=after, limit=limit)
        )


class PassedRecords:
    """The records."""

    def __init__(self, records: RecordStore, passage: Passage) -> None:
        self._records = records
        self._passage = passage

    async def get(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> Record | None:
        return await self._passage.through(
            "records.get", lambda: self._records.get(kind, room, record_id)
        )

    async def compare_and_set(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        return await self._passage.through(
            "records.compare_and_set", lambda: self._records.compare_and_set(kind, room, record)
        )

    async def delete(
        self,
        kind: RecordKind,
        room: RoomKey,
        record_id: RecordId,
        *,
        revision: int | None = None,
    ) -> None:
        await self._passage.through(
            "records.delete",
            lambda: self._records.delete(kind, room, record_id, revision=revision),
        )

    async def list(
        self, kind: RecordKind, room: RoomKey, *, after: RecordId | None, limit: int
    ) -> tuple[Record, ...]:
        return await self._passage.through(
            "records.list", lambda: self._records.list(kind, room, after=after, limit=limit)
        )


class PassedBlobs:
    """The blobs."""

    def __init__(self, blobs: BlobStore, passage: Passage) -> None:
        self._blobs = blobs
        self._passage = passage

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        return await self._passage.through("blobs.create", lambda: self._blobs.create(key, data))

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        return await self._passage.through(
            "blobs.replace", lambda: self._blobs.replace(key, data, tag=tag)
        )

    async def read(self, key: BlobKey) -> Blob | None:
        return await self._passage.through("blobs.read", lambda: self._blobs.read(key))

    async def delete(self, key: BlobKey) -> None:
        await self._passage.through("blobs.delete", lambda: self._blobs.delete(key))

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        return await self._passage.through(
            "blobs.list", lambda: self._blobs.list(prefix, after=after, limit=limit)
        )


class PassedLeases:
    """The leases."""

    def __init__(self, leases: Leases, passage: Passage) -> None:
        self._leases = leases
        self._passage = passage

    async def acquire(
        self, name: LeaseName, holder: LeaseHolder, *, ttl_ms: int, value: bytes = b""
    ) -> Lease | None:
        return await self._passage.through(
            "leases.acquire", lambda: self._leases.acquire(name, holder, ttl_ms=ttl_ms, value=value)
        )

    async def renew(self, lease: Lease, *, ttl_ms: int, value: bytes = b"") -> Lease:
        return await self._passage.through(
            "leases.renew", lambda: self._leases.renew(lease, ttl_ms=ttl_ms, value=value)
        )

    async def release(self, lease: Lease) -> None:
        await self._passage.through("leases.release", lambda: self._leases.release(lease))

    async def held(self, prefix: str) -> tuple[Lease, ...]:
        return await self._passage.through("leases.held", lambda: self._leases.held(prefix))


class PassedHeads:
    """Where logs stand."""

    def __init__(self, heads: LogHeads, passage: Passage) -> None:
        self._heads = heads
        self._passage = passage

    async def places(self, rooms: SequenceOf[RoomKey]) -> dict[RoomKey, LogPlace]:
        return await self._passage.through("heads.places", lambda: self._heads.places(rooms))
