"""A bucket that is slow, cut off, overloaded, full of leftovers, or not there."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from collab.errors import BlobMoved, SettingsError, StoreUnavailable
from collab.ids import FIRST_EPOCH, Sequence, UnixSeconds
from persistence.blob_keys import blob_key
from persistence.blob_probe import probe_blobs
from persistence.build import StoreSettings, open_stores
from persistence.compaction import compact
from persistence.loading import load_room
from persistence.s3 import S3Blobs
from persistence.stores import S3Place
from tests.contract.backends import limits_of
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.support.s3 import ACCESS_KEY, SECRET_KEY, Bucket
from tests.support.tcp_proxy import TcpProxy

KEY = blob_key("rooms", "ab" * 32, "1", "versions", "v-1.bin")
SMALL = b"a small one"
LARGE = bytes(range(256)) * 81_920  # 20 MiB: three parts
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: 58\r\n\r\n<Error><Code>SlowDown</Code><Message>m</Message></Error>  \n\n"
)
HASTY = {"timeout_ms": 1_000, "operation_timeout_ms": 8_000}


@pytest.fixture
async def blobs(bucket: Bucket, proxy: TcpProxy) -> AsyncIterator[S3Blobs]:
    opened = await S3Blobs.open(
        S3Place(bucket.name, bucket.prefix), limits_of(bucket, port=proxy.port, **HASTY)
    )
    yield opened
    await opened.close()


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "in parts"])
async def test_upload_that_is_cut_is_tried_again_and_is_whole(
    blobs: S3Blobs, bucket: Bucket, proxy: TcpProxy, data: bytes
) -> None:
    """STO-33."""
    proxy.cut_after(min(100, len(data)), times=2)
    await blobs.create(KEY, data)
    assert bucket.read(KEY) == data
    assert bucket.uploads() == []


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "in parts"])
async def test_upload_that_is_always_cut_ends_within_its_bounds_and_leaves_nothing_to_see(
    blobs: S3Blobs, bucket: Bucket, proxy: TcpProxy, data: bytes
) -> None:
    """STO-33."""
    proxy.cut_after(2_000 if data is LARGE else 10, times=1_000)
    with pytest.raises(StoreUnavailable, match="cannot be reached at 127"):
        await blobs.create(KEY, data)
    assert proxy.connections <= 4 * 4
    assert bucket.stored_keys() == []


async def test_upload_that_fails_half_way_is_aborted(
    blobs: S3Blobs, bucket: Bucket, proxy: TcpProxy
) -> None:
    """STO-33: What was uploaded of it is no longer paid for."""
    original = blobs._client.complete_multipart_upload

    async def lose(**parameters: object) -> object:
        proxy.answer(BUSY, times=4)
        proxy.drop_connections()
        try:
            return await original(**parameters)
        finally:
            proxy.heal()

    blobs._client.complete_multipart_upload = lose  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreUnavailable, match="SlowDown, HTTP 503"):
        await blobs.create(KEY, LARGE)
    assert (bucket.stored_keys(), bucket.uploads()) == ([], [])


async def test_cancelled_upload_is_aborted(blobs: S3Blobs, bucket: Bucket, proxy: TcpProxy) -> None:
    """STO-33."""
    proxy.delay_s = 0.001
    task = asyncio.create_task(blobs.create(KEY, LARGE))
    while proxy.carried_bytes < len(LARGE) // 4:  # noqa: ASYNC110 - until a part is on its way
        await asyncio.sleep(0.001)
    assert bucket.uploads() == [bucket.prefix + KEY]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bucket.stored_keys(), bucket.uploads()) == ([], [])


async def test_answer_that_is_lost_does_not_make_a_write_its_own_rival(
    blobs: S3Blobs, bucket: Bucket, proxy: TcpProxy
) -> None:
    """STO-18, STO-33: The second attempt finds the object of the first, and knows it."""
    proxy.lose_answers(1)
    tag = await blobs.create(KEY, SMALL)
    found = await blobs.read(KEY)
    assert found is not None
    assert (found.data, found.tag) == (SMALL, tag)
    proxy.drop_connections()
    proxy.lose_answers(1)
    tag = await blobs.replace(KEY, b"next", tag=tag)
    found = await blobs.read(KEY)
    assert found is not None
    assert (found.data, found.tag) == (b"next", tag)
    proxy.drop_connections()
    proxy.lose_answers(1)
    with pytest.raises(BlobMoved):
        await blobs.create(KEY, b"next")


async def test_busy_bucket_is_asked_again_and_then_given_up(
    blobs: S3Blobs, proxy: TcpProxy
) -> None:
    """STO-33."""
    proxy.answer(BUSY, times=3)
    await blobs.create(KEY, SMALL)
    proxy.drop_connections()
    proxy.answer(BUSY, times=100)
    before = proxy.connections
    with pytest.raises(StoreUnavailable, match="SlowDown, HTTP 503"):
        await blobs.read(KEY)
    assert proxy.connections - before == 4


async def test_slow_bucket_is_waited_for_only_so_long(blobs: S3Blobs, proxy: TcpProxy) -> None:
    """STO-33."""
    await blobs.create(KEY, SMALL)
    proxy.delay_s = 0.05
    found = await blobs.read(KEY)
    assert found is not None
    assert found.data == SMALL
    proxy.delay_s = 30.0
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await blobs.read(KEY)


async def test_edits_are_saved_and_nothing_is_lost_while_the_bucket_is_down(
    bucket: Bucket, proxy: TcpProxy, tmp_path: Path
) -> None:
    """STO-33: Compactions fail meanwhile and go through afterwards."""
    updates = typed([f"{number} " for number in range(12)])
    limits = limits_of(bucket, port=proxy.port, **HASTY)
    settings = StoreSettings("sqlite:", tmp_path, blobs_url=bucket.url, s3=limits)
    async with await open_stores(settings) as stores:
        head = Sequence(0)
        for at in range(0, 9, 3):
            head = await stores.log.append(
                ROOM, epoch=FIRST_EPOCH, after=head, updates=updates[at : at + 3]
            )
            await compact(stores, NAME, merge_here)
        proxy.go_down()
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=head, updates=updates[9:])
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await load_room(stores, NAME)
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await compact(stores, NAME, merge_here)
        assert any("cannot be reached" in problem for problem in await stores.check())
        proxy.heal()
        assert await stores.check() == []
        await compact(stores, NAME, merge_here)
        loaded = await load_room(stores, NAME)
        assert loaded.problems == ()
        assert text_of(loaded.updates) == "".join(f"{number} " for number in range(12))


async def test_uploads_that_nobody_finished_are_aborted_by_age(
    blobs: S3Blobs, bucket: Bucket
) -> None:
    """STO-34."""
    client = bucket.service.client()
    client.create_multipart_upload(Bucket=bucket.name, Key=bucket.prefix + "rooms/x")
    client.create_multipart_upload(Bucket=bucket.name, Key="of somebody else")
    long_ago = 1_200_000_000  # moto dates all of them in 2010
    assert await blobs.clear_unfinished(UnixSeconds(long_ago)) == 0
    assert bucket.uploads() == [bucket.prefix + "rooms/x"]
    assert await blobs.clear_unfinished(UnixSeconds(int(time.time()) + 60)) == 1
    assert bucket.uploads() == []
    others = client.list_multipart_uploads(Bucket=bucket.name, Prefix="of somebody else")
    assert len(others["Uploads"]) == 1


async def test_probe_finds_nothing_wrong_and_leaves_nothing_behind(
    blobs: S3Blobs, bucket: Bucket
) -> None:
    assert await probe_blobs(blobs) == []
    assert bucket.stored_keys() == []


async def test_bucket_that_is_not_there_is_named_as_the_reason(bucket: Bucket) -> None:
    missing = S3Place(f"no-{secrets.token_hex(8)}", "")
    blobs = await S3Blobs.open(missing, limits_of(bucket, **HASTY))
    try:
        assert await blobs.check() == [
            "there is no such bucket: make it, or check the blobs setting (NoSuchBucket, HTTP 404)"
        ]
        with pytest.raises(StoreUnavailable, match="there is no such bucket"):
            await blobs.create(KEY, SMALL)
        with pytest.raises(StoreUnavailable, match="there is no such bucket"):
            await blobs.read(KEY)
    finally:
        await blobs.close()


async def test_no_key_and_no_signed_address_is_in_an_error_or_a_log(
    blobs: S3Blobs, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """OPS-4."""
    said: list[str] = []
    with structlog.testing.capture_logs() as events, caplog.at_level(logging.DEBUG):
        for harm in ("down", "busy"):
            if harm == "down":
                proxy.go_down()
            else:
                proxy.heal()
                proxy.answer(BUSY, times=50)
            for work in (
                blobs.read(KEY),
                blobs.create(KEY, SMALL),
                blobs.list("", after=None, limit=5),
            ):
                with pytest.raises(StoreUnavailable) as caught:
                    await work
                said += [str(caught.value), repr(caught.value.__cause__)]
    assert events
    for text in (*said, *map(str, events)):
        assert SECRET_KEY not in text
        assert ACCESS_KEY not in text
        assert "Signature" not in text


@pytest.mark.parametrize(
    "url", ["s3:", "s3://", "s3://B", "s3://key:secret@bucket/x", "s3://b?x=1"]
)
async def test_bucket_that_is_written_wrongly_is_a_mistake_in_the_settings(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(SettingsError, match="s3://<bucket>/<prefix>") as caught:
        await open_stores(StoreSettings("sqlite:", tmp_path, blobs_url=url))
    assert "secret" not in str(caught.value)
    async with await open_stores(StoreSettings("sqlite:", tmp_path)):
        pass  # the folder is free again
