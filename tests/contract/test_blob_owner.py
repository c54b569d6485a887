"""Whose a place for blobs is, where a database was copied as it is, or a claim was interrupted."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from collab.errors import BlobsDisputed, BlobsNotOwned, StoreUnavailable
from collab.ids import NO_ROOM, RecordId, UnixSeconds
from collab.ports import Record, RecordKind
from persistence.blob_owner import (
    NUMBERS_KEPT,
    OWNER_KEY,
    begin_round,
    claim,
    claim_if_free,
    ownership,
    renew,
    require_place,
    settle,
    store_now,
)
from persistence.memory import MemoryStore
from persistence.orphans import collect_orphans
from persistence.stores import Stores
from tests.contract.backends import SqliteAndS3UnderTest
from tests.contract.conftest import ROOM
from tests.contract.overtaking import overtaken
from tests.contract.test_orphans import collect, keys_of, no_rest, plant, write
from tests.support.faulty_store import Faults
from tests.support.s3 import Bucket
from tests.support.store_passage import PassedBlobs

KIND, ID = RecordKind.BLOB_OWNER, RecordId("blobs")


async def copied(stores: Stores) -> Stores:
    """A store with the same record, and the same place: as a dump that was restored beside it."""
    record = await stores.records.get(KIND, NO_ROOM, ID)
    assert record is not None
    copy = MemoryStore().stores()
    await copy.records.compare_and_set(KIND, NO_ROOM, replace(record, revision=0))
    return replace(copy, blobs=stores.raw.blobs)


async def sign_of(stores: Stores) -> bytes:
    blob = await stores.raw.blobs.read(OWNER_KEY)
    assert blob is not None
    return blob.data


async def test_a_copy_is_refused_once_the_original_has_renewed(stores: Stores) -> None:
    """BLOB-9: and the original is left in peace."""
    await claim_if_free(stores)
    seen = await renew(stores, None)
    copy = await copied(stores)
    assert await ownership(copy) is not None, "as long as nothing tells them apart"
    await renew(stores, seen)
    with pytest.raises(BlobsDisputed) as refused:
        await require_place(copy)
    assert "orphans --claim" in refused.value.__notes__[0]
    await require_place(stores)
    assert await renew(stores, None) is not None


async def test_a_copy_that_was_faster_and_the_original_both_delete_nothing(
    stores: Stores,
) -> None:
    """BLOB-9: until an operator says whose the place is; the other one is another store then."""
    await write(stores, ["a "])
    await claim_if_free(stores)
    copy = await copied(stores)
    assert await renew(copy, None) is not None
    planted = await plant(stores)
    with pytest.raises(BlobsDisputed):
        await collect(stores, older_than_s=-60)
    with pytest.raises(BlobsDisputed):
        await renew(stores, None)
    for each in (stores, copy):
        with pytest.raises(BlobsDisputed):
            await ownership(each)
        with pytest.raises(BlobsDisputed):
            await renew(each, None)
    assert planted <= await keys_of(stores)
    await claim(stores)
    with pytest.raises(BlobsNotOwned, match="another store now"):
        await ownership(copy)
    await collect(stores, older_than_s=-60)
    assert not planted & await keys_of(stores)


async def test_a_collection_ends_where_the_place_is_disputed_meanwhile(stores: Stores) -> None:
    """BLOB-9."""
    await write(stores, ["a "])
    await claim_if_free(stores)
    copy = await copied(stores)
    planted = await plant(stores)
    before = UnixSeconds(await store_now(stores) + 60)
    during = overtaken(stores, "manifests", "get", lambda: renew(copy, None))
    with pytest.raises(BlobsDisputed):
        await collect_orphans(during, before, no_rest)
    rooms = {key for key in planted if key.startswith(f"rooms/{ROOM}")}
    assert rooms <= await keys_of(stores)


async def test_nodes_of_one_store_dispute_nothing(stores: Stores) -> None:
    """BLOB-9: However many renew at once, and however slow one of them is."""
    await asyncio.gather(*(claim_if_free(stores) for _ in range(4)))
    for _ in range(NUMBERS_KEPT // 4):
        await asyncio.gather(*(renew(stores, None) for _ in range(4)))
        assert await ownership(stores) is not None
    slow = overtaken(stores.raw, "blobs", "replace", lambda: renew(stores, None))
    await renew(slow, None)
    owned = await ownership(stores)
    assert owned is not None
    now = await store_now(stores)
    assert await begin_round(stores, owned, now, 100) == 0
    assert await ownership(stores) is not None


async def test_a_node_that_sees_that_another_has_renewed_does_not(stores: Stores) -> None:
    """BLOB-9: so the nodes of a store write as rarely as one does."""
    await claim_if_free(stores)
    first = await renew(stores, None)
    second = await renew(stores, first)
    before = await sign_of(stores)
    assert second not in {None, first}
    assert await renew(stores, first) == second
    assert await sign_of(stores) == before


async def test_a_server_that_starts_reads_the_mark_of_its_place_once(stores: Stores) -> None:
    """BLOB-8: whether the place is nobody's or its own; of a bucket each reading has its price."""
    for _ in range(2):
        faults = Faults()
        passed = PassedBlobs(stores.raw.blobs, faults)
        assert await settle(replace(stores.raw, blobs=passed)) is not None
        assert faults.calls.count("blobs.read") == 1
    owned = await ownership(stores)
    assert owned is not None
    assert len(owned.numbers) == 2, "that of the claim, and a new one"


@pytest.mark.parametrize("call", ["create", "replace"])
async def test_what_is_interrupted_is_gone_on_with(stores: Stores, call: str) -> None:
    """BLOB-9: The record is written, and the place is not."""

    async def cut() -> None:
        raise StoreUnavailable("cut off")

    if call == "replace":
        await claim_if_free(stores)
    broken = overtaken(stores.raw, "blobs", call, cut)
    with pytest.raises(StoreUnavailable, match="cut off"):
        await (claim_if_free(broken) if call == "create" else renew(broken, None))
    if call == "create":
        assert await ownership(stores) is None
        assert await claim_if_free(stores)
    await require_place(stores)
    assert await renew(stores, None) is not None
    await require_place(stores)


async def test_the_mark_of_an_earlier_version_is_known_again(stores: Stores) -> None:
    """BLOB-9."""
    record = Record(ID, 0, b'{"mark":"0123456789abcdef","round_begun_at":7}')
    await stores.records.compare_and_set(KIND, NO_ROOM, record)
    await stores.raw.blobs.create(OWNER_KEY, b"0123456789abcdef")
    owned = await ownership(stores)
    assert owned is not None
    assert owned.round_begun_at == 7
    assert await renew(stores, None) is not None
    assert (await sign_of(stores)).startswith(b"0123456789abcdef ")
    await require_place(stores)


async def test_a_copied_folder_beside_the_bucket_of_the_original(
    tmp_path: Path, bucket: Bucket
) -> None:
    """BLOB-9: as `cp -r` makes one, over real stores."""
    one, other = (SqliteAndS3UnderTest(tmp_path / each, bucket) for each in ("one", "other"))
    async with await one.open() as stores:
        await write(stores, ["a "])
        await claim(stores)
        await renew(stores, None)
    await asyncio.to_thread(shutil.copytree, tmp_path / "one", tmp_path / "other")
    async with await one.open() as stores:
        await renew(stores, None)
        before = await keys_of(stores)
    async with await other.open() as copy:
        with pytest.raises(BlobsDisputed):
            await require_place(copy)
        assert await keys_of(copy) == before
