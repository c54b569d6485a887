"""Rooms full of people who write: what is sent, and what one run of it showed.

Writers write at their own pace whatever the server does (an open loop): a slow server is not
spared, and each latency is counted from the moment of writing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from benchmarks.clients import Client, join_all, leave_all
from benchmarks.edits import random_client_id, typed_updates
from benchmarks.figures import Latencies
from benchmarks.ledger import RoomLedger, Tally
from benchmarks.machine import busy_s
from benchmarks.targets import LoopLag, Target, loop_lag
from benchmarks.undisturbed import no_collector, sleep_until
from benchmarks.wires import Dialect


@dataclass(frozen=True, slots=True)
class Load:
    """How many rooms, clients and updates.

    Attributes:
        name: short, for the command line and the results.
        title: for people.
        rooms: open at the same time.
        clients: in each room, each on a connection of its own.
        writers: how many of them write.
        updates_per_s: of each writer.
    """

    name: str
    title: str
    rooms: int
    clients: int
    writers: int
    updates_per_s: float

    @property
    def updates_per_s_total(self) -> float:
        """Of all writers together."""
        return self.rooms * self.writers * self.updates_per_s

    @property
    def deliveries_per_s(self) -> float:
        """How many edits reach another session each second, when all goes well."""
        return self.updates_per_s_total * (self.clients - 1)


PING = Load("ping", "2 clients, 1 writes 100/s", 1, 2, 1, 100)
BIG_ROOM = Load("big-room", "1 room of 50, 5 write 20/s each", 1, 50, 5, 20)
MANY_ROOMS = Load("many-rooms", "100 rooms of 5, 1 writes 5/s in each", 100, 5, 1, 5)
WIDE_ROOM = Load("wide-room", "1 room of 200, 1 writes 20/s", 1, 200, 1, 20)
SAVED_50 = Load("saved-50-rooms", "50 rooms of 2, 1 writes 20/s in each", 50, 2, 1, 20)
SAVED_1 = Load("saved-1-room", "1 room of 5, all write 200/s", 1, 5, 5, 200)
THROUGHPUT_LOADS = (PING, BIG_ROOM, MANY_ROOMS, WIDE_ROOM)
"""What every system is put under."""
SAVED_LOADS = (SAVED_50, SAVED_1)
"""1,000 updates/s that are to be on disk: for systems that say so."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run takes.

    Attributes:
        warm_up_s: what is sent during it is checked, but not in the figures.
        measured_s: what is sent during it is in the figures.
        answers_within_s: what has not arrived so long after the last writing is missing.
    """

    warm_up_s: float
    measured_s: float
    answers_within_s: float = 20.0

    @property
    def total_s(self) -> float:
        """For how long is written."""
        return self.warm_up_s + self.measured_s


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed. Rates, shares and processor times are of the measured part alone.

    Attributes:
        sent: updates, warm-up included.
        expected: deliveries that should have followed.
        delivered: deliveries that did, each found by its content.
        acknowledged: updates whose sender heard that they are durable.
        faults: repeated, unknown and refused messages, and connections lost.
        edit: from sender to other sessions.
        saved: from sender to durable acknowledgement.
        deliveries_per_s: edits that reached another session.
        server_cpu_us: of the server, for each of them; acknowledgements and commits included.
        server_received_us: of the server, for each update that it received.
        server_busy: share of one core.
        rss_mib: memory that the server held at the end, without children.
        generator_busy: share of one core that the generator used.
        others_busy: processor time of all other processes, in cores.
        late_p99_ms: how far behind its plan the generator wrote.
        lag: of the server's event loop, warm-up included.
        update_bytes: smallest and largest update, without any framing.
    """

    sent: int
    expected: int
    delivered: int
    acknowledged: int
    faults: int
    edit: Latencies
    saved: Latencies
    deliveries_per_s: float
    server_cpu_us: float
    server_received_us: float
    server_busy: float
    rss_mib: float
    generator_busy: float
    others_busy: float
    late_p99_ms: float
    lag: LoopLag | None
    update_bytes: tuple[int, int]

    @property
    def is_complete(self) -> bool:
        """Whether all that was sent arrived everywhere once, and was acknowledged."""
        return (
            self.delivered == self.expected and self.acknowledged == self.sent and not self.faults
        )


@dataclass(slots=True)
class Crowd:
    """All clients of one run.

    Attributes:
        tally: what they count together.
        clients: writers and readers.
        plan: who writes when, in seconds from the start, in order.
    """

    tally: Tally
    clients: list[Client] = field(default_factory=list)
    plan: list[tuple[float, Client]] = field(default_factory=list)
    update_bytes: list[int] = field(default_factory=list)

    @classmethod
    def gather(cls, load: Load, target: Target, pace: Pace, seed: int) -> Crowd:
        """Make clients, their updates and the plan, all drawn from a seed."""
        source = random.Random(seed)
        crowd = cls(Tally())
        for number in range(load.rooms):
            dialect = target.dialect(f"bench/{load.name}-{seed}/{number}")
            crowd._fill_room(load, dialect, pace, source)
        crowd.plan.sort(key=lambda item: item[0])
        return crowd

    def _fill_room(self, load: Load, dialect: Dialect, pace: Pace, source: random.Random) -> None:
        count = int(load.updates_per_s * pace.total_s)
        by_writer = {
            client_id: typed_updates(client_id, count, source)
            for client_id in (random_client_id(source) for _ in range(load.writers))
        }
        ledger = RoomLedger(dialect, self.tally, by_writer, load.clients)
        for client_id, updates in by_writer.items():
            writer = Client(dialect, ledger, client_id)
            phase_s = source.random() / load.updates_per_s
            self.clients.append(writer)
            self.plan += [(phase_s + at / load.updates_per_s, writer) for at in range(count)]
            self.update_bytes += (len(update) for update in updates)
        self.clients += (Client(dialect, ledger) for _ in range(load.clients - load.writers))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Clocks and counters at one moment."""

    wall_s: float
    server_s: float
    generator_s: float
    machine_s: float
    delivered: int
    sent: int

    @classmethod
    def take(cls, target: Target, tally: Tally) -> _Reading:
        return cls(
            time.perf_counter(),
            target.cpu_s(),
            time.process_time(),
            busy_s(),
            tally.delivered,
            tally.sent,
        )


async def run_load(load: Load, target: Target, pace: Pace, seed: int) -> Run:
    """Let a crowd in, let it write, wait until everything has arrived, and say what it took."""
    crowd = Crowd.gather(load, target, pace, seed)
    # One opens each room before the others come: pycrdt-websocket turns away who comes meanwhile.
    seats = [
        (each, target.port_of(*divmod(at, load.clients))) for at, each in enumerate(crowd.clients)
    ]
    await _let_in(seats[:: load.clients])
    await _let_in([seat for at, seat in enumerate(seats) if at % load.clients])
    metrics = await target.metrics()
    with no_collector():
        begin, end, late_s = await _write(crowd, target, pace)
        await _await_answers(crowd, pace)
    lag = loop_lag(metrics, await target.metrics())
    rss_bytes = target.rss_bytes()
    lost = sum(not client.is_connected for client in crowd.clients)
    await leave_all(crowd.clients)
    run = _run(load, crowd, begin, end, late_s, lost)
    return replace(run, lag=lag, rss_mib=round(rss_bytes / 2**20, 1))


async def _let_in(seats: Sequence[tuple[Client, int]]) -> None:
    by_port: dict[int, list[Client]] = {}
    for client, port in seats:
        by_port.setdefault(port, []).append(client)
    for port, clients in by_port.items():
        await join_all(clients, port)


async def _write(
    crowd: Crowd, target: Target, pace: Pace
) -> tuple[_Reading, _Reading, list[float]]:
    tally = crowd.tally
    start_s = time.perf_counter()
    measured_from_s = tally.measured_from_s = start_s + pace.warm_up_s
    begin: _Reading | None = None
    late_s = []
    for due_s, writer in crowd.plan:
        at_s = start_s + due_s
        if begin is None and at_s >= measured_from_s:
            await sleep_until(measured_from_s)
            begin = _Reading.take(target, tally)
        await sleep_until(at_s)
        late_s.append(writer.send_next() - at_s)
    await sleep_until(start_s + pace.total_s)
    assert begin is not None, "nothing was planned behind the warm-up"
    return begin, _Reading.take(target, tally), late_s


async def _await_answers(crowd: Crowd, pace: Pace) -> None:
    """Wait for what is outstanding; what does not come in time is missing in the counts."""
    try:
        async with asyncio.timeout(pace.answers_within_s):
            await crowd.tally.idle.wait()
    except TimeoutError:
        return


def _run(
    load: Load,
    crowd: Crowd,
    begin: _Reading,
    end: _Reading,
    late_s: list[float],
    lost: int,
) -> Run:
    tally = crowd.tally
    wall_s = end.wall_s - begin.wall_s
    server_s = end.server_s - begin.server_s
    generator_s = end.generator_s - begin.generator_s
    others_s = end.machine_s - begin.machine_s - server_s - generator_s
    delivered = end.delivered - begin.delivered
    return Run(
        sent=len(crowd.plan),
        expected=len(crowd.plan) * (load.clients - 1),
        delivered=tally.delivered,
        acknowledged=tally.saved,
        faults=tally.duplicates + tally.unknown + tally.refused + lost,
        edit=Latencies.of(tally.edit_s),
        saved=Latencies.of(tally.saved_s),
        deliveries_per_s=round(delivered / wall_s, 1),
        server_cpu_us=round(server_s / max(delivered, 1) * 1e6, 1),
        server_received_us=round(server_s / max(end.sent - begin.sent, 1) * 1e6, 1),
        server_busy=round(server_s / wall_s, 3),
        rss_mib=0.0,
        generator_busy=round(generator_s / wall_s, 3),
        others_busy=round(max(0.0, others_s / wall_s), 3),
        late_p99_ms=Latencies.of(late_s).p99_ms,
        lag=None,
        update_bytes=(min(crowd.update_bytes), max(crowd.update_bytes)),
    )
