"""The snapshots as blobs, in a folder, a bucket or memory.

A snapshot's key says all that there is to know of it (room, epoch, sequence, size, SHA-256), so a
listing is enough to find every snapshot without opening one, and any tool can verify the content.
One that ends in ``.zst`` is a frame of zstd (`persistence.packing`); size and SHA-256 are those of
what is in it. What would not shrink, such as sealed bytes, is stored as it is.

A key is never used twice: two nodes that fold the same rows store two blobs, and the loser deletes
its own.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import suppress
from typing import Final, Protocol

import structlog

from collab.errors import BlobMoved, StoreReadOnly, StoreUnavailable
from collab.ids import BlobKey, Epoch, RoomKey, Sequence
from collab.limits import KIB
from collab.ports import BlobStore, SnapshotRef
from persistence.blob_keys import ROOMS, blob_key
from persistence.checksums import snapshot_checksum
from persistence.failpoints import Failpoints
from persistence.packing import pack, unpack

_log = structlog.stdlib.get_logger(__name__)

FOLDER: Final = "snapshots"
ASIDE_FOLDER: Final = "quarantined-snapshots"

READS_MAX: Final = 2
"""What fails its checksum is read again before it is moved aside."""

HANDLED_HERE_BYTES_MAX: Final = 256 * KIB
"""Larger ones are hashed and packed in a thread: 256 KiB take some 0.2 ms, and 1 ms."""

PACKED: Final = ".zst"

_PAGE: Final = 200
_NONCE_BYTES: Final = 8
_SEQUENCE_DIGITS: Final = 16  # as many as 2**53 has, so that keys sort by sequence
_END: Final = "\x7f"  # sorts behind every character of a key
_NAME: Final = re.compile(r"(\d{16})-(\d+)-([0-9a-f]{64})-([0-9a-f]{16}(?:\.zst)?)")
_ID: Final = re.compile(r"(\d+)\.([0-9a-f]{16}(?:\.zst)?)")
_EPOCH: Final = re.compile(r"(\d+)\.")  # of an id in any store


def snapshot_key(room: RoomKey, ref: SnapshotRef) -> BlobKey | None:
    """Where a snapshot is kept; None for one that is no blob."""
    return _key(room, ref, FOLDER)


def snapshot_epoch(ref: SnapshotRef) -> Epoch | None:
    """The epoch that a snapshot was made for; None where an earlier version made it."""
    found = _EPOCH.match(ref.snapshot_id)
    return Epoch(int(found[1])) if found else None


def parse_snapshot_key(key: BlobKey) -> tuple[RoomKey, SnapshotRef] | None:
    """The room and the snapshot that a key names; None for the key of something else."""
    match key.split("/"):
        case [first, room, epoch, folder, name] if (first, folder) == (ROOMS, FOLDER):
            found = _NAME.fullmatch(name)
        case _:
            return None
    if found is None or not epoch.isascii() or not epoch.isdigit():
        return None
    sequence, size_bytes, checksum, nonce = found.groups()
    ref = SnapshotRef(f"{epoch}.{nonce}", Sequence(int(sequence)), int(size_bytes), checksum)
    return RoomKey(room), ref


class BeforeStore(Protocol):
    """Where snapshots are no longer put; see `SnapshotStore`."""

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and verify one."""

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """All of a room, newest sequence first."""

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete one."""


class BlobSnapshots:
    """The snapshot store.

    Args:
        blobs: where they are kept.
        failpoints: where to fail on purpose.
    """

    def __init__(self, blobs: BlobStore, failpoints: Failpoints | None = None) -> None:
        self._blobs = blobs
        self._failpoints = failpoints or Failpoints()

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        """Store a snapshot and read it back; see `SnapshotStore.put`."""
        packed = await _packed(update)
        is_smaller = len(packed) < len(update)
        stored = packed if is_smaller else update
        ref = SnapshotRef(
            snapshot_id=f"{epoch}.{secrets.token_hex(_NONCE_BYTES)}{PACKED if is_smaller else ''}",
            sequence=sequence,
            size_bytes=len(update),
            checksum=await _checksum(update),
        )
        key = _key(room, ref, FOLDER)
        assert key is not None
        await self._hit("snapshot.before_commit")
        await self._blobs.create(key, stored)
        await self._hit("snapshot.after_put")
        # What cannot be read now must not be named by a manifest: rows go on the strength of it.
        found = await self._blobs.read(key)
        if found is None or await _content(ref, found.data) != update:
            raise StoreUnavailable("a snapshot does not read back as it was written")
        return ref

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and verify a snapshot; see `SnapshotStore.get`."""
        key = _key(room, ref, FOLDER)
        if key is None:
            return None
        data = b""
        for _ in range(READS_MAX):
            found = await self._blobs.read(key)
            if found is None:
                return None
            data = found.data
            update = await _content(ref, data)
            if update is not None and await _checksum(update) == ref.checksum:
                return update
        with suppress(StoreReadOnly):  # then it stays where it is
            await self._move_aside(room, ref, key, data)
        return None

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete a snapshot; see `SnapshotStore.delete`."""
        key = _key(room, ref, FOLDER)
        if key is not None:
            await self._blobs.delete(key)

    async def _epochs(self, room: RoomKey) -> list[str]:
        """The epochs of which a room has blobs, without reading the names of all of these."""
        prefix = f"{ROOMS}/{room}/"
        epochs: list[str] = []
        after: BlobKey | None = None
        while page := await self._blobs.list(prefix, after=after, limit=1):
            epoch = page[0].key.removeprefix(prefix).partition("/")[0]
            epochs.append(epoch)
            after = BlobKey(f"{prefix}{epoch}/{_END}")
        return epochs

    async def _move_aside(self, room: RoomKey, ref: SnapshotRef, key: BlobKey, data: bytes) -> None:
        aside = _key(room, ref, ASIDE_FOLDER)
        assert aside is not None
        with suppress(BlobMoved):  # an earlier attempt got as far as this
            await self._blobs.create(aside, data)
        await self._blobs.delete(key)
        _log.error("store.snapshot_quarantined", room=room[:12], sequence=ref.sequence)

    async def _hit(self, point: str) -> None:
        if self._failpoints.armed:
            await asyncio.to_thread(self._failpoints.hit, point)

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """All snapshots of a room; see `SnapshotStore.list`."""
        refs = []
        for epoch in await self._epochs(room):
            after: BlobKey | None = None
            prefix = f"{ROOMS}/{room}/{epoch}/{FOLDER}/"
            while page := await self._blobs.list(prefix, after=after, limit=_PAGE):
                refs += [found[1] for info in page if (found := parse_snapshot_key(info.key))]
                if len(page) < _PAGE:
                    break
                after = page[-1].key
        return tuple(sorted(refs, key=lambda ref: (-ref.sequence, ref.snapshot_id)))


class MovingSnapshots:
    """Snapshots of which older ones are still where an earlier version kept them.

    New ones go to one place; what the other one has can be read and deleted until compaction has
    replaced it.

    Args:
        now: where snapshots are put.
        before: where they were put; knows no id of the first.
    """

    def __init__(self, now: BlobSnapshots, before: BeforeStore) -> None:
        self._now = now
        self._before = before

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        """Store a snapshot; see `SnapshotStore.put`."""
        return await self._now.put(room, epoch=epoch, sequence=sequence, update=update)

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and verify a snapshot; see `SnapshotStore.get`."""
        return await self._of(ref).get(room, ref)

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """All snapshots of a room; see `SnapshotStore.list`."""
        refs = [*await self._now.list(room), *await self._before.list(room)]
        return tuple(sorted(refs, key=lambda ref: (-ref.sequence, ref.snapshot_id)))

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete a snapshot; see `SnapshotStore.delete`."""
        await self._of(ref).delete(room, ref)

    def _of(self, ref: SnapshotRef) -> BlobSnapshots | BeforeStore:
        return self._now if _ID.fullmatch(ref.snapshot_id) else self._before


async def _packed(update: bytes) -> bytes:
    if len(update) <= HANDLED_HERE_BYTES_MAX:
        return pack(update)
    return await asyncio.to_thread(pack, update)


async def _content(ref: SnapshotRef, stored: bytes) -> bytes | None:
    """What is stored for a snapshot, unpacked; None where that is damaged or of another size."""
    if not ref.snapshot_id.endswith(PACKED):
        return stored if len(stored) == ref.size_bytes else None
    try:
        if ref.size_bytes <= HANDLED_HERE_BYTES_MAX:
            return unpack(stored, ref.size_bytes)
        return await asyncio.to_thread(unpack, stored, ref.size_bytes)
    except StoreUnavailable:
        return None


async def _checksum(update: bytes) -> str:
    if len(update) <= HANDLED_HERE_BYTES_MAX:
        return snapshot_checksum(update)
    return await asyncio.to_thread(snapshot_checksum, update)


def _key(room: RoomKey, ref: SnapshotRef, folder: str) -> BlobKey | None:
    found = _ID.fullmatch(ref.snapshot_id)
    if found is None:
        return None
    epoch, nonce = found.groups()
    name = f"{ref.sequence:0{_SEQUENCE_DIGITS}d}-{ref.size_bytes}-{ref.checksum}-{nonce}"
    return blob_key(ROOMS, room, epoch, folder, name)
