"""Folding a room's log into a snapshot, so that a crash at any step leaves the room whole.

The order makes it safe: the snapshot is stored before the manifest names it, the manifest is
stored before anything is deleted, and what a crash leaves over is found by the next compaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collab.errors import ManifestMoved
from collab.history.compaction import CompactionLimits, ManifestChange, advance_manifest
from collab.ids import RoomName, room_key
from collab.ports import Manifest, SnapshotRef
from persistence.blob_snapshots import snapshot_epoch
from persistence.loading import LoadedRoom, LoadProblem, load_room
from persistence.manifests import read_manifest
from persistence.stores import Stores

Merger = Callable[[SequenceOf[bytes]], Awaitable[bytes]]
"""Merges updates into one and verifies that it holds all of them (`persistence.offload`)."""

COMMITS_MAX: Final = 8
DEFAULT_LIMITS: Final = CompactionLimits()


class CompactionStatus(StrEnum):
    """How a compaction ended."""

    DONE = "done"
    NOTHING_TO_DO = "nothing_to_do"  # no rows after the newest snapshot
    LOST = "lost"  # somebody else compacted or replaced the room meanwhile: harmless


@dataclass(frozen=True, slots=True)
class CompactionOutcome:
    """What a compaction did.

    Attributes:
        status: how it ended.
        manifest: the room's record as last seen; the new one when done.
        snapshot: the new snapshot when done.
        rows_merged: rows folded into it.
        rows_deleted: rows deleted because every kept snapshot holds them.
        problems: what the read had to do without.
    """

    status: CompactionStatus
    manifest: Manifest
    snapshot: SnapshotRef | None = None
    rows_merged: int = 0
    rows_deleted: int = 0
    problems: tuple[LoadProblem, ...] = ()


async def compact(
    stores: Stores,
    name: RoomName,
    merge: Merger,
    *,
    limits: CompactionLimits = DEFAULT_LIMITS,
) -> CompactionOutcome:
    """Fold everything durable into a new snapshot; whether it is due is the caller's to decide.

    May run while the room is open and appended to: rows that come later stay in the tail.

    Args:
        stores: the store.
        name: the room.
        merge: off the event loop; what it returns was verified to hold all that it was given.
        limits: how many generations to keep.

    Raises:
        RoomQuarantined: the room is out of service.
        OperatingError: the merge or the store failed; the room is as good as before, and at worst
            a snapshot that no manifest names is left for the next compaction to delete.
    """
    loaded = await load_room(stores, name)
    if loaded.tail_count == 0:
        return CompactionOutcome(
            CompactionStatus.NOTHING_TO_DO, loaded.manifest, problems=loaded.problems
        )
    merged = await merge(loaded.updates)
    snapshot = await stores.snapshots.put(
        room_key(name), epoch=loaded.manifest.epoch, sequence=loaded.head, update=merged
    )
    change = await _commit(stores, loaded, snapshot, limits)
    if change is None:
        await stores.snapshots.delete(room_key(name), snapshot)
        return CompactionOutcome(
            CompactionStatus.LOST, await read_manifest(stores, name), problems=loaded.problems
        )
    deleted = await stores.log.trim(room_key(name), through=change.trim_through)
    await _delete_unnamed(stores, change.manifest)
    return CompactionOutcome(
        CompactionStatus.DONE,
        change.manifest,
        snapshot,
        rows_merged=loaded.tail_count,
        rows_deleted=deleted,
        problems=loaded.problems,
    )


async def _commit(
    stores: Stores, loaded: LoadedRoom, snapshot: SnapshotRef, limits: CompactionLimits
) -> ManifestChange | None:
    """Name the snapshot in the manifest; None when it was made from what is no longer the room.

    Opening a room changes the manifest as well, but not what the room is made of: then the same
    change is derived again from the newer manifest.
    """
    manifest = loaded.manifest
    for _ in range(COMMITS_MAX):
        change = advance_manifest(manifest, snapshot, base=loaded.snapshot_sequence, limits=limits)
        try:
            stored = await stores.manifests.compare_and_set(
                room_key(manifest.name), manifest=change.manifest
            )
        except ManifestMoved:
            manifest = await read_manifest(stores, manifest.name)
            if not _same_content(manifest, loaded.manifest):
                return None
        else:
            return ManifestChange(stored, change.dropped, change.trim_through)
    return None


def _same_content(one: Manifest, other: Manifest) -> bool:
    return (one.epoch, one.status, one.snapshots, one.trimmed_through) == (
        other.epoch,
        other.status,
        other.snapshots,
        other.trimmed_through,
    )


async def _delete_unnamed(stores: Stores, manifest: Manifest) -> None:
    """Delete dropped generations, and what compactions that crashed or lost left behind.

    A compaction still under way elsewhere, whose snapshot is not named yet, is safe from this: it
    either began before the manifest just stored, and will lose, or it holds more than the newest.
    So is what an erasure has prepared, for it is of a later epoch.
    """
    key = room_key(manifest.name)
    newest = manifest.snapshots[0].sequence
    doomed = [
        ref
        for ref in await stores.snapshots.list(key)
        if ref not in manifest.snapshots
        and ref.sequence <= newest
        and (snapshot_epoch(ref) or manifest.epoch) <= manifest.epoch
    ]
    for ref in doomed:
        await stores.snapshots.delete(key, ref)
