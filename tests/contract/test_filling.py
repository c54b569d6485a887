"""What is in a place for blobs already is safe from whatever fills a store there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from collab.errors import RoomQuarantined, StoreUnavailable, TargetRefused
from collab.ids import (
    FIRST_EPOCH,
    NO_ROOM,
    BlobKey,
    Epoch,
    RecordId,
    RoomName,
    Sequence,
    room_key,
)
from collab.ports import Manifest, Record, RecordKind
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.blob_owner import claim, ownership
from persistence.blob_snapshots import BlobSnapshots
from persistence.compaction import compact
from persistence.failpoints import Failpoints
from persistence.files import FileBlobs
from persistence.manifests import quarantine, read_manifest
from persistence.memory import MemoryStore
from persistence.migration import migrate
from persistence.room_copy import begin_filling, require_empty, require_whole
from persistence.stores import Stores
from tests.contract.edits import merge_here, typed
from tests.contract.test_backup import ONE, PLAIN, TWO, back_up, fill, text, write


def beside(stores: Stores) -> Stores:
    """An empty store that was given another one's place for blobs."""
    raw = stores.raw
    return replace(MemoryStore().stores(), blobs=raw.blobs, snapshots=raw.snapshots)


async def kept(stores: Stores) -> dict[BlobKey, bytes]:
    """All blobs of a place."""
    found = {}
    for info in await stores.raw.blobs.list("", after=None, limit=1_000):
        blob = await stores.raw.blobs.read(info.key)
        assert blob is not None
        found[info.key] = blob.data
    return found


async def another() -> Stores:
    """A store with rooms of the same names and other content."""
    stores = MemoryStore().stores()
    await write(stores, ONE, typed(["something ", "else"], client=5))
    await compact(stores, ONE, merge_here)
    return stores


@pytest.mark.parametrize("is_marked", [False, True])
async def test_a_fill_leaves_another_stores_blobs_alone(
    stores: Stores, tmp_path: Path, *, is_marked: bool
) -> None:
    """BAK-17: restore, restore of a room, migration and drill, with a place in use as target."""
    await fill(stores)
    if is_marked:
        await claim(stores)
    before = await kept(stores)
    snapshots = await stores.raw.snapshots.list(room_key(ONE))
    assert snapshots
    source, place = await another(), FileBlobs(tmp_path / "kept")
    chain = await Chain.open(place, PLAIN, await back_up(source, place))
    for request in (RestoreRequest(), RestoreRequest(ONE)):
        with pytest.raises(TargetRefused, match="place for blobs"):
            await restore(chain, beside(stores), request)
    with pytest.raises(TargetRefused, match="place for blobs"):
        await migrate(source, beside(stores), origin="another", is_final=True)
    with pytest.raises(TargetRefused, match="place for blobs"):
        await require_empty(beside(stores))
    assert await kept(stores) == before
    assert await stores.raw.snapshots.list(room_key(ONE)) == snapshots
    assert await text(stores, TWO) == "abc"


@pytest.mark.parametrize("is_marked", [False, True])
async def test_a_fill_that_goes_on_needs_its_own_place(stores: Stores, *, is_marked: bool) -> None:
    """BAK-17: an interrupted migration that is given another store's place is refused."""
    await fill(stores)
    if is_marked:
        await claim(stores)
    before = await kept(stores)
    source, target = await another(), MemoryStore().stores()
    await begin_filling(target, "migration", "another")
    misled = replace(target, blobs=stores.raw.blobs, snapshots=stores.raw.snapshots)
    with pytest.raises(TargetRefused, match="another"):
        await migrate(source, misled, origin="another", is_final=True)
    assert await kept(stores) == before
    assert (await migrate(source, target, origin="another", is_final=True)).is_complete


async def test_a_fill_is_gone_on_with_only_where_it_can_be_told(stores: Stores) -> None:
    """BAK-17: begun by an earlier version, which left no mark; or ended before it could."""
    await fill(stores)
    source, target = await another(), beside(stores)
    what = orjson.dumps({"what": "migration", "source": "another"})
    begun = Record(RecordId("filling"), 0, what)
    await target.records.compare_and_set(RecordKind.FILLING, NO_ROOM, begun)
    before = await kept(stores)
    with pytest.raises(TargetRefused, match="nothing says") as refused:
        await migrate(source, target, origin="another", is_final=True)
    assert "orphans --claim" in refused.value.__notes__[0]
    assert await kept(stores) == before
    elsewhere = MemoryStore().stores()
    in_time = replace(target, blobs=elsewhere.blobs, snapshots=elsewhere.snapshots)
    assert (await migrate(source, in_time, origin="another", is_final=True)).is_complete
    assert await ownership(in_time) is not None


async def test_files_of_somebody_else_are_no_empty_place() -> None:
    """BAK-17: a migration would remove them as what the source no longer has; backups may stay."""
    target = MemoryStore().stores()
    await target.blobs.create(BlobKey("backups/20261128/manifest"), b"kept here")
    await require_empty(target)
    await target.blobs.create(BlobKey("photos/concert.jpg"), b"of somebody")
    with pytest.raises(TargetRefused, match="not empty"):
        await migrate(await another(), target, origin="another", is_final=True)
    assert len(await kept(target)) == 2


async def test_the_restore_of_a_room_goes_on_with_its_own_blobs(
    stores: Stores, tmp_path: Path
) -> None:
    """BAK-17: what an interrupted run wrote is no other store's."""
    await fill(stores)
    place = FileBlobs(tmp_path / "kept")
    chain = await Chain.open(place, PLAIN, await back_up(stores.raw, place))
    target = MemoryStore().stores()
    await write(target, TWO, typed(["live"], client=3))
    await claim(target)
    broken = BlobSnapshots(target.blobs, Failpoints.parse("snapshot.after_put=error"))
    with pytest.raises(StoreUnavailable):
        await restore(chain, replace(target, snapshots=broken), RestoreRequest(ONE))
    assert any(room_key(ONE) in key for key in await kept(target))
    assert (await restore(chain, target, RestoreRequest(ONE))).rooms == 1
    assert await text(target, TWO) == "live"


@pytest.mark.parametrize("change", ["epoch", "status"])
async def test_a_source_that_was_changed_without_a_row_is_not_at_rest(change: str) -> None:
    """BAK-18: an erasure, a replacement or a quarantine meanwhile ends no migration."""
    source, target = MemoryStore().stores(), MemoryStore().stores()
    await fill(source)
    key = room_key(ONE)
    head = await source.log.head(key)

    class Meanwhile:
        """Somebody who changes a room once all were copied."""

        get, compare_and_set = source.manifests.get, source.manifests.compare_and_set

        async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
            if after == TWO and change == "epoch":
                following = Epoch(FIRST_EPOCH + 1)
                await source.log.skip_to(key, epoch=following, after=head, head=head)
            elif after == TWO:
                with pytest.raises(RoomQuarantined):
                    await quarantine(source, await read_manifest(source, ONE), "looked at")
            return await source.manifests.list(after=after, limit=limit)

    done = await migrate(
        replace(source, manifests=Meanwhile()), target, origin="old", is_final=True
    )
    assert await source.log.head(key) == head == Sequence(40)
    assert (done.is_complete, set(done.troubles)) == (False, {ONE})
    with pytest.raises(StoreUnavailable, match="has not ended"):
        await require_whole(target)
