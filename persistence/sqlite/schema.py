"""The tables, and how a database of an older version becomes one of this version.

``user_version`` counts the migrations applied. Migrations only ever move forward, each in one
transaction; a published one is never changed, a new one is added after it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from collab.errors import StoreUnavailable
from persistence.sqlite.connection import unavailable

APPLICATION_ID: Final = 0x42616E64  # "Band", shown by file(1)

_FIRST: Final = (
    # One line a room. The head outlives the rows that it counted.
    """
    CREATE TABLE rooms (
        room_id INTEGER PRIMARY KEY,
        room_key TEXT NOT NULL UNIQUE CHECK (length(room_key) = 64),
        head INTEGER NOT NULL CHECK (head >= 0),
        trimmed_through INTEGER NOT NULL DEFAULT 0 CHECK (trimmed_through BETWEEN 0 AND head)
    ) STRICT
    """,
    # Clustered by room: a load reads neighbouring pages, and there is no second index to write.
    """
    CREATE TABLE updates (
        room_id INTEGER NOT NULL REFERENCES rooms (room_id),
        sequence INTEGER NOT NULL CHECK (sequence > 0),
        checksum BLOB NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (room_id, sequence)
    ) STRICT, WITHOUT ROWID
    """,
    # A sequence without bytes is a row that had vanished.
    """
    CREATE TABLE quarantined_updates (
        room_key TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        reason TEXT NOT NULL,
        quarantined_at_unix_s INTEGER NOT NULL,
        checksum BLOB,
        bytes BLOB,
        PRIMARY KEY (room_key, sequence)
    ) STRICT
    """,
    # A snapshot exists once its line is here. Its parts are stored before, each in a commit of
    # its own, so that no one waits behind a large one.
    """
    CREATE TABLE snapshots (
        snapshot_id TEXT PRIMARY KEY,
        room_key TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        checksum TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX snapshots_by_room ON snapshots (room_key, sequence)",
    """
    CREATE TABLE snapshot_parts (
        snapshot_id TEXT NOT NULL,
        part INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (snapshot_id, part)
    ) STRICT
    """,
    # The parts stay where they are.
    """
    CREATE TABLE quarantined_snapshots (
        snapshot_id TEXT PRIMARY KEY,
        room_key TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        checksum TEXT NOT NULL,
        reason TEXT NOT NULL,
        quarantined_at_unix_s INTEGER NOT NULL
    ) STRICT
    """,
    # The record is JSON and complete; name and revision stand beside it to be searched.
    """
    CREATE TABLE manifests (
        room_key TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL CHECK (revision > 0),
        record TEXT NOT NULL,
        checksum BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Written and read by health checks.
    "CREATE TABLE probe (line INTEGER PRIMARY KEY CHECK (line = 1), beat INTEGER NOT NULL) STRICT",
    "INSERT INTO probe VALUES (1, 0)",
)

_SECOND: Final = (
    """
    CREATE TABLE records (
        kind TEXT NOT NULL,
        room_key TEXT NOT NULL,
        record_id TEXT NOT NULL,
        revision INTEGER NOT NULL CHECK (revision > 0),
        value BLOB NOT NULL,
        checksum BLOB NOT NULL,
        PRIMARY KEY (kind, room_key, record_id)
    ) STRICT
    """,
)

_THIRD: Final = ("ALTER TABLE rooms ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0)",)

# Rows of before are given 0: nobody knows their time.
_FOURTH: Final = ("ALTER TABLE updates ADD COLUMN stored_at_unix_s INTEGER NOT NULL DEFAULT 0",)

# A line stays when nobody holds it: its token counts on.
_FIFTH: Final = (
    """
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        token INTEGER NOT NULL CHECK (token > 0),
        ends_at_unix_ms INTEGER NOT NULL,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

MIGRATIONS: Final = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)


def prepare(connection: sqlite3.Connection) -> None:
    """Make or bring up to date the tables, and clear what a crash left half done.

    Raises:
        StoreUnavailable: the database is another program's or a newer version's, or cannot be
            read or written; nothing was changed.
    """
    try:
        version = _check_version(connection)
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            _migrate(connection, number, statements)
        _remove_orphan_parts(connection)
    except sqlite3.Error as error:
        raise unavailable(error) from error


def require_current(connection: sqlite3.Connection) -> None:
    """Refuse a database that only `prepare` would make readable.

    Raises:
        StoreUnavailable: it is another program's, or of another version; nothing was changed.
    """
    try:
        version = _check_version(connection)
    except sqlite3.Error as error:
        raise unavailable(error) from error
    if version < len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database has schema version {version}, reading needs {len(MIGRATIONS)}: start "
            "this version's server on it once"
        )


def _check_version(connection: sqlite3.Connection) -> int:
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    is_new = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application_id != APPLICATION_ID and not (is_new and application_id == 0):
        raise StoreUnavailable(
            "the database in the data folder was made by another program: choose another folder"
        )
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database has schema version {version}, this program knows up to "
            f"{len(MIGRATIONS)}: run the newer version that wrote it, or restore a backup"
        )
    return version


def _migrate(connection: sqlite3.Connection, number: int, statements: tuple[str, ...]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _remove_orphan_parts(connection: sqlite3.Connection) -> None:
    """Delete parts of snapshots that were being stored or deleted when the process ended."""
    connection.execute(
        """
        DELETE FROM snapshot_parts
        WHERE snapshot_id NOT IN (SELECT snapshot_id FROM snapshots)
          AND snapshot_id NOT IN (SELECT snapshot_id FROM quarantined_snapshots)
        """
    )
