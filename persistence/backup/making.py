"""From a store into a backup, while the store may be serving.

Rooms are taken one by one in order of name, each as it is when it is read. An incremental backup
goes through its parent's index beside the store's manifests and takes of each room what came since.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field, replace
from typing import Final

from collab.errors import EpochUnfinished, StoreUnavailable
from collab.ids import (
    FIRST_EPOCH,
    NO_ROOM,
    BlobKey,
    RoomKey,
    RoomName,
    Sequence,
    UnixSeconds,
    room_key,
)
from collab.ports import BlobInfo, BlobStore, LogRow, LogTail, Manifest, Record, RecordKind
from persistence.backup.catalogue import (
    BEGUN,
    BackupId,
    BackupManifest,
    Begun,
    BlobLine,
    RoomLine,
    backup_ids,
    decode_begun,
    new_backup_id,
    own_key,
    parts_of,
    read_manifest,
)
from persistence.backup.entries import EntryType, encode_described, encode_entry, encode_row, split
from persistence.backup.reader import Archive, OrderedLines
from persistence.backup.room_keys import Keys, room_keys, with_later
from persistence.backup.sealing import Sealer
from persistence.backup.writer import ArchiveWriter
from persistence.capture import (
    READS_MAX,
    RoomCapture,
    all_manifests,
    capture_room,
    log_start,
    other_blobs,
    room_blobs,
    room_records,
)
from persistence.named_blobs import RoomRecord, told_unheld, unheld
from persistence.stores import Stores

Clock = Callable[[], UnixSeconds]

RESUME_WITHIN_S: Final = 6 * 3600
"""An interrupted backup is gone on with within this time; later a new one is begun."""

ABANDONED_AFTER_S: Final = 24 * 3600
"""What an interrupted backup left is removed by the first one begun after this time."""

CLOCK_DOUBT_S: Final = 2
"""A blob changed this shortly before it was last taken may have changed in the same second."""


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to back up, and how.

    Attributes:
        is_incremental: take what came since the newest whole backup, if there is one.
        files: small files of the data folder to take along, by name.
        progress: called after each room with rooms done and bytes stored.
    """

    is_incremental: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    progress: Callable[[int, int], None] = lambda rooms, stored_bytes: None  # noqa: ARG005 - a signature


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What a backup amounts to.

    Attributes:
        manifest: its manifest.
        was_resumed: it goes on with one that was interrupted.
        troubles: rooms that the store had damaged already, by name, with what is lost.
        left_out: how many of them are not in the backup, because an erasure ended half-way.
    """

    manifest: BackupManifest
    was_resumed: bool
    left_out: int = 0
    troubles: Mapping[str, str] = field(default_factory=dict, repr=False)


async def make_backup(
    stores: Stores, blobs: BlobStore, sealer: Sealer, request: BackupRequest, clock: Clock
) -> BackupResult:
    """Back up a store.

    Args:
        stores: the store; only read.
        blobs: the destination.
        sealer: compresses and encrypts.
        request: what to do.
        clock: tells the time.

    Raises:
        ArchiveUnreadable: the parent, or what an interrupted run left, is damaged or has another
            key.
        StoreUnavailable: the store or the destination failed; a later call goes on from there.
    """
    writer, was_resumed = await _open_writer(blobs, sealer, request, clock)
    parent = None
    if writer.begun.parent is not None:
        parent = await Archive.open(blobs, sealer, writer.begun.parent)
    making = _Making(stores, writer, parent, clock)
    await making.run(request)
    manifest = await writer.finish(clock())
    return BackupResult(manifest, was_resumed, making.left_out, making.troubles)


async def _open_writer(
    blobs: BlobStore, sealer: Sealer, request: BackupRequest, clock: Clock
) -> tuple[ArchiveWriter, bool]:
    """A writer for a new backup, or for the one that was interrupted."""
    whole, parts = await backup_ids(blobs)
    parent = whole[-1] if whole and request.is_incremental else None
    now = clock()
    for backup in reversed(parts):
        begun = await _begun(blobs, sealer, backup)
        age_s = now - begun.begun_at if begun is not None else RESUME_WITHIN_S + 1
        if begun is not None and begun.parent == parent and 0 <= age_s <= RESUME_WITHIN_S:
            writer = ArchiveWriter(blobs, sealer, backup, begun)
            await writer.resume()
            return writer, True
        if begun is not None and age_s > ABANDONED_AFTER_S:
            for key in reversed(await parts_of(blobs, backup)):
                await blobs.delete(key)
    digest = "" if parent is None else (await read_manifest(blobs, sealer, parent))[1]
    backup = new_backup_id(now, max((*whole, *parts), default=None))
    writer = ArchiveWriter(blobs, sealer, backup, Begun(now, parent, digest))
    await writer.begin()
    return writer, False


async def _begun(blobs: BlobStore, sealer: Sealer, backup: BackupId) -> Begun | None:
    place = own_key(backup, BEGUN)
    blob = await blobs.read(place)
    return None if blob is None else decode_begun(place, await sealer.unpack(place, blob.data))


class _Making:
    """One run: the parent's index beside the store's manifests.

    Attributes:
        troubles: what the store had lost already, by room.
        left_out: rooms that are not taken.
    """

    def __init__(
        self, stores: Stores, writer: ArchiveWriter, parent: Archive | None, clock: Clock
    ) -> None:
        self.troubles: dict[str, str] = {}
        self.left_out = 0
        self._stores = stores
        self._writer = writer
        self._before = None if parent is None else OrderedLines(parent)
        self._clock = clock

    async def run(self, request: BackupRequest) -> None:
        """Take everything after the last room that is complete."""
        done = self._writer.written.last_room
        if done is None:
            await self._take_store(request.files)
        after = RoomName(done) if done else None
        async for manifest in all_manifests(self._stores, after=after):
            await self._take_room(manifest)
            written = self._writer.written
            request.progress(written.rooms, written.packed_bytes)

    async def _take_store(self, files: Mapping[str, bytes]) -> None:
        """What belongs to no room: records, other blobs, files of the data folder."""
        before = await self._line_before("")
        await self._writer.begin_room("")
        for name, data in sorted(files.items()):
            await self._writer.add(encode_described(EntryType.FILE, {"name": name}, data))
        empty = RoomLine(
            name="",
            epoch=FIRST_EPOCH,
            head=Sequence(0),
            base=Sequence(0),
            captured_at=self._clock(),
            status="",
            status_reason="",
            anchor="",
            records="",
            records_in=self._writer.backup,
            blobs=(),
            chunks=None,
        )
        await self._end_room(
            await self._with_extras(empty, NO_ROOM, other_blobs(self._stores), before)
        )

    async def _take_room(self, listed: Manifest) -> None:
        """One room, anew when it is erased meanwhile: what is written then may not belong together.

        Raises:
            StoreUnavailable: that happened again and again.
        """
        before = await self._line_before(listed.name)
        for _ in range(READS_MAX):
            self.troubles.pop(listed.name, None)
            line = await self._written_room(listed, before)
            if line is None:  # not to be had
                return
            manifest = await self._stores.manifests.get(room_key(listed.name))
            if manifest is not None and manifest.epoch == line.epoch:
                await self._end_room(line)
                return
            await self._writer.abandon_room()
            if manifest is None:  # it went while it was read
                return
        raise StoreUnavailable(f"a room was erased {READS_MAX} times while it was backed up")

    async def _written_room(self, listed: Manifest, before: RoomLine | None) -> RoomLine | None:
        key = room_key(listed.name)
        captured_at = self._clock()
        rows = None if before is None else await self._rows_since(key, before)
        if before is not None and rows is not None:
            keys = await room_keys(self._stores, key)
            # An epoch's key is destroyed only after the manifest has moved on from it.
            manifest = await self._stores.manifests.get(key)
            if manifest is None:  # it went while it was read
                return None
            if manifest.epoch == before.epoch:
                return await self._take_rows(manifest, before, rows, captured_at, keys)
        try:
            capture, keys = await self._captured(listed.name)
        except EpochUnfinished as error:  # no reason to be without the other rooms
            self._trouble(listed.name, f"is not in this backup: {error}")
            self.left_out += 1
            return None
        if capture is None:
            return None
        return await self._take_whole(capture, before, captured_at, keys)

    async def _end_room(self, line: RoomLine) -> None:
        await self._writer.end_room(lambda span: replace(line, chunks=span))

    def _trouble(self, name: str, what: str) -> None:
        known = self.troubles.get(name)
        self.troubles[name] = what if known is None else f"{known}; {what}"

    async def _captured(self, name: RoomName) -> tuple[RoomCapture | None, Keys]:
        """A room, and the keys of what was read of it."""
        key = room_key(name)
        while True:
            capture = await capture_room(self._stores, name)
            keys = await room_keys(self._stores, key)
            manifest = None if capture is None else await self._stores.manifests.get(key)
            if capture is None or manifest is None:  # it went while it was read
                return None, ()
            if manifest.epoch == capture.manifest.epoch:
                return capture, keys

    async def _rows_since(self, key: RoomKey, before: RoomLine) -> tuple[LogRow, ...] | None:
        """The rows after those that the parent has; None when the room must be taken anew."""
        if not before.anchor:
            return None
        # The last row that the parent has is read again: it shows that this is still that log.
        after = Sequence(before.head - 1)
        tail: LogTail = await self._stores.log.read(key, after=after)
        if tail.epoch != before.epoch or tail.quarantined or log_start(tail) != after:
            return None
        if not tail.rows or anchor_of(tail.rows[0]) != before.anchor:
            return None
        return tail.rows[1:]

    async def _take_rows(
        self,
        manifest: Manifest,
        before: RoomLine,
        rows: tuple[LogRow, ...],
        captured_at: UnixSeconds,
        keys: Keys,
    ) -> RoomLine:
        line = replace(
            before,
            head=rows[-1].sequence if rows else before.head,
            base=None,
            captured_at=captured_at,
            status=manifest.status.value,
            status_reason=manifest.status_reason,
            anchor=anchor_of(rows[-1]) if rows else before.anchor,
            chunks=None,
        )
        if rows:
            await self._writer.begin_room(manifest.name)
            await self._add_rows(rows)
        key = room_key(manifest.name)
        return await self._with_extras(line, key, room_blobs(self._stores, key), before, keys)

    async def _take_whole(
        self,
        capture: RoomCapture,
        before: RoomLine | None,
        captured_at: UnixSeconds,
        keys: Keys,
    ) -> RoomLine:
        manifest = capture.manifest
        if capture.is_fragment:
            self._trouble(manifest.name, "merged rows are gone, and no snapshot holds them")
        elif capture.lost:
            self._trouble(manifest.name, f"{len(capture.lost)} rows are lost")
        await self._writer.begin_room(manifest.name)
        if capture.base is not None:
            parts = split(capture.base.update)
            await self._writer.add(encode_entry(EntryType.SNAPSHOT_PART, part) for part in parts)
        await self._add_rows(capture.rows)
        has_head = bool(capture.rows) and capture.rows[-1].sequence == capture.head
        base = capture.base_sequence
        if capture.is_fragment:
            base = Sequence(capture.head - len(capture.rows) - len(capture.lost))
        line = RoomLine(
            name=manifest.name,
            epoch=manifest.epoch,
            head=capture.head,
            base=base,
            captured_at=captured_at,
            status=manifest.status.value,
            status_reason=manifest.status_reason,
            anchor=anchor_of(capture.rows[-1]) if has_head else "",
            records="",
            records_in=self._writer.backup,
            blobs=(),
            chunks=None,
            lost=capture.lost,
        )
        key = room_key(manifest.name)
        return await self._with_extras(line, key, room_blobs(self._stores, key), before, keys)

    async def _add_rows(self, rows: tuple[LogRow, ...]) -> None:
        for row in rows:
            await self._writer.add(encode_row(row))
        self._writer.count_rows(len(rows))

    async def _with_extras(
        self,
        line: RoomLine,
        key: RoomKey,
        infos: AsyncIterator[BlobInfo],
        before: RoomLine | None,
        keys: Keys = (),
    ) -> RoomLine:
        """Add records and blobs where they differ from the parent's, and say so in the line."""
        records = [each async for each in room_records(self._stores, key)]
        known = {} if before is None else {blob.key: blob for blob in before.blobs}
        blobs = []
        async for info in infos:
            kept = known.get(info.key)
            if kept is None or not _is_same(kept, info, before):
                kept = await self._take_blob(line.name, info)
            if kept is not None:
                blobs.append(kept)
        if key != NO_ROOM:
            await self._leave_out_deleted(records, line, [BlobKey(blob.key) for blob in blobs])
            # A version may be of an epoch that began after the rows were read.
            records += with_later(keys, await room_keys(self._stores, key))
        digest = _digest(records)
        records_in = self._writer.backup
        if before is not None and before.records == digest:
            records_in = before.records_in
        elif records:
            await self._begin(line.name)
            for kind, record in records:
                what = {"kind": kind.value, "id": record.record_id}
                await self._writer.add(encode_described(EntryType.RECORD, what, record.value))
        return replace(line, records=digest, records_in=records_in, blobs=tuple(blobs))

    async def _leave_out_deleted(
        self, records: list[RoomRecord], line: RoomLine, blobs: SequenceOf[BlobKey]
    ) -> None:
        """Take away records that were deleted before their blobs were taken; tell real losses."""
        for kind, record in unheld(records, line.epoch, blobs):
            key = room_key(RoomName(line.name))
            if await self._stores.records.get(kind, key, record.record_id) is None:
                records.remove((kind, record))
            else:
                self._trouble(line.name, told_unheld((kind, record)))

    async def _take_blob(self, name: str, info: BlobInfo) -> BlobLine | None:
        blob = await self._stores.blobs.read(info.key)
        if blob is None:  # deleted since it was listed
            return None
        await self._begin(name)
        await self._writer.add(encode_described(EntryType.BLOB, {"key": info.key}, blob.data))
        return BlobLine(info.key, len(blob.data), info.modified_at, self._writer.backup)

    async def _begin(self, name: str) -> None:
        if not self._writer.is_in_room:
            await self._writer.begin_room(name)

    async def _line_before(self, name: str) -> RoomLine | None:
        return None if self._before is None else await self._before.find(name)


def anchor_of(row: LogRow) -> str:
    """What tells a row from another one under the same sequence."""
    return hashlib.sha256(row.sequence.to_bytes(8, "big") + row.update).hexdigest()[:32]


def _digest(records: list[tuple[RecordKind, Record]]) -> str:
    digest = hashlib.sha256()
    for kind, record in records:
        head = f"{kind.value} {record.record_id} {record.revision} {len(record.value)} "
        digest.update(head.encode() + record.value)
    return digest.hexdigest()


def _is_same(kept: BlobLine, info: BlobInfo, before: RoomLine | None) -> bool:
    """Whether a blob is the one that a parent holds; times are whole seconds."""
    if before is None or (kept.size_bytes, kept.modified_at) != (info.size_bytes, info.modified_at):
        return False
    return info.modified_at + CLOCK_DOUBT_S < before.captured_at
