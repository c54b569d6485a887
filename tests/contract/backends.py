"""The stores that the contract suite runs over, and how to damage what each of them keeps."""

from __future__ import annotations

import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from collab.ids import BlobKey, RecordId, RoomKey, Sequence
from collab.ports import RecordKind, SnapshotRef
from persistence.blob_snapshots import snapshot_key
from persistence.build import KeySettings, S3Limits, Stores, StoreSettings, open_stores
from persistence.memory import MemoryStore
from tests.support.s3 import Bucket


def flipped(data: bytes) -> bytes:
    """The same bytes with one bit of the one in the middle turned over."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


def key_of_snapshot(room: RoomKey, ref: SnapshotRef) -> BlobKey:
    """Where a snapshot is kept."""
    key = snapshot_key(room, ref)
    assert key is not None
    return key


def ids_moved_aside(keys: Iterable[str]) -> list[str]:
    """Ids of the snapshots among keys that were moved aside."""
    found = []
    for key in keys:
        if "/quarantined-snapshots/" in key:
            _, _, epoch, _, name = key.split("/")
            found.append(f"{epoch}.{name.rpartition('-')[2]}")
    return found


class StoreUnderTest(ABC):
    """One kind of store, opened any number of times over the same content."""

    @abstractmethod
    async def open(self) -> Stores:
        """Open it; what an earlier opening stored is there."""

    @abstractmethod
    def damage_row(self, room: RoomKey, sequence: Sequence) -> None:
        """Turn over a bit of a stored update."""

    @abstractmethod
    def remove_row(self, room: RoomKey, sequence: Sequence) -> None:
        """Make a stored update vanish."""

    @abstractmethod
    def swap_rows(self, room: RoomKey, one: Sequence, other: Sequence) -> None:
        """Exchange two whole rows, checksums included."""

    @abstractmethod
    def damage_snapshot(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Turn over a bit of a stored snapshot."""

    @abstractmethod
    def damage_record(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> None:
        """Turn over a bit of a stored record's value; only where records have checksums."""

    @abstractmethod
    def quarantined_rows(self, room: RoomKey) -> dict[int, bytes | None]:
        """Rows moved aside, by sequence; None for one that had vanished."""

    @abstractmethod
    def quarantined_snapshots(self) -> list[str]:
        """Ids of snapshots moved aside."""


async def nodes(store: StoreUnderTest, stack: AsyncExitStack, count: int) -> list[Stores]:
    """As many openings as there are nodes; a data folder has one owner, whose writers share it."""
    opened = [await stack.enter_async_context(await store.open())]
    while len(opened) < count:
        shared = isinstance(store, SqliteUnderTest)
        opened.append(opened[0] if shared else await stack.enter_async_context(await store.open()))
    return opened


class MemoryUnderTest(StoreUnderTest):
    """The reference store."""

    def __init__(self) -> None:
        self._store = MemoryStore()

    async def open(self) -> Stores:
        return self._store.stores()

    def damage_row(self, room: RoomKey, sequence: Sequence) -> None:
        row = self._store.log.rooms[room].rows[sequence]
        row.update = flipped(row.update)

    def remove_row(self, room: RoomKey, sequence: Sequence) -> None:
        del self._store.log.rooms[room].rows[sequence]

    def swap_rows(self, room: RoomKey, one: Sequence, other: Sequence) -> None:
        rows = self._store.log.rooms[room].rows
        rows[one], rows[other] = rows[other], rows[one]

    def damage_snapshot(self, room: RoomKey, ref: SnapshotRef) -> None:
        key = key_of_snapshot(room, ref)
        blob, changed_at = self._store.blobs.stored[key]
        self._store.blobs.stored[key] = (replace(blob, data=flipped(blob.data)), changed_at)

    def damage_record(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> None:
        pytest.skip("memory is not checked")

    def quarantined_rows(self, room: RoomKey) -> dict[int, bytes | None]:
        return {
            sequence: None if row is None else row.update
            for sequence, row in self._store.log.rooms[room].quarantined.items()
        }

    def quarantined_snapshots(self) -> list[str]:
        return ids_moved_aside(self._store.blobs.stored)


class SqliteUnderTest(StoreUnderTest):
    """The embedded store, damaged through a connection of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def database(self) -> Path:
        return self.folder / "bandpro.sqlite3"

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    async def open(self) -> Stores:
        return await open_stores(StoreSettings("sqlite:", self.folder))

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.database, timeout=5)) as connection:
            yield connection
            connection.commit()

    def damage_row(self, room: RoomKey, sequence: Sequence) -> None:
        with self.connection() as connection:
            where = "room_id = (SELECT room_id FROM rooms WHERE room_key = ?) AND sequence = ?"
            (update,) = connection.execute(
                f"SELECT bytes FROM updates WHERE {where}", (room, sequence)
            ).fetchone()
            connection.execute(
                f"UPDATE updates SET bytes = ? WHERE {where}", (flipped(update), room, sequence)
            )

    def remove_row(self, room: RoomKey, sequence: Sequence) -> None:
        with self.connection() as connection:
            connection.execute(
                "DELETE FROM updates WHERE sequence = ?"
                " AND room_id = (SELECT room_id FROM rooms WHERE room_key = ?)",
                (sequence, room),
            )

    def swap_rows(self, room: RoomKey, one: Sequence, other: Sequence) -> None:
        with self.connection() as connection:
            for now, then in ((one, -one), (other, one), (-one, other)):
                connection.execute("PRAGMA ignore_check_constraints = ON")
                connection.execute(
                    "UPDATE updates SET sequence = ? WHERE sequence = ?"
                    " AND room_id = (SELECT room_id FROM rooms WHERE room_key = ?)",
                    (then, now, room),
                )

    def damage_snapshot(self, room: RoomKey, ref: SnapshotRef) -> None:
        file = self.blobs / key_of_snapshot(room, ref)
        file.write_bytes(flipped(file.read_bytes()))

    def damage_record(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> None:
        key = (kind, room, record_id)
        where = "kind = ? AND room_key = ? AND record_id = ?"
        with self.connection() as connection:
            (value,) = connection.execute(
                f"SELECT value FROM records WHERE {where}", key
            ).fetchone()
            connection.execute(
                f"UPDATE records SET value = ? WHERE {where}", (flipped(value), *key)
            )

    def quarantined_rows(self, room: RoomKey) -> dict[int, bytes | None]:
        with self.connection() as connection:
            return dict(
                connection.execute(
                    "SELECT sequence, bytes FROM quarantined_updates WHERE room_key = ?", (room,)
                ).fetchall()
            )

    def quarantined_snapshots(self) -> list[str]:
        files = (path for path in self.blobs.rglob("*") if path.is_file())
        return ids_moved_aside(path.relative_to(self.blobs).as_posix() for path in files)


class SqliteAndS3UnderTest(SqliteUnderTest):
    """The embedded store with its blobs in a bucket, damaged through a client of its own."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        super().__init__(folder)
        self.bucket = bucket

    async def open(self) -> Stores:
        settings = StoreSettings(
            "sqlite:", self.folder, blobs_url=self.bucket.url, s3=limits_of(self.bucket)
        )
        return await open_stores(settings)

    def damage_snapshot(self, room: RoomKey, ref: SnapshotRef) -> None:
        key = key_of_snapshot(room, ref)
        self.bucket.write(key, flipped(self.bucket.read(key)))

    def quarantined_snapshots(self) -> list[str]:
        return ids_moved_aside(self.bucket.stored_keys())


def limits_of(bucket: Bucket, *, port: int | None = None, **changed: int) -> S3Limits:
    """How a test reaches its bucket: through a proxy's port, if there is one."""
    endpoint = bucket.service.endpoint if port is None else f"http://127.0.0.1:{port}"
    return S3Limits(endpoint=endpoint, path_style=endpoint is not None, **changed)  # type: ignore[arg-type] # sizes and times


class EncryptedUnderTest(SqliteUnderTest):
    """The embedded store under encryption at rest."""

    async def open(self) -> Stores:
        key = self.folder.with_name("master.key")
        if not key.exists():
            key.write_text(secrets.token_hex(32))
        encryption = KeySettings(f"file:{key}")
        return await open_stores(StoreSettings("sqlite:", self.folder, encryption=encryption))


class MongoUnderTest(StoreUnderTest):
    """The store in MongoDB, damaged through a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> Stores:
        return await open_stores(StoreSettings(self.url))

    @contextmanager
    def database(self) -> Iterator[Database[dict[str, Any]]]:
        with MongoClient[dict[str, Any]](self.url) as client:
            yield client.get_default_database()

    def drop(self) -> None:
        with self.database() as database:
            database.client.drop_database(database.name)

    def damage_row(self, room: RoomKey, sequence: Sequence) -> None:
        key = {"room": room, "sequence": sequence}
        with self.database() as database:
            row = database.updates.find_one(key)
            assert row is not None
            database.updates.update_one(key, {"$set": {"bytes": flipped(row["bytes"])}})

    def remove_row(self, room: RoomKey, sequence: Sequence) -> None:
        with self.database() as database:
            database.updates.delete_one({"room": room, "sequence": sequence})

    def swap_rows(self, room: RoomKey, one: Sequence, other: Sequence) -> None:
        with self.database() as database:
            for now, then in ((one, -one), (other, one), (-one, other)):
                database.updates.update_one(
                    {"room": room, "sequence": now}, {"$set": {"sequence": then}}
                )

    def damage_snapshot(self, room: RoomKey, ref: SnapshotRef) -> None:
        key = {"of": ref.snapshot_id, "part": 0}
        with self.database() as database:
            part = database.parts.find_one(key)
            assert part is not None
            database.parts.update_one(key, {"$set": {"bytes": flipped(part["bytes"])}})

    def damage_record(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> None:
        key = {"kind": kind.value, "room": room, "record_id": record_id}
        with self.database() as database:
            record = database.records.find_one(key)
            assert record is not None
            database.records.update_one(key, {"$set": {"value": flipped(record["value"])}})

    def quarantined_rows(self, room: RoomKey) -> dict[int, bytes | None]:
        with self.database() as database:
            found = database.quarantined_updates.find({"room": room})
            return {row["sequence"]: row.get("bytes") for row in found}

    def quarantined_snapshots(self) -> list[str]:
        with self.database() as database:
            return [line["_id"] for line in database.quarantined_snapshots.find()]
