"""The room of 50 under a rising rate, up to where it is not kept up with any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.loads import BIG_ROOM, Load, Pace, Run, run_load
from benchmarks.machine import Cores
from benchmarks.processes import TargetFailed
from benchmarks.systems import System
from benchmarks.targets import Target

RATES: Final = (100, 200, 400, 800, 1200, 1700, 2400, 3400, 4800, 5700, 6800, 9600)
"""Updates a second of each of the five writers."""
QUICK_RATES: Final = (200, 800, 2400)
LADDER_PACE: Final = Pace(warm_up_s=0.3, measured_s=1.0, answers_within_s=5.0)

_P99_MS_MAX: Final = 100.0
_DELIVERED_MIN: Final = 0.97
_GENERATOR_BUSY_MAX: Final = 0.9
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One rate.

    Attributes:
        updates_per_s: of all writers together.
        offered_per_s: deliveries that should follow each second.
        kept_up: whether they did: all of them, in time, p99 within 100 ms.
        run: what was seen; None where the server ended, or turned somebody away.
    """

    updates_per_s: float
    offered_per_s: float
    kept_up: bool
    run: Run | None


@dataclass(frozen=True, slots=True)
class Ladder:
    """One way up.

    Attributes:
        steps: in order; the last one was not kept up with, unless the rates came to their end.
    """

    steps: tuple[Step, ...]

    @property
    def saturation_per_s(self) -> float:
        """The most deliveries a second that were kept up with; 0 when none was."""
        held = (step.run for step in self.steps if step.kept_up)
        return max((run.deliveries_per_s for run in held if run), default=0.0)

    @property
    def is_at_least(self) -> bool:
        """Whether more might have been possible: it was the generator that had no time left."""
        last = self.steps[-1]
        if last.kept_up:
            return True
        return last.run is not None and last.run.generator_busy >= _GENERATOR_BUSY_MAX


def climb(
    system: System,
    cores: Cores,
    folder: Path | None,
    rates: Sequence[int] = RATES,
    pace: Pace = LADDER_PACE,
) -> Ladder:
    """Raise the rate until it is not kept up with; a rate that fails is tried on a fresh server.

    Args:
        system: what is put under load.
        cores: who runs where.
        folder: for data folders.
        rates: of each of the five writers.
        pace: of each step.
    """
    steps: list[Step] = []
    left = list(rates)
    for attempt in range(_TRIES):
        with suppress(TargetFailed):  # it broke, or did not stop in order: it had enough
            for step in _climb_once(system, cores, folder, tuple(left), pace):
                if step.kept_up or attempt == _TRIES - 1:
                    steps.append(step)
                if step.kept_up:
                    left.pop(0)
        if not left:
            break
    return Ladder(tuple(steps) or (_step(BIG_ROOM, kept_up=False, run=None),))


def _climb_once(
    system: System, cores: Cores, folder: Path | None, rates: Sequence[int], pace: Pace
) -> Iterator[Step]:
    """Steps on one server, up to the first that is not kept up with."""
    with ExitStack() as stack:
        target = stack.enter_context(system.start(cores, folder))
        for rate in rates:
            load = replace(BIG_ROOM, name=f"ladder-{rate}", updates_per_s=rate)
            run = _try(load, target, pace, rate)
            kept_up = run is not None and _kept_up(run, load.deliveries_per_s)
            yield _step(load, kept_up=kept_up, run=run)
            if not kept_up:
                return


def _step(load: Load, *, kept_up: bool, run: Run | None) -> Step:
    return Step(load.updates_per_s_total, load.deliveries_per_s, kept_up, run)


def _try(load: Load, target: Target, pace: Pace, seed: int) -> Run | None:
    try:
        return uvloop.run(run_load(load, target, pace, seed))
    except (ConnectionError, TimeoutError, TargetFailed):
        return None  # turned away, or gone: not kept up with


def _kept_up(run: Run, offered_per_s: float) -> bool:
    return (
        run.is_complete
        and run.deliveries_per_s >= offered_per_s * _DELIVERED_MIN
        and run.edit.p99_ms <= _P99_MS_MAX
    )
