"""The snapshots in MongoDB, stored in parts so that none is too large for a document."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial

import structlog

from collab.errors import StoreReadOnly
from collab.ids import Epoch, RoomKey, Sequence
from collab.ports import SnapshotRef
from persistence.checksums import snapshot_checksum
from persistence.mongo.link import Document, MongoLink, Session
from persistence.mongo.parts import Parts
from persistence.mongo.schema import QUARANTINED_SNAPSHOTS, SNAPSHOTS

_log = structlog.stdlib.get_logger(__name__)


class MongoSnapshots:
    """The snapshot store.

    Args:
        link: the database.
        parts: where their bytes are; a snapshot has the id of its parts.
    """

    def __init__(self, link: MongoLink, parts: Parts) -> None:
        self._link = link
        self._parts = parts
        self._snapshots = link.collection(SNAPSHOTS)
        self._quarantined = link.collection(QUARANTINED_SNAPSHOTS)

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        """Store a snapshot; see `SnapshotStore.put`."""
        checksum = await asyncio.to_thread(snapshot_checksum, update)
        parts_id = await self._parts.store(update, prefix=f"{epoch}.")
        ref = SnapshotRef(parts_id, sequence, len(update), checksum)
        await self._link.transact(partial(self._name, room, ref), kind="snapshot")
        await self._link.hit("snapshot.after_put")
        return ref

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and verify a snapshot; see `SnapshotStore.get`."""
        line, update = await asyncio.gather(
            self._link.call(lambda: self._snapshots.find_one({"_id": ref.snapshot_id})),
            self._parts.load(ref.snapshot_id),
        )
        if line is None:
            return None
        checksum = await asyncio.to_thread(snapshot_checksum, update)
        if len(update) == ref.size_bytes and checksum == ref.checksum:
            return update
        with suppress(StoreReadOnly):  # then it stays where it is
            if await self._link.transact(partial(self._move_aside, ref)):
                _log.error("store.snapshot_quarantined", room=room[:12], sequence=ref.sequence)
        return None

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """All snapshots of a room; see `SnapshotStore.list`."""

        async def lines() -> list[Document]:
            found = self._snapshots.find({"room": room}).sort([("sequence", -1), ("_id", 1)])
            return [line async for line in found]

        return tuple(
            SnapshotRef(line["_id"], Sequence(line["sequence"]), line["size_bytes"], line["sha256"])
            for line in await self._link.call(lines)
        )

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete a snapshot; see `SnapshotStore.delete`.

        A quarantined one is not deleted: its parts are an operator's now.
        """
        del room
        if await self._link.transact(partial(self._unname, ref)):
            await self._parts.remove([ref.snapshot_id])

    async def _name(self, room: RoomKey, ref: SnapshotRef, session: Session) -> None:
        line = {
            "_id": ref.snapshot_id,
            "room": room,
            "sequence": ref.sequence,
            "size_bytes": ref.size_bytes,
            "sha256": ref.checksum,
        }
        await self._snapshots.insert_one(line, session=session)
        await self._parts.settle([ref.snapshot_id], session)

    async def _unname(self, ref: SnapshotRef, session: Session) -> bool:
        gone = await self._snapshots.delete_one({"_id": ref.snapshot_id}, session=session)
        if gone.deleted_count:
            await self._parts.unsettle([ref.snapshot_id], session)
        return bool(gone.deleted_count)

    async def _move_aside(self, ref: SnapshotRef, session: Session) -> bool:
        """Move the line aside, the parts staying where they are."""
        line = await self._snapshots.find_one_and_delete({"_id": ref.snapshot_id}, session=session)
        if line is not None:
            aside = {"reason": "checksum", "quarantined_at_unix_s": int(time.time())}
            await self._quarantined.insert_one({**line, **aside}, session=session)
        return line is not None
