"""A large score is opened that nobody has had open, while others work."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import uvloop

from benchmarks.figures import Latencies
from benchmarks.stress.documents import fingerprint, score
from benchmarks.stress.neighbours import Quarter, neighbours
from benchmarks.stress.session import Messages, Session
from benchmarks.stress.stage import Checks, Gauge, Goal, Outcome, Stage
from benchmarks.stress.uploads import count_of, first_state, settled, upload
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector
from benchmarks.wires import Dialect

_QUARTER: Final = Quarter(rooms=5, clients=2, updates_per_s=40)
_UNLOADED_WITHIN_S: Final = 30.0
_COUNTED_EVERY_S: Final = 1.0  # how old the server's number of rooms may be
_LOOK_AGAIN_S: Final = 0.1
_SETTINGS: Final = {"unload-after-ms": "300"}


@dataclass(frozen=True, slots=True)
class ColdOpen:
    """Somebody joins a room that has to be read from disk, again and again.

    Attributes:
        document_bytes: of the room's document, about.
        opens: how often it is opened cold.
        quarter: the neighbours.
        quiet_s: how long they are watched beforehand.
    """

    document_bytes: int = 10_000_000
    opens: int = 3
    quarter: Quarter = _QUARTER
    quiet_s: float = 3.0
    name: str = "cold-open"
    goals: tuple[Goal, ...] = (Goal("open_max_ms", 1500.0), Goal("neighbours_max_ms", 50.0))

    @property
    def title(self) -> str:
        """For people."""
        return f"a room with {self.document_bytes / 1e6:g} MB is opened cold"

    def run(self, stage: Stage) -> Outcome:
        """Bring the document, let the room be unloaded, and open it."""
        with stage.target(_SETTINGS) as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        dialect = target.dialect("cold")
        document = score(self.document_bytes, stage.seed)
        await (await upload(target, dialect, document)).leave()
        await settled(target)
        await _until_rooms(target, 0)
        opened_s: list[float] = []
        states: list[bytes] = []
        with neighbours(target, self.quarter, stage.seed) as others:
            quiet = await others.watch(self.quiet_s)
            loads = await _loads(target)
            async with Gauge(target) as gauge:
                await others.mark()
                for _ in range(self.opens):
                    with no_collector():
                        took_s, state = await _open(target, dialect)
                    opened_s.append(took_s)
                    states.append(state)
                    await _until_rooms(target, self.quarter.rooms)
                noticed = await others.report()
        checks = Checks()
        checks.fault("not every open was cold", await _loads(target) - loads != self.opens)
        checks.count(self.opens, count_of(fingerprint(document), states))
        noticed.count_in(checks)
        opened = Latencies.of(opened_s)
        return checks.outcome(
            {
                "open_p50_ms": opened.p50_ms,
                "open_max_ms": opened.max_ms,
                "neighbours_p50_ms": noticed.edit.p50_ms,
                "neighbours_p99_ms": noticed.edit.p99_ms,
                "neighbours_max_ms": noticed.edit.max_ms,
                "neighbours_quiet_p99_ms": quiet.edit.p99_ms,
                "neighbours_quiet_max_ms": quiet.edit.max_ms,
                "neighbours_late_p99_ms": noticed.late_p99_ms,
                "document_mb": round(len(document) / 1e6, 2),
            }
            | gauge.figures()
        )


async def _open(target: Target, dialect: Dialect) -> tuple[float, bytes]:
    messages = Messages()
    session = Session(dialect, messages)
    begun_s = time.perf_counter()
    synced_s = await session.join(target.port)
    await session.leave()
    return synced_s - begun_s, first_state(session, messages)


async def _loads(target: Target) -> int:
    """How many rooms the server has loaded so far."""
    return int((await target.metrics())["room_load_seconds_count"])


async def _until_rooms(target: Target, count: int) -> None:
    """Wait until the server has only so many rooms loaded.

    Raises:
        TimeoutError: it kept more.
    """
    await asyncio.sleep(_COUNTED_EVERY_S)
    async with asyncio.timeout(_UNLOADED_WITHIN_S):
        while (await target.metrics())["rooms"] > count:  # noqa: ASYNC110 - it says so only when asked
            await asyncio.sleep(_LOOK_AGAIN_S)
