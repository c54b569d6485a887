"""Everything that `make bench` measures, in the order in which it is measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.ceiling import Ceiling, find_ceiling
from benchmarks.loads import (
    BIG_ROOM,
    MANY_ROOMS,
    SAVED_LOADS,
    THROUGHPUT_LOADS,
    Load,
    Pace,
    Run,
    run_load,
)
from benchmarks.machine import Cores, Patience
from benchmarks.memory import (
    KEEP_ROOMS,
    ConnectionCost,
    RoomCost,
    Sizes,
    measure_connections,
    measure_rooms,
)
from benchmarks.peers.start import c_relay
from benchmarks.targets import Target, bandpro
from benchmarks.wires import Wire

FLOORS = (BIG_ROOM, MANY_ROOMS)
"""Loads that the relay is put under as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """One load over one wire; with `relayed` against the relay instead of the server."""

    load: Load
    wire: Wire
    relayed: bool = False

    @property
    def name(self) -> str:
        """For the results."""
        return f"{self.load.name}/{'relay' if self.relayed else self.wire.value}"


def all_cases() -> tuple[Case, ...]:
    """Every load over both wires, and the floor under some of them."""
    served = tuple(Case(load, wire) for load in (*THROUGHPUT_LOADS, *SAVED_LOADS) for wire in Wire)
    return served + tuple(Case(load, Wire.Y_WEBSOCKET, relayed=True) for load in FLOORS)


@dataclass(slots=True)
class Findings:
    """What was measured, each as often as it was repeated."""

    ceiling: Ceiling | None = None
    runs: dict[Case, list[Run]] = field(default_factory=dict)
    connections: dict[Wire, list[ConnectionCost]] = field(default_factory=dict)
    rooms: list[RoomCost] = field(default_factory=list)

    @property
    def all_runs(self) -> list[Run]:
        """All runs of all cases."""
        return [run for runs in self.runs.values() for run in runs]


@dataclass(frozen=True, slots=True)
class Suite:
    """How the measurements are made.

    Attributes:
        cores: who runs where.
        folder: where the servers' data folders are made; None for the temporary folder.
        pace: of each run.
        repeats: how often everything is measured.
        patience: how long to wait for a quiet machine.
        sizes: of the memory measurements.
    """

    cores: Cores
    folder: Path | None
    pace: Pace
    repeats: int
    patience: Patience = field(default_factory=lambda: Patience(0))
    sizes: Sizes = field(default_factory=Sizes)

    def measure(self, findings: Findings, cases: tuple[Case, ...]) -> Iterator[str]:
        """Fill in the findings, saying after each step what it was.

        One round after the other, so that a noisy minute does not fall on one case alone; a fresh
        server process and data folder for every run.
        """
        for number in range(self.repeats):
            for case in cases:
                run = self._undisturbed_run(case, seed=number)
                findings.runs.setdefault(case, []).append(run)
                yield f"{number + 1}/{self.repeats} {case.name}: {_in_short(run)}"

    def measure_memory(self, findings: Findings) -> Iterator[str]:
        """Fill in what idle connections and rooms cost, saying after each step what it was."""
        for number in range(self.repeats):
            for wire in Wire:
                with bandpro(self.cores, self.folder) as target:
                    cost = uvloop.run(measure_connections(target, wire, self.sizes))
                findings.connections.setdefault(wire, []).append(cost)
                yield f"{number + 1}/{self.repeats} idle/{wire.value}: {cost.kib} KiB a connection"
            with bandpro(self.cores, self.folder, KEEP_ROOMS) as target:
                room = uvloop.run(measure_rooms(target, self.sizes, seed=number))
            findings.rooms.append(room)
            yield f"{number + 1}/{self.repeats} idle/rooms: {room.kib} KiB a room"

    def measure_generator(self, findings: Findings) -> Iterator[str]:
        """Fill in what the generator can take."""
        self.patience.await_quiet()
        ceiling = findings.ceiling = find_ceiling(self.cores)
        found = f"{ceiling.deliveries_per_s:,.0f} deliveries/s" if ceiling else "not found"
        yield f"generator: {found}"

    def _undisturbed_run(self, case: Case, seed: int) -> Run:
        while True:
            self.patience.await_quiet()
            begun_s = time.monotonic()
            run = self._run(case, seed)
            if not self.patience.repeats(run.others_busy, time.monotonic() - begun_s):
                return run

    def _run(self, case: Case, seed: int) -> Run:
        with self._start(case) as target:
            return uvloop.run(run_load(case.load, target, self.pace, seed))

    def _start(self, case: Case) -> AbstractContextManager[Target]:
        if case.relayed:
            return c_relay(self.cores, self.folder)
        return bandpro(self.cores, self.folder, wire=case.wire)


def _in_short(run: Run) -> str:
    whole = "complete" if run.is_complete else "INCOMPLETE"
    return (
        f"edit {run.edit.p50_ms:.2f}/{run.edit.p99_ms:.2f} ms,"
        f" saved {run.saved.p50_ms:.2f}/{run.saved.p99_ms:.2f} ms (p50/p99),"
        f" {run.server_cpu_us:.0f} us a delivery, {whole}"
    )
