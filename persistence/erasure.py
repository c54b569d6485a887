"""Erasing a room: its document anew without history, or empty, and nothing of before anywhere.

The commit point is the log's new epoch, which begins only where the log is still in the epoch, and
at the head, that the new document was made of. What is needed to complete an erasure is stored
before it, and all that is deleted is deleted after it, so a crash at any step leaves either the old
room or an erasure that the next open, or another try, completes; any node can, several at once too:

==========================  =====================================================================
step                        after a crash there
==========================  =====================================================================
new snapshot, retired ids   the old room; the next erasure clears up
record, a claim             the old room; the next erasure claims a later epoch, and clears up
new epoch (commit)          nobody can open the old room; the next open completes the erasure
manifest                    the new room; the next open goes on deleting
deletions, keys, free space the same
record is done              over
==========================  =====================================================================
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from collab.errors import (
    EpochMoved,
    EpochUnfinished,
    HeadMoved,
    InvalidRoomName,
    LimitExceeded,
    RecordMoved,
    StateConflict,
    StoreUnavailable,
)
from collab.history.retired import NOBODY, RetiredClients, unused_client
from collab.history.versions import Version
from collab.ids import (
    FIRST_EPOCH,
    BlobKey,
    Epoch,
    RecordId,
    RoomKey,
    RoomName,
    Sequence,
    comments_room,
    room_key,
)
from collab.limits import RETIRED_CLIENTS_MAX
from collab.ports import Manifest, Record, RecordKind, RoomStatus
from collab.protocol.y_sync import EMPTY_UPDATE
from persistence.blob_keys import ROOMS, blob_key
from persistence.blob_snapshots import snapshot_epoch
from persistence.encryption.envelope import is_sealed, sealed_epoch
from persistence.erasure_record import (
    ErasureRecord,
    discard_erasure,
    discard_replaced,
    free_revision,
    in_force,
    is_claimed,
    list_erasures,
    put_erasure,
    retired_clients,
)
from persistence.loading import LoadedRoom, load_room
from persistence.manifests import change_manifest, read_manifest
from persistence.score_record import ScoreRecord, decode_score_record
from persistence.stores import Stores
from persistence.version_codec import decode_version

ATTEMPTS_MAX: Final = 5
"""How often the document is read again because somebody appended meanwhile."""

RETIRED: Final = "retired"
"""Folder of the blobs that hold retired client ids."""

_PAGE: Final = 200
_OF_CONTENT: Final[Mapping[RecordKind, Callable[[Record], Version | ScoreRecord]]] = {
    RecordKind.VERSION: decode_version,
    RecordKind.SCORE: decode_score_record,
}
"""Records that hold something of a document, and how they are read."""


class ErasureMode(StrEnum):
    """What is to be left."""

    HISTORY = "history"  # the document as it is seen now, without what was deleted or who wrote it
    EVERYTHING = "everything"  # an empty document


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a room begins anew from.

    Attributes:
        of: the epoch that it is in.
        head: its log's.
        present: all updates that are there of its document; their client ids are retired.
        wanted: updates whose content the new document has; none for an empty one.
        retired: more client ids to retire.
        keeps: whether versions and keys stay.
    """

    of: Epoch
    head: Sequence
    present: SequenceOf[bytes] = field(repr=False)
    wanted: SequenceOf[bytes] = field(repr=False)
    retired: RetiredClients = NOBODY
    keeps: bool = False


class Rewriter(Protocol):
    """Reads and rewrites content in processes that may be killed (`persistence.offload`)."""

    async def clients(self, updates: SequenceOf[bytes]) -> bytes:
        """The client ids of updates, encoded as `RetiredClients`."""

    async def state(self, updates: SequenceOf[bytes]) -> bytes:
        """What updates integrate to, as one update."""

    async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
        """Notes as JSON, and the edit that makes one document's content that of another."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did.

    Attributes:
        epoch: that the room is in now.
        clients_retired: client ids that must reload, from earlier erasures as well.
        notes: what the new document lacks of the old one's content.
    """

    epoch: Epoch
    clients_retired: int
    notes: tuple[str, ...] = ()


async def erase(
    stores: Stores,
    name: RoomName,
    rewriter: Rewriter,
    mode: ErasureMode,
    *,
    accept_loss: bool = False,
) -> Erased:
    """Erase a room that is not open anywhere.

    Args:
        stores: the store.
        name: the room.
        rewriter: works on content.
        mode: what is to be left.
        accept_loss: go on although not all content can be carried over.

    Raises:
        StateConflict: some content cannot be carried over, or somebody else erased the room
            meanwhile; nothing was changed.
        LimitExceeded: more client ids would be retired than can be kept; nothing was changed.
        RoomQuarantined: it is out of service: release it first; nothing was changed.
        WorkerFailed: the content could not be rewritten; nothing was changed.
        StoreUnavailable: the store failed: the old room is there, or opening completes the erasure.
    """

    async def read() -> Beginning:
        loaded = await load_room(stores, name)
        wanted = loaded.updates if mode is ErasureMode.HISTORY else ()
        return Beginning(loaded.manifest.epoch, loaded.head, loaded.updates, wanted)

    return await begin_anew(stores, name, rewriter, read, accept_loss=accept_loss)


async def stored_comments(stores: Stores, name: RoomName) -> RoomName | None:
    """The room with the comments on a room, if there is one: it is erased after that room.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    try:
        comments = comments_room(name)
    except InvalidRoomName:
        return None  # comments, or a name too long to have any
    known = await stores.manifests.get(room_key(comments))
    return None if known is None else comments


async def begin_anew(
    stores: Stores,
    name: RoomName,
    rewriter: Rewriter,
    read: Callable[[], Awaitable[Beginning]],
    *,
    accept_loss: bool,
) -> Erased:
    """Put a new document in place of a room's, whose client ids are retired.

    Args:
        stores: the store.
        name: the room.
        rewriter: works on content.
        read: reads what is there; asked again when somebody appended meanwhile.
        accept_loss: go on although not all content can be carried over.

    Raises:
        BandProError: as `erase`, and as `read`.
    """
    await finish_erasure(stores, name)
    for _ in range(ATTEMPTS_MAX):
        beginning = await read()
        prepared = await _prepare(stores, name, rewriter, beginning, accept_loss=accept_loss)
        erasure, clients, notes = prepared
        try:
            await stores.log.begin_epoch(
                room_key(name), of=erasure.of, epoch=erasure.epoch, after=erasure.head
            )
        except HeadMoved:
            await discard_erasure(stores, room_key(name), erasure)
            continue
        except EpochMoved as moved:
            # Ours, if the outcome was not told: but others may take the number of a claim that
            # was discarded meanwhile.
            if moved.actual != erasure.epoch or not await is_claimed(
                stores, room_key(name), erasure
            ):
                await discard_erasure(stores, room_key(name), erasure)
                raise StateConflict("the room was replaced meanwhile") from None
        stores.failpoints.hit("erasure.after_epoch")
        await finish_erasure(stores, name)
        return Erased(erasure.epoch, len(clients), notes)
    raise StoreUnavailable("others kept writing in the room: close it first")


async def finish_erasure(stores: Stores, name: RoomName) -> bool:
    """Complete an erasure that is committed, but not at its end.

    Returns:
        Whether there was one.

    Raises:
        StoreUnavailable: the store failed; repeating goes on from there.
    """
    key = room_key(name)
    if all(known.is_done for known in await list_erasures(stores, key)):
        return False
    # The epoch first: a claim that is listed before may be made anew, and committed, in between.
    tail = await stores.log.read(key, after=await stores.log.head(key))
    erasure = in_force(await list_erasures(stores, key), tail.epoch)
    if erasure is None or erasure.is_done:
        return False  # none of the claims was committed
    await change_manifest(
        stores, await read_manifest(stores, name), lambda now: _begun(now, erasure)
    )
    stores.failpoints.hit("erasure.after_manifest")
    await discard_replaced(stores, key, erasure)
    await _delete_before(stores, key, erasure)
    stores.failpoints.hit("erasure.after_deletes")
    if not erasure.keeps:
        if stores.data_keys is not None:
            await stores.data_keys.destroy(key, before=erasure.epoch)
        stores.failpoints.hit("erasure.after_keys")
        await stores.backend.scrub(key)
    with suppress(RecordMoved):  # another node has completed it as well
        await put_erasure(stores, key, replace(erasure, is_done=True))
    return True


async def load_after_erasure(stores: Stores, name: RoomName) -> tuple[LoadedRoom, RetiredClients]:
    """Load a room, first completing its erasure if one is under way; with its retired client ids.

    Raises:
        RoomQuarantined: as `load_room`.
        StoreUnavailable: as `load_room`, or an erasure cannot be completed now.
    """
    try:
        loaded = await load_room(stores, name)
    except EpochUnfinished:
        if not await finish_erasure(stores, name):
            raise
        loaded = await load_room(stores, name)
    if loaded.manifest.epoch == FIRST_EPOCH:
        return loaded, RetiredClients()  # nothing to be asked for
    erasure = in_force(await list_erasures(stores, room_key(name)), loaded.manifest.epoch)
    if erasure is not None and not erasure.is_done:
        await finish_erasure(stores, name)
    elif erasure is not None:
        # Another node may have been at work on the old room, and ended before it cleared up.
        await _delete_before(stores, room_key(name), erasure)
    return loaded, await retired_clients(stores, erasure)


async def _prepare(
    stores: Stores,
    name: RoomName,
    rewriter: Rewriter,
    beginning: Beginning,
    *,
    accept_loss: bool,
) -> tuple[ErasureRecord, RetiredClients, tuple[str, ...]]:
    """Store the new document, the retired ids and the record; nothing of it counts yet."""
    key, of = room_key(name), beginning.of
    erasures = await list_erasures(stores, key)
    known = in_force(erasures, of)
    retired = (await retired_clients(stores, known)).including(beginning.retired)
    if updates := (*beginning.present, *beginning.wanted):
        retired = retired.including(RetiredClients.decode(await rewriter.clients(updates)))
    if len(retired) > RETIRED_CLIENTS_MAX:
        raise LimitExceeded(
            f"at most {RETIRED_CLIENTS_MAX} client ids may be retired", limit="retired_clients_max"
        )
    content: bytes = b""
    notes: tuple[str, ...] = ()
    if beginning.wanted:
        content, notes = await _rewritten(beginning.wanted, rewriter, retired)
        if notes and not accept_loss:
            raise StateConflict(f"not all content can be carried over: {'; '.join(notes)}")
    epoch = Epoch(max([of, *(each.epoch for each in erasures)]) + 1)
    snapshot = None
    if content:
        snapshot = await stores.snapshots.put(
            key, epoch=epoch, sequence=beginning.head, update=content
        )
    blob = blob_key(ROOMS, key, str(epoch), RETIRED, secrets.token_hex(8))
    await stores.blobs.create(blob, retired.encode())
    stores.failpoints.hit("erasure.after_snapshot")
    erasure = ErasureRecord(
        of,
        epoch,
        beginning.head,
        snapshot,
        blob,
        keeps=beginning.keeps,
        erased=epoch,
        revision=await free_revision(stores, key, epoch),
    )
    if beginning.keeps:
        erasure = replace(erasure, erased=0 if known is None else known.erased)
    try:
        erasure = await put_erasure(stores, key, erasure)
    except RecordMoved:
        await discard_erasure(stores, key, erasure)
        raise StateConflict("the room is being erased by somebody else") from None
    stores.failpoints.hit("erasure.after_record")
    return erasure, retired, notes


async def _rewritten(
    updates: SequenceOf[bytes], rewriter: Rewriter, retired: RetiredClients
) -> tuple[bytes, tuple[str, ...]]:
    """The content by one new author, and notes of what it lacks."""
    state = await rewriter.state(updates)
    client = unused_client(secrets.randbelow, retired)
    told, content = await rewriter.restore(EMPTY_UPDATE, state, client)
    return content, tuple(json.loads(told)["notes"])


def _begun(now: Manifest, erasure: ErasureRecord) -> Manifest:
    if now.epoch >= erasure.epoch:  # another node was faster, and may have compacted since
        return now
    return replace(
        now,
        epoch=erasure.epoch,
        snapshots=() if erasure.snapshot is None else (erasure.snapshot,),
        status=RoomStatus.ACTIVE,
        status_reason="",
        open_attempts=0,
        trimmed_through=erasure.head,
    )


async def _delete_before(stores: Stores, key: RoomKey, erasure: ErasureRecord) -> None:
    """Delete all that the epochs before have left, beneath the encryption: keys may be gone."""
    for ref in await stores.snapshots.list(key):
        if (snapshot_epoch(ref) or FIRST_EPOCH) < erasure.epoch:
            await stores.snapshots.delete(key, ref)
    if erasure.keeps:
        return
    await _delete_records(stores.raw, key, erasure.epoch)
    prefix = f"{ROOMS}/{key}/"
    after: BlobKey | None = None
    while page := await stores.blobs.list(prefix, after=after, limit=_PAGE):
        for info in page:
            if _blob_epoch(info.key) < erasure.epoch:
                await stores.blobs.delete(info.key)
        after = page[-1].key


async def _delete_records(stores: Stores, key: RoomKey, epoch: Epoch) -> None:
    """Delete versions, and what is told about the score, of the epochs before."""
    for kind, decode in _OF_CONTENT.items():
        after: RecordId | None = None
        while page := await stores.records.list(kind, key, after=after, limit=_PAGE):
            for record in page:
                sealed = is_sealed(record.value)
                of = sealed_epoch(record.value) if sealed else decode(record).epoch
                if of < epoch:
                    await stores.records.delete(kind, key, record.record_id)
            after = page[-1].record_id


def _blob_epoch(key: BlobKey) -> int:
    segment = key.split("/")[2]
    return int(segment) if segment.isdigit() else 0
