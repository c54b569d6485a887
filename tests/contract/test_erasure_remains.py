"""What was erased is nowhere in the store any more."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import bson
import pytest
from pycrdt import Doc, Text

from collab.ids import FIRST_EPOCH, Epoch, Sequence
from persistence.build import KeySettings, StoreSettings, open_stores
from persistence.erasure import (
    ErasureMode,
)
from persistence.loading import load_room
from tests.contract.backends import MongoUnderTest, SqliteAndS3UnderTest, limits_of
from tests.contract.conftest import NAME, OTHER, ROOM
from tests.contract.edits import typed
from tests.contract.erasing import (
    KEPT,
    SECRET,
    document,
    erased,
    fill,
)
from tests.support.s3 import Bucket
from tests.support.stored import legible


def files_with(folder: Path, needle: bytes) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and needle in legible(path.read_bytes())
    ]


@pytest.mark.parametrize("mode", list(ErasureMode))
@pytest.mark.parametrize("encryption", ["off", "on"])
async def test_what_was_erased_is_in_no_file_of_the_data_folder(
    tmp_path: Path, mode: ErasureMode, encryption: str
) -> None:
    """ERA-3: Neither in rows, snapshots, versions, nor in free pages and the write-ahead log."""
    key = KeySettings()
    if encryption == "on":
        (tmp_path / "key").write_text("ab" * 32)
        key = KeySettings(f"file:{tmp_path / 'key'}")
    settings = StoreSettings(data_folder=tmp_path / "data", encryption=key)
    needle = SECRET.encode()
    async with await open_stores(settings) as stores:
        head = await fill(stores)
        filler = random.Random(1)
        for number in range(300):  # pages fill, split, and are used again by other rooms
            secret = typed([f"{SECRET} {number} {'x' * filler.randint(0, 900)}"], 1000 + number)
            head = await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=secret)
            other = typed([f"other {number} {'y' * filler.randint(0, 900)}"])
            after = await stores.log.head(OTHER)
            await stores.log.append(OTHER, epoch=FIRST_EPOCH, after=after, updates=other)
        assert bool(files_with(settings.data_folder, needle)) == (encryption == "off")
        if mode is ErasureMode.HISTORY:
            doc: Doc[Any] = Doc(client_id=3)
            loaded = await load_room(stores, NAME)
            for update in loaded.updates:
                doc.apply_update(update)
            before = doc.get_state()
            for name in ("text", "t"):
                doc.get(name, type=Text).clear()
            await stores.log.append(
                ROOM, epoch=FIRST_EPOCH, after=head, updates=[doc.get_update(before)]
            )
        await erased(stores, mode)
        assert files_with(settings.data_folder, needle) == []
        tail = await stores.log.read(OTHER, after=Sequence(0))
        assert len(tail.rows) == 300
    assert files_with(settings.data_folder, needle) == []
    if encryption == "on":
        assert files_with(settings.data_folder, KEPT.encode()) == []


def found_in_mongodb(mongo: MongoUnderTest, needle: bytes) -> list[str]:
    """The collections in which some document holds the bytes."""
    with mongo.database() as database:
        return [
            name
            for name in database.list_collection_names()
            if any(needle in bson.encode(document) for document in database[name].find())
        ]


async def test_what_was_erased_is_in_no_collection(mongo: MongoUnderTest) -> None:
    """ERA-3."""
    needle = SECRET.encode()
    async with await mongo.open() as stores:
        head = await fill(stores)
        updates = typed([f"{SECRET} again"], client=9)
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=updates)
        assert "updates" in found_in_mongodb(mongo, needle)
        await erased(stores, ErasureMode.EVERYTHING)
        assert found_in_mongodb(mongo, needle) == []
        await stores.log.append(
            ROOM, epoch=Epoch(2), after=Sequence(head + 1), updates=typed([KEPT], client=10)
        )
        assert (await document(stores))["text"] == KEPT


async def test_what_was_erased_is_in_no_object_of_the_bucket(
    tmp_path: Path, bucket: Bucket
) -> None:
    """ERA-3."""
    store = SqliteAndS3UnderTest(tmp_path / "data", bucket)
    needle = KEPT.encode()
    async with await store.open() as stores:
        await fill(stores)
        assert any(needle in legible(bucket.read(key)) for key in bucket.stored_keys())
        await erased(stores, ErasureMode.EVERYTHING)
    left = bucket.stored_keys()
    assert not any(needle in legible(bucket.read(key)) for key in left)
    assert [key.split("/")[3] for key in left] == ["retired"]
    assert files_with(store.folder, needle) == []


async def test_nothing_of_an_encrypted_document_is_in_a_collection_or_an_object(
    tmp_path: Path, mongo: MongoUnderTest, bucket: Bucket
) -> None:
    """KEY-1, ERA-3: neither before the erasure nor after it."""
    (tmp_path / "key").write_text("ab" * 32)
    sealed = StoreSettings(
        mongo.url,
        tmp_path / "data",
        blobs_url=bucket.url,
        s3=limits_of(bucket),
        encryption=KeySettings(f"file:{tmp_path / 'key'}"),
    )

    def found(needle: str) -> list[str]:
        objects = [
            key for key in bucket.stored_keys() if needle.encode() in legible(bucket.read(key))
        ]
        return found_in_mongodb(mongo, needle.encode()) + objects

    async with await open_stores(replace(sealed, encryption=KeySettings())) as stores:
        plain = typed(["not encrypted"])
        await stores.log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=plain)
        assert found("not encrypted") == ["updates"], "the search finds what is there"
    async with await open_stores(sealed) as stores:
        await fill(stores)
        assert (await document(stores))["text"] == KEPT
        assert len(bucket.stored_keys()) > 2
        assert found(SECRET) + found(KEPT) == []
        await erased(stores, ErasureMode.HISTORY)
        assert found(SECRET) + found(KEPT) == []
        assert (await document(stores))["text"] == KEPT
