"""Which blobs the records of a room say are there, and which of these are not.

A blob is made before the record that names it, and deleted after it; an erasure that another one
has replaced is the exception, and is not in force any more. So whoever reads the records first, and
then the blobs, and finds a record still there whose blob was not, has found a loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from collab.ids import BlobKey, Epoch
from collab.ports import Record, RecordKind
from persistence.erasure_record import decode_erasure, in_force
from persistence.versions import FOLDER as VERSIONS

RoomRecord = tuple[RecordKind, Record]


def unheld(
    records: Iterable[RoomRecord], epoch: Epoch, blobs: Collection[BlobKey]
) -> tuple[RoomRecord, ...]:
    """The records that name a blob which is not there.

    Args:
        records: of one room, as stored; those of versions may be sealed.
        epoch: that the room is in: it tells which erasure counts.
        blobs: the keys of all blobs of the room.
    """
    held = {tuple(key.split("/")[3:]) for key in blobs}
    found = list(records)
    of_erasures = [each for each in found if each[0] is RecordKind.ERASURE]
    erasure = in_force([decode_erasure(record) for _, record in of_erasures], epoch)
    lost = [
        each
        for each in found
        if each[0] is RecordKind.VERSION and (VERSIONS, each[1].record_id) not in held
    ]
    if erasure is not None and erasure.retired not in blobs:
        lost += [each for each in of_erasures if each[1].record_id == erasure.record_id]
    return tuple(lost)


def told_unheld(lost: RoomRecord) -> str:
    """What such a record means, as the end of a sentence about its room."""
    kind, record = lost
    if kind is RecordKind.VERSION:
        return f"the content of its version {record.record_id} is missing"
    return "the client ids that its erasure retired are missing, so it cannot be opened"
