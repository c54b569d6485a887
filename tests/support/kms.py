"""AWS KMS for tests: moto as a process of its own, which really encrypts under keys of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.server import free_port

PROGRAM: Final = Path(__file__).parents[1] / "services/moto/.venv/bin/moto_server"
READY_WITHIN_S: Final = 30.0
REGION: Final = "eu-central-1"
_POLL_S: Final = 0.05


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
        deadline = time.monotonic() + READY_WITHIN_S
        while not _answers(url):
            assert process.poll() is None, (folder / "kms.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "moto did not start"
            time.sleep(_POLL_S)
        yield {
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/moto-api/", timeout=1).status_code < 500
    except httpx.HTTPError:
        return False
