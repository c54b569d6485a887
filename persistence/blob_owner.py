"""Whose blobs a place holds, and whose turn it is to look for orphans there.

A blob that one store does not name may be another's: two deployments given one bucket by mistake,
or an empty database put before a full one. So the store that looks after a place leaves its mark
there, and keeps the same mark as a record; nothing is deleted where the two differ, and no server
starts. Neither is copied by a backup or a migration.

A raw copy of a database has the record as well. Therefore a number stands beside the mark, which a
running server replaces at its start and every few minutes by a new one, on the condition that it is
one that the store knows. The record knows it first, so that an interruption leaves a known one
either way. A copy does not know what came after it was made, nor does the original know what the
copy writes: so whoever comes second finds a number that is not its own. A server is refused at its
start then; one that runs, and looks twice a minute, disputes the place, and nobody writes or
deletes anything there until an operator says whose it is. That is soon enough: an orphan is at
least `collab.limits.ORPHAN_AGE_S_MIN` old, and whoever made it has renewed the number since; and
of a room three generations of snapshots are kept, so one that others drop is missed by nobody.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from collab.errors import BlobMoved, BlobsDisputed, BlobsNotOwned, RecordMoved
from collab.ids import NO_ROOM, BlobKey, BlobTag, RecordId, UnixSeconds
from collab.ports import Record, RecordKind
from persistence.blob_keys import OWNER, ROOMS, blob_key
from persistence.blob_probe import FOLDER as PROBES
from persistence.stores import Stores

OWNER_KEY: Final = BlobKey(OWNER)
RENEWED_S: Final = 600
"""A running server renews the number of its place this often; see above for what bounds it."""

NUMBERS_KEPT: Final = 64
"""Several nodes of one store may renew at once: any that was tried may be the one that stays."""

DISPUTED: Final = "disputed"
"""Stands for the number where two stores have the same mark."""

ADVICE: Final = (
    "Name this store's own place with --blobs. If no other store uses this one any more: "
    "bandpro orphans --claim"
)
ADVICE_IF_DISPUTED: Final = (
    "Give the copy a place of its own with --blobs, and claim this one for the store that keeps "
    "it: bandpro orphans --claim"
)

_ID: Final = RecordId("blobs")
_MARK_BYTES: Final = 16
_NUMBER_BYTES: Final = 8
_UNNUMBERED: Final = ""
"""The number beside a mark that an earlier version left."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """What a store has written down about its place for blobs.

    Attributes:
        mark: the same as in the place.
        round_begun_at: when a node last began to look for orphans; 0 for never.
        revision: of the record.
        numbers: those that may stand beside the mark, newest last.
        is_claiming: the mark may not be in the place yet.
    """

    mark: str
    round_begun_at: UnixSeconds
    revision: int
    numbers: tuple[str, ...] = (_UNNUMBERED,)
    is_claiming: bool = False


@dataclass(frozen=True, slots=True)
class _Sign:
    """What stands in the place.

    Attributes:
        mark: whose it is.
        number: the last one that was written.
        tag: of the blob.
    """

    mark: str
    number: str
    tag: BlobTag


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
        BlobsDisputed: the same, but the other store is a copy of this one, or this one of it.
        StoreUnavailable: the store or the place does not answer.
    """
    found = await _found(stores)
    return None if found is None else found[0]


async def require_place(stores: Stores) -> None:
    """Refuse to change a store whose place for blobs is another one's: it would change that, too.

    Raises:
        BlobsNotOwned: it is; the note says what to do.
        StoreUnavailable: the store or the place does not answer.
    """
    await _required(stores)


async def settle(stores: Stores) -> str | None:
    """Look before a server writes anything: take an empty place that is nobody's, or renew.

    Returns:
        As `renew`.

    Raises:
        BlobsNotOwned: as `require_place`; the other store is left in peace.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    found = await _required(stores)
    if found is not None:
        return await _renewed(stores, *found)
    if await stores.raw.blobs.list(f"{ROOMS}/", after=None, limit=1):
        return None  # whose they are shows when orphans are looked for
    number = await _taken(stores)
    if number is None:  # another node was faster
        owned = await ownership(stores)
        number = None if owned is None else owned.numbers[-1]
    return number


async def watch(stores: Stores) -> None:
    """See that the place is still this store's, or nobody's.

    Raises:
        BlobsNotOwned: as `ownership`.
        BlobsDisputed: as `ownership`; the other store is told so too, from now on.
        StoreUnavailable: the store or the place does not answer.
    """
    await _watched(stores)


async def renew(stores: Stores, seen: str | None) -> str | None:
    """Replace the number beside the mark, unless another node has since this one looked.

    Args:
        stores: the store.
        seen: what the last call gave; None for the first.

    Returns:
        The newest number that the store knows; None where nobody owns the place.

    Raises:
        BlobsNotOwned: as `watch`.
        BlobsDisputed: as `watch`.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    found = await _watched(stores)
    if found is None:
        return None
    owned, sign = found
    if seen not in {None, owned.numbers[-1]}:
        return owned.numbers[-1]
    return await _renewed(stores, owned, sign)


async def _renewed(stores: Stores, owned: Ownership, sign: _Sign) -> str:
    number = secrets.token_hex(_NUMBER_BYTES)
    kept = (*owned.numbers, number)[-NUMBERS_KEPT:]
    try:
        await _write(stores, replace(owned, numbers=kept, is_claiming=False))
    except RecordMoved:  # another node was faster
        return owned.numbers[-1]
    with suppress(BlobMoved):  # by another node, or by a copy, which shows at the next look
        await stores.raw.blobs.replace(OWNER_KEY, _text(owned.mark, number), tag=sign.tag)
    return number


async def _required(stores: Stores) -> tuple[Ownership, _Sign] | None:
    try:
        return await _found(stores)
    except BlobsNotOwned as error:
        error.add_note(ADVICE_IF_DISPUTED if isinstance(error, BlobsDisputed) else ADVICE)
        raise


async def _watched(stores: Stores) -> tuple[Ownership, _Sign] | None:
    try:
        return await _found(stores)
    except BlobsDisputed:
        await _dispute(stores)
        raise


async def _found(stores: Stores) -> tuple[Ownership, _Sign] | None:
    """The record and the sign of the place, which belong together; None where there is neither."""
    while True:
        record = await _record(stores)
        sign = await _sign(stores)
        if sign is None and (record is None or _decoded(record).is_claiming):
            return None
        if record is not None and sign is not None:
            owned = _decoded(record)
            if owned.mark == sign.mark and sign.number in owned.numbers:
                return owned, sign
        # Another node writes the record first: what it wrote may have come after it was read here.
        again = await _record(stores)
        if (again and again.revision) == (record and record.revision):
            raise _refusal(record, sign)


def _refusal(record: Record | None, sign: _Sign | None) -> BlobsNotOwned:
    if record is None:
        return BlobsNotOwned("the place for blobs belongs to another store")
    if sign is None:
        # The record is written last, so somebody took the mark away, or gave us another place.
        return BlobsNotOwned("the place for blobs has lost its mark, or is another one than before")
    if _decoded(record).mark != sign.mark:
        return BlobsNotOwned("the place for blobs belongs to another store now")
    return BlobsDisputed(
        "the place for blobs is used by another store too, which is a copy of this one, or this "
        "one of it"
    )


async def _dispute(stores: Stores) -> None:
    """Let the other store know as well, which may not have looked since."""
    record, sign = await _record(stores), await _sign(stores)
    if record is None or sign is None or sign.number == DISPUTED:
        return
    owned = _decoded(record)
    if owned.mark != sign.mark or sign.number in owned.numbers:  # an operator has decided
        return
    with suppress(BlobMoved):  # whoever has just renewed it finds out next time
        await stores.raw.blobs.replace(OWNER_KEY, _text(sign.mark, DISPUTED), tag=sign.tag)


async def claim(stores: Stores) -> None:
    """Make the place this store's, whoever's it was.

    Raises:
        BlobMoved: another store or node was faster.
        RecordMoved: another node was faster.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    mark, number = secrets.token_hex(_MARK_BYTES), secrets.token_hex(_NUMBER_BYTES)
    blob = await stores.raw.blobs.read(OWNER_KEY)
    record = await _record(stores)
    if blob is None:
        await stores.raw.blobs.create(OWNER_KEY, _text(mark, number))
    else:
        await stores.raw.blobs.replace(OWNER_KEY, _text(mark, number), tag=blob.tag)
    revision = 0 if record is None else record.revision
    await _write(stores, Ownership(mark, UnixSeconds(0), revision, (number,)))


async def claim_if_free(stores: Stores) -> bool:
    """Make a place that nobody owns this store's; False where somebody was faster.

    The record comes first here, and says that the mark may be missing: whoever comes after an
    interruption, or at the same time, leaves the same mark.

    Raises:
        BlobsNotOwned: as `ownership`.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    return await ownership(stores) is None and await _taken(stores) is not None


async def _taken(stores: Stores) -> str | None:
    """Take a place that was nobody's; the number beside its mark, or None if another was faster."""
    record = await _record(stores)
    if record is None:
        mark, number = secrets.token_hex(_MARK_BYTES), secrets.token_hex(_NUMBER_BYTES)
        owned = Ownership(mark, UnixSeconds(0), 0, (number,), is_claiming=True)
    else:
        owned = _decoded(record)
    try:
        if record is None:
            owned = await _write(stores, owned)
        await stores.raw.blobs.create(OWNER_KEY, _text(owned.mark, owned.numbers[-1]))
        await _write(stores, replace(owned, is_claiming=False))
    except (BlobMoved, RecordMoved):
        return None
    return owned.numbers[-1]


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


async def _write(stores: Stores, owned: Ownership) -> Ownership:
    fields = asdict(owned)
    del fields["revision"]
    record = Record(_ID, owned.revision, orjson.dumps(fields))
    stored = await stores.records.compare_and_set(RecordKind.BLOB_OWNER, NO_ROOM, record)
    return replace(owned, revision=stored.revision)


async def _record(stores: Stores) -> Record | None:
    return await stores.records.get(RecordKind.BLOB_OWNER, NO_ROOM, _ID)


def _decoded(record: Record) -> Ownership:
    fields = orjson.loads(record.value)
    numbers = tuple(fields.get("numbers", (_UNNUMBERED,)))
    begun_at = UnixSeconds(fields["round_begun_at"])
    is_claiming = fields.get("is_claiming", False)
    return Ownership(fields["mark"], begun_at, record.revision, numbers, is_claiming=is_claiming)


async def _sign(stores: Stores) -> _Sign | None:
    blob = await stores.raw.blobs.read(OWNER_KEY)
    if blob is None:
        return None
    mark, _, number = blob.data.decode(errors="replace").partition(" ")
    return _Sign(mark, number, blob.tag)


def _text(mark: str, number: str) -> bytes:
    return f"{mark} {number}".encode()
