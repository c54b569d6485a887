"""The record of a room's last erasure: what completes it, and which client ids it retired."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Final

from collab.errors import StoreUnavailable
from collab.history.retired import NOBODY, RetiredClients
from collab.ids import BlobKey, Epoch, RecordId, RoomKey, Sequence
from collab.ports import Record, RecordKind, SnapshotRef
from persistence.stores import Stores

_ID: Final = RecordId("last")


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """One erasure.

    Attributes:
        epoch: the one that it begins.
        head: the log's when it does.
        snapshot: the new document; None for an empty one.
        retired: blob with the retired client ids.
        is_done: whether everything of the epochs before is deleted.
        revision: of the stored record; 0 for one that is not stored yet.
    """

    epoch: Epoch
    head: Sequence
    snapshot: SnapshotRef | None
    retired: BlobKey
    is_done: bool = False
    revision: int = 0


async def get_erasure(stores: Stores, room: RoomKey) -> ErasureRecord | None:
    """The record, or None for a room that was never erased.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    record = await stores.records.get(RecordKind.ERASURE, room, _ID)
    if record is None:
        return None
    fields = json.loads(record.value)
    ref = fields["snapshot"]
    snapshot = None
    if ref is not None:
        snapshot = SnapshotRef(
            ref["snapshot_id"], Sequence(ref["sequence"]), ref["size_bytes"], ref["checksum"]
        )
    return ErasureRecord(
        epoch=Epoch(fields["epoch"]),
        head=Sequence(fields["head"]),
        snapshot=snapshot,
        retired=BlobKey(fields["retired"]),
        is_done=fields["is_done"],
        revision=record.revision,
    )


async def put_erasure(stores: Stores, room: RoomKey, erasure: ErasureRecord) -> ErasureRecord:
    """Make or replace the record, from the revision that `erasure` names.

    Raises:
        RecordMoved: another erasure came first.
        StoreUnavailable: the outcome is unknown.
    """
    fields = asdict(erasure)
    del fields["revision"]
    value = json.dumps(fields).encode()
    stored = await stores.records.compare_and_set(
        RecordKind.ERASURE, room, Record(_ID, erasure.revision, value)
    )
    return replace(erasure, revision=stored.revision)


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
