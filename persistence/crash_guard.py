"""Keeps a room whose content kills the process from killing it again and again.

Before stored content is applied, the attempt is counted in the manifest, durably; when the room
is open, the count is set back. A process that dies in between leaves its count behind. The room
that nobody opened alive in `OPEN_ATTEMPTS_MAX` attempts is quarantined until an operator looks.
"""

from __future__ import annotations

from dataclasses import replace

from collab.limits import OPEN_ATTEMPTS_MAX
from collab.ports import Manifest
from persistence.loading import LoadedRoom
from persistence.manifests import change_manifest, quarantine
from persistence.stores import Stores


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
