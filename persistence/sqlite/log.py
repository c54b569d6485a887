"""The update log in SQLite."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from collab.cluster.heads import LogPlace
from collab.errors import EpochMoved, HeadMoved, InvariantViolated, StoreReadOnly, StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, Sequence, UnixSeconds
from collab.ports import LogRow, LogTail
from persistence.checksums import row_checksum
from persistence.log_reading import NO_LOG, Found, Range, found_in
from persistence.sqlite.reader import Reader
from persistence.sqlite.writer import Kind, Writer

_log = structlog.stdlib.get_logger(__name__)

TRIM_ROWS: Final = 256
"""Rows deleted in one commit, so that saving goes on in between."""

READS_MAX: Final = 3
"""A row that fails its checksum is read again after it was moved aside."""


class SqliteLog:
    """The update log.

    Args:
        writer: commits appends.
        reader: reads rows.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        """Append updates; see `UpdateLog.append`."""
        if not updates or not all(updates):
            raise InvariantViolated("an append holds at least one update, and no empty one")
        return await self._writer.run(
            Kind.APPEND,
            partial(_append, room, epoch, after, updates),
            size_bytes=sum(map(len, updates)),
        )

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        """Begin a new epoch; see `UpdateLog.begin_epoch`."""
        await self._writer.run(Kind.EPOCH, partial(_begin_epoch, room, of, epoch, after))

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        """Let the log go on later; see `UpdateLog.skip_to`."""
        await self._writer.run(Kind.EPOCH, partial(_skip_to, room, epoch, after, head))

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        """Read rows; see `UpdateLog.read`."""
        for _ in range(READS_MAX):
            found = await self._reader.run(partial(_read, room, after))
            if not found.damaged:
                return found.tail
            try:
                moved = await self._writer.run(
                    Kind.UPKEEP, partial(_quarantine, room, found.damaged, int(time.time()))
                )
            except StoreReadOnly:
                aside = sorted({*found.tail.quarantined, *found.damaged})
                return replace(found.tail, quarantined=tuple(aside))
            _log.error("store.rows_quarantined", room=room[:12], sequences=moved)
        raise StoreUnavailable("rows fail their checksum when read, but not when read again")

    async def head(self, room: RoomKey) -> Sequence:
        """The head; see `UpdateLog.head`."""
        return await self._reader.run(partial(_head, room))

    async def places(self, rooms: SequenceOf[RoomKey]) -> dict[RoomKey, LogPlace]:
        """Where they stand; see `LogHeads.places`."""
        return await self._reader.run(partial(_places, rooms))

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        """Delete merged rows; see `UpdateLog.trim`."""
        deleted = 0
        while count := await self._writer.run(Kind.TRIM, partial(_trim, room, through)):
            deleted += count
            if count < TRIM_ROWS:
                break
        return deleted


def _append(
    room: RoomKey,
    epoch: Epoch,
    after: Sequence,
    updates: SequenceOf[bytes],
    connection: sqlite3.Connection,
) -> Sequence:
    """Move the head, if epoch and head are what the caller thinks, then write rows under it."""
    head = Sequence(after + len(updates))
    if (after, epoch) == (NO_SEQUENCE, FIRST_EPOCH):
        statement = (
            "INSERT INTO rooms (room_key, head) VALUES (?, ?) ON CONFLICT DO NOTHING"
            " RETURNING room_id"
        )
        moved = connection.execute(statement, (room, head)).fetchone()
    else:
        statement = (
            "UPDATE rooms SET head = ? WHERE room_key = ? AND head = ? AND epoch = ?"
            " RETURNING room_id"
        )
        moved = connection.execute(statement, (head, room, after, epoch)).fetchone()
    if moved is None:
        actual, actual_epoch = _place(room, connection)
        if actual_epoch != epoch:
            raise EpochMoved(expected=epoch, actual=actual_epoch)
        raise HeadMoved(expected=after, actual=actual)
    room_id: int = moved[0]
    now = int(time.time())
    connection.executemany(
        "INSERT INTO updates (room_id, sequence, checksum, bytes, stored_at_unix_s)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (room_id, sequence, row_checksum(room, Sequence(sequence), update), update, now)
            for sequence, update in enumerate(updates, start=after + 1)
        ],
    )
    return head


def _begin_epoch(
    room: RoomKey, of: Epoch, epoch: Epoch, after: Sequence, connection: sqlite3.Connection
) -> None:
    """Delete every row and set the epoch, in one commit: a log is short by compaction."""
    head, current = _place(room, connection)
    if current != of or epoch <= of:
        raise EpochMoved(expected=of, actual=current)
    if head != after:
        raise HeadMoved(expected=after, actual=head)
    _empty(room, epoch, head, connection)


def _skip_to(
    room: RoomKey,
    epoch: Epoch,
    after: Sequence,
    head: Sequence,
    connection: sqlite3.Connection,
) -> None:
    """Delete every row and set head and epoch, in one commit."""
    found, current = _place(room, connection)
    if current > epoch:
        raise EpochMoved(expected=epoch, actual=current)
    if found != after:
        raise HeadMoved(expected=after, actual=found)
    _empty(room, epoch, head, connection)


def _empty(room: RoomKey, epoch: Epoch, head: Sequence, connection: sqlite3.Connection) -> None:
    """Delete every row; the log goes on behind the head, in the epoch."""
    (room_id,) = connection.execute(
        "INSERT INTO rooms (room_key, head, trimmed_through, epoch)"
        " VALUES (:room, :head, :head, :epoch) ON CONFLICT (room_key) DO UPDATE"
        " SET head = excluded.head, trimmed_through = excluded.trimmed_through,"
        " epoch = excluded.epoch RETURNING room_id",
        {"room": room, "head": head, "epoch": epoch},
    ).fetchone()
    connection.execute("DELETE FROM updates WHERE room_id = ?", (room_id,))
    connection.execute("DELETE FROM quarantined_updates WHERE room_key = ?", (room,))


def _place(room: RoomKey, connection: sqlite3.Connection) -> tuple[Sequence, Epoch]:
    """The head and the epoch of a room's log."""
    row = connection.execute("SELECT head, epoch FROM rooms WHERE room_key = ?", (room,)).fetchone()
    return (NO_SEQUENCE, FIRST_EPOCH) if row is None else (Sequence(row[0]), Epoch(row[1]))


def _places(rooms: SequenceOf[RoomKey], connection: sqlite3.Connection) -> dict[RoomKey, LogPlace]:
    marks = ",".join("?" * len(rooms))
    found = connection.execute(
        f"SELECT room_key, epoch, head FROM rooms WHERE room_key IN ({marks})",  # noqa: S608 - marks
        tuple(rooms),
    )
    return {RoomKey(key): LogPlace(Epoch(epoch), Sequence(head)) for key, epoch, head in found}


def _head(room: RoomKey, connection: sqlite3.Connection) -> Sequence:
    return _place(room, connection)[0]


def _read(room: RoomKey, after: Sequence, connection: sqlite3.Connection) -> Found:
    place = connection.execute(
        "SELECT room_id, head, epoch, trimmed_through FROM rooms WHERE room_key = ?", (room,)
    ).fetchone()
    if place is None:
        return NO_LOG
    room_id, head, epoch, trimmed_through = place
    after = max(after, trimmed_through)
    rows = []
    damaged = []
    for sequence, checksum, update, stored_at in connection.execute(
        "SELECT sequence, checksum, bytes, stored_at_unix_s FROM updates"
        " WHERE room_id = ? AND sequence > ? ORDER BY sequence",
        (room_id, after),
    ):
        if checksum == row_checksum(room, sequence, update):
            rows.append(LogRow(sequence, update, UnixSeconds(stored_at)))
        else:
            damaged.append(sequence)
    quarantined = tuple(
        Sequence(sequence)
        for (sequence,) in connection.execute(
            "SELECT sequence FROM quarantined_updates"
            " WHERE room_key = ? AND sequence > ? ORDER BY sequence",
            (room, after),
        )
    )
    part = Range(Sequence(after), Sequence(head), Epoch(epoch))
    return found_in(part, rows, damaged, quarantined)


def _quarantine(
    room: RoomKey, sequences: tuple[Sequence, ...], now_unix_s: int, connection: sqlite3.Connection
) -> list[Sequence]:
    """Move aside those rows that are still there and still damaged, or still missing."""
    place = connection.execute(
        "SELECT room_id, trimmed_through FROM rooms WHERE room_key = ?", (room,)
    ).fetchone()
    if place is None:
        return []
    room_id, trimmed_through = place
    moved = []
    for sequence in sequences:
        row = connection.execute(
            "SELECT checksum, bytes FROM updates WHERE room_id = ? AND sequence = ?",
            (room_id, sequence),
        ).fetchone()
        is_whole = row is not None and row[0] == row_checksum(room, sequence, row[1])
        if is_whole or sequence <= trimmed_through:
            continue
        checksum, update = row or (None, None)
        connection.execute(
            "INSERT INTO quarantined_updates"
            " (room_key, sequence, reason, quarantined_at_unix_s, checksum, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                room,
                sequence,
                "missing" if row is None else "checksum",
                now_unix_s,
                checksum,
                update,
            ),
        )
        connection.execute(
            "DELETE FROM updates WHERE room_id = ? AND sequence = ?", (room_id, sequence)
        )
        moved.append(sequence)
    return moved


def _trim(room: RoomKey, through: Sequence, connection: sqlite3.Connection) -> int:
    """Delete the oldest rows up to `through`, `TRIM_ROWS` at most."""
    connection.execute(
        "UPDATE rooms SET trimmed_through = min(head, max(trimmed_through, ?)) WHERE room_key = ?",
        (through, room),
    )
    return connection.execute(
        "DELETE FROM updates"
        " WHERE room_id = (SELECT room_id FROM rooms WHERE room_key = :room)"
        " AND sequence <= (SELECT max(sequence) FROM ("
        "  SELECT sequence FROM updates JOIN rooms USING (room_id)"
        "  WHERE room_key = :room AND sequence <= trimmed_through AND sequence <= :through"
        "  ORDER BY sequence LIMIT :rows))",
        {"room": room, "through": through, "rows": TRIM_ROWS},
    ).rowcount
