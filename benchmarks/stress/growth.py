"""What one delivered message costs as rooms, their number and their documents grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import uvloop

from benchmarks.loads import Load, Pace, Run, run_load
from benchmarks.stress.documents import score
from benchmarks.stress.stage import Checks, Goal, Outcome, Stage
from benchmarks.stress.uploads import settled, upload

_SMALLEST_DOCUMENT: Final = Load("growth-document", "", 1, 20, 2, 25)


@dataclass(frozen=True, slots=True)
class Growth:
    """The same writing in ever larger surroundings, one thing growing at a time.

    Attributes:
        room_clients: sizes of one room; two write 10 updates/s each.
        rooms: numbers of rooms of 5; 500 updates/s in all of them together.
        document_bytes: sizes of the document of a room of 20; two write 25 updates/s each.
        pace: of each point.
    """

    room_clients: tuple[int, ...] = (5, 25, 50, 100, 200, 400)
    rooms: tuple[int, ...] = (10, 30, 100, 300, 1000)
    document_bytes: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    pace: Pace = Pace(warm_up_s=0.5, measured_s=2.0)  # noqa: RUF009 - frozen
    name: str = "growth"
    goals: tuple[Goal, ...] = ()

    @property
    def title(self) -> str:
        """For people."""
        return "cost for each delivered message as rooms, their number and documents grow"

    def run(self, stage: Stage) -> Outcome:
        """One point after the other, each on a fresh server."""
        checks = Checks()
        figures: dict[str, float] = {}
        curves: dict[str, list[tuple[float, ...]]] = {}
        for curve, size, load in self._points():
            run = self._measure(stage, load, size if curve == "document_bytes" else 0)
            checks.count(run.expected + run.sent, run.delivered + run.acknowledged)
            checks.fault(f"faults with {curve} {size}", run.faults)
            point = (size, run.server_cpu_us, run.edit.p50_ms, run.edit.p99_ms, run.others_busy)
            curves.setdefault(curve, []).append(point)
            figures[f"{curve}_{size}_cpu_us"] = run.server_cpu_us
        for curve, points in curves.items():
            figures[f"{curve}_last_to_first_ratio"] = round(points[-1][1] / points[0][1], 2)
        outcome = checks.outcome(figures)
        outcome.curves.update(curves)
        return outcome

    def _points(self) -> Iterator[tuple[str, int, Load]]:
        for clients in self.room_clients:
            yield "room_clients", clients, Load(f"growth-room-{clients}", "", 1, clients, 2, 10)
        for rooms in self.rooms:
            each = 500 / rooms
            yield "rooms", rooms, Load(f"growth-rooms-{rooms}", "", rooms, 5, 1, each)
        for size in self.document_bytes:
            load = replace(_SMALLEST_DOCUMENT, name=f"growth-document-{size}")
            yield "document_bytes", size, load

    def _measure(self, stage: Stage, load: Load, document_bytes: int) -> Run:
        async def measure() -> Run:
            if not document_bytes:
                return await run_load(load, target, self.pace, stage.seed)
            dialect = target.dialect(f"bench/{load.name}-{stage.seed}/0")
            uploader = await upload(target, dialect, score(document_bytes, stage.seed))
            await settled(target)
            run = await run_load(load, target, self.pace, stage.seed)
            await uploader.leave()
            return run

        with stage.target() as target:
            return uvloop.run(measure())
