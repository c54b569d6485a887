"""Everything that `python -m benchmarks` measures, in the order in which it is measured."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from traceback import format_exception_only

import uvloop

from benchmarks.ladder import RATES, Ladder, climb
from benchmarks.loads import SAVED_LOADS, THROUGHPUT_LOADS, Load, Pace, Run, run_load
from benchmarks.machine import Cores, Patience
from benchmarks.processes import TargetFailed
from benchmarks.systems import BANDPRO, BANDPRO_HOCUSPOCUS, SYSTEMS, System

LADDER = "ladder"
"""How the ladder is called on the command line, `ladder/relay` for one system."""


@dataclass(frozen=True, slots=True)
class Case:
    """One load on one system."""

    load: Load
    system: System

    @property
    def name(self) -> str:
        """For the command line."""
        return f"{self.load.name}/{self.system.name}"


def all_cases() -> tuple[Case, ...]:
    """Every load that all systems carry, and what is to be saved by those who save."""
    carried = tuple(Case(load, system) for load in THROUGHPUT_LOADS for system in SYSTEMS)
    savers = (BANDPRO, BANDPRO_HOCUSPOCUS)
    return carried + tuple(Case(load, system) for load in SAVED_LOADS for system in savers)


@dataclass(slots=True)
class Findings:
    """What was measured, each as often as it was repeated.

    Attributes:
        runs: of each load on each system.
        ladders: of each system.
        failures: what was said of runs that did not come to their end.
        rounds: how many were made to their end.
    """

    runs: dict[Case, list[Run]] = field(default_factory=dict)
    ladders: dict[System, list[Ladder]] = field(default_factory=dict)
    failures: dict[Case, list[str]] = field(default_factory=dict)
    rounds: int = 0

    @property
    def incomplete(self) -> list[str]:
        """Cases of ours that failed, or in which not everything arrived or was acknowledged."""
        lacking = {
            case for case, runs in self.runs.items() if not all(run.is_complete for run in runs)
        }
        return [case.name for case in lacking | set(self.failures) if case.system.is_ours]


@dataclass(frozen=True, slots=True)
class Suite:
    """How the measurements are made.

    Attributes:
        cores: who runs where.
        folder: where the servers' data folders are made; None for the temporary folder.
        pace: of each run.
        repeats: how often everything is measured.
        patience: how long to wait for a quiet machine.
        rates: of the ladder.
    """

    cores: Cores
    folder: Path | None
    pace: Pace
    repeats: int
    patience: Patience = field(default_factory=lambda: Patience(0))
    rates: Sequence[int] = RATES

    def measure_round(
        self, findings: Findings, cases: Sequence[Case], climbers: Sequence[System] = ()
    ) -> Iterator[str]:
        """Measure everything once more, saying after each step what it was.

        Every system in turn under the same load, so that a noisy minute does not fall on one
        alone; a fresh process for every run.

        Args:
            findings: where it is filled in.
            cases: loads on systems.
            climbers: systems of which is found out how much they take.
        """
        at = f"{findings.rounds + 1}/{self.repeats}"
        for case in cases:
            yield f"{at} {case.name}: {self._measure_case(findings, case)}"
        for system in climbers:
            self.patience.await_quiet()
            ladder = climb(system, self.cores, self.folder, self.rates)
            findings.ladders.setdefault(system, []).append(ladder)
            yield f"{at} {LADDER}/{system.name}: {ladder.saturation_per_s:,.0f} deliveries/s"
        findings.rounds += 1

    def _measure_case(self, findings: Findings, case: Case) -> str:
        """A server that falls over is a finding too, and no reason not to measure the others."""
        try:
            run = self._undisturbed_run(case, seed=findings.rounds)
        except (ConnectionError, TimeoutError, TargetFailed) as error:
            said = "".join(format_exception_only(error)).strip()
            findings.failures.setdefault(case, []).append(said)
            return f"FAILED: {error!r}"
        findings.runs.setdefault(case, []).append(run)
        return _in_short(run)

    def _undisturbed_run(self, case: Case, seed: int) -> Run:
        while True:
            self.patience.await_quiet()
            begun_s = time.monotonic()
            run = measure_once(case, self.cores, self.folder, self.pace, seed)
            if not self.patience.repeats(run.others_busy, time.monotonic() - begun_s):
                return run


def measure_once(case: Case, cores: Cores, folder: Path | None, pace: Pace, seed: int) -> Run:
    """One run on a fresh process."""
    with case.system.start(cores, folder) as target:
        return uvloop.run(run_load(case.load, target, pace, seed))


def _in_short(run: Run) -> str:
    whole = "complete" if run.is_complete else "INCOMPLETE"
    return (
        f"edit {run.edit.p50_ms:.2f}/{run.edit.p99_ms:.2f} ms,"
        f" acknowledged {run.saved.p50_ms:.2f}/{run.saved.p99_ms:.2f} ms (p50/p99),"
        f" {run.server_cpu_us:.1f} us a delivery, {whole}"
    )
