"""The embedded store: one SQLite database in a data folder that one process owns."""

from persistence.sqlite.reading import SqliteReading
from persistence.sqlite.store import SqliteStore

__all__ = ["SqliteReading", "SqliteStore"]
