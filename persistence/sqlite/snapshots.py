"""The snapshots in SQLite, stored in parts so that no append waits behind a large one."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from functools import partial
from typing import Final

import structlog

from collab.ids import RoomKey, Sequence
from collab.limits import KIB
from collab.ports import SnapshotRef
from persistence.checksums import snapshot_checksum
from persistence.sqlite.reader import Reader
from persistence.sqlite.writer import Kind, Writer

_log = structlog.stdlib.get_logger(__name__)

PART_BYTES: Final = 256 * KIB
DELETED_PARTS: Final = 8
"""Parts deleted in one commit."""


class SqliteSnapshots:
    """The snapshot store.

    Args:
        writer: commits parts.
        reader: reads them.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def put(self, room: RoomKey, *, sequence: Sequence, update: bytes) -> SnapshotRef:
        """Store a snapshot; see `SnapshotStore.put`."""
        ref = SnapshotRef(
            snapshot_id=secrets.token_hex(16),
            sequence=sequence,
            size_bytes=len(update),
            checksum=await asyncio.to_thread(snapshot_checksum, update),
        )
        last = max(0, len(update) - 1) // PART_BYTES
        for part in range(last):
            piece = _piece(update, part)
            await self._writer.run(
                Kind.UPKEEP,
                partial(_insert_part, ref.snapshot_id, part, piece),
                size_bytes=len(piece),
            )
        piece = _piece(update, last)
        await self._writer.run(
            Kind.SNAPSHOT, partial(_insert, room, ref, last, piece), size_bytes=len(piece)
        )
        return ref

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and verify a snapshot; see `SnapshotStore.get`."""
        found = await self._reader.run(partial(_read, ref))
        if found is None:
            return None
        update, is_whole = found
        if is_whole:
            return update
        await self._writer.run(Kind.UPKEEP, partial(_quarantine, ref, int(time.time())))
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


def _piece(update: bytes, part: int) -> bytes:
    return update[part * PART_BYTES : (part + 1) * PART_BYTES]


def _insert_part(snapshot_id: str, part: int, piece: bytes, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO snapshot_parts (snapshot_id, part, bytes) VALUES (?, ?, ?)",
        (snapshot_id, part, piece),
    )


def _insert(
    room: RoomKey, ref: SnapshotRef, last: int, piece: bytes, connection: sqlite3.Connection
) -> None:
    """Store the last part and the line that makes the snapshot exist."""
    _insert_part(ref.snapshot_id, last, piece, connection)
    connection.execute(
        "INSERT INTO snapshots (snapshot_id, room_key, sequence, size_bytes, checksum)"
        " VALUES (?, ?, ?, ?, ?)",
        (ref.snapshot_id, room, ref.sequence, ref.size_bytes, ref.checksum),
    )


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
