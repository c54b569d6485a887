"""What is told about a score beside its document: who made it, of what, and whether it is archived.

One record for each room that was made, renamed or archived through the API, or was given a title by
an editor; other rooms have none. An erasure deletes it with the epoch that it was written in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from collab.errors import EpochMoved, RecordMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, Epoch, RecordId, RoomKey, RoomName, UnixSeconds, room_key
from collab.ports import Record, RecordKind
from persistence.erasure_record import in_force, list_erasures
from persistence.manifests import read_manifest
from persistence.stores import Stores

CHANGES_MAX: Final = 8
_ID: Final = RecordId("score")


@dataclass(frozen=True, slots=True)
class KeptEdit:
    """An edit that was asked for with an idempotency key, so that it is made once.

    It is kept before it is stored, and the clock tells whether it was.

    Attributes:
        request: a digest of the request.
        client: whose edit it is in the document.
        clock: the client's once the edit is in; 0 where the edit only deleted, and was stored.
        id_prefix: what the ids of its elements begin with.
        made: how many elements each operation made.
    """

    request: str
    client: int
    clock: int
    id_prefix: str
    made: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """What is told about a score.

    Attributes:
        title: as the document had it when it was last looked at; see `gateway.rooms.titles`.
        created_at: wall-clock second; None for a room that was not made by the API.
        created_by: subject of the token that asked for it.
        origin: what it was made of, such as ``template:satb``.
        request: a digest of the request that made it, where that had an idempotency key.
        archived_at: since when nobody edits it; None for one that is in use.
        archived_by: who archived it.
        edits: the last ones with a key, oldest first.
        epoch: of the room, when this was written.
        revision: of the record; 0 for one that is not stored.
    """

    title: str = field(default="", repr=False)
    created_at: UnixSeconds | None = None
    created_by: str = ""
    origin: str = field(default="", repr=False)
    request: str = ""
    archived_at: UnixSeconds | None = None
    archived_by: str = ""
    edits: tuple[KeptEdit, ...] = ()
    epoch: Epoch = FIRST_EPOCH
    revision: int = 0

    @property
    def is_archived(self) -> bool:
        """Whether nobody edits it."""
        return self.archived_at is not None


async def read_score_record(stores: Stores, name: RoomName) -> ScoreRecord:
    """What is told about a score; an empty record of revision 0 where nothing is.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    # Not `get`: a list leaves out what was written under a key that an erasure has destroyed.
    found = await stores.records.list(RecordKind.SCORE, room_key(name), after=None, limit=1)
    return decode_score_record(found[0]) if found else ScoreRecord()


async def change_score_record(
    stores: Stores,
    name: RoomName,
    change: Callable[[ScoreRecord], ScoreRecord],
    *,
    of: Epoch | None = None,
) -> ScoreRecord:
    """Change what is told about a score, durably, whoever else changes it too.

    Args:
        stores: the store.
        name: the room.
        change: from what is told to what shall be; may be called several times.
        of: the epoch whose document it says something of; None where it says nothing of any.

    Raises:
        EpochMoved: the room has begun anew since; nothing was changed.
        StoreUnavailable: the outcome is unknown, or others kept changing it.
    """
    key = room_key(name)
    for _ in range(CHANGES_MAX):
        epoch = (await read_manifest(stores, name)).epoch
        if of is not None and of != epoch:
            raise EpochMoved(expected=of, actual=epoch)
        known = await read_score_record(stores, name)
        if await _is_erased(stores, key, known, epoch):
            known = ScoreRecord(revision=known.revision)  # it was not deleted yet
        wanted = change(known)
        if wanted == known and known.revision:
            return known
        record = Record(_ID, known.revision, _encoded(wanted, epoch))
        try:
            stored = await stores.records.compare_and_set(RecordKind.SCORE, key, record)
        except RecordMoved:
            continue
        told = decode_score_record(stored)
        # An erasure begins its epoch before it deletes: one that has not, finds this record.
        now = (await read_manifest(stores, name)).epoch
        if not await _is_erased(stores, key, told, now):
            return told
        with suppress(RecordMoved):  # the erasure has found it, or somebody's later change
            await stores.records.delete(RecordKind.SCORE, key, _ID, revision=told.revision)
    raise StoreUnavailable(f"the score was changed by others {CHANGES_MAX} times in a row")


async def _is_erased(stores: Stores, room: RoomKey, record: ScoreRecord, epoch: Epoch) -> bool:
    """Whether a record is of before the last erasure of a room that is in an epoch."""
    if record.epoch >= epoch or not record.revision:
        return False
    erasure = in_force(await list_erasures(stores, room), epoch)
    return erasure is not None and record.epoch < erasure.erased


async def keep_title(stores: Stores, name: RoomName, title: str, *, of: Epoch) -> bool:
    """Keep the title that a document has; writes nothing where that is known.

    Args:
        stores: the store.
        name: the room.
        title: as its document has it; empty for none.
        of: the epoch of that document.

    Returns:
        Whether it was another one.

    Raises:
        EpochMoved: the room has begun anew since.
        StoreUnavailable: the outcome is unknown, or others kept changing the record.
    """
    if (await read_score_record(stores, name)).title == title:
        return False
    await change_score_record(stores, name, lambda known: replace(known, title=title), of=of)
    return True


def decode_score_record(record: Record) -> ScoreRecord:
    """Read a record back.

    Raises:
        StoreUnavailable: it is none of a score.
    """
    try:
        fields: dict[str, Any] = json.loads(record.value)
        edits = tuple(
            KeptEdit(**{**each, "made": tuple(each["made"])}) for each in fields.pop("edits", ())
        )
        return ScoreRecord(**fields, edits=edits, revision=record.revision)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreUnavailable("a score's record cannot be read") from error


def _encoded(record: ScoreRecord, epoch: Epoch) -> bytes:
    fields = {
        "title": record.title,
        "created_at": record.created_at,
        "created_by": record.created_by,
        "origin": record.origin,
        "request": record.request,
        "archived_at": record.archived_at,
        "archived_by": record.archived_by,
        "edits": [asdict(each) for each in record.edits],
        "epoch": epoch,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
