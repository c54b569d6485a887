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
