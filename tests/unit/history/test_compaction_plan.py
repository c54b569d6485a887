"""When a log is folded, and what the manifest says afterwards."""

from __future__ import annotations

import pytest

from collab.errors import InvariantViolated
from collab.history.compaction import (
    CompactionLimits,
    CompactionPlan,
    advance_manifest,
    is_bloated,
    plan_compaction,
)
from collab.ids import Epoch, Sequence, room_name
from collab.ports import Manifest, RoomStatus, SnapshotRef

LIMITS = CompactionLimits(tail_updates=500, tail_bytes=1_000_000, generations=3)


def snapshot(sequence: int, size_bytes: int = 100) -> SnapshotRef:
    return SnapshotRef(f"id{sequence}", Sequence(sequence), size_bytes, "0" * 64)


def manifest(
    *snapshots: SnapshotRef, trimmed: int = 0, status: RoomStatus = RoomStatus.ACTIVE
) -> Manifest:
    return Manifest(
        name=room_name("r"),
        epoch=Epoch(1),
        revision=4,
        snapshots=snapshots,
        status=status,
        trimmed_through=Sequence(trimmed),
    )


@pytest.mark.parametrize(
    ("tail_count", "tail_bytes", "is_due"),
    [(499, 999_999, False), (500, 1, True), (1, 1_000_000, True), (0, 0, False)],
)
def test_first_compaction_is_due_at_either_bound(
    tail_count: int, tail_bytes: int, *, is_due: bool
) -> None:
    plan = plan_compaction(
        manifest(),
        head=Sequence(tail_count),
        tail_count=tail_count,
        tail_bytes=tail_bytes,
        limits=LIMITS,
    )
    assert plan == (CompactionPlan(Sequence(0), Sequence(tail_count)) if is_due else None)


@pytest.mark.parametrize(
    ("tail_count", "tail_bytes", "is_due"),
    [
        (500, 999_999, False),  # 16 times that is less than the snapshot
        (500, 1_000_000, True),
        (4_999, 100_000, False),
        (5_000, 100_000, True),  # ten times the usual number: every load feels it
    ],
)
def test_large_snapshot_is_not_rewritten_for_a_small_tail_until_that_has_very_many_rows(
    tail_count: int, tail_bytes: int, *, is_due: bool
) -> None:
    plan = plan_compaction(
        manifest(snapshot(100, size_bytes=16_000_000)),
        head=Sequence(100 + tail_count),
        tail_count=tail_count,
        tail_bytes=tail_bytes,
        limits=LIMITS,
    )
    assert plan == (CompactionPlan(Sequence(100), Sequence(100 + tail_count)) if is_due else None)


@pytest.mark.parametrize("head", [0, 99, 100])
def test_nothing_is_folded_when_the_snapshot_holds_it_all(head: int) -> None:
    plan = plan_compaction(
        manifest(snapshot(100)),
        head=Sequence(head),
        tail_count=10_000,
        tail_bytes=10_000_000,
        limits=LIMITS,
    )
    assert plan is None


def test_quarantined_room_is_left_as_it_is() -> None:
    plan = plan_compaction(
        manifest(status=RoomStatus.QUARANTINED),
        head=Sequence(10_000),
        tail_count=10_000,
        tail_bytes=10_000_000,
        limits=LIMITS,
    )
    assert plan is None


def test_rows_stay_until_the_full_number_of_generations_is_kept() -> None:
    first = advance_manifest(manifest(), snapshot(10), base=Sequence(0), limits=LIMITS)
    assert (first.manifest.snapshots, first.trim_through) == ((snapshot(10),), 0)
    second = advance_manifest(first.manifest, snapshot(20), base=Sequence(10), limits=LIMITS)
    assert second.manifest.snapshots == (snapshot(20), snapshot(10))
    assert (second.trim_through, second.dropped) == (0, ())
    third = advance_manifest(second.manifest, snapshot(30), base=Sequence(20), limits=LIMITS)
    assert third.trim_through == third.manifest.trimmed_through == 10
    fourth = advance_manifest(third.manifest, snapshot(40), base=Sequence(30), limits=LIMITS)
    assert fourth.manifest.snapshots == (snapshot(40), snapshot(30), snapshot(20))
    assert (fourth.trim_through, fourth.dropped) == (20, (snapshot(10),))
    assert fourth.manifest.revision == 4


def test_unreadable_generations_do_not_count_and_are_dropped() -> None:
    """Made from the snapshot at 20 because the one at 30 could not be read."""
    change = advance_manifest(
        manifest(snapshot(30), snapshot(20), snapshot(10), trimmed=10),
        snapshot(40),
        base=Sequence(20),
        limits=LIMITS,
    )
    assert change.manifest.snapshots == (snapshot(40), snapshot(20), snapshot(10))
    assert (change.dropped, change.trim_through) == ((snapshot(30),), 10)


def test_snapshot_made_from_rows_alone_stands_alone() -> None:
    change = advance_manifest(
        manifest(snapshot(30), snapshot(20)), snapshot(40), base=Sequence(0), limits=LIMITS
    )
    assert change.manifest.snapshots == (snapshot(40),)
    assert (change.dropped, change.trim_through) == ((snapshot(30), snapshot(20)), 0)


def test_trimming_never_goes_back() -> None:
    change = advance_manifest(
        manifest(snapshot(30), trimmed=25), snapshot(40), base=Sequence(30), limits=LIMITS
    )
    assert change.trim_through == change.manifest.trimmed_through == 25


def test_snapshot_that_holds_less_than_its_base_is_our_own_mistake() -> None:
    with pytest.raises(InvariantViolated):
        advance_manifest(manifest(snapshot(30)), snapshot(30), base=Sequence(30), limits=LIMITS)


@pytest.mark.parametrize(
    ("tail_count", "age_s", "snapshot_bytes", "is_due"),
    [
        (20, 3_600, 100, True),
        (20, 3_599, 100, False),
        (19, 1_000_000, 100, False),  # so short a tail costs a load nothing
        (20, 1_000_000, 16_001, False),  # 16 times the tail is less than the snapshot
        (20, 1_000_000, 16_000, True),
    ],
)
def test_old_tail_is_folded_if_it_is_worth_it(
    tail_count: int, age_s: int, snapshot_bytes: int, *, is_due: bool
) -> None:
    """STO-35."""
    plan = plan_compaction(
        manifest(snapshot(100, size_bytes=snapshot_bytes)),
        head=Sequence(100 + tail_count),
        tail_count=tail_count,
        tail_bytes=1_000,
        tail_age_s=age_s,
        limits=CompactionLimits(tail_age_s=3_600, aged_updates_min=20),
    )
    assert plan == (CompactionPlan(Sequence(100), Sequence(100 + tail_count)) if is_due else None)


@pytest.mark.parametrize(
    ("tail_bytes", "document_bytes", "expected"),
    [
        (300_000, 100_000, False),
        (300_001, 100_000, True),
        (262_144, 10, False),
        (262_145, 10, True),
    ],
)
def test_log_is_bloated_above_three_times_its_document(
    tail_bytes: int, document_bytes: int, *, expected: bool
) -> None:
    """OPS-32."""
    assert is_bloated(tail_bytes, document_bytes) is expected
