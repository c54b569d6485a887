"""Keeps a room whose content kills the process from killing it again and again.

Before stored content is applied, the attempt is counted in the manifest, durably; when the room
is open, the count is set back. A process that dies in between leaves its count behind. The room
that nobody opened alive in `OPEN_ATTEMPTS_MAX` attempts is quarantined until an operator looks.

Only deaths shall count. So a process that lives, and was kept from opening by the store, gives its
attempt back; and before a room is quarantined, nodes that are just opening it get time to finish.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from collab.errors import OpenInterrupted, StoreUnavailable
from collab.ids import RoomName
from collab.limits import OPEN_ATTEMPTS_MAX, OPEN_PATIENCE_S
from collab.ports import Manifest, RoomStatus
from persistence.loading import LoadedRoom
from persistence.manifests import change_manifest, quarantine, read_manifest
from persistence.stores import Stores

_LOOK_AGAIN_S: Final = 0.5


@dataclass(slots=True)
class Opening:
    """A room that is being opened.

    Attributes:
        manifest: its record as last seen.
    """

    manifest: Manifest


@asynccontextmanager
async def opening(stores: Stores, loaded: LoadedRoom) -> AsyncIterator[Opening]:
    """Apply stored content within this: counted before, set back after.

    Raises:
        RoomQuarantined: the attempts are used up; the room was taken out of service.
        OpenInterrupted: the store does not answer; :func:`give_back` the attempt when it does.
    """
    if loaded.updates:
        loaded = await _when_others_have_opened(stores, loaded)
    try:
        room = Opening(await begin_open(stores, loaded))
    except StoreUnavailable as error:
        raise OpenInterrupted(str(error)) from error
    yield room
    try:
        room.manifest = await open_succeeded(stores, room.manifest)
    except StoreUnavailable as error:
        raise OpenInterrupted(str(error)) from error


async def _when_others_have_opened(stores: Stores, loaded: LoadedRoom) -> LoadedRoom:
    """Wait for nodes that are opening the room now: their attempts are no deaths."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + OPEN_PATIENCE_S
    while loaded.manifest.open_attempts >= OPEN_ATTEMPTS_MAX and loop.time() < until_s:
        await asyncio.sleep(_LOOK_AGAIN_S)
        manifest = await read_manifest(stores, loaded.manifest.name)
        loaded = replace(loaded, manifest=manifest)
    return loaded


async def give_back(stores: Stores, name: RoomName) -> None:
    """Take back an attempt of this process, which lives.

    Where the outcome of a change is not known, another's attempt may be taken back as well: a room
    that kills is quarantined one death later then.

    Raises:
        StoreUnavailable: it was not, or that is not known; repeat the call.
    """
    manifest = await read_manifest(stores, name)
    if manifest.status is RoomStatus.ACTIVE and manifest.open_attempts:
        await change_manifest(
            stores,
            manifest,
            lambda now: replace(now, open_attempts=max(0, now.open_attempts - 1)),
        )


async def begin_open(stores: Stores, loaded: LoadedRoom) -> Manifest:
    """Count an attempt to open, durably, before the loaded bytes are applied to a Doc.

    A room without stored content can hurt nobody: for it nothing is written.

    Returns:
        The manifest to go on with, and to hand to `open_succeeded`.

    Raises:
        RoomQuarantined: the attempts are used up; the room was taken out of service.
        StoreUnavailable: the attempt could not be counted; do not open.
    """
    if not loaded.updates:
        return loaded.manifest

    def count(manifest: Manifest) -> Manifest:
        return replace(manifest, open_attempts=manifest.open_attempts + 1)

    if loaded.manifest.open_attempts >= OPEN_ATTEMPTS_MAX:
        await quarantine(
            stores,
            loaded.manifest,
            f"{loaded.manifest.open_attempts} attempts to open it ended before it was open",
        )
    return await change_manifest(stores, loaded.manifest, count)


async def open_succeeded(stores: Stores, manifest: Manifest) -> Manifest:
    """Set the count back once the room is open; free of cost when none was counted.

    Nobody needs to wait for this before using the room, but it should begin at once: a process
    that ends before it is done leaves one attempt counted.

    Args:
        stores: the store.
        manifest: what `begin_open` returned, or a later one of the same room.

    Raises:
        StoreUnavailable: the count stays; it may be called again.
    """
    if manifest.open_attempts == 0:
        return manifest
    return await change_manifest(stores, manifest, lambda now: replace(now, open_attempts=0))
