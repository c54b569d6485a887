"""Writing a whole room into a store, so that a crash at any step is gone on from.

While a room is being written its manifest says quarantined, so that nothing half-written can be
opened; the manifest that makes it openable is stored last. And while a store is being filled, a
record says so: no server starts on it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from collab.errors import BlobMoved, BlobsNotOwned, RecordMoved, StoreUnavailable, TargetRefused
from collab.ids import NO_ROOM, BlobKey, Epoch, RecordId, RoomName, Sequence, room_key
from collab.limits import MIB
from collab.ports import LogRow, Manifest, Record, RecordKind, RoomStatus, SnapshotRef
from collab.protocol.y_sync import EMPTY_UPDATE
from persistence.blob_owner import Ownership, claim_if_free, ownership
from persistence.capture import ROOMS_PREFIX, other_blobs
from persistence.checksums import snapshot_checksum
from persistence.manifests import change_manifest
from persistence.stores import Stores

BATCH_ROWS: Final = 500
BATCH_BYTES: Final = 1 * MIB
BUSY_REASON: Final = "the room is being written by a restore or a migration"

_FILLING: Final = RecordId("filling")


@dataclass(frozen=True, slots=True)
class SnapshotSource:
    """A snapshot to be written.

    Attributes:
        sequence: what it covers.
        checksum: SHA-256 of its bytes, hex.
        load: reads its bytes.
    """

    sequence: Sequence
    checksum: str
    load: Callable[[], Awaitable[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RoomSource:
    """A room to be written.

    Attributes:
        name: the room.
        epoch: of its log.
        start: its rows begin after this sequence.
        head: its last sequence.
        lost: sequences without a row.
        rows: reads the rows after a sequence, in order.
        snapshots: generations, newest first.
        status: whether it may be opened.
        status_reason: why not.
    """

    name: RoomName = field(repr=False)
    epoch: Epoch
    start: Sequence
    head: Sequence
    lost: frozenset[Sequence]
    rows: Callable[[Sequence], AsyncIterator[LogRow]] = field(repr=False)
    snapshots: tuple[SnapshotSource, ...]
    status: RoomStatus
    status_reason: str


async def require_whole(stores: Stores) -> None:
    """Refuse a store that a restore or a migration has not filled to the end.

    Raises:
        StoreUnavailable: it was not; says what to do.
    """
    record = await stores.records.get(RecordKind.FILLING, NO_ROOM, _FILLING)
    if record is not None:
        what = orjson.loads(record.value)["what"]
        raise StoreUnavailable(
            f"the store is being filled by a {what} that has not ended: run that again to its end"
        )


async def require_empty(stores: Stores) -> None:
    """Refuse a store with rooms, or whose place for blobs has any: filling it would delete them.

    Backups may be kept there, which nothing that fills a store touches.

    Raises:
        TargetRefused: it has some.
    """
    if await stores.manifests.list(after=None, limit=1):
        raise TargetRefused("the target has rooms already: choose an empty store")
    await require_own_place(stores)
    await _require_empty_place(stores)


async def _require_empty_place(stores: Stores) -> None:
    is_used = bool(await stores.raw.blobs.list(ROOMS_PREFIX, after=None, limit=1))
    async for _ in other_blobs(stores.raw):
        is_used = True
        break
    if is_used:
        raise TargetRefused(
            "the target has no rooms, but its place for blobs is not empty, and may be another "
            "store's: name an empty folder or prefix, or empty this one if nobody uses it"
        )


async def require_own_place(stores: Stores) -> Ownership | None:
    """Refuse a store whose place for blobs bears another one's mark.

    Returns:
        None where it bears no mark.

    Raises:
        TargetRefused: it does, or lacks the mark of this store.
    """
    try:
        return await ownership(stores)
    except BlobsNotOwned as error:
        raise TargetRefused(
            f"{error}: name the target's own place for blobs, or an empty folder or prefix"
        ) from None


async def begin_filling(stores: Stores, what: str, source: str) -> bool:
    """Mark a store as being filled.

    Args:
        stores: the target.
        what: ``restore`` or ``migration``.
        source: names what it is filled from; only the same one may go on.

    Returns:
        Whether an earlier run is gone on with.

    Raises:
        TargetRefused: the store has rooms already, or is being filled from something else, or its
            place for blobs is not empty, or another store's.
    """
    value = orjson.dumps({"what": what, "source": source})
    record = await stores.records.get(RecordKind.FILLING, NO_ROOM, _FILLING)
    if record is not None:
        if record.value != value:
            found = orjson.loads(record.value)
            raise TargetRefused(
                f"the target is being filled by a {found['what']} from {found['source']}: end that "
                "first, or choose an empty store"
            )
        if await require_own_place(stores) is None:
            await _require_untouched_place(stores)
            await _claim(stores)
        return True
    await require_empty(stores)
    try:
        await stores.records.compare_and_set(
            RecordKind.FILLING, NO_ROOM, Record(_FILLING, 0, value)
        )
    except RecordMoved:
        raise TargetRefused("another process has just begun to fill the target") from None
    await _claim(stores)
    return False


async def _claim(stores: Stores) -> None:
    """Mark the place before anything is written there, so that a later run knows it again."""
    try:
        await claim_if_free(stores)
    except BlobsNotOwned:
        raise TargetRefused("another store has just taken the target's place for blobs") from None


async def _require_untouched_place(stores: Stores) -> None:
    """Refuse a place without a mark that is not empty, when a fill is gone on with.

    Raises:
        TargetRefused: it may be another store's.
    """
    try:
        await _require_empty_place(stores)
    except TargetRefused:
        error = TargetRefused(
            "the target is partly filled, but nothing says that this place for blobs is its own"
        )
        error.add_note(
            "Name the place that the first run was given. If it was this one, and an earlier "
            "version of this program began: bandpro orphans --claim for the target."
        )
        raise error from None


async def end_filling(stores: Stores) -> None:
    """Mark a store as whole."""
    await stores.records.delete(RecordKind.FILLING, NO_ROOM, _FILLING)


async def is_written(stores: Stores, name: RoomName) -> bool:
    """Whether a room was written to its end."""
    manifest = await stores.manifests.get(room_key(name))
    return manifest is not None and manifest.status_reason != BUSY_REASON


async def begin_room(stores: Stores, name: RoomName, epoch: Epoch) -> Manifest:
    """Make a room known before anything of it is written, unless an earlier run has.

    So whatever blobs it has from then on were written for it, and may be replaced and deleted.

    Raises:
        TargetRefused: there are blobs of the room, of which the store knows nothing.
        StoreUnavailable: the store failed; repeating is safe.
    """
    key = room_key(name)
    manifest = await stores.manifests.get(key)
    if manifest is not None:
        return manifest
    if await stores.raw.blobs.list(f"{ROOMS_PREFIX}{key}/", after=None, limit=1):
        raise TargetRefused(
            "the target's place for blobs has some of a room that the target does not know, and "
            "may be another store's: name the target's own place, or restore elsewhere"
        )
    return await stores.manifests.compare_and_set(
        key,
        manifest=Manifest(
            name=name,
            epoch=epoch,
            revision=0,
            status=RoomStatus.QUARANTINED,
            status_reason=BUSY_REASON,
        ),
    )


async def write_room(stores: Stores, source: RoomSource) -> int:
    """Write a room, or what an earlier run or pass left to be written of it.

    Returns:
        How many rows were written now.

    Raises:
        StoreUnavailable: the store failed; repeating goes on from there.
        TargetRefused: what the target has is not what was written to it; see also `begin_room`.
    """
    key = room_key(source.name)
    manifest = await begin_room(stores, source.name, source.epoch)
    written = await _write_rows(stores, source)
    refs = await _write_snapshots(stores, source)

    def finish(now: Manifest) -> Manifest:
        return replace(
            now,
            epoch=source.epoch,
            snapshots=refs,
            status=source.status,
            status_reason=source.status_reason,
            open_attempts=0,
            trimmed_through=source.start,
        )

    if finish(manifest) != manifest:
        await change_manifest(stores, manifest, finish)
    if source.start:
        await stores.log.trim(key, through=source.start)
    for ref in await stores.snapshots.list(key):
        if ref not in refs:
            await stores.snapshots.delete(key, ref)
    return written


async def put_record(
    stores: Stores, kind: RecordKind, name: RoomName | None, record: Record
) -> None:
    """Make a record what the source has, whatever an earlier pass wrote."""
    key = NO_ROOM if name is None else room_key(name)
    current = await stores.records.get(kind, key, record.record_id)
    if current is not None and current.value == record.value:
        return
    revision = 0 if current is None else current.revision
    await stores.records.compare_and_set(kind, key, replace(record, revision=revision))


async def put_blob(stores: Stores, key: BlobKey, data: bytes) -> None:
    """Make a blob what the source has, whatever an earlier pass wrote."""
    try:
        await stores.blobs.create(key, data)
    except BlobMoved:
        current = await stores.blobs.read(key)
        if current is None:
            await stores.blobs.create(key, data)
        elif current.data != data:
            await stores.blobs.replace(key, data, tag=current.tag)


async def _write_rows(stores: Stores, source: RoomSource) -> int:
    key = room_key(source.name)
    head = await stores.log.head(key)
    epoch = (await stores.log.read(key, after=head)).epoch
    if epoch != source.epoch or head < source.start:
        await stores.log.skip_to(key, epoch=source.epoch, after=head, head=max(head, source.start))
        head = max(head, source.start)
    if head > source.head:
        raise TargetRefused("the target's log of a room is longer than the source's")
    written = 0
    async for batch in _batches(source, head):
        head = await stores.log.append(key, epoch=source.epoch, after=head, updates=batch)
        written += len(batch)
    if head != source.head:
        raise StoreUnavailable(f"the source ended at row {head} of {source.head}: run it again")
    return written


async def _batches(source: RoomSource, after: Sequence) -> AsyncIterator[list[bytes]]:
    """The updates after a sequence, lost ones stood in for, a commit's worth at a time."""
    batch: list[bytes] = []
    size_bytes = 0
    expected = after + 1
    async for row in source.rows(after):
        stand_ins = _stand_ins(source.lost, expected, row.sequence)
        expected = row.sequence + 1
        batch += [*stand_ins, row.update]
        size_bytes += len(row.update)
        if len(batch) >= BATCH_ROWS or size_bytes >= BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
    batch += _stand_ins(source.lost, expected, source.head + 1)
    if batch:
        yield batch


def _stand_ins(lost: frozenset[Sequence], first: int, end: int) -> list[bytes]:
    # Something stands where a row was lost, for sequences go on.
    return [EMPTY_UPDATE for sequence in range(first, end) if sequence in lost]


async def _write_snapshots(stores: Stores, source: RoomSource) -> tuple[SnapshotRef, ...]:
    """Store the generations that are not there yet, oldest first; newest first in the answer."""
    key = room_key(source.name)
    present = {(ref.sequence, ref.checksum): ref for ref in await stores.snapshots.list(key)}
    refs: list[SnapshotRef] = []
    for snapshot in reversed(source.snapshots):
        ref = present.get((snapshot.sequence, snapshot.checksum))
        if ref is None or await stores.snapshots.get(key, ref) is None:
            update = await snapshot.load()
            ref = await stores.snapshots.put(
                key, epoch=source.epoch, sequence=snapshot.sequence, update=update
            )
            if ref.checksum != snapshot.checksum:
                raise StoreUnavailable("a snapshot changed while it was copied: run it again")
        refs.append(ref)
    return tuple(reversed(refs))


def whole_snapshot(sequence: Sequence, update: bytes) -> SnapshotSource:
    """A snapshot whose bytes are at hand."""

    async def load() -> bytes:
        return update

    return SnapshotSource(sequence, snapshot_checksum(update), load)


async def rows_from(rows: SequenceOf[LogRow], after: Sequence) -> AsyncIterator[LogRow]:
    """Rows at hand that come after a sequence."""
    for row in rows:
        if row.sequence > after:
            yield row
