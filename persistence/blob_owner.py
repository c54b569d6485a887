"""Whose blobs a place holds, and whose turn it is to look for orphans there.

A blob that one store does not name may be another's: two deployments given one bucket by mistake,
or an empty database put before a full one. So the store that looks after a place leaves its mark
there, and keeps the same mark as a record; nothing is deleted where the two differ. Neither is
copied by a backup or a migration.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from collab.errors import BlobMoved, BlobsNotOwned, RecordMoved
from collab.ids import NO_ROOM, BlobKey, RecordId, UnixSeconds
from collab.ports import Record, RecordKind
from persistence.blob_keys import OWNER, blob_key
from persistence.blob_probe import FOLDER as PROBES
from persistence.stores import Stores

OWNER_KEY: Final = BlobKey(OWNER)
_ID: Final = RecordId("blobs")
_MARK_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Ownership:
    """What a store has written down about its place for blobs.

    Attributes:
        mark: the same as in the place.
        round_begun_at: when a node last began to look for orphans; 0 for never.
        revision: of the record.
    """

    mark: str
    round_begun_at: UnixSeconds
    revision: int


async def store_now(stores: Stores) -> UnixSeconds:
    """The time by the clock of the place for blobs, which is what dates them.

    Raises:
        StoreUnavailable: the place does not answer.
    """
    key = blob_key(PROBES, secrets.token_hex(16))
    await stores.raw.blobs.create(key, b"what time is it")
    (info,) = await stores.raw.blobs.list(key, after=None, limit=1)
    await stores.raw.blobs.delete(key)
    return info.modified_at


async def ownership(stores: Stores) -> Ownership | None:
    """What the store has written down, where the place says the same; None where nobody owns it.

    Raises:
        BlobsNotOwned: the place is another store's, or its owner is not known here.
        StoreUnavailable: the store or the place does not answer.
    """
    record = await stores.records.get(RecordKind.BLOB_OWNER, NO_ROOM, _ID)
    blob = await stores.raw.blobs.read(OWNER_KEY)
    found = None if blob is None else blob.data.decode(errors="replace")
    if record is None and found is None:
        return None
    if record is None:
        raise BlobsNotOwned("the place for blobs belongs to another store")
    owned = Ownership(**orjson.loads(record.value), revision=record.revision)
    if found is None:
        # The record is written last, so somebody took the mark away, or gave us another place.
        raise BlobsNotOwned("the place for blobs has lost its mark, or is another one than before")
    if owned.mark != found:
        raise BlobsNotOwned("the place for blobs belongs to another store now")
    return owned


async def claim(stores: Stores) -> None:
    """Make the place this store's, whoever's it was.

    Raises:
        BlobMoved: another store or node was faster.
        RecordMoved: another node was faster.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    mark = secrets.token_hex(_MARK_BYTES)
    blob = await stores.raw.blobs.read(OWNER_KEY)
    record = await stores.records.get(RecordKind.BLOB_OWNER, NO_ROOM, _ID)
    if blob is None:
        await stores.raw.blobs.create(OWNER_KEY, mark.encode())
    else:
        await stores.raw.blobs.replace(OWNER_KEY, mark.encode(), tag=blob.tag)
    revision = 0 if record is None else record.revision
    await _write(stores, Ownership(mark, UnixSeconds(0), revision))


async def claim_if_free(stores: Stores) -> bool:
    """Make a place that nobody owns this store's; False where somebody was faster."""
    if await ownership(stores) is not None:
        return False
    try:
        await claim(stores)
    except (BlobMoved, RecordMoved):
        return False
    return True


async def begin_round(stores: Stores, owned: Ownership, now: UnixSeconds, period_s: int) -> int:
    """Take the turn, if one is due and no other node has it.

    Returns:
        0 when it is ours; otherwise the seconds until the next one is due.
    """
    age_s = now - owned.round_begun_at
    if 0 <= age_s < period_s:
        return period_s - age_s
    try:
        await _write(stores, replace(owned, round_begun_at=now))
    except RecordMoved:
        return period_s
    return 0


async def _write(stores: Stores, owned: Ownership) -> None:
    fields = asdict(owned)
    del fields["revision"]
    record = Record(_ID, owned.revision, orjson.dumps(fields))
    await stores.records.compare_and_set(RecordKind.BLOB_OWNER, NO_ROOM, record)
