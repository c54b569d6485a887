"""``python -m benchmarks.smoke``: is BandPro still as far from the floor as it was?

Runs BandPro and the relay in C in turn, under the room of 50 and the hundred rooms of 5, and
compares the ratios with those that are kept. Ratios, because both suffer alike from a slower or
busier machine; medians over rounds, because they do so only on average.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.baseline import FOLDER
from benchmarks.figures import Spread
from benchmarks.loads import BIG_ROOM, MANY_ROOMS, Load, Pace, Run
from benchmarks.machine import Cores, load_average
from benchmarks.results import write
from benchmarks.suite import Case, measure_once
from benchmarks.systems import BANDPRO, RELAY

_BASELINE: Final = FOLDER / "smoke.json"
_PACE: Final = Pace(warm_up_s=0.4, measured_s=1.6, answers_within_s=10.0)
_LOADS: Final = (BIG_ROOM, MANY_ROOMS)
_ROUNDS: Final = 5
_PASSES: Final = 3
_TOLERANCE_MIN: Final = 0.15
_NOISE_FACTOR: Final = 2.5


@dataclass(frozen=True, slots=True)
class Measure:
    """One ratio of BandPro to the relay, lower is better.

    Attributes:
        name: load and figure.
        title: for people.
        rounds: the ratio in each round.
    """

    name: str
    title: str
    rounds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return Spread.of(self.rounds).median


def main() -> int:
    """Measure and compare; 0 when nothing is clearly worse than the baseline."""
    arguments = _arguments()
    missing = RELAY.missing()
    if missing:
        print(f"there is nothing to compare with: {missing}", file=sys.stderr)
        return 2
    cores = Cores.choose()
    cores.pin_generator()
    if arguments.keep:
        passes = [_measure(cores, arguments.rounds, seed) for seed in range(_PASSES)]
        if not all(passes):
            return 1
        _keep(passes)
        return 0
    measures = _measure(cores, arguments.rounds, seed=0)
    return _compare(measures) if measures else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smoke", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="of both under both loads")
    parser.add_argument("--keep", action="store_true", help="write the baseline, with its noise")
    return parser.parse_args()


def _measure(cores: Cores, rounds: int, seed: int) -> list[Measure]:
    """All ratios; none when deliveries or acknowledgements were missing, which is said."""
    pairs: dict[Load, list[tuple[Run, Run]]] = {load: [] for load in _LOADS}
    for number in range(rounds):
        for load, found in pairs.items():
            ours, floor = (
                measure_once(Case(load, system), cores, None, _PACE, seed * rounds + number)
                for system in (BANDPRO, RELAY)
            )
            if not ours.is_complete:
                print(f"{load.title}: not everything arrived or was acknowledged", file=sys.stderr)
                return []
            found.append((ours, floor))
    return [measure for load, found in pairs.items() for measure in _ratios(load, found)]


def _ratios(load: Load, pairs: list[tuple[Run, Run]]) -> tuple[Measure, Measure]:
    cpu = tuple(ours.server_cpu_us / floor.server_cpu_us for ours, floor in pairs)
    p50 = tuple(ours.edit.p50_ms / floor.edit.p50_ms for ours, floor in pairs)
    return (
        Measure(f"{load.name}/cpu", f"{load.title}: processor time for a delivery", cpu),
        Measure(f"{load.name}/p50", f"{load.title}: p50 from writer to screen", p50),
    )


def _keep(passes: list[list[Measure]]) -> None:
    """Write the medians over several passes, and how far a pass may be from them."""
    kept: dict[str, Any] = {}
    for same in zip(*passes, strict=True):
        ratio = Spread.of(each.ratio for each in same).median
        noise = max(abs(each.ratio / ratio - 1) for each in same)
        tolerance = max(_TOLERANCE_MIN, _NOISE_FACTOR * noise)
        kept[same[0].name] = {
            "ratio": round(ratio, 3),
            "noise": round(noise, 3),
            "tolerance": round(tolerance, 3),
        }
        print(f"{same[0].title}: {ratio:.2f} times the relay, tolerance {tolerance:.0%}")
    told = {
        "of": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average": load_average(),
        "passes": len(passes),
    }
    write(_BASELINE, told | {"ratios": kept})


def _compare(measures: list[Measure]) -> int:
    if not _BASELINE.exists():
        print("there is no baseline yet: --keep writes one", file=sys.stderr)
        return 2
    kept = json.loads(_BASELINE.read_text())["ratios"]
    worse = [measure for measure in measures if not _holds(measure, kept[measure.name])]
    for measure in worse:
        print(f"WORSE  {measure.title}")
    return 1 if worse else 0


def _holds(measure: Measure, kept: dict[str, float]) -> bool:
    change = measure.ratio / kept["ratio"] - 1
    holds = change <= kept["tolerance"]
    print(
        f"{measure.title}: {Spread.of(measure.rounds).text(2)} times the relay,"
        f" kept {kept['ratio']:.2f} ({change:+.0%}, tolerance {kept['tolerance']:.0%})"
    )
    return holds


if __name__ == "__main__":
    sys.exit(main())
