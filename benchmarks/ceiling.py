"""How much the load generator itself can take, found against the relay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import uvloop

from benchmarks.loads import BIG_ROOM, Pace, Run, run_load
from benchmarks.machine import Cores
from benchmarks.targets import relay
from benchmarks.wires import Wire

_PACE: Final = Pace(warm_up_s=0.3, measured_s=1.0)
_RATES: Final = (100, 200, 300, 400, 600, 800, 1000, 1400)
_P99_MS_MAX: Final = 100.0
_DELIVERED_MIN: Final = 0.97


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest load that generator and relay kept up with together.

    Attributes:
        deliveries_per_s: in one room of 50.
        generator_busy: share of its core that the generator used then.
        relay_busy: share of its core that the relay used then; where it is nearly 1, the relay
            was the limit and not the generator.
    """

    deliveries_per_s: float
    generator_busy: float
    relay_busy: float


def find_ceiling(cores: Cores) -> Ceiling:
    """Raise the rate in the room of 50 until it is not kept up with any more."""
    best = Ceiling(0.0, 0.0, 0.0)
    for rate in _RATES:
        load = replace(BIG_ROOM, updates_per_s=rate)
        with relay(cores) as target:
            run = uvloop.run(run_load(load, Wire.Y_WEBSOCKET, target, _PACE, seed=rate))
        if not _kept_up(run, load.deliveries_per_s):
            break
        best = Ceiling(run.deliveries_per_s, run.generator_busy, run.server_busy)
    return best


def _kept_up(run: Run, offered_per_s: float) -> bool:
    return (
        run.is_complete
        and run.deliveries_per_s >= offered_per_s * _DELIVERED_MIN
        and run.edit.p99_ms <= _P99_MS_MAX
    )
