"""One room gone wild, and what the others notice of it."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

import uvloop

from benchmarks.edits import random_client_id
from benchmarks.figures import Spread
from benchmarks.loads import Load, Pace, Run, run_load
from benchmarks.stress.documents import fingerprint, notes_at_once
from benchmarks.stress.neighbours import Quarter, Window, neighbours
from benchmarks.stress.session import Messages, Session, join_all, leave_all
from benchmarks.stress.stage import Checks, Gauge, Goal, Outcome, Stage
from benchmarks.stress.uploads import download
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector, sleep_until
from benchmarks.wires import Dialect

_GOALS: Final = (Goal("others_p99_ms", 10.0), Goal("others_p99_ratio", 2.0))
_QUARTER: Final = Quarter(rooms=20, clients=3, updates_per_s=10)
_CONVERGED_WITHIN_S: Final = 20.0
_LOOK_AGAIN_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Flood:
    """Some clients of one room write as fast as thousands, while neighbours work.

    The neighbours are watched without and with the flood in turns.

    Attributes:
        clients: in the flooded room.
        writers: how many of them write.
        updates_per_s: of all writers together.
        window_s: length of each window.
        turns: pairs of windows.
        quarter: the neighbours.
    """

    clients: int = 10
    writers: int = 4
    updates_per_s: float = 2000.0
    window_s: float = 4.0
    turns: int = 2
    quarter: Quarter = _QUARTER
    name: str = "flood"
    goals: tuple[Goal, ...] = _GOALS

    @property
    def title(self) -> str:
        """For people."""
        return (
            f"one room of {self.clients} flooded with {self.updates_per_s:g} updates/s,"
            f" {self.quarter.rooms} rooms work"
        )

    def run(self, stage: Stage) -> Outcome:
        """Watch the neighbours, with and without."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        pace = Pace(warm_up_s=self.window_s / 4, measured_s=self.window_s * 3 / 4)
        checks = Checks()
        quiet: list[Window] = []
        loud: list[Window] = []
        runs: list[Run] = []
        with neighbours(target, self.quarter, stage.seed) as others:
            async with Gauge(target) as gauge:
                for turn in range(self.turns):
                    quiet.append(await others.watch(self.window_s))
                    await others.mark()
                    load, seed = self._load(turn), stage.seed + turn
                    runs.append(await run_load(load, target, pace, seed))
                    loud.append(await others.report())
        for run in runs:
            _count(checks, run)
        loud[-1].count_in(checks)
        flooded = {
            "flood_p99_ms": Spread.of(run.edit.p99_ms for run in runs).median,
            "flood_server_busy": Spread.of(run.server_busy for run in runs).median,
        }
        return checks.outcome(_figures(quiet, loud) | flooded | gauge.figures())

    def _load(self, turn: int) -> Load:
        each = self.updates_per_s / self.writers
        return Load(f"flood-{turn}", self.title, 1, self.clients, self.writers, each)


@dataclass(frozen=True, slots=True)
class Heavy:
    """Some clients of one room paste whole pages all the time, while neighbours work.

    Attributes:
        clients: in the room.
        writers: how many of them paste.
        updates_per_s: of all writers together.
        notes: in each update; two structs each.
        window_s: length of each window.
        quarter: the neighbours.
    """

    clients: int = 10
    writers: int = 4
    updates_per_s: float = 20.0
    notes: int = 600
    window_s: float = 5.0
    quarter: Quarter = _QUARTER
    name: str = "flood-heavy"
    goals: tuple[Goal, ...] = _GOALS

    @property
    def title(self) -> str:
        """For people."""
        return (
            f"one room of {self.clients} gets {self.updates_per_s:g} updates/s of"
            f" {2 * self.notes:,} structs, {self.quarter.rooms} rooms work"
        )

    def run(self, stage: Stage) -> Outcome:
        """Watch the neighbours, with and without."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        source = random.Random(stage.seed)
        dialect = target.dialect("heavy")
        each = max(1, int(self.updates_per_s * self.window_s / self.writers))
        written = [
            notes_at_once(random_client_id(source), each, self.notes, source)
            for _ in range(self.writers)
        ]
        sessions = [Session(dialect, Messages()) for _ in range(self.clients)]
        await join_all(sessions, target.port)
        with neighbours(target, self.quarter, stage.seed) as others:
            quiet = await others.watch(self.window_s)
            await others.mark()
            async with Gauge(target) as gauge:
                with no_collector():
                    await self._paste(sessions, written)
            loud = await others.report()
        checks = Checks()
        expected = fingerprint(*(update for updates in written for update in updates))
        checks.count(1, await _converged(target, dialect, expected))
        checks.fault("connections lost", sum(not each.is_connected for each in sessions))
        loud.count_in(checks)
        await leave_all(sessions)
        size = sum(len(update) for updates in written for update in updates)
        figures = {"pasted_mb_per_s": round(size / self.window_s / 1e6, 2)}
        return checks.outcome(_figures([quiet], [loud]) | figures | gauge.figures())

    async def _paste(self, sessions: list[Session], written: list[list[bytes]]) -> None:
        pause_s = 1 / self.updates_per_s
        due_s = time.perf_counter()
        for at in range(len(written[0])):
            for session, updates in zip(sessions, written, strict=False):
                await sleep_until(due_s)
                session.send_update(updates[at])
                due_s += pause_s


async def _converged(target: Target, dialect: Dialect, expected: str) -> bool:
    """Whether somebody who joins gets all that was written, within a while."""
    give_up_s = time.perf_counter() + _CONVERGED_WITHIN_S
    while fingerprint(await download(target, dialect)) != expected:
        if time.perf_counter() > give_up_s:
            return False
        await asyncio.sleep(_LOOK_AGAIN_S)
    return True


def _count(checks: Checks, run: Run) -> None:
    checks.count(run.expected + run.sent, run.delivered + run.acknowledged)
    checks.fault("faults in the flooded room", run.faults)


def _figures(quiet: list[Window], loud: list[Window]) -> dict[str, float]:
    quiet_p99 = Spread.of(window.edit.p99_ms for window in quiet).median
    loud_p99 = Spread.of(window.edit.p99_ms for window in loud).median
    return {
        "others_p50_ms": Spread.of(window.edit.p50_ms for window in loud).median,
        "others_p99_ms": loud_p99,
        "others_max_ms": max(window.edit.max_ms for window in loud),
        "others_saved_p99_ms": Spread.of(window.saved.p99_ms for window in loud).median,
        "quiet_p50_ms": Spread.of(window.edit.p50_ms for window in quiet).median,
        "quiet_p99_ms": quiet_p99,
        "others_p99_ratio": round(loud_p99 / max(quiet_p99, 0.001), 2),
        "others_late_p99_ms": max(window.late_p99_ms for window in loud),
    }
