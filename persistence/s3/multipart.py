"""Uploading a large blob in parts: visible with the last step, aborted when one fails."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from functools import partial
from typing import Any

import structlog
from botocore.exceptions import ClientError

from collab.ids import UnixSeconds
from persistence.s3.client import Answer, S3Client
from persistence.s3.patience import Patience
from persistence.stores import S3Place

_log = structlog.stdlib.get_logger(__name__)


class Upload:
    """One upload in parts.

    Args:
        client: an open client.
        at: bucket and key, as every request names them.
        patience: repeats single requests.
        part_bytes: of each part but the last.

    Attributes:
        completions: how often the last step was tried.
    """

    def __init__(
        self, client: S3Client, at: dict[str, Any], patience: Patience, part_bytes: int
    ) -> None:
        self.completions = 0
        self._client = client
        self._at = at
        self._patience = patience
        self._part_bytes = part_bytes

    async def run(
        self, data: bytes, condition: dict[str, str], described: dict[str, Any]
    ) -> Answer:
        """Upload all parts and make the object of them, if the condition holds then.

        Raises:
            Exception: what failed, once the upload was aborted or could not be.
        """
        begun = await self._patience.call(
            lambda: self._client.create_multipart_upload(**self._at, **described)
        )
        upload = {**self._at, "UploadId": begun["UploadId"]}
        try:
            parts = [
                await self._part(upload, number, data[at : at + self._part_bytes])
                for number, at in enumerate(range(0, len(data), self._part_bytes), start=1)
            ]
            return await self._patience.call(
                lambda: self._complete(upload, {"Parts": parts}, condition)
            )
        except BaseException:
            # Also when the caller was cancelled: parts are paid for until they are aborted.
            await asyncio.shield(_abort(self._client, upload))
            raise

    async def _complete(
        self, upload: dict[str, Any], parts: dict[str, Any], condition: dict[str, str]
    ) -> Answer:
        self.completions += 1
        return await self._client.complete_multipart_upload(
            **upload, MultipartUpload=parts, **condition
        )

    async def _part(self, upload: dict[str, Any], number: int, piece: bytes) -> dict[str, Any]:
        digest = await asyncio.to_thread(lambda: hashlib.md5(piece, usedforsecurity=False).digest())
        answer = await self._patience.call(
            lambda: self._client.upload_part(
                **upload,
                PartNumber=number,
                Body=piece,
                ContentMD5=base64.b64encode(digest).decode(),
            ),
            size_bytes=len(piece),
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}


async def clear_uploads(
    client: S3Client, place: S3Place, before: UnixSeconds, patience: Patience
) -> int:
    """Abort the uploads below a prefix that began before a time; return how many."""
    aborted = 0
    marker: dict[str, str] = {}
    while True:
        asked = {"Bucket": place.bucket, "Prefix": place.prefix, **marker}
        page = await patience.call(partial(client.list_multipart_uploads, **asked))
        for upload in page.get("Uploads", ()):
            if upload["Initiated"].timestamp() < before:
                at = {"Bucket": place.bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
                aborted += await _abort(client, at)
        if not page.get("IsTruncated"):
            return aborted
        marker = {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page["NextUploadIdMarker"],
        }


async def _abort(client: S3Client, upload: dict[str, Any]) -> bool:
    try:
        await client.abort_multipart_upload(**upload)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchUpload":
            return True  # it was completed after all, or somebody else aborted it
        _log.warning("store.upload_not_aborted", error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - the orphans' collector comes back to it
        _log.warning("store.upload_not_aborted", error=type(error).__name__)
    else:
        return True
    return False
