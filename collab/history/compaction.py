"""When a room's log should be folded into a snapshot, and what its manifest says afterwards.

Plans, not deeds: nothing here reads or writes. Rows are deleted only once the full number of
snapshot generations is kept, and only through the oldest of them, so that each kept generation
has all the rows after it and can stand in for a newer one that turns out to be damaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from collab.errors import InvariantViolated
from collab.ids import NO_SEQUENCE, Sequence
from collab.limits import (
    COMPACTION_AGED_UPDATES_MIN,
    COMPACTION_TAIL_AGE_S,
    COMPACTION_TAIL_BYTES,
    COMPACTION_TAIL_UPDATES,
    KIB,
    SNAPSHOT_GENERATIONS_KEPT,
)
from collab.ports import Manifest, RoomStatus, SnapshotRef

SNAPSHOT_PER_TAIL_MAX: Final = 16
"""A compaction writes at most this many bytes of snapshot for one byte of tail."""

LOG_PER_STATE_MAX: Final = 3
BLOATED_BYTES_MIN: Final = 256 * KIB
"""A log of more than so many times its document is worth an operator's look, if it is not tiny."""

PATIENCE: Final = 10
"""Many times the usual tail is folded in however large the snapshot is: it slows every load."""


@dataclass(frozen=True, slots=True)
class CompactionLimits:
    """How long a tail may grow and how many snapshots are kept.

    Attributes:
        tail_updates: rows after the newest snapshot.
        tail_bytes: bytes of those rows.
        tail_age_s: since the first of those rows was stored.
        aged_updates_min: fewer rows than this are left however old they are.
        generations: snapshots kept, at least 2.
    """

    tail_updates: int = COMPACTION_TAIL_UPDATES
    tail_bytes: int = COMPACTION_TAIL_BYTES
    tail_age_s: int = COMPACTION_TAIL_AGE_S
    aged_updates_min: int = COMPACTION_AGED_UPDATES_MIN
    generations: int = SNAPSHOT_GENERATIONS_KEPT


@dataclass(frozen=True, slots=True)
class CompactionPlan:
    """What to fold.

    Attributes:
        after: the newest snapshot's sequence; 0 without one.
        through: the head; the new snapshot holds everything up to and with it.
    """

    after: Sequence
    through: Sequence


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """The manifest after a compaction, and what is no longer needed once it is stored.

    Attributes:
        manifest: to be stored by compare-and-set; `revision` is the one it was derived from.
        dropped: snapshots that it names no more.
        trim_through: rows up to and with this sequence may be deleted.
    """

    manifest: Manifest
    dropped: tuple[SnapshotRef, ...]
    trim_through: Sequence


def plan_compaction(
    manifest: Manifest,
    *,
    head: Sequence,
    tail_count: int,
    tail_bytes: int,
    limits: CompactionLimits,
    tail_age_s: int = 0,
) -> CompactionPlan | None:
    """Decide whether the tail has grown enough to be folded in now.

    The tail must pass a bound, and a large snapshot is not rewritten for a tail that is small
    beside it, unless that tail has many times the usual number of rows: otherwise a document of
    32 MiB would be written anew for every 500 keystrokes.

    Args:
        manifest: the room's record.
        head: sequence of the newest durable row.
        tail_count: rows after the newest snapshot.
        tail_bytes: bytes of those rows.
        limits: the operator's bounds.
        tail_age_s: since the first of those rows was stored.
    """
    newest = manifest.snapshots[0] if manifest.snapshots else None
    after = NO_SEQUENCE if newest is None else newest.sequence
    if manifest.status is not RoomStatus.ACTIVE or head <= after or tail_count == 0:
        return None
    is_long = tail_count >= limits.tail_updates or tail_bytes >= limits.tail_bytes
    snapshot_bytes = 0 if newest is None else newest.size_bytes
    is_worth_it = tail_bytes * SNAPSHOT_PER_TAIL_MAX >= snapshot_bytes
    is_overdue = tail_count >= limits.tail_updates * PATIENCE
    is_old = tail_age_s >= limits.tail_age_s and tail_count >= limits.aged_updates_min
    if is_overdue or ((is_long or is_old) and is_worth_it):
        return CompactionPlan(after=after, through=head)
    return None


def is_bloated(tail_bytes: int, document_bytes: int) -> bool:
    """Whether the rows beyond the newest snapshot have outgrown the document."""
    return tail_bytes > max(LOG_PER_STATE_MAX * document_bytes, BLOATED_BYTES_MIN)


def advance_manifest(
    manifest: Manifest,
    snapshot: SnapshotRef,
    *,
    base: Sequence,
    limits: CompactionLimits,
) -> ManifestChange:
    """Derive the manifest that names a new snapshot.

    Args:
        manifest: the current one.
        snapshot: the new one, already stored.
        base: sequence of the snapshot that the new one was made from; 0 for none. Newer ones were
            unreadable and are dropped: they must not count as generations.
        limits: the operator's bounds.

    Raises:
        InvariantViolated: the new snapshot holds less than the one it was made from.
    """
    if snapshot.sequence <= base:
        raise InvariantViolated("a new snapshot must hold more than the one it was made from")
    readable = tuple(ref for ref in manifest.snapshots if ref.sequence <= base)
    kept = (snapshot, *readable)[: limits.generations]
    trim_through = manifest.trimmed_through
    if len(kept) == limits.generations:
        trim_through = max(trim_through, kept[-1].sequence)
    return ManifestChange(
        manifest=replace(manifest, snapshots=kept, trimmed_through=trim_through),
        dropped=tuple(ref for ref in manifest.snapshots if ref not in kept),
        trim_through=trim_through,
    )
