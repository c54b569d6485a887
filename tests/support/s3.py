"""An S3 for tests: moto as a process of its own, or the service that variables name.

moto honours If-None-Match and If-Match, and lets one of racing writers win where they come one by
one (`tests.support.serial_moto`); it does not check signatures, and keeps all in memory.
BANDPRO_TEST_S3_URL (``s3://bucket/prefix``) with BANDPRO_TEST_S3_ENDPOINT and the usual AWS
variables names a real one.
"""

from __future__ import annotations

import functools
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session

from tests.support.server import free_port

PROGRAM: Final = Path(__file__).parents[1] / "services/moto/.venv/bin/moto_server"
URL_VARIABLE: Final = "BANDPRO_TEST_S3_URL"
ENDPOINT_VARIABLE: Final = "BANDPRO_TEST_S3_ENDPOINT"
ACCESS_KEY: Final = "AKIDTESTTESTTEST"
SECRET_KEY: Final = "secret-of-the-tests-and-of-nobody-else"
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""The variables that clients read."""

READY_WITHIN_S: Final = 60.0
_SERIAL: Final = Path(__file__).with_name("serial_moto.py")
_POLL_S: Final = 0.05


@functools.cache
def _client(endpoint: str | None) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    return botocore.session.get_session().create_client("s3", endpoint_url=endpoint)


@dataclass(frozen=True, slots=True)
class S3Service:
    """A service that speaks S3.

    Attributes:
        endpoint: its URL; None for Amazon's own.
        url: ``s3://bucket/prefix`` that tests may use; None where they make buckets.
    """

    endpoint: str | None
    url: str | None = None

    def client(self) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
        """A blocking client beside the one under test."""
        return _client(self.endpoint)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place that one test has for itself.

    Attributes:
        service: where it is.
        name: of the bucket.
        prefix: ends with a slash.
    """

    service: S3Service
    name: str
    prefix: str

    @property
    def url(self) -> str:
        """As the setting has it."""
        return f"s3://{self.name}/{self.prefix}"

    def stored_keys(self) -> list[str]:
        """Every key in it, without the prefix."""
        client = self.service.client()
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=self.prefix
        )
        found = [line["Key"] for page in pages for line in page.get("Contents", ())]
        return [key.removeprefix(self.prefix) for key in found]

    def read(self, key: str) -> bytes:
        """The content under a key."""
        found = self.service.client().get_object(Bucket=self.name, Key=self.prefix + key)
        data: bytes = found["Body"].read()
        return data

    def write(self, key: str, data: bytes) -> None:
        """Put something under a key, whatever is there."""
        self.service.client().put_object(Bucket=self.name, Key=self.prefix + key, Body=data)

    def uploads(self) -> list[str]:
        """Keys of uploads that nobody finished."""
        answer = self.service.client().list_multipart_uploads(Bucket=self.name, Prefix=self.prefix)
        return [upload["Key"] for upload in answer.get("Uploads", ())]

    def clear(self) -> None:
        """Delete everything in it."""
        client = self.service.client()
        for key in self.stored_keys():
            client.delete_object(Bucket=self.name, Key=self.prefix + key)


@contextmanager
def s3(folder: Path) -> Iterator[S3Service]:
    """A service for the time of a `with` block."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield S3Service(os.environ.get(ENDPOINT_VARIABLE) or None, given)
        return
    assert PROGRAM.exists(), "run: make services"
    port = free_port()
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAM.with_name("python")), "-P", str(_SERIAL), str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        await_answer(port, process, folder / "moto.log")
        yield S3Service(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def new_bucket(service: S3Service) -> Bucket:
    """A place that nobody else uses."""
    unique = f"t{secrets.token_hex(6)}"
    if service.url is not None:
        parts = urlsplit(service.url)
        return Bucket(service, parts.netloc, f"{parts.path.strip('/')}/{unique}/".lstrip("/"))
    service.client().create_bucket(Bucket=unique)
    return Bucket(service, unique, "band/")


def await_answer(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    """Wait until a moto that was just started answers."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not _answers(port):
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, "moto did not start"
        time.sleep(_POLL_S)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
