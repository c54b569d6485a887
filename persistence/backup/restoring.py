"""From a backup into a store: the whole of it, or one room, as it was at some point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from collab.errors import ArchiveUnreadable, PointUnreachable, TargetRefused
from collab.ids import (
    NO_SEQUENCE,
    BlobKey,
    Epoch,
    RecordId,
    RoomKey,
    RoomName,
    Sequence,
    room_key,
)
from collab.ports import LogRow, Record, RecordKind, RoomStatus
from persistence.backup.catalogue import BackupId, RoomLine
from persistence.backup.entries import EntryType, decode_described
from persistence.backup.points import Goal, Lines, Run, find_run
from persistence.backup.reader import Archive, Chain
from persistence.backup.room_keys import KEY_KINDS, put_key
from persistence.erasure_record import copied_erasure
from persistence.named_blobs import RoomRecord, unheld
from persistence.room_copy import (
    RoomSource,
    SnapshotSource,
    begin_filling,
    begin_room,
    end_filling,
    is_written,
    put_blob,
    put_record,
    require_own_place,
    whole_snapshot,
    write_room,
)
from persistence.stores import Stores

ROOMS_AT_ONCE: Final = 16
"""Rooms written side by side; as many are in memory."""

RETIRED_LOST_REASON: Final = (
    "the client ids that its erasure retired are not in the backup, so whoever still holds the old "
    "document could bring it back"
)

FRAGMENT_REASON: Final = "when it was backed up, merged rows were gone and no snapshot held them"


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore.

    Attributes:
        room: one room; None for everything.
        goal: which state.
        next_epoch: begin the next epoch, so that clients with a later state reload instead of
            bringing it back.
        progress: called after each room with rooms done and rows written.
    """

    room: RoomName | None = None
    goal: Goal = field(default_factory=Goal)
    next_epoch: bool = False
    progress: Callable[[int, int], None] = lambda rooms, rows: None  # noqa: ARG005 - a signature


@dataclass(slots=True)
class RestoreResult:
    """What a restore did.

    Attributes:
        rooms: rooms that are restored now.
        rows: rows written by this run.
        files: small files of the data folder that were in the backup.
        unreachable: rooms whose state could not be given back, by name, with the reason.
        quarantined: rooms that are restored, but may not be opened as they are, with the reason.
        stand_ins: rows that the store had lost when it was backed up, by room.
        was_resumed: an interrupted restore was gone on with.
    """

    rooms: int = 0
    rows: int = 0
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    unreachable: dict[str, str] = field(default_factory=dict, repr=False)
    quarantined: dict[str, str] = field(default_factory=dict, repr=False)
    stand_ins: dict[str, int] = field(default_factory=dict, repr=False)
    was_resumed: bool = False


async def restore(chain: Chain, stores: Stores, request: RestoreRequest) -> RestoreResult:
    """Write a backup into an empty store, or one room of it into a store that lacks the room.

    Args:
        chain: the backup and its parents.
        stores: the target; no server may be using it.
        request: what to restore.

    Raises:
        TargetRefused: the target has rooms already, or the room; or its place for blobs is not
            empty, or has blobs of the room, or is another store's.
        PointUnreachable: the one room cannot be given back as it was then.
        ArchiveUnreadable: a part of the backup is damaged or gone; names it.
        StoreUnavailable: a store failed; repeating goes on from there.
    """
    if request.room is not None:
        return await _restore_one(chain, stores, request, request.room)
    result = RestoreResult()
    goal = request.goal
    source = f"{chain.newest.manifest.backup_id} {goal.at or ''}".strip()
    waiting: list[Lines] = []
    result.was_resumed = await begin_filling(stores, "restore", source)
    async for history in chain.histories():
        _, line = history[-1]
        if not line.name:
            await _restore_extras(chain, history, stores, None, result)
            continue
        waiting.append(history)
        if len(waiting) == ROOMS_AT_ONCE:
            await _restore_rooms(chain, waiting, stores, request, result)
            waiting.clear()
    await _restore_rooms(chain, waiting, stores, request, result)
    await end_filling(stores)
    return result


async def _restore_rooms(
    chain: Chain,
    histories: list[Lines],
    stores: Stores,
    request: RestoreRequest,
    result: RestoreResult,
) -> None:
    """Some rooms at once: their commits are shared."""

    async def one(history: Lines) -> None:
        name = RoomName(history[-1][1].name)
        if not await is_written(stores, name):
            await _restore_room(chain, history, stores, request, result)
        result.rooms += name not in result.unreachable
        request.progress(result.rooms, result.rows)

    outcomes = await asyncio.gather(*map(one, histories), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def _restore_one(
    chain: Chain, stores: Stores, request: RestoreRequest, name: RoomName
) -> RestoreResult:
    history = await chain.history(name)
    if not history:
        raise PointUnreachable("the backup has no such room")
    key = room_key(name)
    await require_own_place(stores)
    is_begun = await stores.manifests.get(key) is not None
    if await is_written(stores, name) or (not is_begun and await stores.log.head(key)):
        error = TargetRefused("the target has the room already")
        error.add_note(
            "Put the restored document in its place with --replace, or restore elsewhere."
        )
        raise error
    result = RestoreResult()
    await _restore_keys(chain, history, stores, key)
    await _restore_room(chain, history, stores, request, result)
    for reason in result.unreachable.values():
        raise PointUnreachable(reason)
    result.rooms = 1
    request.progress(1, result.rows)
    return result


async def _restore_room(
    chain: Chain, history: Lines, stores: Stores, request: RestoreRequest, result: RestoreResult
) -> None:
    _, line = history[-1]
    name = RoomName(line.name)
    try:
        run = await find_run(history, request.goal)
    except PointUnreachable as error:
        result.unreachable[name] = str(error)
        return
    if run is None:
        result.unreachable[name] = "the room was not there yet"
        return
    source = await _source(run, line, request)
    await begin_room(stores, name, source.epoch)
    is_whole = request.room is None
    lost = await _restore_extras(chain, history, stores, name, result, is_whole=is_whole)
    if any(kind is RecordKind.ERASURE for kind, _ in lost):
        source = replace(source, status=RoomStatus.QUARANTINED, status_reason=RETIRED_LOST_REASON)
        result.quarantined[name] = RETIRED_LOST_REASON
    written = await write_room(stores, source)
    result.rows += written
    rows_lost = [each for each in source.lost if source.start < each <= source.head]
    if rows_lost:
        result.stand_ins[name] = len(rows_lost)


async def _source(run: Run, line: RoomLine, request: RestoreRequest) -> RoomSource:
    snapshots: tuple[SnapshotSource, ...] = ()
    status, reason = RoomStatus(line.status), line.status_reason
    if run.base != NO_SEQUENCE:
        update = await run.snapshot()
        if update:
            snapshots = (whole_snapshot(run.base, update),)
        else:
            status, reason = RoomStatus.QUARANTINED, FRAGMENT_REASON

    async def rows(after: Sequence) -> AsyncIterator[LogRow]:
        async for row in run.rows():
            if row.sequence > after:
                yield row

    return RoomSource(
        name=RoomName(line.name),
        epoch=Epoch(line.epoch + request.next_epoch),
        start=run.base,
        head=run.through,
        lost=run.lost,
        rows=rows,
        snapshots=snapshots,
        status=status,
        status_reason=reason,
    )


# What a room has besides its document ---------------------------------------------------------


async def _restore_extras(
    chain: Chain,
    history: Lines,
    stores: Stores,
    name: RoomName | None,
    result: RestoreResult,
    *,
    is_whole: bool = True,
) -> tuple[RoomRecord, ...]:
    """Records and blobs as the newest backup has them, and the files of the data folder.

    Returns:
        The records that name a blob which the backup does not have.
    """
    archive, line = history[-1]
    records = [each async for each in newest_records(chain, history)]
    lines = {each.manifest.backup_id: found for each, found in history}
    for kind, stored in records:
        if kind in KEY_KINDS:  # a room's are newer than the store's, which were taken first
            await put_key(stores, kind, stored, is_newer=is_whole and name is not None)
            continue
        is_erasure = kind is RecordKind.ERASURE
        record = copied_erasure(stored, line.epoch) if is_erasure else stored
        if record is not None:
            await put_record(stores, kind, name, record)
    wanted: dict[BackupId, set[str]] = {}
    for blob in line.blobs:
        wanted.setdefault(blob.held_by, set()).add(blob.key)
    for backup, keys in wanted.items():
        holder = chain.archive(backup)
        await _restore_blobs(holder, _named(lines, holder), stores, keys)
    if name is None:
        async for file_name, data in files_of(archive, line):
            result.files[file_name] = data
    return unheld(records, line.epoch, [BlobKey(blob.key) for blob in line.blobs])


async def _restore_keys(chain: Chain, history: Lines, stores: Stores, key: RoomKey) -> None:
    """The wrapped keys of one room; what the store says of a key itself stands."""
    for lines in (history, await chain.history("")):  # the room's own are newer
        async for kind, record in newest_records(chain, lines):
            is_own = kind is RecordKind.DATA_KEY and record.record_id.startswith(f"{key}.")
            if is_own or kind is RecordKind.MASTER_KEY:
                await put_key(stores, kind, record, is_newer=False)


async def newest_records(chain: Chain, history: Lines) -> AsyncIterator[tuple[RecordKind, Record]]:
    """The records that the newest line of a room names, as new ones."""
    _, line = history[-1]
    holder = chain.archive(line.records_in)
    named = _named({each.manifest.backup_id: found for each, found in history}, holder)
    async for each in records_of(holder, named):
        yield each


def _named(lines: Mapping[BackupId, RoomLine], archive: Archive) -> RoomLine:
    found = lines.get(archive.manifest.backup_id)
    if found is None:
        raise ArchiveUnreadable(f"the backup {archive.manifest.backup_id} lacks a room's line")
    return found


async def _restore_blobs(
    archive: Archive, line: RoomLine, stores: Stores, missing: set[str]
) -> None:
    async for what, data in described(archive, line, EntryType.BLOB):
        key = what["key"]
        if key in missing:
            await put_blob(stores, BlobKey(key), data)
            missing.discard(key)
    for key in missing:
        raise ArchiveUnreadable(f"the backup {archive.manifest.backup_id} lacks the blob {key}")


async def records_of(archive: Archive, line: RoomLine) -> AsyncIterator[tuple[RecordKind, Record]]:
    """The records that one backup holds of a room, as new ones."""
    async for what, data in described(archive, line, EntryType.RECORD):
        yield RecordKind(what["kind"]), Record(RecordId(what["id"]), 0, data)


async def files_of(archive: Archive, line: RoomLine) -> AsyncIterator[tuple[str, bytes]]:
    """The files of the data folder that a backup holds."""
    async for what, data in described(archive, line, EntryType.FILE):
        yield what["name"], data


async def described(
    archive: Archive, line: RoomLine, kind: EntryType
) -> AsyncIterator[tuple[dict[str, str], bytes]]:
    """Records, blobs or files of a room: what each is, and its bytes."""
    parts: list[bytes] = []
    async for entry in archive.entries(line):
        if entry.kind is EntryType.BLOB_PART:
            parts.append(entry.payload)
        elif entry.kind in (EntryType.RECORD, EntryType.BLOB, EntryType.FILE):
            if entry.kind is kind:
                yield decode_described(entry.payload, b"".join(parts))
            parts.clear()
