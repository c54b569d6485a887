"""People come and go for minutes, rooms are opened and forgotten: what does the server keep?"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

import psutil
import uvloop

from benchmarks.edits import random_client_id
from benchmarks.stress.arrivals import Seen, Written, all_arrived
from benchmarks.stress.documents import pasted_updates
from benchmarks.stress.session import Messages, Session, leave_all
from benchmarks.stress.stage import MIB, Checks, Gauge, Goal, Outcome, Stage
from benchmarks.targets import Target

_SETTINGS: Final = {"unload-after-ms": "500", "compaction-tail-updates": "25"}
_CLOCKS: Final = 20
_WITHIN_S: Final = 30.0
_REST_S: Final = 3.0  # longer than it takes to unload a room, so that it is read from disk again
_SAMPLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Soak:
    """Visits to rooms, many at a time: some people join, write, see everything, and leave.

    Every room is visited several times, each time after it was unloaded, and then never again; what
    was written on earlier visits has to be there.

    Attributes:
        lasts_s: for how long.
        at_once: visits at the same time.
        clients: on each visit.
        writers: how many of them write.
        updates: of each writer on each visit.
        updates_per_s: of each writer.
        visits: to each room.
    """

    lasts_s: float = 600.0
    at_once: int = 12
    clients: int = 4
    writers: int = 2
    updates: int = 10
    updates_per_s: float = 10.0
    visits: int = 3
    name: str = "soak"
    goals: tuple[Goal, ...] = (
        Goal("rss_mib_per_min", 0.5),
        Goal("workers_mib_per_min", 0.5),
        Goal("files_per_min", 0.5),
    )

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.lasts_s / 60:g} minutes of churn, {self.at_once} rooms at a time"

    def run(self, stage: Stage) -> Outcome:
        """Let them come and go, and watch what the server keeps."""
        with stage.target(_SETTINGS) as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        churn = _Churn(self, target, stage.seed)
        samples = _Samples(target)
        async with Gauge(target) as gauge:
            watching = asyncio.create_task(samples.take())
            until_s = time.perf_counter() + self.lasts_s
            await asyncio.gather(*(churn.go_on(until_s) for _ in range(self.at_once)))
            watching.cancel()
        figures = {
            "rss_mib_per_min": round(samples.rise_per_s("rss_bytes") * 60 / MIB, 3),
            "workers_mib_per_min": round(samples.rise_per_s("workers_bytes") * 60 / MIB, 3),
            "files_per_min": round(samples.rise_per_s("files") * 60, 3),
            "rss_first_mib": round(samples.taken[0].rss_bytes / MIB, 1),
            "rss_last_mib": round(samples.taken[-1].rss_bytes / MIB, 1),
            "files_first": samples.taken[0].files,
            "files_last": samples.taken[-1].files,
            "visits": churn.visited,
            "rooms": churn.rooms,
            "updates": churn.sent,
        }
        outcome = churn.checks.outcome(figures | gauge.figures())
        outcome.curves["rss_mib"] = [
            (round(each.at_s), each.rss_bytes / MIB) for each in samples.taken
        ]
        return outcome


@dataclass(slots=True)
class _Room:
    """A room between visits: by writer, all that was ever written in it, and when it was left."""

    name: str
    by_writer: dict[int, list[bytes]] = field(default_factory=dict)
    visits: int = 0
    left_s: float = 0.0


class _Churn:
    """Visits, until the time is up.

    Attributes:
        checks: what arrived.
        visited: how many visits there were.
        rooms: how many rooms were made.
        sent: how many updates were written.
    """

    def __init__(self, sizes: Soak, target: Target, seed: int) -> None:
        self.checks = Checks()
        self.visited = self.rooms = self.sent = 0
        self._sizes = sizes
        self._target = target
        self._source = random.Random(seed)
        self._resting: deque[_Room] = deque()

    async def go_on(self, until_s: float) -> None:
        """One visit after the other."""
        while time.perf_counter() < until_s:
            room = self._next_room()
            await self._visit(room)
            room.visits += 1
            room.left_s = time.perf_counter()
            self.visited += 1
            if room.visits < self._sizes.visits:
                self._resting.append(room)

    def _next_room(self) -> _Room:
        """The one that has rested longest, if that is long enough, or else a new one."""
        if self._resting and time.perf_counter() - self._resting[0].left_s > _REST_S:
            return self._resting.popleft()
        self.rooms += 1
        return _Room(f"soak/{self.rooms}")

    async def _visit(self, room: _Room) -> None:
        sizes = self._sizes
        dialect = self._target.dialect(room.name)
        messages = Messages()
        sessions = [Session(dialect, messages) for _ in range(sizes.clients)]
        fresh = [random_client_id(self._source) for _ in range(sizes.writers)]
        for client_id in fresh:
            room.by_writer[client_id] = pasted_updates(
                client_id, sizes.updates, _CLOCKS, self._source
            )
        counts = {client_id: len(updates) for client_id, updates in room.by_writer.items()}
        written = Written(dialect, messages, counts, _CLOCKS)
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(session.join(self._target.port) for session in sessions))
        for at in range(sizes.updates):
            for session, client_id in zip(sessions, fresh, strict=False):
                session.send_update(room.by_writer[client_id][at])
                self.sent += 1
            await asyncio.sleep(1 / sizes.updates_per_s)
        own = [written.of(client_id) for client_id in fresh]
        own += [range(0)] * (sizes.clients - sizes.writers)
        seen = [Seen(session, written, each) for session, each in zip(sessions, own, strict=True)]
        await all_arrived(seen, _WITHIN_S)
        for each in seen:
            self.checks.count(each.expected, each.expected - each.missing)
        lost = sum(not session.is_connected for session in sessions)
        self.checks.fault(f"connections lost in {room.name}", lost)
        await leave_all(sessions)


class _Sample(NamedTuple):
    """One look at the server.

    Attributes:
        at_s: seconds since the first look.
        rss_bytes: of the server's process.
        workers_bytes: of its child processes together.
        files: that its process has open.
    """

    at_s: float
    rss_bytes: int
    workers_bytes: int
    files: int


class _Samples:
    """Memory and open files of the server over time.

    Attributes:
        taken: in order.
    """

    def __init__(self, target: Target) -> None:
        self.taken: list[_Sample] = []
        self._target = target

    async def take(self) -> None:
        """Look once a second, until cancelled."""
        begun_s = time.perf_counter()
        while True:
            process = self._target.process
            at_s = time.perf_counter() - begun_s
            workers = _rss_of_children(process)
            sample = _Sample(at_s, self._target.rss_bytes(), workers, process.num_fds())
            self.taken.append(sample)
            await asyncio.sleep(_SAMPLE_S)

    def rise_per_s(self, name: str) -> float:
        """How fast one of the attributes rises; see :func:`rise`."""
        return rise([(each.at_s, getattr(each, name)) for each in self.taken])


def _rss_of_children(process: psutil.Process) -> int:
    total = 0
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended just now
            total += child.memory_info().rss
    return total


def rise(points: Sequence[tuple[float, float]]) -> float:
    """How much higher the last third lies than the middle one, for each unit between them.

    The first third is the warm-up: what is fetched once and kept, and caches that have a bound, are
    full by then. Medians, because what is in use at the moment goes up and down with each visit.

    Args:
        points: in the order of their first values.

    Returns:
        The difference of the medians over the distance; 0 where there are fewer than three points.
    """
    third = len(points) // 3
    if not third:
        return 0.0
    middle, last = points[-2 * third : -third], points[-third:]
    passed = median(x for x, _ in last) - median(x for x, _ in middle)
    return (median(y for _, y in last) - median(y for _, y in middle)) / passed
