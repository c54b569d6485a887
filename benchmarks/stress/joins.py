"""A class opens a large score at the same moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import uvloop

from benchmarks.figures import Latencies
from benchmarks.stress.documents import fingerprint, score
from benchmarks.stress.neighbours import Quarter, Window, neighbours
from benchmarks.stress.session import Messages, Session, join_at_once, leave_all
from benchmarks.stress.stage import Checks, Gauge, Goal, Outcome, Stage
from benchmarks.stress.uploads import count_of, first_state, settled, upload
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector

_QUARTER: Final = Quarter(rooms=10, clients=2, updates_per_s=20)
_WITHIN_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class JoinStorm:
    """All join one room at once, while neighbours work.

    Attributes:
        clients: who join.
        document_bytes: of the room's document, about.
        quarter: the neighbours.
        quiet_s: how long neighbours are watched beforehand.
    """

    clients: int = 150
    document_bytes: int = 4_000_000
    quarter: Quarter = _QUARTER
    quiet_s: float = 3.0
    name: str = "join-storm"
    goals: tuple[Goal, ...] = (
        Goal("synced_p50_ms", 500.0),
        Goal("synced_p95_ms", 1000.0),
        Goal("neighbours_p99_ms", 50.0),
    )

    @property
    def title(self) -> str:
        """For people."""
        megabytes = self.document_bytes / 1e6
        return f"{self.clients} clients join a room with {megabytes:g} MB at once"

    def run(self, stage: Stage) -> Outcome:
        """Bring the document, let neighbours work, and let everybody in."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        dialect = target.dialect("storm")
        document = score(self.document_bytes, stage.seed)
        uploader = await upload(target, dialect, document)
        await settled(target)
        messages = Messages()
        sessions = [Session(dialect, messages) for _ in range(self.clients)]
        with neighbours(target, self.quarter, stage.seed) as others:
            quiet = await others.watch(self.quiet_s)
            await others.mark()
            async with Gauge(target) as gauge:
                with no_collector():
                    begun_s = time.perf_counter()
                    synced_s = await join_at_once(sessions, target.port, _WITHIN_S)
                    last_s = time.perf_counter() - begun_s
            noticed = await others.report()
        checks = _checks(sessions, messages, document, noticed)
        await leave_all([uploader, *sessions])
        synced = Latencies.of([at_s - begun_s for at_s in synced_s])
        return checks.outcome(
            {
                "synced_p50_ms": synced.p50_ms,
                "synced_p95_ms": synced.p95_ms,
                "synced_max_ms": synced.max_ms,
                "all_done_s": round(last_s, 3),
                "neighbours_p50_ms": noticed.edit.p50_ms,
                "neighbours_p99_ms": noticed.edit.p99_ms,
                "neighbours_max_ms": noticed.edit.max_ms,
                "neighbours_quiet_p99_ms": quiet.edit.p99_ms,
                "neighbours_late_p99_ms": noticed.late_p99_ms,
                "document_mb": round(len(document) / 1e6, 2),
            }
            | gauge.figures()
        )


def _checks(
    sessions: list[Session], messages: Messages, document: bytes, noticed: Window
) -> Checks:
    checks = Checks()
    states = [first_state(session, messages) for session in sessions]
    checks.count(len(sessions), count_of(fingerprint(document), states))
    noticed.count_in(checks)
    return checks
