"""AWS KMS for tests: moto as a process of its own, which really encrypts under keys of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.s3 import PROGRAM, await_answer
from tests.support.server import free_port

REGION: Final = "eu-central-1"


@contextmanager
def kms(folder: Path) -> Iterator[dict[str, str]]:
    """The environment that leads AWS clients to a KMS, for the time of a `with` block."""
    assert PROGRAM.exists(), "run: make services"
    port = free_port()
    with (folder / "kms.log").open("ab") as log:
        process = subprocess.Popen(
            [str(PROGRAM), "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        await_answer(port, process, folder / "kms.log")
        yield {
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    finally:
        process.kill()
        process.wait()
