"""What loading a room promises over every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collab.errors import RoomQuarantined, StoreUnavailable
from collab.ids import FIRST_EPOCH, Epoch, Sequence
from collab.ports import Manifest, RoomStatus, SnapshotRef
from persistence.build import Stores
from persistence.crash_guard import begin_open, open_succeeded
from persistence.loading import LoadProblem, ProblemCode, load_room
from persistence.manifests import ensure_manifest, read_manifest, release
from tests.contract.backends import StoreUnderTest
from tests.contract.conftest import NAME, ROOM


async def fill(stores: Stores, *, rows: int, snapshots: tuple[int, ...] = ()) -> Manifest:
    """Rows named after their sequence, and snapshots, the newest first in the manifest."""
    updates = [b"row %d" % sequence for sequence in range(1, rows + 1)]
    await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=updates)
    refs = [
        await stores.snapshots.put(
            ROOM, epoch=FIRST_EPOCH, sequence=Sequence(through), update=b"to %d" % through
        )
        for through in snapshots
    ]
    return await name_snapshots(stores, tuple(refs))


async def name_snapshots(stores: Stores, refs: tuple[SnapshotRef, ...]) -> Manifest:
    manifest = await read_manifest(stores, NAME)
    return await stores.manifests.compare_and_set(ROOM, manifest=replace(manifest, snapshots=refs))


async def test_unknown_room_loads_empty_and_is_not_stored_by_that(stores: Stores) -> None:
    loaded = await load_room(stores, NAME)
    assert loaded.updates == ()
    assert (loaded.head, loaded.snapshot_sequence, loaded.manifest.revision) == (0, 0, 0)
    assert await begin_open(stores, loaded) == loaded.manifest
    assert await open_succeeded(stores, loaded.manifest) == loaded.manifest
    assert await stores.manifests.get(ROOM) is None


async def test_rows_without_a_manifest_load_all_the_same(stores: Stores) -> None:
    await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a", b"bc"])
    loaded = await load_room(stores, NAME)
    assert loaded.updates == (b"a", b"bc")
    assert (loaded.head, loaded.tail_count, loaded.tail_bytes) == (2, 2, 3)
    assert (await begin_open(stores, loaded)).revision == 1


async def test_load_is_newest_snapshot_then_rows_after_it(stores: Stores) -> None:
    await fill(stores, rows=6, snapshots=(4, 2))
    loaded = await load_room(stores, NAME)
    assert loaded.updates == (b"to 4", b"row 5", b"row 6")
    assert (loaded.head, loaded.snapshot_sequence, loaded.snapshot_bytes) == (6, 4, 4)
    assert (loaded.tail_count, loaded.tail_bytes, loaded.problems) == (2, 10, ())


async def test_damaged_snapshot_is_replaced_by_the_one_before_and_its_longer_tail(
    store: StoreUnderTest, stores: Stores
) -> None:
    """STO-5."""
    manifest = await fill(stores, rows=6, snapshots=(4, 2))
    store.damage_snapshot(ROOM, manifest.snapshots[0])
    loaded = await load_room(stores, NAME)
    assert loaded.updates == (b"to 2", b"row 3", b"row 4", b"row 5", b"row 6")
    assert loaded.problems == (LoadProblem(ProblemCode.SNAPSHOT_UNREADABLE, Sequence(4)),)


async def test_room_without_any_readable_snapshot_loads_from_its_rows(
    store: StoreUnderTest, stores: Stores
) -> None:
    manifest = await fill(stores, rows=3, snapshots=(3, 2))
    for ref in manifest.snapshots:
        store.damage_snapshot(ROOM, ref)
    loaded = await load_room(stores, NAME)
    assert loaded.updates == (b"row 1", b"row 2", b"row 3")
    assert [problem.sequence for problem in loaded.problems] == [3, 2]


async def test_damaged_row_is_left_out_and_named(store: StoreUnderTest, stores: Stores) -> None:
    await fill(stores, rows=4, snapshots=(1,))
    store.damage_row(ROOM, Sequence(3))
    for _ in range(2):
        loaded = await load_room(stores, NAME)
        assert loaded.updates == (b"to 1", b"row 2", b"row 4")
        assert loaded.head == 4
        assert loaded.problems == (LoadProblem(ProblemCode.ROW_QUARANTINED, Sequence(3)),)


async def test_room_whose_merged_rows_are_lost_is_quarantined_rather_than_opened_as_a_fragment(
    store: StoreUnderTest, stores: Stores
) -> None:
    """STO-6."""
    manifest = await fill(stores, rows=6, snapshots=(4,))
    await stores.log.trim(ROOM, through=Sequence(4))
    store.damage_snapshot(ROOM, manifest.snapshots[0])
    for _ in range(2):
        with pytest.raises(RoomQuarantined, match=r"4 rows|no readable snapshot"):
            await load_room(stores, NAME)
    stored = await stores.manifests.get(ROOM)
    assert stored is not None
    assert stored.status is RoomStatus.QUARANTINED


async def test_operator_who_accepts_the_loss_gets_what_is_left(
    store: StoreUnderTest, stores: Stores
) -> None:
    manifest = await fill(stores, rows=6, snapshots=(4,))
    await stores.log.trim(ROOM, through=Sequence(4))
    store.damage_snapshot(ROOM, manifest.snapshots[0])
    with pytest.raises(RoomQuarantined):
        await load_room(stores, NAME)
    assert await release(stores, NAME)
    with pytest.raises(RoomQuarantined):
        await load_room(stores, NAME)
    assert await release(stores, NAME, accept_loss=True)
    loaded = await load_room(stores, NAME)
    assert loaded.updates == (b"row 5", b"row 6")
    assert loaded.problems == (LoadProblem(ProblemCode.HISTORY_MISSING, Sequence(1)),)


async def test_log_that_ends_before_its_snapshot_quarantines_the_room(stores: Stores) -> None:
    """STO-6: New rows under old sequences would be skipped by every later load."""
    await fill(stores, rows=2, snapshots=(9,))
    with pytest.raises(RoomQuarantined, match="log ends at 2, before snapshot 9"):
        await load_room(stores, NAME)


async def test_room_between_two_epochs_is_neither_the_old_nor_an_empty_one(stores: Stores) -> None:
    """STO-21."""
    await fill(stores, rows=3, snapshots=(2,))
    await stores.log.begin_epoch(ROOM, of=FIRST_EPOCH, epoch=Epoch(2), after=Sequence(3))
    with pytest.raises(StoreUnavailable, match="being replaced"):
        await load_room(stores, NAME)
    manifest = await read_manifest(stores, NAME)
    assert manifest.status is RoomStatus.ACTIVE
    ref = await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(3), update=b"new")
    await stores.manifests.compare_and_set(
        ROOM, manifest=replace(manifest, epoch=Epoch(2), snapshots=(ref,))
    )
    loaded = await load_room(stores, NAME)
    assert (loaded.updates, loaded.head, loaded.problems) == ((b"new",), 3, ())


async def test_log_of_an_earlier_epoch_than_the_manifest_quarantines_the_room(
    stores: Stores,
) -> None:
    """STO-21: A log restored alone, or older than the manifest."""
    manifest = await fill(stores, rows=3)
    await stores.manifests.compare_and_set(ROOM, manifest=replace(manifest, epoch=Epoch(2)))
    with pytest.raises(RoomQuarantined, match="log is in epoch 1"):
        await load_room(stores, NAME)


async def test_room_that_was_not_opened_alive_in_three_attempts_is_quarantined(
    store: StoreUnderTest,
) -> None:
    """ROOM-6."""
    async with await store.open() as stores:
        await fill(stores, rows=1)
    for attempt in (1, 2, 3):
        async with await store.open() as stores:  # as after a crash
            manifest = await begin_open(stores, await load_room(stores, NAME))
            assert manifest.open_attempts == attempt
    async with await store.open() as stores:
        loaded = await load_room(stores, NAME)
        with pytest.raises(RoomQuarantined, match="3 attempts"):
            await begin_open(stores, loaded)
    async with await store.open() as stores:
        with pytest.raises(RoomQuarantined, match="3 attempts"):
            await load_room(stores, NAME)
        assert await release(stores, NAME)
        assert not await release(stores, NAME)
        manifest = await begin_open(stores, await load_room(stores, NAME))
        assert manifest.open_attempts == 1


async def test_successful_open_gives_all_attempts_back(stores: Stores) -> None:
    manifest = await fill(stores, rows=1)
    for _ in range(5):
        manifest = await begin_open(stores, await load_room(stores, NAME))
        manifest = await open_succeeded(stores, manifest)
        assert manifest.open_attempts == 0
    assert await stores.manifests.get(ROOM) == manifest


async def test_successful_open_is_told_also_when_the_manifest_changed_meanwhile(
    stores: Stores,
) -> None:
    await fill(stores, rows=4)
    opened = await begin_open(stores, await load_room(stores, NAME))
    ref = await stores.snapshots.put(
        ROOM, epoch=FIRST_EPOCH, sequence=Sequence(4), update=b"merged"
    )
    await name_snapshots(stores, (ref,))
    manifest = await open_succeeded(stores, opened)
    assert (manifest.open_attempts, manifest.snapshots) == (0, (ref,))


async def test_ensuring_a_manifest_stores_it_once(stores: Stores) -> None:
    first = await ensure_manifest(stores, NAME)
    assert await ensure_manifest(stores, NAME) == first
    assert [manifest.name for manifest in await stores.manifests.list(after=None, limit=9)] == [
        NAME
    ]
