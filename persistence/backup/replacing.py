"""Putting a room's document from a backup in place of the one that the store has.

Clients hold the present document, and Yjs would merge it with an older one. So the restored
content becomes a new document by one new author, in a new epoch, as after an erasure: all client
ids of both documents are retired, and whoever holds either is told to reload. Versions stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from collab.errors import PointUnreachable, TargetRefused
from collab.history.retired import RetiredClients
from collab.ids import RoomName, room_key
from persistence.backup.points import Goal
from persistence.backup.reader import Chain
from persistence.backup.restoring import FRAGMENT_REASON, RestoreRequest, restore
from persistence.capture import RoomCapture, capture_room
from persistence.encryption.build import encrypted
from persistence.encryption.rotation import check_master_keys
from persistence.erasure import Beginning, Erased, Rewriter, begin_anew, finish_erasure
from persistence.erasure_record import in_force, list_erasures, retired_clients
from persistence.stores import Stores


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """What to put in a room's place.

    Attributes:
        room: the room.
        goal: which state of it.
        accept_loss: go on although not all content can be carried over.
    """

    room: RoomName = field(repr=False)
    goal: Goal = field(default_factory=Goal)
    accept_loss: bool = False


async def replace_room(
    chain: Chain, stores: Stores, scratch: Stores, request: ReplaceRequest, rewriter: Rewriter
) -> Erased:
    """Put a room from a backup in place of the store's.

    Args:
        chain: the backup and its parents.
        stores: the store, with its encryption; it may be in use by servers if they share it.
        scratch: an empty store to restore into first.
        request: which room, which state.
        rewriter: works on content.

    Raises:
        PointUnreachable: the backup does not have the room as it was then.
        TargetRefused: the store lacks the room, or it was erased since the backup.
        MasterKeyMissing: the backup is of an encrypted store whose key is not at hand.
        BandProError: as `erase` and `restore`.
    """
    name, key = request.room, room_key(request.room)
    if await stores.manifests.get(key) is None:
        raise TargetRefused("the store lacks the room: restore it without --replace")
    wanted, retired = await _restored(chain, stores, scratch, request)
    await finish_erasure(stores, name)

    async def read() -> Beginning:
        present = await capture_room(stores, name)
        if present is None:
            raise TargetRefused("the room has just gone")
        erasure = in_force(await list_erasures(stores, key), present.manifest.epoch)
        if erasure is not None and erasure.erased > wanted.manifest.epoch:
            raise TargetRefused(
                "the room was erased after this backup was made, and what was erased is not "
                "brought back: restore it into an empty store if it must be seen"
            )
        return Beginning(
            of=present.manifest.epoch,
            head=present.head,
            present=_updates(present),
            wanted=_updates(wanted),
            retired=retired,
            keeps=True,
        )

    return await begin_anew(stores, name, rewriter, read, accept_loss=request.accept_loss)


async def _restored(
    chain: Chain, stores: Stores, scratch: Stores, request: ReplaceRequest
) -> tuple[RoomCapture, RetiredClients]:
    """The room as the backup has it, opened, and the client ids that were retired by then."""
    await restore(chain, scratch, RestoreRequest(request.room, request.goal))
    ring = None if stores.data_keys is None else stores.data_keys.ring
    await check_master_keys(scratch.records, ring)
    opened = scratch if ring is None else encrypted(scratch, ring)
    found = await capture_room(opened, request.room)
    if found is None or found.is_fragment:
        raise PointUnreachable(FRAGMENT_REASON)
    erasures = await list_erasures(opened, room_key(request.room))
    return found, await retired_clients(opened, in_force(erasures, found.manifest.epoch))


def _updates(capture: RoomCapture) -> tuple[bytes, ...]:
    rows = tuple(row.update for row in capture.rows)
    return rows if capture.base is None else (capture.base.update, *rows)
