"""The manifests in SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from functools import partial

from collab.errors import ManifestMoved
from collab.ids import RoomKey, RoomName
from collab.ports import Manifest
from persistence.manifest_codec import decode_manifest, encode_manifest
from persistence.sqlite.reader import Reader
from persistence.sqlite.writer import Kind, Writer

_SELECT = "SELECT room_key, name, revision, record, checksum FROM manifests"


class SqliteManifests:
    """The manifests.

    Args:
        writer: commits changes.
        reader: reads them.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def get(self, room: RoomKey) -> Manifest | None:
        """The manifest; see `RoomManifests.get`."""
        return await self._reader.run(partial(_get, room))

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        """Replace the manifest; see `RoomManifests.compare_and_set`."""
        return await self._writer.run(Kind.MANIFEST, partial(_compare_and_set, room, manifest))

    async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
        """Manifests by name; see `RoomManifests.list`."""
        return await self._reader.run(partial(_list, after, limit))


def _get(room: RoomKey, connection: sqlite3.Connection) -> Manifest | None:
    row = connection.execute(f"{_SELECT} WHERE room_key = ?", (room,)).fetchone()
    return None if row is None else decode_manifest(*row)


def _compare_and_set(room: RoomKey, manifest: Manifest, connection: sqlite3.Connection) -> Manifest:
    stored = replace(manifest, revision=manifest.revision + 1)
    record, checksum = encode_manifest(room, stored)
    if manifest.revision == 0:
        changed = connection.execute(
            "INSERT INTO manifests (room_key, name, revision, record, checksum)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (room_key) DO NOTHING",
            (room, stored.name, stored.revision, record, checksum),
        )
    else:
        changed = connection.execute(
            "UPDATE manifests SET revision = ?, record = ?, checksum = ?"
            " WHERE room_key = ? AND revision = ?",
            (stored.revision, record, checksum, room, manifest.revision),
        )
    if changed.rowcount == 0:
        raise ManifestMoved(f"manifest revision {manifest.revision} is not the current one")
    return stored


def _list(
    after: RoomName | None, limit: int, connection: sqlite3.Connection
) -> tuple[Manifest, ...]:
    rows = connection.execute(
        f"{_SELECT} WHERE name > ? ORDER BY name LIMIT ?", (after or "", limit)
    )
    return tuple(decode_manifest(*row) for row in rows)
