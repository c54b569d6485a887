"""How much the load generator itself can take, found against the relay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import uvloop

from benchmarks.loads import BIG_ROOM, Pace, Run, run_load
from benchmarks.machine import Cores
from benchmarks.peers.start import c_relay

_PACE: Final = Pace(warm_up_s=0.3, measured_s=1.0)
_RATES: Final = (200, 400, 700, 1000, 1400, 2000)
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


def find_ceiling(cores: Cores) -> Ceiling | None:
    """Raise the rate in the room of 50 until it is not kept up with any more, tried twice.

    Returns:
        The last that was, or None on a machine so busy that there was none.
    """
    best: Ceiling | None = None
    for rate in _RATES:
        reached = _try(cores, rate) or _try(cores, rate)
        if reached is None:
            break
        best = reached
    return best


def _try(cores: Cores, rate: int) -> Ceiling | None:
    load = replace(BIG_ROOM, updates_per_s=rate)
    with c_relay(cores) as target:
        run = uvloop.run(run_load(load, target, _PACE, seed=rate))
    if not _kept_up(run, load.deliveries_per_s):
        return None
    return Ceiling(run.deliveries_per_s, run.generator_busy, run.server_busy)


def _kept_up(run: Run, offered_per_s: float) -> bool:
    return (
        run.is_complete
        and run.deliveries_per_s >= offered_per_s * _DELIVERED_MIN
        and run.edit.p99_ms <= _P99_MS_MAX
    )
