"""Records that hold something of a document, a secret or an address are sealed, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from collab.errors import DataKeyDestroyed
from collab.ids import FIRST_EPOCH, Epoch, RecordId, RoomKey
from collab.ports import Record, RecordKind, RecordStore, RoomManifests
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.envelope import is_sealed, place_of, seal, sealed_epoch, unseal
from persistence.record_rules import check_record

SEALED_KINDS: Final = frozenset(
    {
        RecordKind.VERSION,
        RecordKind.SCORE,
        RecordKind.WEBHOOK,
        RecordKind.PREFERENCES,
        RecordKind.DIGEST,
    }
)


class EncryptedRecords:
    """The records.

    Args:
        records: where sealed ones are kept.
        manifests: tell which epoch a room is in.
        keys: the documents' keys.
    """

    def __init__(self, records: RecordStore, manifests: RoomManifests, keys: DataKeys) -> None:
        self._records = records
        self._manifests = manifests
        self._keys = keys

    async def get(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> Record | None:
        """The record; see `RecordStore.get`."""
        record = await self._records.get(kind, room, record_id)
        return None if record is None else await self._opened(kind, room, record)

    async def compare_and_set(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        """Make or replace it; see `RecordStore.compare_and_set`."""
        if kind not in SEALED_KINDS:
            return await self._records.compare_and_set(kind, room, record)
        check_record(record)
        epoch = await self._epoch(room)
        cipher = await self._keys.for_writing(room, epoch)
        place = place_of(room, epoch, kind, record.record_id)
        sealed = replace(record, value=seal(cipher, epoch, place, record.value))
        stored = await self._records.compare_and_set(kind, room, sealed)
        return replace(stored, value=record.value)

    async def delete(
        self,
        kind: RecordKind,
        room: RoomKey,
        record_id: RecordId,
        *,
        revision: int | None = None,
    ) -> None:
        """Delete it; see `RecordStore.delete`."""
        await self._records.delete(kind, room, record_id, revision=revision)

    async def list(
        self, kind: RecordKind, room: RoomKey, *, after: RecordId | None, limit: int
    ) -> tuple[Record, ...]:
        """Records by id; see `RecordStore.list`. What an erased epoch left is not among them."""
        found = await self._records.list(kind, room, after=after, limit=limit)
        if kind not in SEALED_KINDS:
            return found
        opened = []
        for record in found:
            try:
                opened.append(await self._opened(kind, room, record))
            except DataKeyDestroyed:
                continue
        return tuple(opened)

    async def _opened(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        if kind not in SEALED_KINDS or not is_sealed(record.value):
            return record
        epoch = sealed_epoch(record.value)
        cipher = await self._keys.for_reading(room, epoch)
        place = place_of(room, epoch, kind, record.record_id)
        return replace(record, value=unseal(cipher, place, record.value))

    async def _epoch(self, room: RoomKey) -> Epoch:
        manifest = await self._manifests.get(room)
        return FIRST_EPOCH if manifest is None else manifest.epoch
