"""People in other rooms, who must not notice what happens in the first.

They are a process of their own, so that a storm that keeps the generator busy does not spoil what
they measure: arguments PORT WIRE PATH ROOMS CLIENTS UPDATES_PER_S SEED.
In each room one client writes, by its plan whatever happens, and the others receive. The process is
steered over its standard input: `mark` begins a window, `report` ends it, waits for what is still
on its way, and answers with one line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from heapq import heapify, heapreplace
from typing import Final

import psutil
import uvloop

from benchmarks.clients import Client, join_all
from benchmarks.edits import random_client_id, typed_updates
from benchmarks.figures import Latencies
from benchmarks.ledger import RoomLedger, Tally
from benchmarks.stress.stage import Checks
from benchmarks.targets import Manner, Target
from benchmarks.undisturbed import sleep_until
from benchmarks.wires import Wire

_NICE: Final = -10
_LASTS_S: Final = 120.0
_ANSWERS_WITHIN_S: Final = 20.0
_STOP_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Quarter:
    """How many neighbours there are, and what they do.

    Attributes:
        rooms: of theirs.
        clients: in each; one of them writes.
        updates_per_s: of each writer.
    """

    rooms: int
    clients: int
    updates_per_s: float


@dataclass(frozen=True, slots=True)
class Window:
    """What the neighbours noticed for a while.

    Attributes:
        edit: from sender to the others in the same room.
        saved: from sender to durable acknowledgement.
        expected: deliveries and acknowledgements, since the neighbours came.
        arrived: those that were there in time.
        faults: repeated, unknown or refused messages, and connections lost, since they came.
        late_p99_ms: how far behind its plan this process wrote.
    """

    edit: Latencies
    saved: Latencies
    expected: int
    arrived: int
    faults: int
    late_p99_ms: float

    def count_in(self, checks: Checks) -> None:
        """Nothing may be missing at the neighbours' either; for the last window of several."""
        checks.count(self.expected, self.arrived)
        checks.fault("faults at the neighbours'", self.faults)


class Neighbours:
    """The process, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def mark(self) -> None:
        """Begin a window."""
        await asyncio.to_thread(self._ask, "mark")

    async def report(self) -> Window:
        """End the window and tell what was noticed."""
        told = json.loads(await asyncio.to_thread(self._ask, "report"))
        edit, saved = Latencies(**told.pop("edit")), Latencies(**told.pop("saved"))
        return Window(edit=edit, saved=saved, **told)

    async def watch(self, lasts_s: float) -> Window:
        """A window of so many seconds."""
        await self.mark()
        await asyncio.sleep(lasts_s)
        return await self.report()

    def _ask(self, what: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ConnectionError("the neighbours were cut off")
        return line


@contextmanager
def neighbours(target: Target, quarter: Quarter, seed: int) -> Iterator[Neighbours]:
    """Let neighbours move in for the time of a `with` block; they write from the first mark on."""
    manner = target.manner
    command = [sys.executable, "-m", "benchmarks.stress.neighbours"]
    command += [str(target.port), manner.wire.value, manner.path]
    command += [str(quarter.rooms), str(quarter.clients), str(quarter.updates_per_s), str(seed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield Neighbours(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_STOP_WITHIN_S)
        finally:
            if process.poll() is None:
                process.kill()


class _Process:
    """The process, from inside."""

    def __init__(self, target: Target, quarter: Quarter, seed: int) -> None:
        self._port = target.port
        self._quarter = quarter
        self._tally = Tally()
        self._clients: list[Client] = []
        self._writers: list[Client] = []
        self._phases: list[float] = []
        self._late_s: list[float] = []
        self._sent = 0
        source = random.Random(seed)
        self._left = int(_LASTS_S * quarter.updates_per_s)
        for number in range(quarter.rooms):
            dialect = target.dialect(f"neighbours/{number}")
            client_id = random_client_id(source)
            updates = typed_updates(client_id, self._left, source)
            ledger = RoomLedger(dialect, self._tally, {client_id: updates}, quarter.clients)
            writer = Client(dialect, ledger, client_id)
            self._writers.append(writer)
            self._phases.append(source.random() / quarter.updates_per_s)
            self._clients += [
                writer,
                *(Client(dialect, ledger) for _ in range(quarter.clients - 1)),
            ]

    async def serve(self) -> None:
        """Do what the standard input says until it ends."""
        # One opens each room before the others come: not every server takes two at once.
        await join_all(self._writers, self._port)
        others = [client for client in self._clients if client not in self._writers]
        await join_all(others, self._port)
        gc.collect()
        gc.freeze()
        gc.disable()
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        writing: asyncio.Task[None] | None = None
        while line := await lines.readline():
            if line.strip() == b"mark":
                self._tally.measured_from_s = time.perf_counter()
                del self._tally.edit_s[:], self._tally.saved_s[:]
                self._late_s.clear()
                writing = writing or asyncio.create_task(self._write())
                answer = "{}"
            else:
                if writing is not None:
                    await _stop(writing)
                    writing = None
                answer = json.dumps(asdict(await self._window()))
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()

    async def _write(self) -> None:
        """Keep to the plan; behind a stall all that is due is written at once."""
        begun_s = time.perf_counter()
        pause_s = 1 / self._quarter.updates_per_s
        due = [(begun_s + phase, at) for at, phase in enumerate(self._phases)]
        heapify(due)
        while self._left:
            at_s, number = due[0]
            await sleep_until(at_s)
            self._late_s.append(self._writers[number].send_next() - at_s)
            self._sent += 1
            if number == 0:
                self._left -= 1
            heapreplace(due, (at_s + pause_s, number))

    async def _window(self) -> Window:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                if self._tally.outstanding:
                    await self._tally.idle.wait()
        tally = self._tally
        lost = sum(not client.is_connected for client in self._clients)
        return Window(
            edit=Latencies.of(tally.edit_s),
            saved=Latencies.of(tally.saved_s),
            expected=self._sent * self._quarter.clients,
            arrived=tally.delivered + tally.saved,
            faults=tally.duplicates + tally.unknown + tally.refused + lost,
            late_p99_ms=Latencies.of(self._late_s).p99_ms,
        )


async def _stop(writing: asyncio.Task[None]) -> None:
    """End the writing, and hear of it where it has failed."""
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing


def _main(port: str, wire: str, path: str, *sizes: str) -> None:
    # Before the generator, whose work would be taken for the server's slowness.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    rooms, clients, rate, seed = sizes
    quarter = Quarter(int(rooms), int(clients), float(rate))
    target = Target(int(port), None, psutil.Process(), Manner(Wire(wire), path))

    async def serve() -> None:
        await _Process(target, quarter, int(seed)).serve()

    uvloop.run(serve())


if __name__ == "__main__":
    _main(*sys.argv[1:])
