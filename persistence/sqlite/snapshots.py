"""Snapshots that an earlier version put into the database, until compaction has replaced them."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from typing import Final

import structlog

from collab.errors import StoreReadOnly
from collab.ids import RoomKey, Sequence
from collab.ports import SnapshotRef
from persistence.checksums import snapshot_checksum
from persistence.sqlite.reader import Reader
from persistence.sqlite.writer import Kind, Writer

_log = structlog.stdlib.get_logger(__name__)

DELETED_PARTS: Final = 8
"""Parts deleted in one commit."""


class SqliteSnapshots:
    """The snapshots of an older data folder; see `persistence.blob_snapshots.BeforeStore`.

    Args:
        writer: deletes parts.
        reader: reads them.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and verify a snapshot; see `SnapshotStore.get`."""
        found = await self._reader.run(partial(_read, ref))
        if found is None:
            return None
        update, is_whole = found
        if is_whole:
            return update
        try:
            await self._writer.run(Kind.UPKEEP, partial(_quarantine, ref, int(time.time())))
        except StoreReadOnly:
            return None
        _log.error("store.snapshot_quarantined", room=room[:12], sequence=ref.sequence)
        return None

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """All snapshots of a room; see `SnapshotStore.list`."""
        return await self._reader.run(partial(_list, room))

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete a snapshot; see `SnapshotStore.delete`."""
        del room
        while await self._writer.run(Kind.UPKEEP, partial(_delete, ref)) == DELETED_PARTS:
            pass


def _read(ref: SnapshotRef, connection: sqlite3.Connection) -> tuple[bytes, bool] | None:
    """The bytes, and whether they are what was stored; None for a snapshot that is not here."""
    line = connection.execute(
        "SELECT 1 FROM snapshots WHERE snapshot_id = ?", (ref.snapshot_id,)
    ).fetchone()
    if line is None:
        return None
    parts = connection.execute(
        "SELECT bytes FROM snapshot_parts WHERE snapshot_id = ? ORDER BY part", (ref.snapshot_id,)
    )
    update = b"".join(part for (part,) in parts)
    is_whole = len(update) == ref.size_bytes and snapshot_checksum(update) == ref.checksum
    return update, is_whole


def _list(room: RoomKey, connection: sqlite3.Connection) -> tuple[SnapshotRef, ...]:
    lines = connection.execute(
        "SELECT snapshot_id, sequence, size_bytes, checksum FROM snapshots"
        " WHERE room_key = ? ORDER BY sequence DESC, snapshot_id",
        (room,),
    )
    return tuple(
        SnapshotRef(snapshot_id, Sequence(sequence), size_bytes, checksum)
        for snapshot_id, sequence, size_bytes, checksum in lines
    )


def _quarantine(ref: SnapshotRef, now_unix_s: int, connection: sqlite3.Connection) -> None:
    """Move the line aside, the parts staying where they are."""
    connection.execute(
        "INSERT INTO quarantined_snapshots"
        " SELECT snapshot_id, room_key, sequence, size_bytes, checksum, 'checksum', ?"
        " FROM snapshots WHERE snapshot_id = ?",
        (now_unix_s, ref.snapshot_id),
    )
    connection.execute("DELETE FROM snapshots WHERE snapshot_id = ?", (ref.snapshot_id,))


def _delete(ref: SnapshotRef, connection: sqlite3.Connection) -> int:
    """Delete the line, then some of the parts; return how many of them.

    A quarantined snapshot is not deleted: its parts are an operator's now.
    """
    connection.execute("DELETE FROM snapshots WHERE snapshot_id = ?", (ref.snapshot_id,))
    return connection.execute(
        "DELETE FROM snapshot_parts WHERE rowid IN ("
        " SELECT rowid FROM snapshot_parts WHERE snapshot_id = :id"
        " AND :id NOT IN (SELECT snapshot_id FROM quarantined_snapshots) LIMIT :parts)",
        {"id": ref.snapshot_id, "parts": DELETED_PARTS},
    ).rowcount
