"""Which master keys are in use, and wrapping all data keys anew under another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from collab.errors import RecordMoved
from collab.ids import NO_ROOM, RecordId
from collab.ports import Record, RecordKind, RecordStore
from persistence.encryption.data_keys import DataKeys, WrappedKey, wrapped_value
from persistence.encryption.key_ring import KeyRing, missing
from persistence.encryption.master_keys import MasterKey

_CHECKED = b"bandpro master key check"


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """One master key.

    Attributes:
        key_id: its id.
        is_current: whether it wraps what is new.
        is_at_hand: whether the settings name it.
        data_keys: how many data keys it wraps.
    """

    key_id: str
    is_current: bool
    is_at_hand: bool
    data_keys: int


async def check_master_keys(records: RecordStore, ring: KeyRing | None) -> None:
    """Refuse to go on without a master key that something is wrapped by, or with a wrong one.

    Args:
        records: of the store.
        ring: the keys at hand; None where encryption is off.

    Raises:
        MasterKeyMissing: a key that is in use is not at hand.
        DecryptionFailed: the key under this name is another one than before.
        StoreUnavailable: the store or a key's holder does not answer.
    """
    for record in await records.list(RecordKind.MASTER_KEY, NO_ROOM, after=None, limit=100):
        if not record.value:
            continue  # nothing is wrapped by it any more
        if ring is None or record.record_id not in ring.key_ids:
            raise missing(record.record_id)
        await ring.get(record.record_id).unwrap(record.value, record.record_id)


async def note_master_key(records: RecordStore, key: MasterKey) -> None:
    """Put down that a master key is in use, so that no later start goes on without it.

    Raises:
        StoreUnavailable: the store or the key's holder does not answer.
    """
    record_id = RecordId(key.key_id)
    known = await records.get(RecordKind.MASTER_KEY, NO_ROOM, record_id)
    if known is not None and known.value:
        return
    revision = 0 if known is None else known.revision
    value = await key.wrap(_CHECKED, record_id)
    try:
        await records.compare_and_set(
            RecordKind.MASTER_KEY, NO_ROOM, Record(record_id, revision, value)
        )
    except RecordMoved:
        return  # another node did the same


async def key_status(records: RecordStore, keys: DataKeys) -> tuple[KeyStatus, ...]:
    """All master keys that are at hand or in use, the current one first."""
    used = Counter([key.master_key_id async for key in keys.stored() if not key.is_destroyed])
    ring = keys.ring
    noted = await records.list(RecordKind.MASTER_KEY, NO_ROOM, after=None, limit=100)
    known = {str(record.record_id) for record in noted if record.value}
    known |= {*used, *ring.key_ids}
    current = ring.current.key_id
    return tuple(
        KeyStatus(key_id, key_id == current, key_id in ring.key_ids, used[key_id])
        for key_id in sorted(known, key=lambda key_id: (key_id != current, key_id))
    )


async def rotate(records: RecordStore, keys: DataKeys) -> int:
    """Wrap every data key anew under the current master key; documents stay as they are.

    May be interrupted and repeated: what is done is not done again. At its end the other keys are
    no longer needed.

    Returns:
        How many were wrapped anew.

    Raises:
        MasterKeyMissing: a key is wrapped by one that is not at hand.
        StoreUnavailable: the store or a key's holder does not answer; repeating is safe.
    """
    current = keys.ring.current
    rotated = 0
    async for key in keys.stored():
        if key.is_destroyed or key.master_key_id == current.key_id:
            continue
        data_key = await keys.ring.get(key.master_key_id).unwrap(key.wrapped, key.record_id)
        value = wrapped_value(current.key_id, await current.wrap(data_key, key.record_id))

        def unchanged(now: WrappedKey, seen: WrappedKey = key, new: bytes = value) -> bytes | None:
            return new if now.revision == seen.revision else None

        rotated += await keys.replace(key.record_id, unchanged) is not None
    for status in await key_status(records, keys):
        if not status.is_current and not status.data_keys:
            await _retire(records, RecordId(status.key_id))
    return rotated


async def _retire(records: RecordStore, record_id: RecordId) -> None:
    record = await records.get(RecordKind.MASTER_KEY, NO_ROOM, record_id)
    if record is not None and record.value:
        await records.compare_and_set(
            RecordKind.MASTER_KEY, NO_ROOM, Record(record_id, record.revision, b"")
        )
