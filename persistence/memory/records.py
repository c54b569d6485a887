"""The records in memory."""

from __future__ import annotations

from dataclasses import replace

from collab.errors import RecordMoved
from collab.ids import RecordId, RoomKey
from collab.ports import Record, RecordKind
from persistence.record_rules import check_record


class MemoryRecords:
    """The records.

    Attributes:
        stored: by kind and room, then by id.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[RecordKind, RoomKey], dict[RecordId, Record]] = {}

    async def get(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> Record | None:
        """The record; see `RecordStore.get`."""
        return self.stored.get((kind, room), {}).get(record_id)

    async def compare_and_set(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        """Make or replace it; see `RecordStore.compare_and_set`."""
        check_record(record)
        records = self.stored.setdefault((kind, room), {})
        current = records.get(record.record_id)
        if record.revision != (0 if current is None else current.revision):
            raise RecordMoved(f"record revision {record.revision} is not the current one")
        stored = replace(record, revision=record.revision + 1, value=bytes(record.value))
        records[record.record_id] = stored
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
        records = self.stored.get((kind, room), {})
        current = records.get(record_id)
        if revision is not None and (current is None or current.revision != revision):
            raise RecordMoved(f"record revision {revision} is not the current one")
        records.pop(record_id, None)

    async def list(
        self, kind: RecordKind, room: RoomKey, *, after: RecordId | None, limit: int
    ) -> tuple[Record, ...]:
        """Records by id; see `RecordStore.list`."""
        records = self.stored.get((kind, room), {})
        later = sorted(found for found in records if after is None or found > after)
        return tuple(records[record_id] for record_id in later[:limit])
