"""Snapshots in folders and buckets are packed; those of earlier versions are read as they are."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.scores import score_document
from collab.ids import FIRST_EPOCH, Sequence
from collab.ports import BlobStore, SnapshotRef
from persistence.blob_keys import blob_key
from persistence.blob_snapshots import snapshot_key
from persistence.build import KeySettings, Stores, StoreSettings, open_stores
from persistence.encryption.envelope import place_of, seal
from tests.contract.backends import SqliteAndS3UnderTest, SqliteUnderTest
from tests.contract.conftest import ROOM
from tests.support.s3 import Bucket

SCORE = score_document(60_000, random.Random(8))
SMALL = score_document(900, random.Random(8))


async def put(stores: Stores, update: bytes) -> SnapshotRef:
    return await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(7), update=update)


async def stored(blobs: BlobStore, ref: SnapshotRef) -> bytes:
    key = snapshot_key(ROOM, ref)
    assert key is not None
    found = await blobs.read(key)
    assert found is not None
    return found.data


async def require_packed(stores: Stores) -> None:
    for update, share in ((SCORE, 0.3), (SMALL, 0.4)):
        ref = await put(stores, update)
        assert (ref.size_bytes, ref.checksum) == (len(update), hashlib.sha256(update).hexdigest())
        assert len(await stored(stores.blobs, ref)) < share * len(update)
        assert await stores.snapshots.get(ROOM, ref) == update
        assert ref in await stores.snapshots.list(ROOM)
    noise = random.Random(1).randbytes(10_000)
    ref = await put(stores, noise)
    assert await stored(stores.blobs, ref) == noise


async def test_snapshots_in_a_folder_are_packed(sqlite: SqliteUnderTest) -> None:
    """BLOB-7: What would not shrink is stored as it is."""
    async with await sqlite.open() as stores:
        await require_packed(stores)


async def test_snapshots_in_a_bucket_are_packed(tmp_path: Path, bucket: Bucket) -> None:
    """BLOB-7."""
    async with await SqliteAndS3UnderTest(tmp_path / "data", bucket).open() as stores:
        await require_packed(stores)


async def test_snapshot_file_is_a_frame_that_any_tool_verifies(sqlite: SqliteUnderTest) -> None:
    """BLOB-7: Size and SHA-256 in its name are those of what it holds."""
    async with await sqlite.open() as stores:
        ref = await put(stores, SCORE)
    (file,) = sqlite.blobs.rglob("*.zst")
    content = zstandard.decompress(file.read_bytes())
    _, size_bytes, checksum, _ = file.name.split("-")
    assert (int(size_bytes), checksum) == (len(content), hashlib.sha256(content).hexdigest())
    assert ref.checksum == checksum


async def test_snapshot_of_an_earlier_version_is_read(sqlite: SqliteUnderTest) -> None:
    """BLOB-7: It was stored as it was, under a name without an ending."""
    checksum = hashlib.sha256(SCORE).hexdigest()
    nonce = "0123456789abcdef"
    ref = SnapshotRef(f"1.{nonce}", Sequence(7), len(SCORE), checksum)
    name = f"{7:016}-{len(SCORE)}-{checksum}-{nonce}"
    async with await sqlite.open() as stores:
        await stores.blobs.create(blob_key("rooms", ROOM, "1", "snapshots", name), SCORE)
        assert await stores.snapshots.list(ROOM) == (ref,)
        assert await stores.snapshots.get(ROOM, ref) == SCORE


@pytest.mark.parametrize("damage", ["cut off", "turned", "another"])
async def test_damaged_frame_is_moved_aside(sqlite: SqliteUnderTest, damage: str) -> None:
    """STO-5: Also one that is whole, and holds something else of the same size."""
    async with await sqlite.open() as stores:
        ref = await put(stores, SCORE)
        (file,) = sqlite.blobs.rglob("*.zst")
        frame = file.read_bytes()
        other = SCORE[:-1] + bytes([SCORE[-1] ^ 1])
        turned = bytes([frame[0] ^ 1]) + frame[1:]
        damaged = {"cut off": frame[:-9], "turned": turned, "another": zstandard.compress(other)}
        file.write_bytes(damaged[damage])
        assert await stores.snapshots.get(ROOM, ref) is None
        assert sqlite.quarantined_snapshots() == [ref.snapshot_id]
        (aside,) = sqlite.blobs.rglob("*.zst")
        assert aside.read_bytes() == damaged[damage]


async def test_content_is_packed_before_it_is_sealed(tmp_path: Path) -> None:
    """BLOB-7: And what an earlier version sealed as it was is opened."""
    secret = bytes(range(32))
    (tmp_path / "key").write_text(secret.hex())
    encryption = KeySettings(f"file:{tmp_path / 'key'}")
    settings = StoreSettings(data_folder=tmp_path / "data", encryption=encryption)
    async with await open_stores(settings) as stores:
        ref = await put(stores, SCORE)
        assert ref.size_bytes < 0.3 * len(SCORE)
        assert SCORE[100:120] not in await stored(stores.raw.blobs, ref)
        assert await stores.snapshots.get(ROOM, ref) == SCORE
        assert stores.data_keys is not None
        cipher = await stores.data_keys.for_writing(ROOM, FIRST_EPOCH)
        assert isinstance(cipher, AESGCM)
        place = place_of(ROOM, FIRST_EPOCH, "snapshot", 7)
        sealed = seal(cipher, FIRST_EPOCH, place, SCORE)
        earlier = await stores.raw.snapshots.put(
            ROOM, epoch=FIRST_EPOCH, sequence=Sequence(7), update=sealed
        )
        assert earlier.size_bytes == len(sealed)
        assert await stores.snapshots.get(ROOM, earlier) == SCORE
