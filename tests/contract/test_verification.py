"""What verification says of records whose blobs are gone, over every store and its backups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collab.history.versions import VersionKind
from collab.ids import FIRST_EPOCH, BlobKey, Epoch, RecordId, UnixSeconds
from collab.ports import RecordKind
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.sealing import Sealer
from persistence.backup.verifying import verify_backup, verify_store
from persistence.erasure_record import list_erasures, put_erasure
from persistence.files import FileBlobs
from persistence.stores import Stores
from persistence.versions import Content, Label, add_version, delete_version, list_versions
from tests.contract.backends import StoreUnderTest, flipped
from tests.contract.conftest import NAME, ROOM
from tests.contract.erasing import erased, fill
from tests.contract.overtaking import overtaken

PLAIN = Sealer(None)
LABEL = Label(VersionKind.AUTOMATIC, UnixSeconds(1_800_000_001))


async def found_in(stores: Stores) -> list[tuple[str, str]]:
    return [(each.place, each.what) for each in (await verify_store(stores.raw)).findings]


async def found_in_backup(stores: Stores, place: FileBlobs) -> list[tuple[str, str]]:
    made = await make_backup(
        stores.raw, place, PLAIN, BackupRequest(), lambda: UnixSeconds(1_800_000_000)
    )
    report = await verify_backup(place, PLAIN, made.manifest.backup_id)
    return [(each.place, each.what) for each in report.findings]


async def version_blob(stores: Stores) -> BlobKey:
    (version,) = await list_versions(stores, NAME)
    return BlobKey(f"rooms/{ROOM}/{version.epoch}/versions/{version.version_id}")


async def test_a_version_without_its_content_is_named(stores: Stores, place: FileBlobs) -> None:
    """BAK-8: of the store, and of a backup of it."""
    await fill(stores)
    assert await found_in(stores) == []
    key = await version_blob(stores)
    await stores.raw.blobs.delete(key)
    told = (NAME, f"the content of its version {key.rpartition('/')[2]} is missing")
    assert await found_in(stores) == [told]
    assert await found_in_backup(stores, place) == [told]


async def test_a_version_with_another_content_is_named(stores: Stores) -> None:
    """BAK-8: its record says which; what is sealed can be compared only with the key."""
    if stores.raw is not stores:
        pytest.skip("nothing can be told of sealed content without its key")
    await fill(stores)
    key = await version_blob(stores)
    blob = await stores.blobs.read(key)
    assert blob is not None
    await stores.blobs.replace(key, flipped(blob.data), tag=blob.tag)
    ((place, what),) = await found_in(stores)
    assert place == NAME
    assert what.startswith(f"{key}: the content of a version")


async def test_a_damaged_record_hides_nothing_else_that_is_wrong(
    store: StoreUnderTest, stores: Stores
) -> None:
    """BAK-8: Each of them is named, and what the others say of the room's blobs as well."""
    await fill(stores)
    (first,) = await list_versions(stores, NAME)
    content = Content(FIRST_EPOCH, first.sequence, b"\x00\x00")
    versions = [first, *[await add_version(stores, NAME, content, LABEL) for _ in range(4)]]
    ids = sorted(version.version_id for version in versions)
    for damaged in (ids[1], ids[3]):
        store.damage_record(RecordKind.VERSION, ROOM, RecordId(damaged))
    await stores.raw.blobs.delete(BlobKey(f"rooms/{ROOM}/{FIRST_EPOCH}/versions/{ids[4]}"))
    assert await found_in(stores) == [
        (NAME, f"the version record {ids[1]} fails its checksum"),
        (NAME, f"the version record {ids[3]} fails its checksum"),
        (NAME, f"the content of its version {ids[4]} is missing"),
    ]


async def test_an_erasure_without_the_ids_that_it_retired_is_named(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-8: Only of the one in force; those of a claim that came to nothing may be gone."""
    await fill(stores)
    await erased(stores)
    await erased(stores)
    assert await found_in(stores) == []
    *_, erasure = await list_erasures(stores, ROOM)
    dead = replace(
        erasure, epoch=Epoch(erasure.epoch + 1), retired=BlobKey("rooms/x"), is_done=False
    )
    await put_erasure(stores, ROOM, replace(dead, revision=0))
    assert await found_in(stores) == []
    await stores.raw.blobs.delete(erasure.retired)
    told = (NAME, "the client ids that its erasure retired are missing, so it cannot be opened")
    assert await found_in(stores) == [told]
    assert await found_in_backup(stores, place) == [told]


async def test_a_version_that_is_deleted_meanwhile_is_no_damage(stores: Stores) -> None:
    """BAK-8: nor one that is made, nor an erasure."""
    await fill(stores)
    (version,) = await list_versions(stores, NAME)
    during = overtaken(stores.raw, "blobs", "list", lambda: delete_version(stores, NAME, version))
    assert await found_in(during) == []
    kept = Content(FIRST_EPOCH, version.sequence, b"\x00\x00")
    during = overtaken(stores.raw, "blobs", "list", lambda: add_version(stores, NAME, kept, LABEL))
    assert await found_in(during) == []
    during = overtaken(stores.raw, "blobs", "list", lambda: erased(stores))
    assert await found_in(during) == []
    during = overtaken(stores.raw, "blobs", "list", lambda: erased(stores))
    assert await found_in(during) == []
