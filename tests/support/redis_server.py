"""A Redis of a test's own: started, killed, stopped in its tracks and started again on its port."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import redis

from tests.support.server import free_port

READY_WITHIN_S: Final = 20.0
_POLL_S: Final = 0.01


class RedisServer:
    """One `redis-server` that keeps nothing on disk.

    Args:
        folder: an existing folder for its log.
        args: more arguments.
        port: where it listens; a free one unless given.
        program: `redis-server`, or `redis-sentinel` with its configuration first among `args`.
    """

    def __init__(
        self, folder: Path, *args: str, port: int | None = None, program: str = "redis-server"
    ) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._args = args
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What `--bus` takes."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which(self._program)
        assert program, f"{self._program} was not found: run make test-needs"
        command = [program, *self._args, "--port", str(self.port), "--bind", "127.0.0.1"]
        if self._program == "redis-server":
            command += ["--dir", str(self._folder), "--save", "", "--appendonly", "no"]
        with (self._folder / f"redis-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, f"{self._program} ended at once"
            assert time.monotonic() < deadline, f"{self._program} did not start"
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kill_and_start(self) -> None:
        """Take it away for a second."""
        self.kill()
        time.sleep(1)
        self.start()

    def flush(self) -> None:
        """Let it forget all that it was told to keep."""
        self.ask("FLUSHALL")

    def pause(self) -> None:
        """Let nobody be answered for three seconds."""
        self.ask("CLIENT", "PAUSE", 3000, "ALL")

    def cut_off(self) -> None:
        """End everybody's connections."""
        for kind in ("pubsub", "normal"):
            self.ask("CLIENT", "KILL", "TYPE", kind)

    def signal(self, number: int) -> None:
        """Send its process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def ask(self, *command: str | bytes | int) -> Any:  # noqa: ANN401 - whatever Redis answers
        """Send one command over a connection of its own."""
        with redis.Redis(port=self.port, socket_timeout=20, decode_responses=True) as client:
            return client.execute_command(*command)

    def calls(self, command: str) -> int:
        """How often a command was called since the server started."""
        with redis.Redis(port=self.port, socket_timeout=20) as client:
            stats: Any = client.info("commandstats")
        return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.ask("PING"))
        return False


@contextmanager
def redis_server(folder: Path, *args: str) -> Iterator[RedisServer]:
    """A running one for the time of a `with` block."""
    server = RedisServer(folder, *args)
    try:
        server.start()
        yield server
    finally:
        server.kill()
