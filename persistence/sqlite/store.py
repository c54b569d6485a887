"""Opening, checking, measuring and closing the embedded store as one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path
from typing import Final, Self

from collab.errors import StoreUnavailable
from collab.ids import RoomKey
from collab.limits import MIB
from persistence.blob_snapshots import BlobSnapshots, MovingSnapshots
from persistence.failpoints import Failpoints
from persistence.folder_lock import FolderLock
from persistence.folders import sync_folder
from persistence.sqlite.connection import DATABASE_FILE, open_writer
from persistence.sqlite.leases import SqliteLeases
from persistence.sqlite.log import SqliteLog
from persistence.sqlite.manifests import SqliteManifests
from persistence.sqlite.reader import Reader
from persistence.sqlite.records import SqliteRecords
from persistence.sqlite.schema import prepare
from persistence.sqlite.scrub import forget_quarantined, rebuild
from persistence.sqlite.snapshots import SqliteSnapshots
from persistence.sqlite.writer import Kind, Writer
from persistence.stores import BlobPlace, Stores, StoreUsage

CHECK_TIMEOUT_S: Final = 5.0
FREE_BYTES_MIN: Final = 64 * MIB
"""Less room than this on the disk is reported before it becomes none."""


class SqliteStore:
    """One data folder, opened by `SqliteStore.open` and owned until `close`."""

    def __init__(
        self, folder: Path, lock: FolderLock, writer: Writer, reader: Reader, failpoints: Failpoints
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._failpoints = failpoints
        self._place: BlobPlace | None = None
        self._is_closed = False

    @classmethod
    async def open(cls, folder: Path, failpoints: Failpoints, *, shared: bool = False) -> Self:
        """Lock a data folder, make or migrate its database and start the threads.

        Args:
            folder: the data folder.
            failpoints: where to fail on purpose.
            shared: share it with other processes that do so as well.

        Raises:
            SettingsError: the folder cannot be made or written.
            StoreUnavailable: another process owns the folder, or the database cannot be used.
        """
        lock = await asyncio.to_thread(FolderLock, folder, shared=shared)
        try:
            connection, reader = await asyncio.to_thread(_open_database, folder)
            if shared:
                lock.share()
        except BaseException:
            lock.release()
            raise
        return cls(folder, lock, Writer(connection, failpoints), reader, failpoints)

    def stores(self, place: BlobPlace) -> Stores:
        """The bundle that the rest of the program works with.

        Args:
            place: where whole files go, snapshots among them; closed with the store.
        """
        self._place = place
        log = SqliteLog(self._writer, self._reader)
        return Stores(
            log=log,
            heads=log,
            snapshots=MovingSnapshots(
                BlobSnapshots(place.blobs, self._failpoints),
                SqliteSnapshots(self._writer, self._reader),
            ),
            manifests=SqliteManifests(self._writer, self._reader),
            records=SqliteRecords(self._writer, self._reader),
            leases=SqliteLeases(self._writer, self._reader),
            blobs=place.blobs,
            description=f"SQLite {sqlite3.sqlite_version} in {self._folder}, {place.description}",
            backend=self,
            unfinished=place.clear_unfinished,
            failpoints=self._failpoints,
        )

    async def check(self) -> list[str]:
        """Commit a beat, read it back, and look at the space left."""
        problems = []
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                beat = await self._writer.run(Kind.UPKEEP, _beat)
                if await self._reader.run(_last_beat) < beat:
                    problems.append("the database does not give back what was committed")
        except StoreUnavailable as error:
            problems.append(str(error))
        except TimeoutError:
            problems.append(f"the database did not commit within {CHECK_TIMEOUT_S:g} s")
        free_bytes = shutil.disk_usage(self._folder).free
        if free_bytes < FREE_BYTES_MIN:
            problems.append(f"only {free_bytes // MIB} MiB are free on the disk of {self._folder}")
        if self._place is not None:
            problems += await self._place.check()
        return problems

    async def usage(self) -> StoreUsage:
        """Bytes of the database and its write-ahead log, and bytes free on their disk."""
        files = [self._folder / (DATABASE_FILE + suffix) for suffix in ("", "-wal", "-shm")]
        return StoreUsage(
            used_bytes=sum(file.stat().st_size for file in files if file.exists()),
            free_bytes=shutil.disk_usage(self._folder).free,
        )

    async def scrub(self, room: RoomKey) -> None:
        """Rebuild the database's files: everybody's saving waits, some seconds for a gigabyte."""
        await self._writer.run(Kind.UPKEEP, partial(forget_quarantined, room))
        await self._writer.run(Kind.ALONE, rebuild)

    async def close(self) -> None:
        """Commit what was accepted, close the connections, and give the folder free."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._reader.close()
        await self._writer.close()
        if self._place is not None:
            await self._place.close()
        self._lock.release()


def _open_database(folder: Path) -> tuple[sqlite3.Connection, Reader]:
    path = folder / DATABASE_FILE
    # Made here, so that nobody else may read it: SQLite gives its other files the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode=0o600))
    connection = open_writer(path)
    try:
        prepare(connection)
        reader = Reader(path)
    except BaseException:
        connection.close()
        raise
    sync_folder(folder)
    return connection, reader


def _beat(connection: sqlite3.Connection) -> int:
    row = connection.execute("UPDATE probe SET beat = beat + 1 RETURNING beat").fetchone()
    return int(row[0])


def _last_beat(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT beat FROM probe").fetchone()[0])
