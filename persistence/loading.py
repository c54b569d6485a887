"""Reading a stored room: the newest snapshot that can be read, and every row after it.

A damaged row or snapshot never takes the room down while the rest can serve: it is moved aside by
the store, named in `LoadedRoom.problems`, and an older snapshot with a longer tail stands in. What
cannot be read is never taken for what is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from collab.errors import BlobsNotOwned, EpochUnfinished, RoomQuarantined, StoreUnavailable
from collab.ids import NO_SEQUENCE, RoomName, Sequence, UnixSeconds, room_key
from collab.ports import LogTail, Manifest, RoomStatus, SnapshotRef
from persistence.blob_owner import ownership
from persistence.manifests import quarantine, read_manifest
from persistence.stores import Stores

READS_MAX: Final = 5
"""How often a load begins anew because a compaction replaced what it was reading."""


class ProblemCode(StrEnum):
    """What a load had to do without."""

    SNAPSHOT_UNREADABLE = "snapshot_unreadable"  # an older generation stood in
    ROW_QUARANTINED = "row_quarantined"  # one update is missing
    HISTORY_MISSING = "history_missing"  # an operator accepted that merged rows are lost


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """One thing that a load had to do without, and the sequence it concerns."""

    code: ProblemCode
    sequence: Sequence


@dataclass(frozen=True, slots=True)
class LoadedRoom:
    """All that is stored of a room.

    Attributes:
        manifest: its record; revision 0 when it was never stored.
        updates: to be applied in order: the snapshot, if there is one, then the rows after it.
        head: sequence of the newest row; the next append goes after this one.
        snapshot_sequence: what the snapshot covers; 0 without one.
        snapshot_bytes: its size; 0 without one.
        tail_count: rows after the snapshot.
        tail_bytes: their size.
        tail_since: when the first of them was stored; 0 where that is not known.
        problems: what is missing or had to be replaced; empty for a room in good health.
    """

    manifest: Manifest
    updates: tuple[bytes, ...] = field(repr=False)
    head: Sequence
    snapshot_sequence: Sequence
    snapshot_bytes: int
    tail_count: int
    tail_bytes: int
    problems: tuple[LoadProblem, ...] = ()
    tail_since: UnixSeconds = UnixSeconds(0)


@dataclass(frozen=True, slots=True)
class _Base:
    """The snapshot to start from, and the newer ones that could not be read.

    Without one a room starts with its first row, or behind what was erased of it.
    """

    ref: SnapshotRef | None
    update: bytes = field(repr=False)
    unreadable: tuple[SnapshotRef, ...]
    sequence: Sequence


async def load_room(stores: Stores, name: RoomName) -> LoadedRoom:
    """Read a room; one that was never stored is empty, with a manifest of revision 0.

    Raises:
        RoomQuarantined: it was taken out of service, now or earlier.
        StoreUnavailable: the store cannot be read now; nothing is known about the room.
    """
    for _ in range(READS_MAX):
        manifest = await read_manifest(stores, name)
        if manifest.status is RoomStatus.QUARANTINED:
            raise RoomQuarantined(manifest.status_reason)
        base = await _read_base(stores, manifest)
        tail = await stores.log.read(room_key(name), after=base.sequence)
        is_one_epoch = tail.epoch == manifest.epoch
        if is_one_epoch and not base.unreadable and not _missing(base, tail):
            return _loaded(manifest, base, tail)
        # A compaction in between looks like damage: it deletes old snapshots and merged rows.
        again = await read_manifest(stores, name)
        if again.revision == manifest.revision:
            return await _loaded_damaged(stores, manifest, base, tail)
    raise StoreUnavailable(f"the room changed {READS_MAX} times while it was read")


async def _read_base(stores: Stores, manifest: Manifest) -> _Base:
    unreadable: list[SnapshotRef] = []
    for ref in manifest.snapshots:
        update = await stores.snapshots.get(room_key(manifest.name), ref)
        if update is not None:
            return _Base(ref, update, tuple(unreadable), ref.sequence)
        unreadable.append(ref)
    begins = NO_SEQUENCE if manifest.snapshots else manifest.trimmed_through
    return _Base(None, b"", tuple(unreadable), begins)


def _missing(base: _Base, tail: LogTail) -> int:
    """How many rows after the base are gone; negative when the log ends before the base."""
    return tail.head - base.sequence - len(tail.rows) - len(tail.quarantined)


async def _loaded_damaged(
    stores: Stores, manifest: Manifest, base: _Base, tail: LogTail
) -> LoadedRoom:
    """Load what is left, unless that would pass a fragment off as the document."""
    if tail.epoch > manifest.epoch:
        # The commit point of an erasure is behind it, the manifest is still to follow.
        raise EpochUnfinished("the room's document is being replaced")
    if tail.epoch < manifest.epoch:
        await quarantine(
            stores,
            manifest,
            f"log is in epoch {tail.epoch}, before the manifest's {manifest.epoch}",
        )
    missing = _missing(base, tail)
    if missing < 0:
        await quarantine(
            stores, manifest, f"log ends at {tail.head}, before snapshot {base.sequence}"
        )
    if missing > 0 and manifest.snapshots:
        await _require_own_place(stores)
        await quarantine(
            stores, manifest, f"no readable snapshot holds the {missing} rows merged and deleted"
        )
    return _loaded(manifest, base, tail)


async def _require_own_place(stores: Stores) -> None:
    """What is missing from another store's place for blobs is no loss of this store's.

    Raises:
        StoreUnavailable: it is another's by now, or cannot be looked at.
    """
    try:
        await ownership(stores)
    except BlobsNotOwned as error:
        raise StoreUnavailable(str(error)) from error


def _loaded(manifest: Manifest, base: _Base, tail: LogTail) -> LoadedRoom:
    problems = [
        LoadProblem(ProblemCode.SNAPSHOT_UNREADABLE, ref.sequence) for ref in base.unreadable
    ]
    problems += [LoadProblem(ProblemCode.ROW_QUARANTINED, lost) for lost in tail.quarantined]
    if _missing(base, tail):
        first = Sequence(base.sequence + 1)
        problems.append(LoadProblem(ProblemCode.HISTORY_MISSING, first))
    rows = tuple(row.update for row in tail.rows)
    return LoadedRoom(
        manifest=manifest,
        updates=rows if base.ref is None else (base.update, *rows),
        head=tail.head,
        snapshot_sequence=NO_SEQUENCE if base.ref is None else base.sequence,
        snapshot_bytes=len(base.update),
        tail_count=len(rows),
        tail_bytes=sum(map(len, rows)),
        problems=tuple(problems),
        tail_since=tail.rows[0].stored_at if tail.rows else UnixSeconds(0),
    )
