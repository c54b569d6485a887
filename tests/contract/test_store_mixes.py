"""Any mix of stores backed up to, restored into and migrated to any other one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from collab.errors import SettingsError, StoreReadOnly, StoreUnavailable
from collab.ids import RecordId, Sequence, UnixSeconds, room_key
from collab.ports import LogTail, Manifest, Record, RecordKind
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.verifying import verify_store
from persistence.build import StoreSettings, open_archive, open_raw_stores
from persistence.capture import require_snapshots
from persistence.migration import migrate
from persistence.room_copy import require_whole
from persistence.stores import Stores
from tests.contract.backends import MongoUnderTest, limits_of
from tests.contract.edits import typed
from tests.contract.test_backup import ONE, PLAIN, TWO, blob_of, fill, text, write
from tests.support.s3 import Bucket

MIXES = ["sqlite+files", "sqlite+s3", "mongodb+s3", "mongodb"]


class Stopped(Exception):
    """An operator pressed Ctrl+C."""


def stop(*_: object) -> NoReturn:
    raise Stopped


class Places:
    """Stores of any mix, each kind once on either side."""

    def __init__(self, folder: Path, bucket: Bucket, mongodb: str) -> None:
        self._folder = folder
        self._bucket = bucket
        self._mongodb = mongodb

    def settings(self, mix: str, side: str) -> StoreSettings:
        where, _, blobs = mix.partition("+")
        url = f"{self._mongodb}-{side}" if where == "mongodb" else "sqlite:"
        return StoreSettings(
            url,
            self._folder / side,
            blobs_url=f"{self._bucket.url}{side}" if blobs == "s3" else "",
            s3=limits_of(self._bucket),
        )


@pytest.fixture
def places(tmp_path: Path, bucket: Bucket, mongo: MongoUnderTest) -> Places:
    return Places(tmp_path, bucket, mongo.url)


async def content(stores: Stores) -> list[object]:
    """All that a store holds of the two rooms, as far as it is the same in every store."""
    found: list[object] = []
    for name in (ONE, TWO):
        key = room_key(name)
        manifest = await stores.manifests.get(key)
        assert manifest is not None
        refs = [(ref.sequence, ref.checksum) for ref in manifest.snapshots]
        bodies = [await stores.snapshots.get(key, ref) for ref in manifest.snapshots]
        found += [replace(manifest, revision=0, snapshots=()), refs, bodies]
        found.append(await stores.log.read(key, after=Sequence(0)))
    record = await stores.records.get(RecordKind.VERSION, room_key(ONE), RecordId("v1"))
    blob = await stores.blobs.read(blob_of(ONE))
    assert record is not None
    assert blob is not None
    return [*found, record.value, blob.data]


@pytest.mark.parametrize("target", MIXES)
@pytest.mark.parametrize("source", MIXES)
async def test_any_mix_becomes_any_other(places: Places, source: str, target: str) -> None:
    """BAK-12: migrated in passes that are interrupted, byte for byte; and verified."""
    old = places.settings(source, "old")
    async with await open_raw_stores(old) as stores:
        await fill(stores)
    new = places.settings(target, "new")
    async with await open_raw_stores(replace(old, read_only=True)) as stores:
        async with await open_raw_stores(new) as copy:
            with pytest.raises(Stopped):
                await migrate(stores, copy, origin="old", is_final=True, progress=stop)
            with pytest.raises(StoreUnavailable, match="has not ended"):
                await require_whole(copy)
        async with await open_raw_stores(new) as copy:
            done = await migrate(stores, copy, origin="old", is_final=True)
            assert (done.is_complete, done.was_resumed, done.troubles) == (True, True, {})
            assert done.rows < 15  # the first room was not copied twice
            await require_whole(copy)
            expected = await content(stores)
    async with await open_raw_stores(replace(new, read_only=True)) as copy:
        assert await content(copy) == expected
        assert (await verify_store(copy)).findings == []


@pytest.mark.parametrize(("source", "target"), list(itertools.pairwise([*MIXES, MIXES[0]])))
async def test_any_mix_is_backed_up_and_restored_as_any_other(
    places: Places, bucket: Bucket, source: str, target: str
) -> None:
    """BAK-12: beside the servers of the source, into a bucket, and from there."""
    old, new = places.settings(source, "old"), places.settings(target, "new")
    async with (
        await open_raw_stores(old) as serving,
        open_archive(f"{bucket.url}kept", read_only=False, s3=limits_of(bucket)) as kept,
    ):
        await fill(serving)
        clock = iter(range(1_800_000_000, 2**40))
        async with await open_raw_stores(replace(old, read_only=True)) as stores:
            await require_snapshots(stores)
            made = await make_backup(
                stores, kept, PLAIN, BackupRequest(), lambda: UnixSeconds(next(clock))
            )
        chain = await Chain.open(kept, PLAIN, made.manifest.backup_id)
        async with await open_raw_stores(new) as fresh:
            with pytest.raises(Stopped):
                await restore(chain, fresh, RestoreRequest(progress=stop))
        async with await open_raw_stores(new) as fresh:
            assert (await restore(chain, fresh, RestoreRequest())).was_resumed
            await require_whole(fresh)
        async with await open_raw_stores(replace(new, read_only=True)) as fresh:
            assert (await verify_store(fresh)).findings == []
            for name in (ONE, TWO):
                assert await text(fresh, name) == await text(serving, name)
                back = await fresh.log.read(room_key(name), after=Sequence(0))
                rows = (await serving.log.read(room_key(name), after=Sequence(0))).rows
                assert back.rows == rows[len(rows) - len(back.rows) :]


async def test_a_source_that_is_written_to_is_not_at_rest(places: Places) -> None:
    """BAK-12: whatever was said of it; the copy is no store for a server then."""
    async with (
        await open_raw_stores(places.settings("mongodb", "old")) as stores,
        await open_raw_stores(places.settings("sqlite+files", "new")) as copy,
    ):
        await fill(stores)

        class Meanwhile:
            """A server that goes on after its room was copied."""

            def __init__(self, stores: Stores) -> None:
                self.get, self.compare_and_set = (
                    stores.manifests.get,
                    stores.manifests.compare_and_set,
                )
                self._list = stores.manifests.list

            async def list(self, *, after: str | None, limit: int) -> tuple[Manifest, ...]:
                if after == TWO:
                    await write(stores, TWO, typed(["late"], client=77))
                return await self._list(after=after, limit=limit)  # type: ignore[arg-type] # a name

        moving = replace(stores, manifests=Meanwhile(stores))
        done = await migrate(moving, copy, origin="old", is_final=True)
        assert (done.is_complete, set(done.troubles)) == (False, {TWO})
        with pytest.raises(StoreUnavailable, match="has not ended"):
            await require_whole(copy)


async def test_a_database_opened_for_reading_is_not_changed(places: Places) -> None:
    """BAK-8: damage is named, and stays where it is."""
    settings = places.settings("mongodb", "old")
    reading = replace(settings, read_only=True)
    with pytest.raises(SettingsError, match="there is no store"):
        await open_raw_stores(reading)
    damaged = MongoUnderTest(settings.url)
    key = room_key(TWO)
    async with await open_raw_stores(settings) as stores:
        await fill(stores)
        manifest = await stores.manifests.get(room_key(ONE))
        assert manifest is not None
        before: LogTail = await stores.log.read(key, after=Sequence(0))
    damaged.damage_row(key, Sequence(2))
    damaged.damage_snapshot(room_key(ONE), manifest.snapshots[0])
    async with await open_raw_stores(reading) as stores:
        for _ in range(2):
            found = {each.place: each.what for each in (await verify_store(stores)).findings}
            assert set(found) == {ONE, TWO}
            assert "row 2" in found[TWO]
            assert "snapshot" in found[ONE]
        with pytest.raises(StoreUnavailable, match="opened for reading"):
            await stores.log.append(key, epoch=before.epoch, after=before.head, updates=[b"u"])
        with pytest.raises(StoreReadOnly):
            await stores.manifests.compare_and_set(room_key(ONE), manifest=manifest)
        with pytest.raises(StoreReadOnly):
            await stores.records.compare_and_set(
                RecordKind.VERSION, key, Record(RecordId("v2"), 0, b"x")
            )
        with pytest.raises(StoreReadOnly):
            await stores.blobs.create(blob_of(TWO), b"x")
        with pytest.raises(StoreReadOnly):
            await stores.log.trim(key, through=Sequence(1))
    assert damaged.quarantined_rows(key) == {}
    assert damaged.quarantined_snapshots() == []


async def test_snapshots_that_are_elsewhere_are_missed(places: Places) -> None:
    """BAK-12: a bucket that was forgotten on the command line makes no half backup."""
    settings = places.settings("mongodb+s3", "old")
    async with await open_raw_stores(settings) as stores:
        await fill(stores)
        await require_snapshots(stores)
    async with await open_raw_stores(replace(settings, blobs_url="", read_only=True)) as stores:
        with pytest.raises(SettingsError, match="place of its blobs"):
            await require_snapshots(stores)
