"""The blobs of a bucket: made with If-None-Match, replaced with If-Match, large ones in parts.

An answer may be lost on its way back, so a write that is tried again may meet its own first
attempt. Each write therefore carries a mark that nobody else's has; where the condition fails on a
later attempt, the mark tells whether the object there is this write's own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Final, Self, TypeVar, cast

import structlog
from botocore.exceptions import ClientError

from collab.errors import BlobMoved, OperatingError, StoreUnavailable
from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo
from persistence.blob_keys import kind_of
from persistence.s3.client import (
    ABSENT,
    CONFLICTS,
    Answer,
    Body,
    S3Client,
    code_of,
    explained,
    make_client,
    may_pass,
)
from persistence.s3.multipart import Upload, clear_uploads
from persistence.s3.patience import Patience
from persistence.stores import S3Limits, S3Place

_log = structlog.stdlib.get_logger(__name__)
_Result = TypeVar("_Result")

MARK: Final = "bandpro-write"
TAG: Final = "bandpro-kind"
PAGE_MAX: Final = 1_000
"""Keys that S3 names in one answer."""


class S3Blobs:
    """The blobs below a prefix of a bucket.

    Args:
        client: an open client.
        closing: closes it.
        place: which bucket, which prefix.
        limits: how long and how often.
    """

    def __init__(
        self, client: S3Client, closing: AsyncExitStack, place: S3Place, limits: S3Limits
    ) -> None:
        self._client = client
        self._closing = closing
        self._place = place
        self._limits = limits
        self._patience = Patience(limits)

    @classmethod
    async def open(cls, place: S3Place, limits: S3Limits) -> Self:
        """Make a client; the bucket is not asked yet."""
        closing = AsyncExitStack()
        try:
            client = await closing.enter_async_context(make_client(limits))
        except Exception as error:  # noqa: BLE001 - the library's errors have no root of their own
            await closing.aclose()
            raise explained(error, limits.endpoint) from None
        return cls(client, closing, place, limits)

    @property
    def blobs(self) -> S3Blobs:
        """The port."""
        return self

    @property
    def description(self) -> str:
        """For people."""
        return f"blobs in s3://{self._place.bucket}/{self._place.prefix}"

    async def check(self) -> list[str]:
        """Ask for one key, which needs the bucket and a permission."""
        try:
            await self.list("", after=None, limit=1)
        except OperatingError as error:
            return [str(error)]
        return []

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Abort uploads in parts that nobody has finished."""
        return await self._translated(
            clear_uploads(self._client, self._place, before, self._patience)
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._closing.aclose()

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Store a new blob; see `BlobStore.create`."""
        return await self._write(key, data, {"IfNoneMatch": "*"})

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace it; see `BlobStore.replace`."""
        return await self._write(key, data, {"IfMatch": tag})

    async def read(self, key: BlobKey) -> Blob | None:
        """Read it; see `BlobStore.read`."""

        async def get() -> Blob:
            found = await self._client.get_object(**self._at(key))
            async with found["Body"] as body:
                data = await cast("Body", body).read()
            if len(data) != found["ContentLength"]:
                raise ConnectionResetError("the answer ended early")
            return Blob(data, BlobTag(found["ETag"]))

        try:
            return await self._call(get)
        except _Absent:
            return None

    async def delete(self, key: BlobKey) -> None:
        """Delete it; see `BlobStore.delete`."""
        with suppress(_Absent):
            await self._call(lambda: self._client.delete_object(**self._at(key)))

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        lines: list[BlobInfo] = []
        while len(lines) < limit:
            wanted = min(limit - len(lines), PAGE_MAX)
            start = {} if after is None else {"StartAfter": self._place.prefix + after}
            asked = {"Prefix": self._place.prefix + prefix, "MaxKeys": wanted, **start}
            answer = await self._call(
                partial(self._client.list_objects_v2, Bucket=self._place.bucket, **asked)
            )
            lines += [self._line(found) for found in answer.get("Contents", ())]
            if not answer.get("IsTruncated") or not lines:
                break
            after = lines[-1].key
        return tuple(lines)

    # Inside -----------------------------------------------------------------------------------

    def _at(self, key: BlobKey) -> dict[str, Any]:
        return {"Bucket": self._place.bucket, "Key": self._place.prefix + key}

    def _line(self, found: Answer) -> BlobInfo:
        key = BlobKey(str(found["Key"]).removeprefix(self._place.prefix))
        return BlobInfo(key, found["Size"], UnixSeconds(int(found["LastModified"].timestamp())))

    async def _write(self, key: BlobKey, data: bytes, condition: dict[str, str]) -> BlobTag:
        mark = secrets.token_hex(16)
        described: dict[str, Any] = {"Metadata": {MARK: mark}}
        if self._limits.tags:
            described["Tagging"] = f"{TAG}={kind_of(key)}"
        write = self._upload if len(data) >= self._limits.multipart_bytes_min else self._put
        try:
            return await write(key, data, condition, described, mark)
        except _Absent:  # nothing there to be replaced
            raise BlobMoved("the blob was deleted meanwhile") from None

    async def _put(
        self,
        key: BlobKey,
        data: bytes,
        condition: dict[str, str],
        described: dict[str, Any],
        mark: str,
    ) -> BlobTag:
        digest = base64.b64encode(await asyncio.to_thread(_sha256, data)).decode()
        attempts = 0

        async def put() -> BlobTag:
            nonlocal attempts
            attempts += 1
            request = self._client.put_object(
                **self._at(key), Body=data, ChecksumSHA256=digest, **condition, **described
            )
            try:
                return BlobTag((await request)["ETag"])
            except ClientError as error:
                if attempts > 1 and code_of(error) in CONFLICTS:
                    return await self._own(key, mark)
                raise

        return await self._call(put, size_bytes=len(data))

    async def _upload(
        self,
        key: BlobKey,
        data: bytes,
        condition: dict[str, str],
        described: dict[str, Any],
        mark: str,
    ) -> BlobTag:
        upload = Upload(self._client, self._at(key), self._patience, self._limits.part_bytes)

        async def run() -> BlobTag:
            async with self._patience.within(len(data)):
                try:
                    return BlobTag((await upload.run(data, condition, described))["ETag"])
                except ClientError as error:
                    # An upload that was completed is no longer one.
                    is_lost = code_of(error) in {*CONFLICTS, "NoSuchUpload"}
                    if upload.completions > 1 and is_lost:
                        return await self._own(key, mark)
                    raise

        return await self._translated(run())

    async def _own(self, key: BlobKey, mark: str) -> BlobTag:
        """The tag of what is there, if it is this write's own.

        Raises:
            BlobMoved: it is somebody else's.
        """
        found = await self._client.head_object(**self._at(key))
        if found.get("Metadata", {}).get(MARK) != mark:
            raise BlobMoved("the blob was made or changed meanwhile")
        return BlobTag(found["ETag"])

    async def _call(
        self, request: Callable[[], Awaitable[_Result]], *, size_bytes: int = 0
    ) -> _Result:
        return await self._translated(self._patience.call(request, size_bytes=size_bytes))

    async def _translated(self, work: Awaitable[_Result]) -> _Result:
        try:
            return await work
        except OperatingError:
            raise
        except ClientError as error:
            if code_of(error) in ABSENT:
                raise _Absent from None
            raise self._explained(error) from None
        except Exception as error:  # noqa: BLE001 - the library's errors have no root of their own
            raise self._explained(error) from None

    def _explained(self, error: Exception) -> OperatingError:
        found = explained(error, self._limits.endpoint)
        if not isinstance(found, BlobMoved):
            _log.warning("store.bucket_failed", error=str(found), passes=may_pass(error))
        return found


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class _Absent(StoreUnavailable):
    """There is no such object."""
