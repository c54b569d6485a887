"""The records in SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from functools import partial

from collab.errors import RecordDamaged, RecordMoved
from collab.ids import RecordId, RoomKey
from collab.ports import Record, RecordKind
from persistence.checksums import record_checksum
from persistence.record_rules import check_record
from persistence.sqlite.reader import Reader
from persistence.sqlite.writer import Kind, Writer

_SELECT = "SELECT record_id, revision, value, checksum FROM records WHERE kind = ? AND room_key = ?"


class SqliteRecords:
    """The records.

    Args:
        writer: commits changes.
        reader: reads them.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def get(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> Record | None:
        """The record; see `RecordStore.get`."""
        return await self._reader.run(partial(_get, kind, room, record_id))

    async def compare_and_set(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        """Make or replace it; see `RecordStore.compare_and_set`."""
        check_record(record)
        return await self._writer.run(Kind.RECORD, partial(_compare_and_set, kind, room, record))

    async def delete(
        self,
        kind: RecordKind,
        room: RoomKey,
        record_id: RecordId,
        *,
        revision: int | None = None,
    ) -> None:
        """Delete it; see `RecordStore.delete`."""
        await self._writer.run(Kind.RECORD, partial(_delete, kind, room, record_id, revision))

    async def list(
        self, kind: RecordKind, room: RoomKey, *, after: RecordId | None, limit: int
    ) -> tuple[Record, ...]:
        """Records by id; see `RecordStore.list`."""
        return await self._reader.run(partial(_list, kind, room, after, limit))


def _get(
    kind: RecordKind, room: RoomKey, record_id: RecordId, connection: sqlite3.Connection
) -> Record | None:
    row = connection.execute(f"{_SELECT} AND record_id = ?", (kind, room, record_id)).fetchone()
    return None if row is None else _checked(kind, room, row)


def _list(
    kind: RecordKind,
    room: RoomKey,
    after: RecordId | None,
    limit: int,
    connection: sqlite3.Connection,
) -> tuple[Record, ...]:
    rows = connection.execute(
        f"{_SELECT} AND record_id > ? ORDER BY record_id LIMIT ?", (kind, room, after or "", limit)
    )
    return tuple(_checked(kind, room, row) for row in rows)


def _compare_and_set(
    kind: RecordKind, room: RoomKey, record: Record, connection: sqlite3.Connection
) -> Record:
    stored = replace(record, revision=record.revision + 1)
    checksum = _checksum(kind, room, stored)
    if record.revision == 0:
        changed = connection.execute(
            "INSERT INTO records (kind, room_key, record_id, revision, value, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (kind, room, stored.record_id, stored.revision, stored.value, checksum),
        )
    else:
        changed = connection.execute(
            "UPDATE records SET revision = ?, value = ?, checksum = ?"
            " WHERE kind = ? AND room_key = ? AND record_id = ? AND revision = ?",
            (
                stored.revision,
                stored.value,
                checksum,
                kind,
                room,
                stored.record_id,
                record.revision,
            ),
        )
    if changed.rowcount == 0:
        raise RecordMoved(f"record revision {record.revision} is not the current one")
    return stored


def _delete(
    kind: RecordKind,
    room: RoomKey,
    record_id: RecordId,
    revision: int | None,
    connection: sqlite3.Connection,
) -> None:
    done = connection.execute(
        "DELETE FROM records WHERE kind = ? AND room_key = ? AND record_id = ?"
        " AND revision = ifnull(?, revision)",
        (kind, room, record_id, revision),
    )
    if revision is not None and done.rowcount == 0:
        raise RecordMoved(f"record revision {revision} is not the current one")


def _checked(kind: RecordKind, room: RoomKey, row: tuple[str, int, bytes, bytes]) -> Record:
    record_id, revision, value, checksum = row
    record = Record(RecordId(record_id), revision, value)
    if checksum != _checksum(kind, room, record):
        raise RecordDamaged(
            f"the {kind.value} record {record.record_id} fails its checksum",
            record_id=record.record_id,
        )
    return record


def _checksum(kind: RecordKind, room: RoomKey, record: Record) -> bytes:
    place = f"{kind.value} {room} {record.record_id} {record.revision} "
    return record_checksum(place.encode() + record.value)
