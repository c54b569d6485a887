"""Editors while a worker is at its limit: bombs, one after the other, and quiet, in turns."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from benchmarks.figures import Latencies
from benchmarks.machine import Cores, busy_s
from benchmarks.score.bombs import bombs
from benchmarks.stress.neighbours import Neighbours, Quarter, Window, neighbours
from benchmarks.targets import bandpro
from collab.errors import StateConflict
from collab.ids import Subject
from persistence.build import Stores, StoreSettings, open_stores
from workers.jobs.conversions import ConversionRequest, order_conversion
from workers.jobs.following import followed
from workers.jobs.job import Job
from workers.jobs.ledger import JobLedger, JobRules

PAIRS: Final = 4
"""How often quiet and bombs take turns."""

WINDOW_S: Final = 6.0
CPU_S: Final = 3
"""What a tool may take: less than usual, so that there are several ends in each window."""

ROUNDS: Final = 4
QUARTER: Final = Quarter(rooms=10, clients=3, updates_per_s=10)
_ANN: Final = Subject("bench")
_OPTIONS: Final = {
    "bus": "log",
    "tool-cpu-s": str(CPU_S),
    "jobs-attempts-max": "1",
}
_SETTLES_S: Final = 2.0
_WITHIN_S: Final = 30.0
_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """What editors noticed for a while.

    Attributes:
        edit: from sender to the others in the same room.
        saved: from sender to durable acknowledgement.
        tools_busy: processor time of tool processes and what they start, in cores.
        others_busy: of all other processes but the server's, worker's and editors', in cores.
        missing: deliveries and acknowledgements that did not come.
    """

    edit: Latencies
    saved: Latencies
    tools_busy: float
    all_busy: float
    missing: int


@dataclass(frozen=True, slots=True)
class Turns:
    """Windows of one manner, in the order in which they were; and how bombs ended.

    Attributes:
        quiet: nothing else.
        bombs: with a worker at its limit.
        ends: by name of bomb and what was said of it, how often.
    """

    quiet: list[Seen]
    bombs: list[Seen]
    ends: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Manner:
    """Where jobs are done.

    Attributes:
        name: short.
        title: for people.
        beside: whether by a worker of its own.
        one_core: whether on one processor with the server; else on all, as the system likes.
    """

    name: str
    title: str
    beside: bool = False
    one_core: bool = False


MANNERS: Final = (
    Manner("inside", "by `bandpro serve` itself"),
    Manner("beside", "by `bandpro worker` beside it", beside=True),
    Manner("crowded", "by `bandpro serve`, all of it on one processor", one_core=True),
)


def take_turns(manner: Manner, *, pairs: int = PAIRS, window_s: float = WINDOW_S) -> Turns:
    """Quiet and bombs, in turns, in one run."""
    cores = Cores.choose() if manner.one_core else Cores(None, None)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        options = _OPTIONS | {"data": f"{folder}/data", "bus-key": secrets.token_urlsafe(48)}
        jobs = "off" if manner.beside else "on"
        target = stack.enter_context(bandpro(cores, None, options | {"jobs": jobs}))
        doing = target.process
        if manner.beside:
            doing = stack.enter_context(_worker(options, cores, Path(folder)))
        editors = stack.enter_context(neighbours(target, QUARTER, seed=1))
        return asyncio.run(_turns(editors, doing, Path(folder) / "data", pairs, window_s))


async def _turns(
    editors: Neighbours, doing: psutil.Process, data: Path, pairs: int, window_s: float
) -> Turns:
    quiet: list[Seen] = []
    bombed: list[Seen] = []
    ends: dict[str, Counter[str]] = {name: Counter() for name in bombs()}
    async with await open_stores(StoreSettings(data_folder=data, shared=True)) as stores:
        ledger = JobLedger(stores.records, stores.blobs, JobRules(attempts_max=1))
        await editors.watch(1.0)
        for number in range(pairs):
            quiet.append(await _watch(editors, doing, window_s))
            ordered = await _order(ledger, stores, number)
            await _begun(ledger, ordered)
            bombed.append(await _watch(editors, doing, window_s))
            await _end(ledger, ordered, ends)
            await asyncio.sleep(_SETTLES_S)
    return Turns(quiet, bombed, {name: dict(found) for name, found in ends.items()})


async def _watch(editors: Neighbours, doing: psutil.Process, window_s: float) -> Seen:
    begun_s, tools_s, all_s = time.perf_counter(), _tools_s(doing), busy_s()
    window: Window = await editors.watch(window_s)
    passed_s = time.perf_counter() - begun_s
    return Seen(
        window.edit,
        window.saved,
        round((_tools_s(doing) - tools_s) / passed_s, 2),
        round((busy_s() - all_s) / passed_s, 2),
        window.expected - window.arrived,
    )


def _tools_s(doing: psutil.Process) -> float:
    """Processor time of the children that a process has and had."""
    own = doing.cpu_times()
    total = own.children_user + own.children_system
    for child in doing.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)


async def _order(ledger: JobLedger, stores: Stores, number: int) -> dict[str, list[Job]]:
    ordered: dict[str, list[Job]] = {name: [] for name in bombs()}
    for again in range(ROUNDS):
        for name, bomb in bombs().items():
            request = ConversionRequest(
                _ANN, bomb.data, bomb.source, bomb.target, state=f"{number}.{again}.{name}"
            )
            ordered[name].append(await order_conversion(ledger, stores.blobs, request))
    return ordered


async def _begun(ledger: JobLedger, ordered: dict[str, list[Job]]) -> None:
    """Wait until somebody is at it."""
    first = next(iter(ordered.values()))[0]
    async for job in followed(ledger, first.job_id, partial(asyncio.sleep, _POLL_S)):
        if job.attempt:
            return


async def _end(
    ledger: JobLedger, ordered: dict[str, list[Job]], ends: dict[str, Counter[str]]
) -> None:
    """Count the ends there were, and call off the rest."""
    for name, jobs in ordered.items():
        for each in jobs:
            job = await ledger.get(each.job_id)
            if job is not None and job.is_final:
                ends[name][job.error or job.state] += 1
                continue
            try:
                await ledger.cancel(each.job_id)
            except StateConflict:
                continue
    for each in (job for jobs in ordered.values() for job in jobs):
        async for _ in followed(ledger, each.job_id, partial(asyncio.sleep, _POLL_S)):
            pass


@contextmanager
def _worker(options: dict[str, str], cores: Cores, folder: Path) -> Iterator[psutil.Process]:
    """`bandpro worker`, until the block is left; it says when it is ready."""
    command = [sys.executable, "-m", "gateway.launch", "worker"]
    for name, value in options.items():
        command += [f"--{name}", value]
    with (folder / "worker.log").open("wb") as log, cores.starting_server():
        process = psutil.Popen(command, stdout=log, stderr=log)
    try:
        yield process
        process.terminate()
        process.wait(_WITHIN_S)
    finally:
        if process.is_running():
            process.kill()
            process.wait()
