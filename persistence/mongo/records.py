"""The records in MongoDB."""

from __future__ import annotations

from dataclasses import replace

from collab.errors import RecordDamaged, RecordMoved
from collab.ids import RecordId, RoomKey
from collab.ports import Record, RecordKind
from persistence.checksums import record_checksum
from persistence.mongo.compare_and_set import compare_and_set
from persistence.mongo.link import Document, MongoLink
from persistence.mongo.schema import RECORDS
from persistence.record_rules import check_record


class MongoRecords:
    """The records.

    Args:
        link: the database.
    """

    def __init__(self, link: MongoLink) -> None:
        self._link = link
        self._records = link.collection(RECORDS)

    async def get(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> Record | None:
        """The record; see `RecordStore.get`."""
        key = _key(kind, room, record_id)
        found = await self._link.call(lambda: self._records.find_one(key))
        return None if found is None else _checked(kind, room, found)

    async def compare_and_set(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        """Make or replace it; see `RecordStore.compare_and_set`."""
        check_record(record)
        stored = replace(record, revision=record.revision + 1)
        change = {"value": stored.value, "checksum": _checksum(kind, room, stored)}
        key = _key(kind, room, record.record_id)
        await self._link.hit("record.before_commit")
        is_stored = await self._link.call(
            lambda: compare_and_set(self._records, key=key, revision=record.revision, change=change)
        )
        if not is_stored:
            raise RecordMoved(f"record revision {record.revision} is not the current one")
        await self._link.hit("record.after_commit")
        return stored

    async def delete(
        self,
        kind: RecordKind,
        room: RoomKey,
        record_id: RecordId,
        *,
        revision: int | None = None,
    ) -> None:
        """Delete it; see `RecordStore.delete`."""
        key = _key(kind, room, record_id)
        if revision is not None:
            key["revision"] = revision
        done = await self._link.call(lambda: self._records.delete_one(key))
        if revision is not None and not done.deleted_count:
            raise RecordMoved(f"record revision {revision} is not the current one")

    async def list(
        self, kind: RecordKind, room: RoomKey, *, after: RecordId | None, limit: int
    ) -> tuple[Record, ...]:
        """Records by id; see `RecordStore.list`."""
        later = {"kind": kind.value, "room": room, "record_id": {"$gt": after or ""}}

        async def page() -> list[Document]:
            found = self._records.find(later).sort("record_id").limit(limit)
            return [document async for document in found]

        return tuple(_checked(kind, room, found) for found in await self._link.call(page))


def _key(kind: RecordKind, room: RoomKey, record_id: RecordId) -> Document:
    return {"kind": kind.value, "room": room, "record_id": record_id}


def _checked(kind: RecordKind, room: RoomKey, found: Document) -> Record:
    record = Record(RecordId(found["record_id"]), found["revision"], found["value"])
    if found["checksum"] != _checksum(kind, room, record):
        raise RecordDamaged(
            f"the {kind.value} record {record.record_id} fails its checksum",
            record_id=record.record_id,
        )
    return record


def _checksum(kind: RecordKind, room: RoomKey, record: Record) -> bytes:
    place = f"{kind.value} {room} {record.record_id} {record.revision} "
    return record_checksum(place.encode() + record.value)
