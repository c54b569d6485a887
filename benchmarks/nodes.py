"""What a second node costs and how late it hears: ``python -m benchmarks.nodes``; prints a table.

The same loads on one node and spread over two, which share a store and hear each other through a
Redis on this machine: where a room has two members, they are on different nodes.
MongoDB is a stand-in (`benchmarks.stand_ins`). Nodes, Redis and generator share the machine's
cores, so what matters are differences and costs, not how much two nodes can do.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as SequenceOf
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.clients import Client, leave_all
from benchmarks.edits import random_client_id, typed_updates
from benchmarks.figures import Latencies
from benchmarks.ledger import RoomLedger, Tally
from benchmarks.machine import Cores
from benchmarks.processes import Program, free_ports, running
from benchmarks.stand_ins import mongodb_stand_in
from benchmarks.table import table
from benchmarks.targets import Target, bandpro

SECONDS: Final = 5.0
WARM_UP_S: Final = 1.0
DRAIN_S: Final = 20.0
ANYWHERE: Final = Cores(None, None)

StoreUrl = Callable[[], AbstractContextManager[str]]


@dataclass(frozen=True, slots=True)
class Load:
    """Rooms with one writer each.

    Attributes:
        title: for people.
        rooms: how many.
        members: of each, the writer among them; every other one is on the next node.
        updates_per_s: of each writer.
    """

    title: str
    rooms: int
    members: int
    updates_per_s: float


LOADS: Final = (
    Load("one room of 2, 10/s", 1, 2, 10),
    Load("20 rooms of 2, 100/s", 20, 2, 5),
    Load("one room of 100, 20/s", 1, 100, 20),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one load came to.

    Attributes:
        seen: from writer to other members.
        saved: from writer to acknowledgement.
        nodes_us: processor time of all nodes for a delivery.
        redis_us: the same of Redis.
    """

    seen: Latencies
    saved: Latencies
    nodes_us: float
    redis_us: float


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, Target]]:
    """A Redis that keeps nothing: its URL, and what its processor time is asked of.

    Raises:
        FileNotFoundError: there is none on this machine.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError("redis-server was not found: run make redis")
    (port,) = free_ports(1)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no"]
    with running(Program(command), ANYWHERE, folder / "redis.log", port) as process:
        yield f"redis://127.0.0.1:{port}", Target(port, None, process)


@contextmanager
def nodes(count: int, folder: Path, store: str, bus: str) -> Iterator[list[Target]]:
    """So many nodes over one store; a single one has no bus."""
    with ExitStack() as stack:
        settings = {"data": str(folder / "data"), "store": store}
        key = {"BANDPRO_BUS_KEY": secrets.token_urlsafe(48)}
        if count > 1:
            settings["bus"] = bus
        made = [
            stack.enter_context(bandpro(ANYWHERE, settings=settings, environment=key))
            for _ in range(count)
        ]
        if count > 1:
            asyncio.run(_hearing(made))
        yield made


async def _hearing(targets: SequenceOf[Target]) -> None:
    """Wait until each node hears all others."""
    async with asyncio.timeout(DRAIN_S):
        for target in targets:
            while (await target.metrics()).get("peers", 0) < len(targets) - 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def measure(load: Load, targets: SequenceOf[Target], bus: Target) -> Measured:
    """Put a load on some nodes.

    Raises:
        TimeoutError: a delivery or an acknowledgement was still missing after `DRAIN_S`.
    """
    draw = random.Random(11)
    tally = Tally()
    members: list[Client] = []
    plan: list[tuple[float, Client]] = []
    joins = []
    count = int(load.updates_per_s * (WARM_UP_S + SECONDS))
    for number in range(load.rooms):
        writer_id = random_client_id(draw)
        dialect = targets[0].dialect(f"nodes/{secrets.token_hex(4)}/{number}")
        updates = {writer_id: typed_updates(writer_id, count, draw)}
        ledger = RoomLedger(dialect, tally, updates, load.members)
        writer = Client(dialect, ledger, writer_id)
        mine = [writer, *(Client(dialect, ledger) for _ in range(load.members - 1))]
        joins += [
            member.join(targets[(number + at) % len(targets)].port)
            for at, member in enumerate(mine)
        ]
        phase_s = draw.random() / load.updates_per_s
        plan += [(phase_s + at / load.updates_per_s, writer) for at in range(count)]
        members += mine
    await asyncio.gather(*joins)
    plan.sort(key=lambda each: each[0])
    begun_s = time.perf_counter()
    tally.measured_from_s = begun_s + WARM_UP_S
    before = _cpu_s(targets, bus)
    for at_s, writer in plan:
        await asyncio.sleep(max(0.0, begun_s + at_s - time.perf_counter()))
        writer.send_next()
    await asyncio.wait_for(tally.idle.wait(), DRAIN_S)
    after = _cpu_s(targets, bus)
    await leave_all(members)
    wrong = tally.duplicates + tally.unknown + tally.refused
    assert not wrong, tally
    spent = [
        (late - early) / tally.delivered * 1e6 for early, late in zip(before, after, strict=True)
    ]
    return Measured(Latencies.of(tally.edit_s), Latencies.of(tally.saved_s), *spent)


def _cpu_s(targets: SequenceOf[Target], bus: Target) -> tuple[float, float]:
    return sum(target.cpu_s() for target in targets), bus.cpu_s()


def rows(title: str, store: StoreUrl, folder: Path) -> Iterator[list[str]]:
    """Lines of the table for one store."""
    for count in (1, 2):
        home = folder / f"{title}-{count}"
        home.mkdir()
        with (
            redis(home) as (bus, server),
            store() as url,
            nodes(count, home, url, bus) as targets,
        ):
            for load in LOADS:
                found = asyncio.run(measure(load, targets, server))
                yield [
                    title,
                    load.title,
                    str(count),
                    f"{found.seen.p50_ms:.1f} / {found.seen.p99_ms:.1f}",
                    f"{found.saved.p50_ms:.1f} / {found.saved.p99_ms:.1f}",
                    f"{found.nodes_us:.0f}",
                    f"{found.redis_us:.1f}" if count > 1 else "-",
                ]


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [
            *rows("SQLite, one folder", lambda: nullcontext("sqlite"), folder),
            *rows("MongoDB's stand-in", partial(mongodb_stand_in, folder), folder),
        ]
    head = ["store", "load", "nodes", "seen, ms p50 / p99", "saved, ms p50 / p99"]
    print(table([*head, "nodes, us a delivery", "Redis, us a delivery"], made))


if __name__ == "__main__":
    main()
