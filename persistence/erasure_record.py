"""The records of a room's erasures: what completes each of them, and which client ids it retired.

A restored document that takes the place of a room's is recorded as an erasure that keeps versions.
Each erasure claims an epoch that no other one has, by making the record of that epoch. So when the
log begins an epoch, there is one record that says what belongs to it. A claim whose log has gone on
to another epoch meanwhile can never be committed: it is dead.

A record that is discarded stays, marked as such, until the log has passed its epoch. Were it
deleted, the next claim of that epoch would begin at the same revision, and whoever comes late to
discard the earlier one would delete the later one, which may be committed. The next claim takes its
place instead, at a revision that nobody has seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Final

from collab.errors import RecordMoved, StateConflict, StoreUnavailable
from collab.history.retired import NOBODY, RetiredClients
from collab.ids import BlobKey, Epoch, RecordId, RoomKey, Sequence
from collab.ports import Record, RecordKind, SnapshotRef
from persistence.stores import Stores

_DIGITS: Final = 16  # so that ids sort by epoch
_LISTED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """One erasure.

    Attributes:
        of: the epoch that it replaces.
        epoch: the one that it begins.
        head: the log's when it does.
        snapshot: the new document; None for an empty one.
        retired: blob with the retired client ids.
        is_done: whether everything of the epochs before is deleted.
        keeps: versions and keys of the epochs before stay: a restore, no erasure.
        erased: the epoch that the last real erasure began, this one included; 0 for none.
        is_discarded: it came to nothing; its epoch may be claimed anew.
        revision: of the stored record; 0 for one that is not stored yet.
    """

    of: Epoch
    epoch: Epoch
    head: Sequence
    snapshot: SnapshotRef | None
    retired: BlobKey
    is_done: bool = False
    keeps: bool = False
    erased: int = 0
    is_discarded: bool = False
    revision: int = 0

    @property
    def record_id(self) -> RecordId:
        """Where it is stored."""
        return _record_id(self.epoch)


async def list_erasures(stores: Stores, room: RoomKey) -> tuple[ErasureRecord, ...]:
    """The records of a room, by epoch: the one in force, and claims that may be dead.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    return tuple(each for each in await _listed(stores, room) if not each.is_discarded)


async def _listed(stores: Stores, room: RoomKey) -> list[ErasureRecord]:
    found = await stores.records.list(RecordKind.ERASURE, room, after=None, limit=_LISTED_MAX)
    return list(map(decode_erasure, found))


async def free_revision(stores: Stores, room: RoomKey, epoch: Epoch) -> int:
    """The revision from which a claim of an epoch has to be put that no listed one has.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    stored = await stores.records.get(RecordKind.ERASURE, room, _record_id(epoch))
    is_free = stored is not None and decode_erasure(stored).is_discarded
    return stored.revision if stored is not None and is_free else 0


def in_force(erasures: SequenceOf[ErasureRecord], epoch: Epoch) -> ErasureRecord | None:
    """The last erasure of a room that is in an epoch; None where it was never erased."""
    committed = [e for e in erasures if e.epoch == epoch or (e.is_done and e.epoch < epoch)]
    return committed[-1] if committed else None


def copied_erasure(record: Record, epoch: Epoch) -> Record | None:
    """A record for the copy of a room: snapshots have other ids there, and nothing is left over.

    Args:
        record: as it was stored.
        epoch: that the room was in.

    Returns:
        None for a claim that was not committed: in a copy that begins just its epoch, it would be
        taken for committed.
    """
    erasure = decode_erasure(record)
    if erasure.epoch > epoch or (erasure.epoch < epoch and not erasure.is_done):
        return None
    return replace(record, value=_encoded(replace(erasure, snapshot=None, is_done=True)))


async def put_erasure(stores: Stores, room: RoomKey, erasure: ErasureRecord) -> ErasureRecord:
    """Make or replace a record, from the revision that `erasure` names.

    Raises:
        RecordMoved: another erasure claimed the epoch, or the record was changed or is gone.
        StoreUnavailable: the outcome is unknown.
    """
    stored = await stores.records.compare_and_set(
        RecordKind.ERASURE, room, Record(erasure.record_id, erasure.revision, _encoded(erasure))
    )
    return replace(erasure, revision=stored.revision)


async def discard_erasure(stores: Stores, room: RoomKey, erasure: ErasureRecord) -> None:
    """Delete what was prepared for a claim that cannot be committed, and mark it as discarded.

    Raises:
        StoreUnavailable: some of it may be left; repeating is safe.
    """
    await _delete_prepared(stores, room, erasure)
    if erasure.revision:
        with suppress(RecordMoved):  # somebody else has, and the record may be a later claim's
            await put_erasure(stores, room, replace(erasure, is_discarded=True))


async def discard_replaced(stores: Stores, room: RoomKey, by: ErasureRecord) -> None:
    """Discard all that a committed erasure has replaced: earlier ones, and claims that are dead.

    Raises:
        StoreUnavailable: some of it may be left; repeating is safe.
    """
    for other in await _listed(stores, room):
        if other.of >= by.epoch or other.epoch == by.epoch:
            continue
        if other.epoch > by.epoch:
            if not other.is_discarded:
                await discard_erasure(stores, room, other)
            continue
        # Nobody can commit this epoch any more, whoever claims it.
        await _delete_prepared(stores, room, other)
        await stores.records.delete(RecordKind.ERASURE, room, other.record_id)


async def _delete_prepared(stores: Stores, room: RoomKey, erasure: ErasureRecord) -> None:
    if erasure.snapshot is not None:
        await stores.snapshots.delete(room, erasure.snapshot)
    await stores.blobs.delete(erasure.retired)


async def is_claimed(stores: Stores, room: RoomKey, erasure: ErasureRecord) -> bool:
    """Whether the record of an erasure's epoch is still its own, not that of a later claim.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    stored = await stores.records.get(RecordKind.ERASURE, room, erasure.record_id)
    return stored is not None and decode_erasure(stored).retired == erasure.retired


async def retired_clients(stores: Stores, erasure: ErasureRecord | None) -> RetiredClients:
    """The client ids that an erasure retired, those of earlier ones included.

    Raises:
        StoreUnavailable: the store cannot be read now, or they are gone.
    """
    if erasure is None:
        return NOBODY
    blob = await stores.blobs.read(erasure.retired)
    if blob is None:
        raise StoreUnavailable("the retired client ids of an erased room are missing")
    return RetiredClients.decode(blob.data)


async def require_retired(
    stores: Stores, room: RoomKey, epoch: Epoch, *, accept_loss: bool
) -> None:
    """Make sure that the retired client ids of a room can be read, or accept that they are lost.

    Args:
        stores: the store.
        room: that nobody has open.
        epoch: that it is in.
        accept_loss: where they are lost, have an empty list instead.

    Raises:
        StateConflict: they are lost.
        StoreUnavailable: the store failed; repeating is safe.
    """
    erasure = in_force(await list_erasures(stores, room), epoch)
    if erasure is None or await stores.blobs.read(erasure.retired) is not None:
        return
    if not accept_loss:
        raise StateConflict(
            "the client ids that its erasure retired are lost, so whoever still holds the old "
            "document could bring it back: that loss has to be accepted"
        )
    await stores.blobs.create(erasure.retired, NOBODY.encode())


def _record_id(epoch: Epoch) -> RecordId:
    return RecordId(f"{epoch:0{_DIGITS}d}")


def _encoded(erasure: ErasureRecord) -> bytes:
    fields = asdict(erasure)
    del fields["revision"]
    return json.dumps(fields).encode()


def decode_erasure(record: Record) -> ErasureRecord:
    """Read a record back."""
    fields = json.loads(record.value)
    ref = fields["snapshot"]
    snapshot = None
    if ref is not None:
        snapshot = SnapshotRef(
            ref["snapshot_id"], Sequence(ref["sequence"]), ref["size_bytes"], ref["checksum"]
        )
    return ErasureRecord(
        of=Epoch(fields["of"]),
        epoch=Epoch(fields["epoch"]),
        head=Sequence(fields["head"]),
        snapshot=snapshot,
        retired=BlobKey(fields["retired"]),
        is_done=fields["is_done"],
        keeps=fields.get("keeps", False),
        erased=fields.get("erased", fields["epoch"]),
        is_discarded=fields.get("is_discarded", False),
        revision=record.revision,
    )
