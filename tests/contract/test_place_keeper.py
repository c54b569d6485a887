"""A running server and its place for blobs, where that is another store's by now, or disputed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from collab.errors import StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Sequence, UnixSeconds
from collab.ports import RoomStatus
from gateway.rooms.place_keeper import NOT_LOOKED_AT, PlaceKeeper
from persistence.blob_keys import blob_key
from persistence.blob_owner import OWNER_KEY, claim, ownership
from persistence.build import Stores
from persistence.compaction import CompactionStatus, compact
from persistence.erasure import ErasureMode, erase
from persistence.loading import load_room
from persistence.manifests import read_manifest
from tests.contract.backends import SqliteAndS3UnderTest, SqliteUnderTest
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.contract.erasing import Here
from tests.contract.overtaking import overtaken
from tests.contract.test_orphans import keys_of, write
from tests.support.s3 import Bucket

WORDS = ["a ", "b ", "c ", "d "]
SHARED = "the place for blobs is used by another store too"
TAKEN = "the place for blobs belongs to another store now"


async def serve(stores: Stores) -> PlaceKeeper:
    """What a server does with its place when it starts."""
    keeper = PlaceKeeper(stores)
    await keeper.begin()
    return keeper


async def append(stores: Stores, word: str) -> Sequence:
    loaded = await load_room(stores, NAME)
    return await stores.log.append(
        ROOM, epoch=FIRST_EPOCH, after=loaded.head, updates=typed([word], client=99)
    )


async def require_shut(stores: Stores, why: str) -> None:
    """What writes blobs is refused and may be tried again, edits are saved, and it is told."""
    before = await keys_of(stores)
    with pytest.raises(StoreUnavailable, match=why):
        await compact(stores, NAME, merge_here)
    with pytest.raises(StoreUnavailable, match=why):
        await erase(stores, NAME, Here(), ErasureMode.EVERYTHING)
    with pytest.raises(StoreUnavailable, match=why):
        await stores.unfinished(UnixSeconds(0))
    assert await keys_of(stores) == before
    assert [found for found in await stores.check() if found.startswith(why)]
    head = (await load_room(stores, NAME)).head
    assert await append(stores, "e ") == head + 1


async def test_of_two_running_copies_of_a_database_neither_writes_once_one_has_looked(
    tmp_path: Path, bucket: Bucket
) -> None:
    """BLOB-9, BLOB-10: Copied and started before the original renewed its number."""
    one, other = (SqliteAndS3UnderTest(tmp_path / each, bucket) for each in ("one", "other"))
    async with await one.open() as stores:
        first = await serve(stores)
        await write(stores, WORDS)
        await asyncio.to_thread(shutil.copytree, tmp_path / "one", tmp_path / "other")
        async with await other.open() as copy:
            second = await serve(copy)
            await first.look()
            await second.look()
            for each in (stores, copy):
                await require_shut(each, SHARED)
            await claim(stores)
            await first.look()
            await second.look()
            await require_shut(copy, TAKEN)
            assert (await compact(stores, NAME, merge_here)).status is CompactionStatus.DONE
            assert text_of((await load_room(stores, NAME)).updates) == "a b c d e "
            assert not [found for found in await stores.check() if "place for blobs" in found]


async def test_a_room_whose_snapshots_are_in_another_place_is_not_quarantined(
    tmp_path: Path, bucket: Bucket
) -> None:
    """BLOB-10: nor once the place is the store's again, with everything in it."""
    store = SqliteAndS3UnderTest(tmp_path / "data", bucket)
    async with await store.open() as stores:
        keeper = await serve(stores)
        await write(stores, WORDS)
        held = {key: bucket.read(key) for key in bucket.stored_keys()}
        bucket.clear()
        bucket.write(OWNER_KEY, b"0123456789abcdef 01234567")
        with pytest.raises(StoreUnavailable, match=TAKEN):  # also before anybody has looked
            await load_room(stores, NAME)
        await keeper.look()
        with pytest.raises(StoreUnavailable, match=TAKEN):
            await load_room(stores, NAME)
        assert (await read_manifest(stores, NAME)).status is RoomStatus.ACTIVE
        assert bucket.stored_keys() == [OWNER_KEY]
        for key, data in held.items():
            bucket.write(key, data)
        await keeper.look()
        assert text_of((await load_room(stores, NAME)).updates) == "a b c d "
        assert (await compact(stores, NAME, merge_here)).status is CompactionStatus.DONE


async def test_nothing_is_written_to_a_place_before_it_was_looked_at(
    sqlite: SqliteUnderTest,
) -> None:
    """BLOB-10: The server has started, for it can save edits."""

    async def cut() -> None:
        raise StoreUnavailable("cut off")

    key = blob_key("exports", "score.xml")
    async with await sqlite.open() as stores:
        keeper = await serve(overtaken(stores, "blobs", "read", cut))
        with pytest.raises(StoreUnavailable, match=NOT_LOOKED_AT):
            await stores.blobs.create(key, b"x")
        head = await stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=typed(["a "])
        )
        assert head == 1
        await keeper.look()
        assert await ownership(stores) is not None
        await stores.blobs.create(key, b"x")
