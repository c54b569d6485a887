"""Erasures while a backup is made, and what a backup lacks of one, over every store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collab.errors import RoomQuarantined, StateConflict
from collab.ids import Epoch, UnixSeconds
from collab.ports import RoomStatus
from persistence.backup.making import BackupRequest, BackupResult, make_backup
from persistence.backup.reader import Chain
from persistence.backup.restoring import RETIRED_LOST_REASON, RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.backup.verifying import verify_backup
from persistence.encryption.build import encrypted
from persistence.erasure import load_after_erasure
from persistence.erasure_record import list_erasures
from persistence.files import FileBlobs
from persistence.manifests import release
from persistence.memory import MemoryStore
from persistence.stores import Stores
from persistence.versions import delete_version, list_versions
from tests.contract.conftest import NAME, ROOM
from tests.contract.erasing import VISIBLE, document, erased, fill
from tests.contract.overtaking import overtaken

PLAIN = Sealer(None)
OLD_CLIENT = 7
"""Wrote the document that is erased (`tests.contract.erasing`)."""


async def backed_up(stores: Stores, place: FileBlobs, *, incremental: bool = False) -> BackupResult:
    begun = 1_800_000_000 + 1_000 * incremental
    clock = iter(range(begun, 2**40))
    request = BackupRequest(is_incremental=incremental)
    return await make_backup(stores.raw, place, PLAIN, request, lambda: UnixSeconds(next(clock)))


async def restored(stores: Stores, place: FileBlobs, made: BackupResult) -> tuple[Stores, Any]:
    """Into another store, read with the same keys."""
    chain = await Chain.open(place, PLAIN, made.manifest.backup_id)
    raw = MemoryStore().stores()
    result = await restore(chain, raw, RestoreRequest())
    return (raw if stores.data_keys is None else encrypted(raw, stores.data_keys.ring)), result


async def findings(place: FileBlobs, made: BackupResult) -> list[str]:
    report = await verify_backup(place, PLAIN, made.manifest.backup_id)
    return [each.what for each in report.findings]


def meanwhile(stores: Stores, deed: Callable[[], Awaitable[object]]) -> Stores:
    """The store beneath; something happens when a room's records are taken, and no blobs yet."""
    return overtaken(stores.raw, "blobs", "list", deed, begins=f"rooms/{ROOM}")


@pytest.mark.parametrize("incremental", [False, True])
async def test_an_erasure_is_kept_that_another_one_replaces_meanwhile(
    stores: Stores, place: FileBlobs, *, incremental: bool
) -> None:
    """BAK-14: The room is taken anew, as the later one left it."""
    await fill(stores)
    await erased(stores)
    if incremental:
        await backed_up(stores, place)
    made = await backed_up(
        meanwhile(stores, lambda: erased(stores)), place, incremental=incremental
    )
    assert (made.troubles, await findings(place, made)) == ({}, [])
    fresh, result = await restored(stores, place, made)
    assert result.quarantined == {}
    loaded, retired = await load_after_erasure(fresh, NAME)
    assert loaded.manifest.epoch == Epoch(3)
    assert OLD_CLIENT in retired
    assert await document(fresh) == VISIBLE
    assert [each.epoch for each in await list_erasures(fresh, ROOM)] == [3]


async def test_a_version_that_is_deleted_meanwhile_is_not_in_the_backup(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-14: neither its content nor its record."""
    await fill(stores)
    (version,) = await list_versions(stores, NAME)
    made = await backed_up(meanwhile(stores, lambda: delete_version(stores, NAME, version)), place)
    assert (made.troubles, await findings(place, made)) == ({}, [])
    fresh, _ = await restored(stores, place, made)
    assert await list_versions(fresh, NAME) == ()


async def test_an_erasure_whose_ids_are_lost_leaves_the_restored_room_closed(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-14, OPS-15: An operator who accepts it lets everybody in; nothing else does."""
    await fill(stores)
    await erased(stores)
    (erasure,) = await list_erasures(stores, ROOM)
    await stores.raw.blobs.delete(erasure.retired)
    made = await backed_up(stores, place)
    assert list(made.troubles) == [NAME]
    fresh, result = await restored(stores, place, made)
    assert result.quarantined == {NAME: RETIRED_LOST_REASON}
    (kept,) = await list_erasures(fresh, ROOM)
    assert (kept.epoch, kept.retired) == (erasure.epoch, erasure.retired)
    with pytest.raises(RoomQuarantined):
        await load_after_erasure(fresh, NAME)
    with pytest.raises(StateConflict, match="retired are lost"):
        await release(fresh, NAME)
    manifest = await fresh.manifests.get(ROOM)
    assert manifest is not None
    assert manifest.status is RoomStatus.QUARANTINED
    assert await release(fresh, NAME, accept_loss=True)
    assert await document(fresh) == VISIBLE
    _, retired = await load_after_erasure(fresh, NAME)
    assert len(retired) == 0
