"""A data folder opened for reading alone, beside the server that owns it or without one.

Nothing is locked, made, migrated or moved aside. SQLite shows each read a consistent state while
the owner goes on writing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from collab.errors import SettingsError, StoreReadOnly
from collab.ids import RoomKey
from collab.ports import BlobStore
from persistence.blob_snapshots import BlobSnapshots, MovingSnapshots
from persistence.sqlite.connection import DATABASE_FILE, open_reader
from persistence.sqlite.leases import SqliteLeases
from persistence.sqlite.log import SqliteLog
from persistence.sqlite.manifests import SqliteManifests
from persistence.sqlite.reader import Reader
from persistence.sqlite.records import SqliteRecords
from persistence.sqlite.schema import require_current
from persistence.sqlite.snapshots import SqliteSnapshots
from persistence.sqlite.writer import Kind, Writer
from persistence.stores import Stores, StoreUsage

Result = TypeVar("Result")


class NoWriter(Writer):
    """Stands where the writer would be, and refuses."""

    def __init__(self) -> None:  # starts no thread, unlike its base
        pass

    async def run(
        self, kind: Kind, work: Callable[[sqlite3.Connection], Result], *, size_bytes: int = 0
    ) -> Result:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del kind, work, size_bytes
        raise StoreReadOnly("the store was opened for reading")

    async def close(self) -> None:
        """Nothing was opened."""


class SqliteReading:
    """One data folder, opened by `SqliteReading.open` for reading."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        self._folder = folder
        self._reader = reader

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Open the database of a folder.

        Raises:
            SettingsError: there is none.
            StoreUnavailable: it is of another version, or cannot be read.
        """
        path = folder / DATABASE_FILE
        if not path.is_file():
            error = SettingsError(f"there is no database in the folder {folder}")
            error.add_note("Name the data folder with --data.")
            raise error
        return cls(folder, await asyncio.to_thread(_open, path))

    def stores(self, blobs: BlobStore) -> Stores:
        """The bundle that the rest of the program works with; every write is refused."""
        writer = NoWriter()
        log = SqliteLog(writer, self._reader)
        return Stores(
            log=log,
            heads=log,
            snapshots=MovingSnapshots(BlobSnapshots(blobs), SqliteSnapshots(writer, self._reader)),
            manifests=SqliteManifests(writer, self._reader),
            records=SqliteRecords(writer, self._reader),
            leases=SqliteLeases(writer, self._reader),
            blobs=blobs,
            description=f"SQLite {sqlite3.sqlite_version} in {self._folder}, for reading",
            backend=self,
        )

    async def check(self) -> list[str]:
        """Whoever owns the folder checks it."""
        return []

    async def usage(self) -> StoreUsage:
        """Whoever owns the folder measures it."""
        return StoreUsage(used_bytes=0, free_bytes=None)

    async def scrub(self, room: RoomKey) -> None:
        """Refuse, as every write."""
        del room
        raise StoreReadOnly("the store was opened for reading")

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()


def _open(path: Path) -> Reader:
    connection = open_reader(path)
    try:
        require_current(connection)
    finally:
        connection.close()
    return Reader(path)
