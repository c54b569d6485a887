"""Removing what was deleted from the database's files.

SQLite leaves deleted content where it was: in free pages, in the unused part of pages that others
still use (a page that is split leaves copies behind, whatever ``secure_delete`` says), and in the
write-ahead log. Building the database anew from what is alive, and then emptying the log into it,
leaves none of that.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from collab.errors import StoreUnavailable
from collab.ids import RoomKey
from collab.limits import MIB

IN_MEMORY_BYTES_MAX: Final = 256 * MIB
"""Up to this size the copy is built in memory; above it, in a file that has no name."""


def forget_quarantined(room: RoomKey, connection: sqlite3.Connection) -> None:
    """Delete what was moved aside of a room."""
    connection.execute("DELETE FROM quarantined_updates WHERE room_key = ?", (room,))
    connection.execute(
        "DELETE FROM snapshot_parts WHERE snapshot_id IN"
        " (SELECT snapshot_id FROM quarantined_snapshots WHERE room_key = ?)",
        (room,),
    )
    connection.execute("DELETE FROM quarantined_snapshots WHERE room_key = ?", (room,))


def rebuild(connection: sqlite3.Connection) -> None:
    """Rewrite the whole database without what was deleted, outside of a transaction.

    Raises:
        StoreUnavailable: a reader held on to the old content; repeating is safe.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    is_large = pages * page_bytes > IN_MEMORY_BYTES_MAX
    connection.execute(f"PRAGMA temp_store = {'FILE' if is_large else 'MEMORY'}")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")
    (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise StoreUnavailable("a reader holds on to the database's old content: try again")
