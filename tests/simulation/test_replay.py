"""A seed is a run: the same one each time, in any process, and another one than its neighbour."""

import os
import subprocess
import sys

from tests.simulation.run import simulate

SEEDS = (0, 1, 2, 3)
PROGRAM = f"""
from tests.simulation.run import simulate
print(*(simulate(seed).digest for seed in {SEEDS}))
"""


def test_a_seed_replays_exactly() -> None:
    digests = [simulate(seed).digest for seed in SEEDS]
    assert digests == [simulate(seed).digest for seed in SEEDS]
    assert len(set(digests)) == len(SEEDS)


def test_a_seed_replays_exactly_in_another_process() -> None:
    """With strings that hash otherwise, so that no order rests on that."""
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [simulate(seed).digest for seed in SEEDS]


def test_the_seeds_make_everything_happen() -> None:
    """Each kind of fault, and all that it is to endanger."""
    counts: dict[str, int] = {}
    for seed in range(40):
        for what, count in simulate(seed).counts.items():
            counts[what] = counts.get(what, 0) + count
    assert counts.keys() >= {
        "crash",
        "crash between effects",
        "hold",
        "drain",
        "half-open",
        "still",
        "slow network",
        "slow store",
        "store fails",
        "store cut off",
        "revoke",
        "erase",
        "drain wished",
        "rebalance",
        "left",
        "bus loses",
        "bus cut off",
        "bus down",
        "held in a turn",
        "turns given up",
        "version kept",
        "version restored",
    }
    assert counts["commits"] > 400
    assert counts["compactions"] > 40
    assert counts["erasures"] > 5
    assert counts["promises"] > 80
    assert counts["promises of the API"] > 5
