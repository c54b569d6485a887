"""What the figures were taken on, and how processes are kept to their cores."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

OTHERS_BUSY_MAX = 0.15
"""Cores that other processes may use while the machine counts as quiet."""
_QUIET_LOOK_S = 0.5
_QUIET_WAIT_S = 20.0
_OPEN_FILES = 16_384
_FOLLOWED = ("pycrdt", "uvicorn", "uvloop", "websockets")


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the server may use and which the generator; None where both use all.

    The server's threads and child processes inherit its core.
    """

    server: int | None
    generator: int | None

    @classmethod
    def choose(cls) -> Cores:
        """The first core for the server, the second for the generator, where that is possible."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(None, None)
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1]) if len(usable) > 1 else cls(None, None)

    def pin_generator(self) -> None:
        """Keep this process to the generator's core."""
        _pin(self.generator)

    @contextmanager
    def starting_server(self) -> Iterator[None]:
        """Processes started inside inherit the server's core."""
        _pin(self.server)
        try:
            yield
        finally:
            _pin(self.generator)


def _pin(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def conditions(cores: Cores, folder: Path) -> dict[str, object]:
    """Hardware, system and versions, for the report.

    Args:
        cores: who runs where.
        folder: where the server's data is.
    """
    return {
        "cpu": _cpu_model(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: importlib.metadata.version(name) for name in _FOLLOWED},
        "file_system": _file_system(folder),
        "pinned": asdict(cores),
        "priority": _priority(),
    }


def load_average() -> list[float]:
    """Runnable processes on average over 1, 5 and 15 minutes."""
    return [round(each, 2) for each in os.getloadavg()]


def busy_s() -> float:
    """Processor time that all processes of this machine have used, kernel included, in seconds."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


class Patience:
    """Time that may be spent on waiting for other processes, and on repeating what they disturbed.

    What is repeated is decided by the processor time of others alone, never by what was measured.

    Args:
        budget_s: how much in all; 0 measures at once, whatever else runs.

    Attributes:
        repeated: how many runs were thrown away.
    """

    def __init__(self, budget_s: float) -> None:
        self._left_s = self.budget_s = budget_s
        self.repeated = 0

    def await_quiet(self) -> None:
        """Wait until others leave the machine alone, a while at most, as long as patience lasts."""
        give_up_s = time.perf_counter() + _QUIET_WAIT_S
        while self._left_s > 0 and time.perf_counter() < give_up_s:
            before_s, begun_s = _others_s(), time.perf_counter()
            time.sleep(_QUIET_LOOK_S)
            passed_s = time.perf_counter() - begun_s
            if (_others_s() - before_s) / passed_s <= OTHERS_BUSY_MAX:
                return
            self._left_s -= passed_s

    def repeats(self, others_busy: float, took_s: float) -> bool:
        """Whether to throw a run away because others disturbed it, and to make it again."""
        if others_busy <= OTHERS_BUSY_MAX or self._left_s <= 0:
            return False
        self._left_s -= took_s
        self.repeated += 1
        return True


def _others_s() -> float:
    """Processor time used by all processes but this one, in seconds."""
    return busy_s() - time.process_time()


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _priority() -> str:
    """How far server and generator go before other processes; empty when they do not.

    Where Linux groups processes by session, the session's own nice value decides against others.
    """
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    group = Path("/proc/self/autogroup")
    session = group.read_text().rpartition("nice")[2].strip() if group.exists() else "0"
    return f"nice {nice}, session {session}" if nice or session not in ("", "0") else ""


def _file_system(folder: Path) -> str:
    """The type of the file system that holds a folder; on tmpfs a sync to disk would be free."""
    path = folder.resolve()
    holding = [
        part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)
    ]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype if holding else "unknown"


def allow_many_files() -> None:
    """Raise the soft limit on open files, for this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted and soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
