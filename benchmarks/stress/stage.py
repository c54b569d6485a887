"""What a workload is: what it needs, what it promises, and what one run of it showed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import psutil

from benchmarks.machine import Cores, busy_s
from benchmarks.systems import BANDPRO_HOCUSPOCUS, BANDPRO_MEMORY, System
from benchmarks.targets import Target, bandpro
from benchmarks.wires import Wire

_SAMPLE_S: Final = 0.05
_CHILDREN_EVERY: Final = 10
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on one figure.

    Attributes:
        figure: its name among the figures of the outcome.
        at_most: the bound, in the unit of the figure.
    """

    figure: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run showed.

    Attributes:
        figures: by name, the unit last in the name.
        expected: how many things had to arrive.
        arrived: how many of them did, each found by its content.
        faults: refusals, connections lost, and contents that were not as they should be.
        remarks: what else has to be said.
        curves: points for plots, by name; what grows comes first.
    """

    figures: dict[str, float]
    expected: int
    arrived: int
    faults: int = 0
    remarks: tuple[str, ...] = ()
    curves: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all that had to arrive did, and nothing went wrong."""
        return self.arrived == self.expected and not self.faults


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a workload is run.

    Attributes:
        system: what is put under stress.
        cores: who runs where.
        folder: in which data folders are made; None for the temporary folder.
        seed: everything that is drawn comes from it.
    """

    system: System
    cores: Cores
    folder: Path | None
    seed: int

    def target(self, settings: Mapping[str, str] | None = None) -> AbstractContextManager[Target]:
        """A fresh server for the time of a `with` block.

        Args:
            settings: options of `bandpro serve`; others are started as they are.
        """
        if not self.system.is_ours:
            return self.system.start(self.cores, self.folder)
        wire = Wire.HOCUSPOCUS if self.system is BANDPRO_HOCUSPOCUS else Wire.Y_WEBSOCKET
        store = {"store": "memory"} if self.system is BANDPRO_MEMORY else {}
        return bandpro(self.cores, self.folder, store | dict(settings or {}), wire=wire)


class Workload(Protocol):
    """One kind of stress, of one size."""

    @property
    def name(self) -> str:
        """Short, for the command line and the results."""

    @property
    def title(self) -> str:
        """For people, with its sizes."""

    @property
    def goals(self) -> tuple[Goal, ...]:
        """What it is held to."""

    def run(self, stage: Stage) -> Outcome:
        """Start a server, put it under this stress, stop it."""


@dataclass(slots=True)
class Gauge:
    """Memory and processor time of a server over a while: `async with Gauge(target) as gauge`.

    Attributes:
        target: the server.
        before_bytes: its resident memory at the start.
        peak_bytes: the highest that was seen.
        children_peak_bytes: the highest of its child processes together.
        busy: share of one core that it used, children included.
        generator_busy: share of one core that this process used.
        others_busy: processor time of all other processes, in cores.
    """

    target: Target
    before_bytes: int = 0
    peak_bytes: int = 0
    children_peak_bytes: int = 0
    busy: float = 0.0
    generator_busy: float = 0.0
    others_busy: float = 0.0
    _begun: tuple[float, ...] = ()
    _sampling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.before_bytes = self.peak_bytes = self.target.rss_bytes()
        self._begun = self._clocks()
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._sampling is not None
        self._sampling.cancel()
        self.peak_bytes = max(self.peak_bytes, self.target.rss_bytes())
        passed = [end - begin for begin, end in zip(self._begun, self._clocks(), strict=True)]
        wall_s, server_s, own_s, all_s = passed
        self.busy = round(server_s / wall_s, 3)
        self.generator_busy = round(own_s / wall_s, 3)
        self.others_busy = round(max(0.0, all_s - server_s - own_s) / wall_s, 3)

    def figures(self) -> dict[str, float]:
        """What every outcome says."""
        return {
            "server_busy": self.busy,
            "generator_busy": self.generator_busy,
            "others_busy": self.others_busy,
            "rss_before_mib": round(self.before_bytes / MIB, 1),
            "rss_peak_mib": round(self.peak_bytes / MIB, 1),
            "children_peak_mib": round(self.children_peak_bytes / MIB, 1),
        }

    def _clocks(self) -> tuple[float, ...]:
        return time.perf_counter(), self.target.cpu_s(), time.process_time(), busy_s()

    async def _sample(self) -> None:
        number = 0
        while True:
            with suppress(psutil.NoSuchProcess):
                self.peak_bytes = max(self.peak_bytes, self.target.rss_bytes())
                if number % _CHILDREN_EVERY == 0:
                    children = self.target.process.children(recursive=True)
                    total = sum(child.memory_info().rss for child in children)
                    self.children_peak_bytes = max(self.children_peak_bytes, total)
            number += 1
            await asyncio.sleep(_SAMPLE_S)


@dataclass(slots=True)
class Checks:
    """Counts what had to arrive, for an outcome.

    Attributes:
        expected: things that had to arrive.
        arrived: those that did.
        faults: what went wrong.
        remarks: what, in words.
    """

    expected: int = 0
    arrived: int = 0
    faults: int = 0
    remarks: list[str] = field(default_factory=list)

    def count(self, expected: int, arrived: int) -> None:
        """So many had to arrive, and so many did."""
        self.expected += expected
        self.arrived += arrived

    def fault(self, remark: str, count: int = 1) -> None:
        """Something went wrong; nothing did when the count is 0."""
        if count:
            self.faults += count
            self.remarks.append(remark)

    def outcome(self, figures: dict[str, float]) -> Outcome:
        """What the run showed."""
        return Outcome(figures, self.expected, self.arrived, self.faults, tuple(self.remarks))
