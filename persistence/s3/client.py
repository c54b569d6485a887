"""The S3 client: what is used of it, how it is made, and its errors in an operator's words.

Credentials come from where every AWS tool looks for them (environment, shared files, the role of
the machine). They appear in no message: of an error only its code and status are repeated, never
the request, whose address may be signed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
)

from collab.errors import BlobMoved, OperatingError, StoreUnavailable
from persistence.stores import S3Limits

Answer = Mapping[str, Any]

CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS_MAX: Final = 32

CONFLICTS: Final = frozenset({"PreconditionFailed", "412"})
"""The condition of a write did not hold."""

ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})

_AGAIN: Final = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    }
)
_STATUS_AGAIN: Final = frozenset({409, 429, 500, 502, 503, 504})

_BROKEN: Final = (
    HTTPClientError,
    ConnectionError,
    IncompleteReadError,
    aiohttp.ClientError,  # as it comes from below aiobotocore while a body is read
    OSError,
    TimeoutError,
)

_ADVICE: Final = {
    "AccessDenied": "the bucket refused: its policy or the credentials lack a permission",
    "AllAccessDisabled": "the bucket refused: all access to it is disabled",
    "ExpiredToken": "the credentials for the bucket have expired: renew them",
    "InvalidAccessKeyId": "the bucket does not know the credentials: check the access key",
    "InvalidBucketName": "the name of the bucket is no valid one: check the blobs setting",
    "NoSuchBucket": "there is no such bucket: make it, or check the blobs setting",
    "NotImplemented": "the bucket's service lacks something that is needed: conditional writes",
    "PermanentRedirect": "the bucket is in another region: set blobs_region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set blobs_region",
    "QuotaExceeded": "the bucket is full: raise its quota, saving then resumes by itself",
    "RequestTimeTooSkewed": "this machine's clock is wrong by minutes: set it",
    "SignatureDoesNotMatch": "the bucket refused the credentials: check the secret key",
}


class Body(Protocol):
    """The content of an object, still on its way."""

    async def read(self) -> bytes:
        """All of it."""


class S3Client(Protocol):
    """What is used of aiobotocore's client, which is made at run time and has no types."""

    async def put_object(self, **parameters: object) -> Answer:
        """PutObject."""

    async def get_object(self, **parameters: object) -> Answer:
        """GetObject; its ``Body`` is a `Body` in an async context manager."""

    async def head_object(self, **parameters: object) -> Answer:
        """HeadObject."""

    async def delete_object(self, **parameters: object) -> Answer:
        """DeleteObject."""

    async def list_objects_v2(self, **parameters: object) -> Answer:
        """ListObjectsV2."""

    async def create_multipart_upload(self, **parameters: object) -> Answer:
        """CreateMultipartUpload."""

    async def upload_part(self, **parameters: object) -> Answer:
        """UploadPart."""

    async def complete_multipart_upload(self, **parameters: object) -> Answer:
        """CompleteMultipartUpload."""

    async def abort_multipart_upload(self, **parameters: object) -> Answer:
        """AbortMultipartUpload."""

    async def list_multipart_uploads(self, **parameters: object) -> Answer:
        """ListMultipartUploads."""


def make_client(limits: S3Limits) -> AbstractAsyncContextManager[S3Client]:
    """A client; entering the context opens it.

    botocore's own retries are off: ours know which writes may be repeated.
    """
    config = AioConfig(
        connect_timeout=min(CONNECT_TIMEOUT_S, limits.timeout_ms / 1000),
        read_timeout=limits.timeout_ms / 1000,
        max_pool_connections=CONNECTIONS_MAX,
        retries={"max_attempts": 0, "mode": "standard"},
        s3={"addressing_style": "path" if limits.path_style else "auto"},
        # Our own SHA-256 goes with every upload; the CRCs are unknown to many services.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = get_session()
    session.register_component("data_loader", _descriptions())
    made = session.create_client(
        "s3", region_name=limits.region, endpoint_url=limits.endpoint, config=config
    )
    return cast("AbstractAsyncContextManager[S3Client]", made)


@functools.cache
def _descriptions() -> Any:  # noqa: ANN401 - botocore's loader of its files, which has no types
    """What botocore's files say of services; each session would read the megabyte again."""
    return get_session().get_component("data_loader")


def code_of(error: ClientError) -> str:
    """The code of an answer, such as ``NoSuchKey``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in _AGAIN or status in _STATUS_AGAIN
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return False
    return isinstance(error, _BROKEN)


def explained(error: BaseException, endpoint: str | None) -> OperatingError:
    """The error that callers see."""
    if isinstance(error, ClientError):
        code = code_of(error)
        if code in CONFLICTS:
            return BlobMoved("the blob was made or changed meanwhile")
        advice = _ADVICE.get(code)
        if advice is None:
            advice = "the bucket does not answer as it should: see the state of the service"
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return StoreUnavailable(f"{advice} ({code or 'no code'}, HTTP {status})")
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return StoreUnavailable(
            "no credentials for the bucket: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "give the machine a role"
        )
    place = urlsplit(endpoint).hostname if endpoint else "Amazon S3"
    kind = type(error).__name__
    if isinstance(error, (BotoCoreError, *_BROKEN)):
        return StoreUnavailable(
            f"the bucket cannot be reached at {place}: check the network and the service ({kind})"
        )
    return StoreUnavailable(f"the bucket could not be used ({kind})")
