"""A MongoDB for tests: SecantusDB as a process of its own, or the replica set that a URL names.

SecantusDB speaks MongoDB's protocol over the same storage engine, as a replica set of one member:
transactions, conflicts, indexes and durability are real, failover is not there. Where
BANDPRO_TEST_MONGODB_URL is set, tests that need no control over the process run on that instead.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.server import free_port

PROGRAM: Final = Path(__file__).parents[1] / "services/secantusdb/.venv/bin/secantusd-py"
URL_VARIABLE: Final = "BANDPRO_TEST_MONGODB_URL"
READY_WITHIN_S: Final = 30.0
_POLL_S: Final = 0.02


class MongoServer:
    """A server process, started, killed and started again on the same port and data.

    Args:
        folder: an existing folder for the data and the log.
        args: more arguments.
    """

    def __init__(self, folder: Path, *args: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._args = args
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL, to which a database's name may be added."""
        return f"mongodb://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran last."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until it answers."""
        assert PROGRAM.exists(), "run: make services"
        data = str(self._folder / "data")
        command = [str(PROGRAM), "--port", str(self.port), "--storage-path", data]
        options = ["--cache-size", "256M", *self._args]
        with (self._folder / "mongodb.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=subprocess.STDOUT, cwd=self._folder
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "mongodb.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "SecantusDB did not start"
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


@contextmanager
def mongo_server(folder: Path, *args: str) -> Iterator[MongoServer]:
    """A running SecantusDB for the time of a `with` block."""
    server = MongoServer(folder, *args)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def mongodb(folder: Path) -> Iterator[str]:
    """The URL of a MongoDB for the time of a `with` block, without a database's name."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given.rstrip("/")
        return
    with mongo_server(folder) as server:
        yield server.url


def new_database(url: str) -> str:
    """The URL of a database that nobody else uses."""
    base, question, options = url.partition("?")
    return f"{base.rstrip('/')}/test-{secrets.token_hex(6)}{question}{options}"
