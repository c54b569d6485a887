"""Reading a room as it is at one moment, while others may write to it; nothing is changed.

Rooms are read one by one. Whoever reads one while a compaction replaces what it reads sees that the
manifest has moved, and begins anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from collab.errors import EpochUnfinished, RecordDamaged, SettingsError, StoreUnavailable
from collab.ids import NO_SEQUENCE, BlobKey, RecordId, RoomKey, RoomName, Sequence, room_key
from collab.ports import BlobInfo, LogRow, LogTail, Manifest, Record, RecordKind, SnapshotRef
from persistence.blob_keys import EXPORTS, OWNER
from persistence.blob_probe import FOLDER as PROBES
from persistence.blob_snapshots import ASIDE_FOLDER, FOLDER
from persistence.stores import Stores

READS_MAX: Final = 20
PAGE: Final = 500
SNAPSHOTS_TRIED: Final = 20
"""So many rooms in a row without their snapshots are no accident."""

ROOMS_PREFIX: Final = "rooms/"
PAST_EVERYTHING: Final = "~"
"""Sorts after every character that a blob key may have."""

_SKIPPED_FOLDERS: Final = ([FOLDER], [ASIDE_FOLDER], [EXPORTS])
_SKIPPED_PREFIXES: Final = (ROOMS_PREFIX, "backups/", f"{EXPORTS}/", f"{PROBES}/", OWNER)
_OF_ONE_STORE: Final = frozenset(
    {
        RecordKind.FILLING,
        RecordKind.STORE_ID,
        RecordKind.BLOB_OWNER,
        RecordKind.CLUSTER,
        RecordKind.JOB,
        RecordKind.JOB_TURN,
        RecordKind.JOB_SUBJECT,
        RecordKind.LINK_KEY,
        RecordKind.OUTBOX,
        RecordKind.DIGEST,
    }
)
"""Kinds of records that say something of this store, and would be wrong of a copy."""


@dataclass(frozen=True, slots=True)
class CapturedSnapshot:
    """A snapshot generation and its verified bytes."""

    ref: SnapshotRef
    update: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RoomCapture:
    """A room at one moment.

    Attributes:
        manifest: as it was stored.
        base: what `rows` follow: the snapshot taken; None when the rows are the whole log.
        rows: in order; all that were stored after the base, up to the head.
        head: the highest sequence.
        lost: sequences that the store lost and no snapshot taken holds.
        is_fragment: merged rows are gone and no snapshot that can be read holds them.
    """

    manifest: Manifest
    base: CapturedSnapshot | None
    rows: tuple[LogRow, ...] = field(repr=False)
    head: Sequence
    lost: tuple[Sequence, ...] = ()
    is_fragment: bool = False

    @property
    def base_sequence(self) -> Sequence:
        """The sequence that the rows follow."""
        return NO_SEQUENCE if self.base is None else self.base.ref.sequence


async def all_manifests(
    stores: Stores, *, after: RoomName | None = None
) -> AsyncIterator[Manifest]:
    """Every stored room's manifest, in order of name."""
    while page := await stores.manifests.list(after=after, limit=PAGE):
        for manifest in page:
            yield manifest
        after = page[-1].name


async def require_snapshots(stores: Stores) -> None:
    """Refuse a store without the snapshots that it names: then its blobs are kept somewhere else.

    Raises:
        SettingsError: the first rooms that should have snapshots have none.
        StoreUnavailable: the store cannot be read now.
    """
    missing = 0
    async for manifest in all_manifests(stores):
        if manifest.snapshots:
            if await stores.snapshots.list(room_key(manifest.name)):
                return
            missing += 1
        if missing == SNAPSHOTS_TRIED:
            break
    if missing:
        raise SettingsError(
            "the store's snapshots are not here: name the place of its blobs, or, if they are "
            "lost, release the rooms and accept the loss"
        )


async def capture_room(stores: Stores, name: RoomName) -> RoomCapture | None:
    """Read a room with the longest history that its log and one snapshot give.

    That is the oldest generation that can be read and all rows after it, or, where nothing was
    merged away yet, all rows. It amounts to the same document as the newest one and its tail.

    Returns:
        None for a room that is gone.

    Raises:
        EpochUnfinished: an erasure of the room ended half-way, and nobody has opened it since.
        StoreUnavailable: the store cannot be read now, or the room changed all the time.
    """
    key = room_key(name)
    is_unfinished = False
    for _ in range(READS_MAX):
        manifest = await stores.manifests.get(key)
        if manifest is None:
            return None
        tail = await stores.log.read(key, after=NO_SEQUENCE)
        capture = await _captured(stores, key, manifest, tail)
        is_unfinished = tail.epoch > manifest.epoch
        if capture is not None and not capture.lost and not capture.is_fragment:
            return capture
        again = await stores.manifests.get(key)
        if capture is not None and again is not None and again.revision == manifest.revision:
            return capture
    if is_unfinished:
        raise EpochUnfinished(
            "an erasure of the room has not ended: open the room, or erase it again"
        )
    raise StoreUnavailable(f"a room changed {READS_MAX} times while it was read")


def log_start(tail: LogTail) -> Sequence:
    """The sequence after which a log was read: what was asked for, or where it was trimmed."""
    return Sequence(tail.head - len(tail.rows) - len(tail.quarantined))


async def _captured(
    stores: Stores, key: RoomKey, manifest: Manifest, tail: LogTail
) -> RoomCapture | None:
    """The best that can be made of what was read; None when log and manifest do not belong."""
    if tail.epoch != manifest.epoch:
        return None
    start = log_start(tail)
    if start == NO_SEQUENCE and not tail.quarantined:
        return RoomCapture(manifest, None, tail.rows, tail.head)
    usable = [ref for ref in manifest.snapshots if start <= ref.sequence <= tail.head]
    newest_lost = max(tail.quarantined, default=NO_SEQUENCE)
    # Oldest first for the longest history; one that covers what was lost comes before any.
    order = sorted(usable, key=lambda ref: (ref.sequence < newest_lost, ref.sequence))
    if order and order[0].sequence < newest_lost:
        order.reverse()  # none covers it: the newest loses least
    for ref in order:
        update = await stores.snapshots.get(key, ref)
        if update is not None:
            rows = tuple(row for row in tail.rows if row.sequence > ref.sequence)
            lost = tuple(each for each in tail.quarantined if each > ref.sequence)
            return RoomCapture(manifest, CapturedSnapshot(ref, update), rows, tail.head, lost)
    return RoomCapture(
        manifest,
        None,
        tail.rows,
        tail.head,
        tail.quarantined,
        is_fragment=start > NO_SEQUENCE,
    )


# What a room has besides its document ---------------------------------------------------------


async def room_records(
    stores: Stores, key: RoomKey, damaged: Callable[[RecordDamaged], None] | None = None
) -> AsyncIterator[tuple[RecordKind, Record]]:
    """Every record of a room, by kind, then by id, without those of this store alone.

    Args:
        stores: the store.
        key: the room; `NO_ROOM` for what belongs to the whole store.
        damaged: told of each record that fails its checksum, which is left out then.

    Raises:
        RecordDamaged: one does, and `damaged` is None.
        StoreUnavailable: the store cannot be read now.
    """
    for kind in RecordKind:
        if kind in _OF_ONE_STORE:
            continue
        after: RecordId | None = None
        limit = PAGE
        while True:
            try:
                page = await stores.records.list(kind, key, after=after, limit=limit)
            except RecordDamaged as error:
                if damaged is None:
                    raise
                if limit == 1:  # then it is the next one
                    damaged(error)
                    after = RecordId(error.record_id)
                limit = 1
                continue
            if not page:
                break
            for record in page:
                yield kind, record
            after = page[-1].record_id


async def room_blobs(stores: Stores, key: RoomKey) -> AsyncIterator[BlobInfo]:
    """Every blob of a room but its snapshots, which the snapshot store has, and its exports."""
    prefix = f"{ROOMS_PREFIX}{key}/"
    after: BlobKey | None = None
    while page := await stores.blobs.list(prefix, after=after, limit=PAGE):
        for info in page:
            if info.key.split("/")[3:4] not in _SKIPPED_FOLDERS:
                yield info
        after = page[-1].key


async def other_blobs(stores: Stores) -> AsyncIterator[BlobInfo]:
    """Every blob that is no room's, no backup's and no export."""
    after: BlobKey | None = None
    while page := await stores.blobs.list("", after=after, limit=PAGE):
        after = page[-1].key
        for info in page:
            skipped = next((each for each in _SKIPPED_PREFIXES if info.key.startswith(each)), None)
            if skipped is not None:
                after = BlobKey(skipped + PAST_EVERYTHING)
                break
            yield info
