"""Some have stopped reading: the others go on, and memory stays within bounds."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from dataclasses import dataclass, field
from typing import Final

import uvloop

from benchmarks.edits import random_client_id
from benchmarks.figures import Latencies
from benchmarks.stress.arrivals import Seen, Written, all_arrived
from benchmarks.stress.documents import pasted_updates
from benchmarks.stress.session import Messages, Session, join_all, leave_all
from benchmarks.stress.stage import MIB, Checks, Gauge, Goal, Outcome, Stage
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector, sleep_until
from benchmarks.wires import Dialect
from collab.protocol.close_codes import is_terminal

_RECEIVE_BYTES: Final = 32 * 1024  # what a slow client's own system takes for it
_CONVERGED_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class SlowReaders:
    """In one room some stop reading; half of them only for a while.

    Attributes:
        clients: in the room.
        stalled: how many of them stop reading.
        updates_per_s: of all writers together.
        update_bytes: of text in each update.
        writers: who of the others write.
        calm_s: before anybody stops reading.
        brief_s: for how long half of them do not read.
        long_s: for how long the other half does not.
    """

    clients: int = 100
    stalled: int = 20
    updates_per_s: float = 500.0
    update_bytes: int = 1000
    writers: int = 5
    calm_s: float = 3.0
    brief_s: float = 5.0
    long_s: float = 14.0
    name: str = "slow-20-of-100"
    goals: tuple[Goal, ...] = (Goal("healthy_p99_ratio", 2.0), Goal("healthy_p99_ms", 50.0))

    @property
    def title(self) -> str:
        """For people."""
        return (
            f"{self.stalled} of {self.clients:,} clients stop reading,"
            f" {self.updates_per_s:g} updates/s of {self.update_bytes:,} bytes"
        )

    def run(self, stage: Stage) -> Outcome:
        """Write all the time, stop reading here and there, and read on."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        scene = _Scene.of(self, target.dialect("slow"), stage.seed)
        await join_all(scene.sessions, target.port)
        with no_collector():
            async with Gauge(target) as gauge:
                writing = asyncio.create_task(scene.write(self.updates_per_s))
                await asyncio.sleep(self.calm_s)
                stalled_s = time.perf_counter()
                before_bytes = target.rss_bytes()
                closed = await self._stall(scene.stalled, target)
                late_s = await writing
                end_s = time.perf_counter()
            _resume(scene.stalled)
            await all_arrived(scene.seen, _CONVERGED_WITHIN_S)
        checks = await scene.check(target)
        calm = scene.healthy_latencies(0.0, stalled_s)
        healthy = scene.healthy_latencies(stalled_s, end_s)
        await leave_all(scene.everybody)
        return checks.outcome(
            {
                "healthy_p50_ms": healthy.p50_ms,
                "healthy_p95_ms": healthy.p95_ms,
                "healthy_p99_ms": healthy.p99_ms,
                "calm_p99_ms": calm.p99_ms,
                "healthy_p99_ratio": round(healthy.p99_ms / max(calm.p99_ms, 0.001), 2),
                "rss_growth_mib": round((gauge.peak_bytes - before_bytes) / MIB, 1),
                "closed_while_stalled": closed,
                "resumed_in_place": scene.resumed,
                "came_back": scene.came_back,
                "late_p99_ms": Latencies.of(late_s).p99_ms,
            }
            | gauge.figures()
        )

    async def _stall(self, stalled: list[Session], target: Target) -> float:
        """Stop and go on reading as planned; returns how many the server has closed meanwhile."""
        for session in stalled:
            transport = session.socket.transport
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES
            )
            transport.pause_reading()
        await asyncio.sleep(self.brief_s)
        _resume(stalled[: len(stalled) // 2])
        await asyncio.sleep(self.long_s - self.brief_s)
        metrics = await target.metrics()
        return max(0.0, self.clients - metrics.get("sessions", self.clients))


@dataclass(slots=True)
class _Scene:
    """Everybody in the room."""

    dialect: Dialect
    messages: Messages
    sessions: list[Session]
    stalled: list[Session]
    written: Written
    updates: list[tuple[Session, int, bytes]]
    seen: list[Seen]
    resumed: int = 0
    came_back: int = 0
    everybody: list[Session] = field(default_factory=list)

    @classmethod
    def of(cls, sizes: SlowReaders, dialect: Dialect, seed: int) -> _Scene:
        source = random.Random(seed)
        messages = Messages()
        sessions = [Session(dialect, messages) for _ in range(sizes.clients)]
        lasts_s = sizes.calm_s + sizes.long_s
        each = max(1, int(sizes.updates_per_s * lasts_s / sizes.writers))
        by_writer = {
            client_id: pasted_updates(client_id, each, sizes.update_bytes, source)
            for client_id in (random_client_id(source) for _ in range(sizes.writers))
        }
        counts = {client_id: len(updates) for client_id, updates in by_writer.items()}
        written = Written(dialect, messages, counts, sizes.update_bytes)
        updates = [
            (session, number, update)
            for session, (client_id, own) in zip(sessions, by_writer.items(), strict=False)
            for number, update in zip(written.of(client_id), own, strict=True)
        ]
        updates.sort(key=lambda item: item[1] % each)
        own = [written.of(client_id) for client_id in by_writer]
        own += [range(0)] * (len(sessions) - len(own))
        seen = [Seen(session, written, each) for session, each in zip(sessions, own, strict=True)]
        stalled = sessions[len(sessions) - sizes.stalled :]
        return cls(dialect, messages, sessions, stalled, written, updates, seen, 0, 0, [*sessions])

    async def write(self, updates_per_s: float) -> list[float]:
        """Write by the plan; returns how late each was, in seconds."""
        begun_s = time.perf_counter()
        late_s = []
        for at, (session, number, update) in enumerate(self.updates):
            due_s = begun_s + at / updates_per_s
            await sleep_until(due_s)
            self.written.sent_s[number] = now_s = time.perf_counter()
            session.send_update(update)
            late_s.append(now_s - due_s)
        return late_s

    def healthy_latencies(self, begin_s: float, end_s: float) -> Latencies:
        """Of all that did not stop reading."""
        healthy = self.seen[: len(self.seen) - len(self.stalled)]
        return Latencies.of([each for seen in healthy for each in seen.latencies_s(begin_s, end_s)])

    async def check(self, target: Target) -> Checks:
        """Everybody has everything, in place or after having come back."""
        checks = Checks()
        for seen in self.seen:
            session = seen.session
            slow = session in self.stalled
            if slow and not session.is_connected:
                code = session.socket.closed.result()
                is_final = code is not None and is_terminal(code)
                checks.fault(f"a slow client was closed for good: {code}", is_final)
                seen = await self._come_back(target)  # noqa: PLW2901 - the same person, back again
                self.came_back += 1
            elif slow:
                self.resumed += not seen.missing
            else:
                lost = not session.is_connected
                code = session.socket.closed.result() if lost else None
                checks.fault(f"a healthy client was closed: {code}", lost)
            expected = seen.expected
            checks.count(expected, expected - seen.missing)
        return checks

    async def _come_back(self, target: Target) -> Seen:
        session = Session(self.dialect, self.messages)
        self.everybody.append(session)
        await session.join(target.port)
        seen = Seen(session, self.written)
        await all_arrived([seen], _CONVERGED_WITHIN_S)
        return seen


def _resume(sessions: list[Session]) -> None:
    for session in sessions:
        session.socket.transport.resume_reading()
