"""Backups in a bucket, on a real S3 service, and what an interrupted upload leaves there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collab.errors import ArchiveUnreadable, StoreReadOnly, StoreUnavailable
from collab.ids import BlobKey, BlobTag, Sequence, UnixSeconds, room_key, room_name
from persistence.backup import writer
from persistence.backup.catalogue import backup_ids
from persistence.backup.making import BackupRequest, BackupResult, make_backup
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.backup.verifying import verify_backup
from persistence.build import StoreSettings, open_archive, open_stores
from persistence.files import FileBlobs
from persistence.memory import MemoryStore
from persistence.stores import Stores
from tests.contract.backends import flipped, limits_of
from tests.contract.edits import typed
from tests.contract.test_backup import PLAIN, WORDS, fill, text, write
from tests.support.s3 import Bucket
from tests.support.tcp_proxy import TcpProxy

NAMES = [room_name(f"room {number:02d}") for number in range(12)]
BEGUN_AT = UnixSeconds(1_800_000_000)
HASTY = {"timeout_ms": 1_000, "operation_timeout_ms": 3_000}


@pytest.fixture
async def source() -> Stores:
    """Rooms enough for several small chunks."""
    stores = MemoryStore().stores()
    for number, name in enumerate(NAMES):
        await write(stores, name, typed([f"{number} {word}" * 9 for word in WORDS], client=number))
    return stores


async def backed_up(stores: Stores, bucket: Bucket, port: int | None = None) -> BackupResult:
    clock = iter(range(BEGUN_AT, 2**40))
    limits = limits_of(bucket, port=port, **HASTY)
    async with open_archive(bucket.url, read_only=False, s3=limits) as blobs:
        return await make_backup(
            stores, blobs, PLAIN, BackupRequest(), lambda: UnixSeconds(next(clock))
        )


async def restored(bucket: Bucket) -> Stores:
    """What the one whole backup in the bucket gives."""
    fresh = MemoryStore().stores()
    async with open_archive(bucket.url, read_only=True, s3=limits_of(bucket)) as blobs:
        whole, parts = await backup_ids(blobs)
        assert (len(whole), parts) == (1, [])
        assert (await verify_backup(blobs, PLAIN, whole[0])).findings == []
        await restore(await Chain.open(blobs, PLAIN, whole[0]), fresh, RestoreRequest())
    return fresh


async def rows_of(stores: Stores) -> list[object]:
    return [await stores.log.read(room_key(name), after=Sequence(0)) for name in NAMES]


async def test_a_store_is_backed_up_to_a_bucket_and_restored_from_it(
    stores: Stores, bucket: Bucket
) -> None:
    """BAK-11: the manifest is written last, and a reader changes nothing."""
    await fill(stores)
    made = await backed_up(stores, bucket)
    backup = made.manifest.backup_id
    client = bucket.service.client()
    lines = client.list_objects_v2(Bucket=bucket.name, Prefix=bucket.prefix)["Contents"]
    written = {line["Key"].rpartition("/")[2]: line["LastModified"] for line in lines}
    assert max(written.values()) == written["manifest"]
    fresh = await restored(bucket)
    for name in (room_name("band/Größe 1"), room_name("band/two")):
        assert await text(fresh, name) == await text(stores, name)
    async with open_archive(bucket.url, read_only=True, s3=limits_of(bucket)) as blobs:
        with pytest.raises(StoreReadOnly):
            await blobs.delete(BlobKey(f"backups/{backup}/manifest"))


async def test_an_upload_that_was_cut_off_is_gone_on_with(
    source: Stores, bucket: Bucket, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BAK-2, BAK-11: what is there of it is no backup to anybody, and is not uploaded again."""
    monkeypatch.setattr(writer, "CHUNK_BYTES", 4_096)
    rooms_seen = 0

    def cut(rooms: int, _: int) -> None:
        nonlocal rooms_seen
        rooms_seen = rooms
        if rooms == 5:
            proxy.drop_connections()
            proxy.cut_after(900, times=1_000)  # in the middle of each upload

    limits = limits_of(bucket, port=proxy.port, **HASTY)
    async with open_archive(bucket.url, read_only=False, s3=limits) as blobs:
        with pytest.raises(StoreUnavailable):
            await make_backup(
                source,
                blobs,
                PLAIN,
                BackupRequest(progress=cut),
                lambda: UnixSeconds(1_800_000_000),
            )
    assert rooms_seen >= 5
    left = {key: bucket.read(key) for key in bucket.stored_keys()}
    assert any("/chunks/" in key for key in left)
    assert not any(key.endswith("/manifest") for key in left)
    assert bucket.uploads() == []
    proxy.heal()
    made = await backed_up(source, bucket, proxy.port)
    assert made.was_resumed
    assert {key: bucket.read(key) for key in left} == left
    assert await rows_of(await restored(bucket)) == await rows_of(source)


async def test_a_backup_to_a_bucket_that_was_killed_goes_on(
    source: Stores, bucket: Bucket, tmp_path: Path
) -> None:
    """BAK-2, BAK-11: with kill -9, after any blob."""
    async with await open_stores(StoreSettings(data_folder=tmp_path / "data")) as stores:
        for name in NAMES:
            rows = (await source.log.read(room_key(name), after=Sequence(0))).rows
            await write(stores, name, [row.update for row in rows])

    def keeper(blobs_left: int) -> int:
        place = [bucket.url, bucket.service.endpoint or ""]
        command = [sys.executable, "-m", "tests.contract.killed_keeper", str(tmp_path), "backup"]
        return subprocess.run(
            [*command, str(blobs_left), *place], check=False, timeout=60
        ).returncode

    for blobs_left in (1, 2, 3):
        assert keeper(blobs_left) == -signal.SIGKILL
        async with open_archive(bucket.url, read_only=True, s3=limits_of(bucket)) as blobs:
            assert (await backup_ids(blobs))[0] == []
    assert keeper(0) == 0
    assert await rows_of(await restored(bucket)) == await rows_of(source)


class RottenBlobs(FileBlobs):
    """A disk that keeps something else than it was given."""

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        return await super().create(key, flipped(data))


async def test_what_does_not_read_back_is_no_backup(source: Stores, tmp_path: Path) -> None:
    """BAK-11: it is noticed while the source is still there."""
    blobs = RottenBlobs(tmp_path / "kept")
    with pytest.raises((StoreUnavailable, ArchiveUnreadable), match="does not read back"):
        await make_backup(source, blobs, Sealer(None), BackupRequest(), lambda: UnixSeconds(1))
    assert (await backup_ids(blobs))[0] == []
