"""The Redis between nodes: a process of its own, asked what it was asked, and struck at will."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import redis

from benchmarks.machine import Cores
from benchmarks.peers.installed import NotInstalled
from benchmarks.processes import free_ports
from benchmarks.targets import process_cpu_s

_READY_WITHIN_S: Final = 10.0
_POLL_S: Final = 0.01


class RedisProcess:
    """One `redis-server` that keeps nothing on disk.

    Args:
        folder: for its log.
        cores: it runs where servers do.
    """

    def __init__(self, folder: Path, cores: Cores) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder
        self._cores = cores
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            NotInstalled: there is none on this machine.
        """
        program = shutil.which("redis-server")
        if program is None:
            raise NotInstalled("redis-server is not on PATH")
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self._folder / "redis.log").open("ab") as log, self._cores.starting_server():
            self._process = subprocess.Popen(
                [*command, "--appendonly", "no"], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError("redis-server does not answer")
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def cpu_s(self) -> float:
        """Processor time that it has used, in seconds."""
        assert self._process is not None
        return process_cpu_s(psutil.Process(self._process.pid))

    def calls(self) -> dict[str, int]:
        """How often each command was called since it started."""
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            stats: Any = client.info("commandstats")
        return {name.removeprefix("cmdstat_"): int(each["calls"]) for name, each in stats.items()}

    def _answers(self) -> bool:
        with (
            contextlib.suppress(redis.RedisError),
            redis.Redis(port=self.port, socket_timeout=1) as client,
        ):
            return bool(client.ping())
        return False


@contextmanager
def redis_process(folder: Path, cores: Cores) -> Iterator[RedisProcess]:
    """A running one for the time of a `with` block."""
    process = RedisProcess(folder, cores)
    try:
        process.start()
        yield process
    finally:
        process.kill()
