"""Blobs that nothing names: which ones are collected, over every store, and which never."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from pathlib import Path

import pytest
from pycrdt import Doc, Text

from collab.errors import BlobsNotOwned, RoomQuarantined, StoreUnavailable
from collab.history.versions import VersionKind
from collab.ids import (
    FIRST_EPOCH,
    BlobKey,
    Sequence,
    Subject,
    UnixSeconds,
    room_key,
    room_name,
)
from persistence.blob_keys import blob_key
from persistence.blob_owner import (
    OWNER_KEY,
    begin_round,
    claim,
    claim_if_free,
    ownership,
    store_now,
)
from persistence.build import Stores, StoreSettings, open_stores
from persistence.compaction import compact
from persistence.erasure import ErasureMode, finish_erasure
from persistence.failpoints import Failpoints
from persistence.loading import load_room
from persistence.manifests import ensure_manifest, quarantine, read_manifest
from persistence.memory import MemoryStore
from persistence.migration import migrate
from persistence.orphans import Harvest, claim_place, collect_orphans, find_orphans
from persistence.versions import (
    Content,
    Label,
    add_version,
    delete_version,
    list_versions,
    read_version,
)
from tests.contract.backends import (
    MongoUnderTest,
    SqliteAndS3UnderTest,
    SqliteUnderTest,
    limits_of,
)
from tests.contract.conftest import NAME, OTHER, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.contract.erasing import VISIBLE, document, erased, fill
from tests.support.s3 import Bucket
from workers.jobs.job import JobOrder
from workers.jobs.ledger import JobLedger

ANN = Subject("ann")
ROOM_PREFIX = f"rooms/{ROOM}"
OF_NO_JOB = {BlobKey(f"exports/{'0123456789' * 4}{rest}") for rest in (".in", "-1.pdf")}
PROBE = blob_key("probes", "0123456789abcdef" * 2)
LABEL = Label(VersionKind.AUTOMATIC, UnixSeconds(1_000))


def content(text: str = "Kyrie", sequence: int = 1) -> Content:
    doc: Doc[Text] = Doc(client_id=1)
    doc.get("text", type=Text).insert(0, text)
    return Content(FIRST_EPOCH, Sequence(sequence), doc.get_update())


async def no_rest() -> None:
    """Nobody is in a hurry."""


async def collect(stores: Stores, *, older_than_s: int) -> Harvest:
    """Collect by the place's own clock; what is older than -60 s is whatever there is."""
    before = UnixSeconds(await store_now(stores) - older_than_s)
    return await collect_orphans(stores, before, no_rest)


async def keys_of(stores: Stores) -> set[str]:
    return {info.key for info in await stores.blobs.list("", after=None, limit=1_000)}


async def plant(stores: Stores) -> set[str]:
    """What crashes at each step leave in the room; the keys."""
    before = await keys_of(stores)
    failing = replace(stores, failpoints=Failpoints.parse("version.after_blob=error"))
    with pytest.raises(StoreUnavailable):
        await add_version(failing, NAME, content(), LABEL)
    await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(9), update=b"unnamed")
    await stores.blobs.create(blob_key("rooms", ROOM, "2", "retired", "0123456789abcdef"), b"ids")
    await stores.blobs.create(PROBE, b"what time is it")
    for key in (*OF_NO_JOB, *(blob_key("rooms", ROOM, "1", *key.split("/")) for key in OF_NO_JOB)):
        await stores.blobs.create(key, b"score")
    return await keys_of(stores) - before


async def write(stores: Stores, words: SequenceOf[str]) -> None:
    """Three generations of snapshots, a tail, and two versions."""
    await ensure_manifest(stores, NAME)
    head = Sequence(0)
    for update in typed(words):
        head = await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=[update])
        if head < len(words):
            await compact(stores, NAME, merge_here)
    await add_version(stores, NAME, content(), LABEL)
    await add_version(stores, NAME, content("Gloria", 2), LABEL)


async def require_whole_room(stores: Stores, text: str) -> None:
    loaded = await load_room(stores, NAME)
    assert loaded.problems == ()
    assert text_of(loaded.updates) == text
    key = room_key(NAME)
    for ref in loaded.manifest.snapshots:
        assert await stores.snapshots.get(key, ref) is not None
    for version in await list_versions(stores, NAME):
        assert await read_version(stores, NAME, version)


async def test_what_nothing_names_goes_once_it_is_old_and_nothing_else(stores: Stores) -> None:
    """BLOB-1."""
    await write(stores, ["a ", "b ", "c ", "d "])
    other_forms = [
        blob_key("exports", "score.xml"),
        blob_key("rooms", ROOM, "1", "quarantined-snapshots", "moved-aside"),
        blob_key("rooms", ROOM, "1", "somethings", "of-a-later-version"),
        blob_key("rooms", "of-somebody-else"),
        blob_key("probes", "of-somebody-else"),
    ]
    job = await JobLedger(stores.records, stores.blobs).submit(JobOrder("convert", "a", ANN))
    for key in (*other_forms, blob_key("exports", f"{job.job_id}.in")):
        await stores.blobs.create(key, b"x")
    kept = await keys_of(stores)
    planted = await plant(stores)
    assert (await collect(stores, older_than_s=3_600)).orphans.total() == 0
    assert await keys_of(stores) == kept | planted
    found = await find_orphans(stores, UnixSeconds(await store_now(stores) + 60), no_rest)
    assert await keys_of(stores) == kept | planted  # a look changes nothing
    harvest = await collect(stores, older_than_s=-60)
    assert harvest == found
    assert harvest.orphans.total() == len(planted)
    assert (harvest.orphans["version"], harvest.orphans["retired"]) == (1, 1)
    assert (harvest.orphans["probe"], harvest.orphans["export"]) == (1, 4)
    assert harvest.unknown_rooms == 0
    assert await keys_of(stores) == kept
    await require_whole_room(stores, "a b c d ")
    assert len(await list_versions(stores, NAME)) == 2
    assert (await collect(stores, older_than_s=-60)).orphans.total() == 0


async def test_nothing_named_goes_while_rooms_are_written_beside_the_collector(
    stores: Stores,
) -> None:
    """BLOB-2: Everything is old for it that was made before the race began."""
    words = [f"{number} " for number in range(24)]
    updates = typed(words)
    await write(stores, [])
    await plant(stores)
    before = await store_now(stores)

    async def edit() -> None:
        head = Sequence(0)
        for update in updates:
            head = await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=[update])
            await compact(stores, NAME, merge_here)

    async def keep_versions() -> None:
        for number in range(20):
            made = await add_version(stores, NAME, content(f"{number}"), LABEL)
            if number % 4 == 0:
                await delete_version(stores, NAME, made)

    async def collect_all_the_time() -> None:
        while not finished.is_set():
            await collect_orphans(stores, before, no_rest)
            await asyncio.sleep(0)

    finished = asyncio.Event()
    collecting = [asyncio.create_task(collect_all_the_time()) for _ in range(2)]
    await asyncio.gather(edit(), keep_versions())
    finished.set()
    await asyncio.gather(*collecting)
    await require_whole_room(stores, "".join(words))
    assert len(await list_versions(stores, NAME)) == 2 + 15


async def test_what_an_erasure_needs_to_be_completed_stays(stores: Stores) -> None:
    """BLOB-2: Also days after it was interrupted."""
    await fill(stores)
    failing = replace(stores, failpoints=Failpoints.parse("erasure.after_record=error@1"))
    with pytest.raises(StoreUnavailable):
        await erased(failing)
    uncommitted = await keys_of(stores)
    await collect(stores, older_than_s=-60)
    assert await keys_of(stores) == uncommitted
    failing = replace(stores, failpoints=Failpoints.parse("erasure.after_epoch=error@1"))
    with pytest.raises(StoreUnavailable):
        await erased(failing, ErasureMode.HISTORY)
    committed = await keys_of(stores)
    assert len(committed) > len(uncommitted)
    await collect(stores, older_than_s=-60)
    assert await keys_of(stores) == committed
    assert await finish_erasure(stores, NAME)
    await collect(stores, older_than_s=-60)
    assert await document(stores) == VISIBLE


async def test_quarantined_room_is_left_alone(stores: Stores) -> None:
    """BLOB-1: An operator looks at it first."""
    await write(stores, ["a "])
    await plant(stores)
    with pytest.raises(RoomQuarantined):
        await quarantine(stores, await read_manifest(stores, NAME), "for a test")
    before = await keys_of(stores)
    await collect(stores, older_than_s=-60)
    assert await keys_of(stores) == before - {PROBE} - OF_NO_JOB


async def test_rooms_that_come_after_the_claim_and_are_not_known_are_left_alone(
    stores: Stores,
) -> None:
    """BLOB-3: another store was given the same place by mistake, and cannot be read from here."""
    await claim(stores)
    foreign = room_key(room_name("band/of another store"))
    theirs = blob_key("rooms", foreign, "1", "versions", "0123456789abcdef")
    await stores.blobs.create(theirs, b"theirs")
    harvest = await collect(stores, older_than_s=-60)
    assert harvest.unknown_rooms == 1
    assert theirs in await keys_of(stores)


async def test_place_is_claimed_once_and_its_rounds_are_shared(stores: Stores) -> None:
    """BLOB-4."""
    assert await ownership(stores) is None
    await asyncio.gather(*(claim_if_free(stores) for _ in range(3)), return_exceptions=True)
    owned = await ownership(stores)
    assert owned is not None
    now = await store_now(stores)
    waits = await asyncio.gather(*(begin_round(stores, owned, now, 100) for _ in range(5)))
    assert sorted(waits) == [0, 100, 100, 100, 100]
    owned = await ownership(stores)
    assert owned is not None
    assert await begin_round(stores, owned, UnixSeconds(now + 30), 100) == 70
    assert await begin_round(stores, owned, UnixSeconds(now + 100), 100) == 0


async def test_place_with_rooms_that_the_store_does_not_know_is_not_claimed(
    stores: Stores,
) -> None:
    """BLOB-3."""
    await write(stores, ["a "])
    stranger = blob_key("rooms", OTHER, "1", "versions", "v-1")
    await stores.blobs.create(stranger, b"x")
    with pytest.raises(BlobsNotOwned, match="1 rooms that this store does not know"):
        await claim_place(stores, no_rest)
    assert await ownership(stores) is None
    await stores.blobs.delete(stranger)
    assert await claim_place(stores, no_rest)
    assert await ownership(stores) is not None


async def test_copy_of_a_store_does_not_own_what_it_was_copied_from(stores: Stores) -> None:
    """BLOB-3."""
    stores = stores.raw
    await write(stores, ["a "])
    await claim(stores)
    copy = MemoryStore().stores()
    await migrate(stores, copy, origin="one", is_final=True)
    mine, its = await ownership(stores), await ownership(copy)
    assert mine is not None
    assert its is not None
    assert mine.mark != its.mark


async def require_one_owner(one: StoreSettings, other: StoreSettings) -> None:
    async with await open_stores(one) as stores:
        assert await claim_if_free(stores)
        mine = await ownership(stores)
    async with await open_stores(other) as stores:
        with pytest.raises(BlobsNotOwned, match="belongs to another store"):
            await ownership(stores)
        with pytest.raises(BlobsNotOwned):
            await claim_if_free(stores)
    async with await open_stores(one) as stores:
        assert await ownership(stores) == mine
    async with await open_stores(other) as stores:
        await claim(stores)  # an operator said so
        assert await ownership(stores) is not None
    async with await open_stores(one) as stores:
        with pytest.raises(BlobsNotOwned, match="another store now"):
            await ownership(stores)
        await stores.blobs.delete(OWNER_KEY)
        with pytest.raises(BlobsNotOwned, match="lost its mark"):
            await ownership(stores)


async def test_folder_of_another_store_is_left_alone(tmp_path: Path) -> None:
    """BLOB-3."""
    shared = f"file:{tmp_path / 'blobs'}"
    one, other = (StoreSettings(data_folder=tmp_path / each, blobs_url=shared) for each in "ab")
    await require_one_owner(one, other)


async def test_bucket_of_another_store_is_left_alone(tmp_path: Path, bucket: Bucket) -> None:
    """BLOB-3."""
    one, other = (
        StoreSettings(data_folder=tmp_path / each, blobs_url=bucket.url, s3=limits_of(bucket))
        for each in "ab"
    )
    await require_one_owner(one, other)


async def test_clock_is_the_one_that_dates_blobs(stores: Stores) -> None:
    """BLOB-1: And asking it leaves nothing behind."""
    first = await store_now(stores)
    await stores.blobs.create(blob_key("a"), b"x")
    last = await store_now(stores)
    (info,) = await stores.blobs.list("", after=None, limit=9)
    assert first <= info.modified_at <= last


async def test_stale_claim_changes_nothing(stores: Stores) -> None:
    """BLOB-4: A node that read the record before another wrote it does not take the turn."""
    await claim(stores)
    stale = await ownership(stores)
    assert stale is not None
    await claim(stores)
    assert await begin_round(stores, stale, UnixSeconds(10**9), 100) == 100


async def test_uploads_that_nobody_finished_go_with_the_orphans(
    tmp_path: Path, bucket: Bucket
) -> None:
    """BLOB-1: The parts of one to a bucket, and what was never given its name in a folder."""
    client = bucket.service.client()
    client.create_multipart_upload(Bucket=bucket.name, Key=f"{bucket.prefix}rooms/x")
    async with await SqliteAndS3UnderTest(tmp_path / "a", bucket).open() as stores:
        harvest = await collect(stores, older_than_s=3_600)  # moto dates it in 2010
    assert harvest.orphans == {"unfinished": 1}
    assert bucket.uploads() == []
    folder = SqliteUnderTest(tmp_path / "b")
    async with await folder.open() as stores:
        old, young = (folder.blobs / ".aside" / name for name in ("old", "young"))
        for file in (old, young):
            file.write_bytes(b"half of it")
        os.utime(old, (1_000, 1_000))
        assert (await collect(stores, older_than_s=3_600)).orphans == {"unfinished": 1}
        assert (old.exists(), young.exists()) == (False, True)


async def test_parts_that_nothing_names_go_from_mongodb(mongo: MongoUnderTest) -> None:
    """BLOB-1: Listed by nodes whose clocks may differ, they must be a day old in any case."""
    async with await mongo.open() as stores:
        now = await store_now(stores)
        with mongo.database() as database:
            for number, age_s in enumerate((3_600, 25 * 3_600)):
                listed = {"_id": f"set {number}", "since_unix_s": now - age_s}
                database.unsettled.insert_one(listed)
                database.parts.insert_one({"of": f"set {number}", "part": 0, "bytes": b"x"})
        assert (await collect(stores, older_than_s=26 * 3_600)).orphans == {}
        assert (await collect(stores, older_than_s=-60)).orphans == {"unfinished": 1}
        with mongo.database() as database:
            assert [part["of"] for part in database.parts.find()] == ["set 0"]
