"""What is put under load: the real server in a process of its own, or the relay for comparison."""

from __future__ import annotations

import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.machine import Cores

_READY_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 20.0
_POLL_S: Final = 0.02
_LOG_TAIL_CHARS: Final = 4_000
_SAMPLE: Final = re.compile(r'^bandpro_(\w+?)(?:\{le="([^"]+)"\})? (\S+)$', re.MULTILINE)


class TargetFailed(RuntimeError):
    """The process did not start, or did not stop in good order."""


@dataclass(frozen=True, slots=True)
class LoopLag:
    """How late the server's event loop ran its own timers.

    Attributes:
        samples: how often that was measured.
        mean_ms: on average.
        below_ms: the smallest bucket bound that no sample exceeded; None above the last.
    """

    samples: int
    mean_ms: float
    below_ms: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """A running process that serves websockets.

    Attributes:
        port: where.
        admin_port: where its metrics are, or None when it has none.
        process: for processor time and memory.
    """

    port: int
    admin_port: int | None
    process: psutil.Process

    def cpu_s(self) -> float:
        """Processor time used so far by the process, its threads and its children, in seconds."""
        own = self.process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in self.process.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue  # it has ended just now and is in the sums of its parent next time
            total += times.user + times.system
        return float(total)

    def rss_bytes(self) -> int:
        """Memory that the process holds, without children."""
        return int(self.process.memory_info().rss)

    async def metrics(self) -> dict[str, float]:
        """Its metrics by name, buckets as `name/bound`; nothing where it has none."""
        if self.admin_port is None:
            return {}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{self.admin_port}/metrics")
        found = _SAMPLE.findall(answer.raise_for_status().text)
        return {f"{name}/{bound}" if bound else name: float(value) for name, bound, value in found}


def loop_lag(before: Mapping[str, float], after: Mapping[str, float]) -> LoopLag | None:
    """The loop's lag between two readings of the metrics."""
    name = "loop_lag_seconds"
    count = after.get(f"{name}_count", 0.0) - before.get(f"{name}_count", 0.0)
    if not count:
        return None
    bounds = sorted(
        (float(key.partition("/")[2]), after[key] - before.get(key, 0.0))
        for key in after
        if key.startswith(f"{name}_bucket/")
    )
    total_s = after[f"{name}_sum"] - before.get(f"{name}_sum", 0.0)
    below_s = next(bound for bound, within in bounds if within >= count)
    below_ms = None if math.isinf(below_s) else below_s * 1000
    return LoopLag(int(count), round(total_s / count * 1000, 3), below_ms)


@contextmanager
def bandpro(
    cores: Cores, folder: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Target]:
    """The server with a fresh data folder, everything on but the limits on rates.

    Args:
        cores: where it runs.
        folder: in which the data folder is made; the system's temporary one by default.
        settings: more options of `bandpro serve`.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        port, admin_port = _free_ports(2)
        options = {
            "host": "127.0.0.1",
            "port": str(port),
            "admin-port": str(admin_port),
            "data": str(home / "data"),
            "auth": "open",
            "rate-limits": "off",
            "demo": "off",
            "log-level": "warning",
        } | dict(settings or {})
        command = [str(Path(sys.executable).with_name("bandpro")), "serve"]
        for name, value in options.items():
            command += [f"--{name}", value]
        process = stack.enter_context(_running(command, cores, home / "log", port))
        yield Target(port, admin_port, process)


@contextmanager
def relay(cores: Cores, lose_every: int = 0) -> Iterator[Target]:
    """The relay of :mod:`benchmarks.relay`: the same frames, and nothing else done to them.

    Args:
        cores: where it runs.
        lose_every: every n-th delivery is dropped; 0 drops none.
    """
    with tempfile.TemporaryDirectory() as home:
        (port,) = _free_ports(1)
        command = [sys.executable, "-m", "benchmarks.relay", str(port), str(lose_every)]
        with _running(command, cores, Path(home) / "log", port) as process:
            yield Target(port, None, process)


@contextmanager
def _running(
    command: Sequence[str], cores: Cores, log: Path, port: int
) -> Iterator[psutil.Process]:
    # A developer's shell must not steer what is measured.
    env = {name: text for name, text in os.environ.items() if not name.startswith("BANDPRO")}
    with log.open("wb") as output, cores.starting_server():
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            process_group=0,  # in the same session, whose priority it shares
        )
    try:
        _await_listening(process, port, log)
        try:
            yield psutil.Process(process.pid)
        except Exception as error:
            error.add_note(f"what was measured said:\n{_tail(log)}")
            raise
        if process.poll() is not None:
            raise TargetFailed(f"it ended by itself with {process.returncode}\n{_tail(log)}")
        process.send_signal(signal.SIGTERM)
        if process.wait(_STOP_WITHIN_S):
            raise TargetFailed(f"it stopped with {process.returncode}\n{_tail(log)}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _await_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).raise_for_status()
            return
        except httpx.HTTPError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise TargetFailed(f"it does not serve\n{_tail(log)}") from error
        time.sleep(_POLL_S)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_TAIL_CHARS:] or "nothing"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
