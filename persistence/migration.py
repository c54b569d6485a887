"""Copying everything from one store into another, room by room, as often as needed.

Every pass takes what is not there yet, so that an interrupted one is gone on with, and a source
that is being served can be copied first and caught up with later. Each room is read back from
the target and compared. The target is no store for a server until a pass over a source at rest has
ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from collab.errors import StoreUnavailable
from collab.ids import (
    FIRST_EPOCH,
    NO_ROOM,
    NO_SEQUENCE,
    BlobKey,
    Epoch,
    RecordId,
    RoomKey,
    RoomName,
    Sequence,
    room_key,
)
from collab.ports import BlobInfo, LogRow, LogTail, Manifest, Record, RecordKind
from persistence.capture import (
    READS_MAX,
    all_manifests,
    log_start,
    other_blobs,
    room_blobs,
    room_records,
)
from persistence.erasure_record import copied_erasure
from persistence.room_copy import (
    RoomSource,
    SnapshotSource,
    begin_filling,
    end_filling,
    put_blob,
    put_record,
    rows_from,
    whole_snapshot,
    write_room,
)
from persistence.stores import Stores

WHAT: Final = "migration"


@dataclass(slots=True)
class MigrationResult:
    """What a pass did.

    Attributes:
        rooms: rooms that are the same in both stores now.
        rows: rows written by this pass.
        is_complete: the target may be served.
        was_resumed: an earlier pass was gone on with.
        troubles: what the source had lost already, by room.
    """

    rooms: int = 0
    rows: int = 0
    is_complete: bool = False
    was_resumed: bool = False
    troubles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A room of the source at one moment.

    Attributes:
        manifest: its status, generations and revision.
        epoch: of its log.
        head: of its log.
    """

    manifest: Manifest
    epoch: Epoch
    head: Sequence


async def migrate(
    source: Stores,
    target: Stores,
    *,
    origin: str,
    is_final: bool,
    progress: Callable[[int, int], None] = lambda rooms, rows: None,  # noqa: ARG005 - a signature
) -> MigrationResult:
    """Copy what the target lacks of the source.

    Args:
        source: only read.
        target: empty, or left by an earlier pass from the same origin.
        origin: names the source.
        is_final: nobody writes to the source; afterwards the target is whole. Where that turns out
            to be wrong, it is not.
        progress: called after each room with rooms done and rows written.

    Raises:
        TargetRefused: the target has content of its own.
        StoreUnavailable: a store failed, or a room differs after it was copied; repeating goes on
            from there.
    """
    result = MigrationResult()
    result.was_resumed = await begin_filling(target, WHAT, origin)
    await _copy_extras(source, target, None)
    copied: dict[RoomName, _Moment] = {}
    async for manifest in all_manifests(source):
        copied[manifest.name] = await _copy_room(source, target, manifest, result)
        await _copy_extras(source, target, manifest.name)
        result.rooms += 1
        progress(result.rooms, result.rows)
    if is_final and not await _moved_on(source, copied, result):
        await end_filling(target)
        result.is_complete = True
    return result


async def _moved_on(
    source: Stores, copied: dict[RoomName, _Moment], result: MigrationResult
) -> bool:
    """Whether somebody wrote to the source after all; rooms that did are named as troubles.

    An erasure or a replacement ends at the same head where it adds no row; the epoch tells of it.
    """
    moved = False
    async for manifest in all_manifests(source):
        key = room_key(manifest.name)
        tail = await source.log.read(key, after=await source.log.head(key))
        if _Moment(manifest, tail.epoch, tail.head) != copied.get(manifest.name):
            result.troubles[manifest.name] = "was written to while the store was copied"
            moved = True
    return moved


async def _copy_room(
    source: Stores, target: Stores, listed: Manifest, result: MigrationResult
) -> _Moment:
    """One room, read again when it changes meanwhile; as it was when it was read."""
    key = room_key(listed.name)
    manifest: Manifest | None = listed
    for _ in range(READS_MAX):
        if manifest is None:
            raise StoreUnavailable("a room went while it was read: run it again")
        tail = await source.log.read(key, after=NO_SEQUENCE)
        missing: list[Sequence] = []
        snapshots = await _snapshots(source, target, key, manifest, missing)
        is_one = tail.epoch == manifest.epoch and not missing
        again = manifest if is_one else await source.manifests.get(key)
        if again != manifest:
            manifest = again
            continue
        if tail.epoch != manifest.epoch:
            raise StoreUnavailable("a room's log and manifest are of different epochs: verify it")
        if missing or tail.quarantined:
            lost = len(missing) + len(tail.quarantined)
            result.troubles[manifest.name] = f"{lost} rows or snapshots were lost before"
        result.rows += await write_room(target, _room_source(manifest, tail, snapshots))
        await _compare(target, key, tail)
        return _Moment(manifest, tail.epoch, tail.head)
    raise StoreUnavailable(f"a room changed {READS_MAX} times while it was read")


def _room_source(
    manifest: Manifest, tail: LogTail, snapshots: tuple[SnapshotSource, ...]
) -> RoomSource:
    def rows(after: Sequence) -> AsyncIterator[LogRow]:
        return rows_from(tail.rows, after)

    return RoomSource(
        name=manifest.name,
        epoch=manifest.epoch,
        start=log_start(tail),
        head=tail.head,
        lost=frozenset(tail.quarantined),
        rows=rows,
        snapshots=snapshots,
        status=manifest.status,
        status_reason=manifest.status_reason,
    )


async def _snapshots(
    source: Stores, target: Stores, key: RoomKey, manifest: Manifest, missing: list[Sequence]
) -> tuple[SnapshotSource, ...]:
    """The source's generations; read only where the target lacks them."""
    present = {(ref.sequence, ref.checksum) for ref in await target.snapshots.list(key)}
    snapshots = []
    for ref in manifest.snapshots:
        update = await source.snapshots.get(key, ref)
        if update is not None:
            snapshots.append(whole_snapshot(ref.sequence, update))
        elif (ref.sequence, ref.checksum) not in present:
            missing.append(ref.sequence)
    return tuple(snapshots)


async def _compare(target: Stores, key: RoomKey, tail: LogTail) -> None:
    """Read the rows back from the target.

    Raises:
        StoreUnavailable: they differ.
    """
    copied = await target.log.read(key, after=log_start(tail))
    lost = frozenset(tail.quarantined)
    rows = tuple(row for row in copied.rows if row.sequence not in lost)
    if rows != tail.rows or copied.head != tail.head or copied.epoch != tail.epoch:
        raise StoreUnavailable("a room's log differs in the target after it was copied")


async def _copy_extras(source: Stores, target: Stores, name: RoomName | None) -> None:
    """Records and blobs; what the source no longer has goes from the target too."""
    key = NO_ROOM if name is None else room_key(name)
    kept: set[tuple[RecordKind, RecordId]] = set()
    async for kind, stored in room_records(source, key):
        record: Record | None = stored
        if kind is RecordKind.ERASURE:
            record = copied_erasure(stored, await _epoch_of(source, key))
        if record is not None:
            kept.add((kind, record.record_id))
            await put_record(target, kind, name, record)
    gone = [
        (kind, record.record_id)
        async for kind, record in room_records(target, key)
        if (kind, record.record_id) not in kept
    ]
    for kind, record_id in gone:
        await target.records.delete(kind, key, record_id)
    keys: set[BlobKey] = set()
    async for info in _blobs(source, name):
        blob = await source.blobs.read(info.key)
        if blob is not None:
            keys.add(info.key)
            await put_blob(target, info.key, blob.data)
    for blob_key in [info.key async for info in _blobs(target, name) if info.key not in keys]:
        await target.blobs.delete(blob_key)


async def _epoch_of(stores: Stores, key: RoomKey) -> Epoch:
    manifest = await stores.manifests.get(key)
    return FIRST_EPOCH if manifest is None else manifest.epoch


def _blobs(stores: Stores, name: RoomName | None) -> AsyncIterator[BlobInfo]:
    return other_blobs(stores) if name is None else room_blobs(stores, room_key(name))
