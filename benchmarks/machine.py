"""What the figures were taken on, and how processes are kept to their cores."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

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
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
    }


def load_average() -> list[float]:
    """Runnable processes on average over 1, 5 and 15 minutes."""
    return [round(each, 2) for each in os.getloadavg()]


def busy_s() -> float:
    """Processor time that all processes of this machine have used, kernel included, in seconds."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


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
