"""Changing a room's manifest when others may change it too, and who may open the room at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn

from collab.errors import ManifestMoved, RoomQuarantined, StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, RoomName, room_key
from collab.ports import Manifest, RoomStatus
from persistence.erasure_record import require_retired
from persistence.stores import Stores

CHANGES_MAX: Final = 8
"""How often a change of the manifest is tried again because another one came first."""


async def read_manifest(stores: Stores, name: RoomName) -> Manifest:
    """The stored manifest, or a new one of revision 0 for a room that was never stored.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    manifest = await stores.manifests.get(room_key(name))
    return Manifest(name=name, epoch=FIRST_EPOCH, revision=0) if manifest is None else manifest


async def quarantine(stores: Stores, manifest: Manifest, reason: str) -> NoReturn:
    """Take a room out of service, durably, until `release`.

    Raises:
        RoomQuarantined: always, once it is stored.
        StoreUnavailable: it could not be stored.
    """

    def close(now: Manifest) -> Manifest:
        return replace(now, status=RoomStatus.QUARANTINED, status_reason=reason)

    await change_manifest(stores, manifest, close)
    raise RoomQuarantined(reason)


async def release(stores: Stores, name: RoomName, *, accept_loss: bool = False) -> bool:
    """Make a quarantined room openable again, with all attempts ahead.

    Args:
        stores: the store.
        name: the room.
        accept_loss: strike snapshots that cannot be read from the manifest, so that the room
            opens with what is left although merged rows are lost; and let in whoever an erasure
            has retired, if the list of these is lost.

    Returns:
        False when the room was not quarantined; nothing was changed then.

    Raises:
        StateConflict: that list is lost, and the loss is not accepted; nothing was changed.
        StoreUnavailable: nothing is known about the outcome.
    """
    key = room_key(name)
    manifest = await stores.manifests.get(key)
    if manifest is None or manifest.status is not RoomStatus.QUARANTINED:
        return False
    lost = set()
    await require_retired(stores, key, manifest.epoch, accept_loss=accept_loss)
    if accept_loss:
        for ref in manifest.snapshots:
            if await stores.snapshots.get(key, ref) is None:
                lost.add(ref)

    def reopen(now: Manifest) -> Manifest:
        kept = tuple(ref for ref in now.snapshots if ref not in lost)
        if lost and not kept:
            now = replace(now, trimmed_through=NO_SEQUENCE)  # each load is to say what is missing
        return replace(
            now,
            status=RoomStatus.ACTIVE,
            status_reason="",
            open_attempts=0,
            snapshots=kept,
        )

    await change_manifest(stores, manifest, reopen)
    return True


async def ensure_manifest(stores: Stores, name: RoomName) -> Manifest:
    """Store a first manifest for a room that has none, so that it is listed; return the stored one.

    May run beside the room's first append: both then share one commit. Rows without a manifest
    load all the same.

    Raises:
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    key = room_key(name)
    for _ in range(CHANGES_MAX):
        manifest = await stores.manifests.get(key)
        if manifest is not None:
            return manifest
        try:
            return await stores.manifests.compare_and_set(
                key, manifest=Manifest(name=name, epoch=FIRST_EPOCH, revision=0)
            )
        except ManifestMoved:
            continue
    raise StoreUnavailable("the manifest vanished again and again")


async def change_manifest(
    stores: Stores, manifest: Manifest, change: Callable[[Manifest], Manifest]
) -> Manifest:
    """Apply a change to the manifest, to the newest one if the given one is no longer current.

    Args:
        stores: the store.
        manifest: the one last seen.
        change: from a manifest to what should be stored instead; may be called several times.

    Raises:
        StoreUnavailable: the outcome is unknown, or others kept changing it.
    """
    key = room_key(manifest.name)
    for _ in range(CHANGES_MAX):
        try:
            return await stores.manifests.compare_and_set(key, manifest=change(manifest))
        except ManifestMoved:
            newest = await stores.manifests.get(key)
            manifest = replace(manifest, revision=0) if newest is None else newest
    raise StoreUnavailable(f"the manifest was changed by others {CHANGES_MAX} times in a row")
