"""The wrapped data keys of one room, taken and given back with it.

They are records of the whole store, which a backup takes first. A key that was made or destroyed
since then is in the room's own line, beside the master keys that are in use.
"""

from __future__ import annotations

from typing import Final

from collab.errors import DecryptionFailed, RecordMoved
from collab.ids import NO_ROOM, Epoch, RecordId, RoomKey
from collab.ports import Record, RecordKind
from persistence.capture import PAGE
from persistence.encryption.data_keys import key_record_id
from persistence.encryption.envelope import is_sealed, sealed_epoch
from persistence.room_copy import put_record
from persistence.stores import Stores

KEY_KINDS: Final = frozenset({RecordKind.DATA_KEY, RecordKind.MASTER_KEY})

Keys = tuple[tuple[RecordKind, Record], ...]


async def room_keys(stores: Stores, room: RoomKey) -> Keys:
    """A room's data keys, also destroyed ones, and the master keys in use; empty without any.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    keys: list[tuple[RecordKind, Record]] = []
    prefix = f"{room}."
    after = RecordId(prefix)
    while page := await stores.records.list(RecordKind.DATA_KEY, NO_ROOM, after=after, limit=PAGE):
        own = [record for record in page if record.record_id.startswith(prefix)]
        keys += [(RecordKind.DATA_KEY, record) for record in own]
        if len(own) < PAGE:
            break
        after = own[-1].record_id
    if keys:
        masters = await stores.records.list(RecordKind.MASTER_KEY, NO_ROOM, after=None, limit=PAGE)
        keys += [(RecordKind.MASTER_KEY, record) for record in masters if record.value]
    return tuple(keys)


def with_later(keys: Keys, later: Keys) -> Keys:
    """Keys as they were first seen, and those that came since.

    What a key sealed was read while the key was there, so its later destruction does not count.
    """
    known = {(kind, record.record_id) for kind, record in keys}
    return (*keys, *(each for each in later if (each[0], each[1].record_id) not in known))


async def put_key(stores: Stores, kind: RecordKind, record: Record, *, is_newer: bool) -> None:
    """Give a key back.

    Args:
        stores: the target.
        kind: of a data key or of a master key.
        record: as the backup has it.
        is_newer: it may take the place of what the same restore wrote before. A destroyed data key
            stays destroyed, and a master key in use stays in use all the same.

    Raises:
        StoreUnavailable: the store failed.
    """
    current = await stores.records.get(kind, NO_ROOM, record.record_id)
    if current is None:
        try:
            await stores.records.compare_and_set(kind, NO_ROOM, record)
        except RecordMoved:  # what the store says of a key itself stands
            return
    elif is_newer and bool(current.value) == (kind is RecordKind.DATA_KEY):
        await put_record(stores, kind, None, record)


class SealedEpochs:
    """Which epochs' data keys a backup holds, and which ones a room's bytes need."""

    def __init__(self) -> None:
        self._alive: dict[RecordId, bool] = {}

    def hold(self, kind: RecordKind, record: Record) -> None:
        """Take in a record; a room's own come after the store's."""
        if kind is RecordKind.DATA_KEY:
            self._alive[record.record_id] = bool(record.value)

    def missing(self, room: RoomKey, stored: bytes) -> Epoch | None:
        """The epoch of the data key that sealed bytes of a room need, if it is not there."""
        if not is_sealed(stored):
            return None
        try:
            epoch = sealed_epoch(stored)
        except DecryptionFailed:  # says nothing of keys: the bytes are cut off
            return None
        return None if self._alive.get(key_record_id(room, epoch)) else epoch
