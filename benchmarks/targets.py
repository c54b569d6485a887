"""What is put under load: a process that serves websockets, and how it is spoken to."""

from __future__ import annotations

import math
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.machine import Cores
from benchmarks.processes import NO_CERTIFICATES, Program, free_ports, running
from benchmarks.wires import Dialect, Wire

_SAMPLE: Final = re.compile(r'^bandpro_(\w+?)(?:\{le="([^"]+)"\})? (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a server is spoken to, and what it answers.

    Attributes:
        wire: the protocol.
        path: where to connect; `{room}` stands for the name of the room, `{flat}` for the same
            without slashes.
        acknowledges: whether a writer hears of each of its updates: its echo over y-websocket,
            SyncStatus over Hocuspocus.
        is_durable: whether it hears so only when the update is on disk.
    """

    wire: Wire
    path: str
    acknowledges: bool = True
    is_durable: bool = False


BANDPRO: Final = {
    Wire.Y_WEBSOCKET: Manner(Wire.Y_WEBSOCKET, "/collab/{room}", is_durable=True),
    Wire.HOCUSPOCUS: Manner(Wire.HOCUSPOCUS, "/hocuspocus", is_durable=True),
}
"""How BandPro is spoken to; it listens to both at once."""


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
        manner: how it is spoken to.
    """

    port: int
    admin_port: int | None
    process: psutil.Process
    manner: Manner = BANDPRO[Wire.Y_WEBSOCKET]

    def dialect(self, room: str) -> Dialect:
        """How one of its rooms is spoken of."""
        path = self.manner.path.format(room=room, flat=room.replace("/", "-"))
        return Dialect.of(self.manner.wire, room, path)

    def port_of(self, room: int, place: int) -> int:
        """Where a client connects, by the number of its room and of its place in that."""
        del room, place
        return self.port

    def over(self, wire: Wire) -> Target:
        """The same process, spoken to over a wire: BandPro listens to both, peers to one."""
        return replace(self, manner=BANDPRO[wire]) if self.manner in BANDPRO.values() else self

    def cpu_s(self) -> float:
        """Processor time used so far by the process, its threads and its children, in seconds."""
        total = process_cpu_s(self.process)
        for child in self.process.children(recursive=True):
            try:
                total += process_cpu_s(child)
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue  # it has ended just now and is in the sums of its parent next time
        return total

    def rss_bytes(self) -> int:
        """Memory that the process holds, without children."""
        return int(self.process.memory_info().rss)

    async def metrics(self) -> dict[str, float]:
        """Its metrics by name, buckets as `name/bound`; nothing where it has none."""
        if self.admin_port is None:
            return {}
        async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
            answer = await client.get(f"http://127.0.0.1:{self.admin_port}/metrics")
        found = _SAMPLE.findall(answer.raise_for_status().text)
        return {f"{name}/{bound}" if bound else name: float(value) for name, bound, value in found}


def process_cpu_s(process: psutil.Process) -> float:
    """Processor time of a process, its threads and those of its children that have ended."""
    times = process.cpu_times()
    ended = times.children_user + times.children_system
    if sys.platform != "linux":
        return float(times.user + times.system + ended)
    # The clock of the process counts nanoseconds, where the times above count in steps of 10 ms,
    # which is more than a relay needs for a second of the small loads. Its id is made of the
    # process id as <linux/posix-timers.h> says: CPUCLOCK_SCHED.
    return time.clock_gettime((~process.pid << 3) | 2) + float(ended)


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
    cores: Cores,
    folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    wire: Wire = Wire.Y_WEBSOCKET,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """The server with a fresh data folder, everything on but the limits on rates.

    Args:
        cores: where it runs.
        folder: in which the data folder is made; the system's temporary one by default.
        settings: more options of `bandpro serve`.
        wire: over which it is spoken to by those who leave the choice to the target.
        environment: variables for it, for what no option chooses.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        port, admin_port = free_ports(2)
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
        command = [sys.executable, "-m", "gateway.launch", "serve"]
        for name, value in options.items():
            command += [f"--{name}", value]
        program = Program(command, environment=environment or {}, ready_path="/readyz")
        process = stack.enter_context(running(program, cores, home / "log", port))
        yield Target(port, admin_port, process, BANDPRO[wire])
