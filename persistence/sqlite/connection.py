"""Opening connections as durable as they are meant to be, and telling errors in plain words."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from collab.errors import StoreUnavailable

DATABASE_FILE: Final = "bandpro.sqlite3"
SQLITE_VERSION_MIN: Final = (3, 37, 0)  # STRICT tables

BUSY_TIMEOUT_MS: Final = 2_000
WAL_KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
WRITER_CACHE_KIB: Final = 2 * 1024
READER_CACHE_KIB: Final = 512
"""Pages that connections keep; the system keeps the rest, and hands it out nearly as fast."""

_SYNCHRONOUS_FULL: Final = 2
_PRIMARY_CODE: Final = 0xFF

_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, saving then resumes by itself",
    sqlite3.SQLITE_IOERR: "the disk reported an error: check the disk and the system's log",
    sqlite3.SQLITE_BUSY: "the database is locked: end the other program that has it open",
    sqlite3.SQLITE_LOCKED: "the database is locked: end the other program that has it open",
    sqlite3.SQLITE_READONLY: "the database may not be written: check its owner and permissions",
    sqlite3.SQLITE_PERM: "the database may not be written: check its owner and permissions",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: check the folder and its permissions",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged: stop the server and restore a backup",
    sqlite3.SQLITE_NOTADB: "the database file is no SQLite database: restore a backup",
    sqlite3.SQLITE_NOMEM: "the process is out of memory",
}
"""What an operator should know, by primary code; all of these concern every write alike."""


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    """The error that callers see, in an operator's words, SQLite's own name for it at the end."""
    advice = _ADVICE.get(primary_code(error), "the database refused a statement")
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    return StoreUnavailable(f"{advice} ({name})")


def concerns_every_write(error: sqlite3.Error) -> bool:
    """Whether the error is the database's rather than that of one statement."""
    return primary_code(error) in _ADVICE


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; -1 for errors of Python's own module."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code if code < 0 else code & _PRIMARY_CODE


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes: WAL, and every commit waits for the disk.

    Raises:
        StoreUnavailable: SQLite is too old, the file cannot be opened, or its file system does
            not support write-ahead logging.
    """
    if sqlite3.sqlite_version_info < SQLITE_VERSION_MIN:
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old: Python must be built with "
            f"{'.'.join(map(str, SQLITE_VERSION_MIN))} or newer"
        )
    connection = _connect(path, WRITER_CACHE_KIB)
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: past the drive's cache
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES_MAX}")
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error) from error
    if mode != "wal" or synchronous != _SYNCHRONOUS_FULL:
        connection.close()
        raise StoreUnavailable(
            f"{path.parent} is on a file system without write-ahead logging (a network folder?): "
            "choose a data folder on a local disk"
        )
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write.

    Raises:
        StoreUnavailable: the file cannot be opened.
    """
    connection = _connect(path, READER_CACHE_KIB)
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error) from error
    return connection


def _connect(path: Path, cache_kib: int) -> sqlite3.Connection:
    """Open a connection in autocommit mode; one thread at a time uses it, whichever that is."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise unavailable(error) from error
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error) from error
    return connection
