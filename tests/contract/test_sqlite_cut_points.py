"""A power cut right after any sync: the folder opens, with every edit that was acknowledged."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collab.ids import Sequence, room_key
from persistence.build import Stores, StoreSettings, open_stores
from persistence.manifests import read_manifest
from tests.contract.killed_writer import ROOMS, content
from tests.support.counts import proving, repeats
from tests.support.recorded_writes import Call, Disk, record

APPENDS = repeats(60, proof=240)
CUTS = repeats(20, proof=200)
SOME_KEPT = 2
"""Variants of each cut in which some of what was not synced is there all the same."""


def confirmed(disk: Disk, until: int) -> tuple[dict[str, int], dict[str, int]]:
    """The newest row and snapshot of each room that the process was told of before a moment."""
    rows: dict[str, int] = {}
    snapshots: dict[str, int] = {}
    for moment, line in disk.said:
        kind, room, sequence = line.decode().split()
        if moment < until:
            (rows if kind == "row" else snapshots)[room] = int(sequence)
    return rows, snapshots


async def check(stores: Stores, rows: dict[str, int], snapshots: dict[str, int]) -> int:
    """Everything confirmed is there and whole; return how many rows were looked at."""
    looked_at = 0
    for name in ROOMS:
        room = room_key(name)
        tail = await stores.log.read(room, after=Sequence(0))
        assert tail.quarantined == ()
        assert tail.head >= rows.get(room, 0)
        sequences = [row.sequence for row in tail.rows]
        assert sequences == list(range(tail.head + 1 - len(sequences), tail.head + 1))
        assert all(row.update == content(room, row.sequence) for row in tail.rows)
        manifest = await read_manifest(stores, name)
        newest = max((ref.sequence for ref in manifest.snapshots), default=0)
        assert newest >= max(tail.head - len(sequences), snapshots.get(room, 0))
        for ref in manifest.snapshots:
            update = await stores.snapshots.get(room, ref)
            assert update == content(room, ref.sequence) * 20
        looked_at += len(sequences)
    return looked_at


def sync_ends(calls: list[Call], folder: Path) -> list[int]:
    """The moments at which syncs of the folder ended."""
    disk = Disk(folder)
    return [call.ended for call in calls if disk.replay(call)]


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="strace is a program of Linux")
async def test_folder_opens_with_all_that_was_acknowledged_after_a_cut_at_any_sync(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """ACK-10: The real store's calls are recorded and replayed; only what was synced is kept."""
    folder = tmp_path / "data"
    calls = record(
        "tests.contract.recorded_writer", str(folder), str(APPENDS), log=tmp_path / "calls"
    )
    (tmp_path / "calls").unlink()
    ends = sync_ends(calls, folder)
    draw = random.Random(6)
    chosen = set(ends if len(ends) <= CUTS else draw.sample(ends, CUTS))
    assert len(chosen) == CUTS
    said = Disk(folder)
    for call in calls:
        said.replay(call)
    disk = Disk(folder)
    looked_at = 0
    for call in calls:
        is_sync = disk.replay(call)
        if not is_sync or call.ended not in chosen:
            continue
        # All that is said before the next sync ends rests on what is on the disk now.
        following = [end for end in ends if end > call.ended]
        rows, snapshots = confirmed(said, following[0] if following else sys.maxsize)
        for variant in range(1 + SOME_KEPT):
            copy = tmp_path / "cut"
            disk.cut(copy, random.Random(variant) if variant else None)
            async with await open_stores(StoreSettings("sqlite:", copy)) as stores:
                looked_at += await check(stores, rows, snapshots)
            shutil.rmtree(copy)
    assert looked_at > CUTS
    assert not proving() or len(ends) >= CUTS
    record_property("cuts of the power, each in three variants", len(chosen))
    record_property("rows found whole after them", looked_at)
