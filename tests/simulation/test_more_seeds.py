"""The second half of the seeds, as `make simulate` runs them: compiled, where that is possible."""

import subprocess
import sys

import pytest

from tests.simulation.seeds import BATCH, SEEDS
from tests.support.sources import ROOT


@pytest.mark.parametrize("first", range(SEEDS // 2, SEEDS, 2 * BATCH))
def test_nothing_acknowledged_is_lost_and_all_converge(first: int) -> None:
    """ACK-1: Over crashes, pauses, cut and slow ways, and a failing store, as the seed decides."""
    seeds = f"{first}..{min(first + 2 * BATCH, SEEDS)}"
    command = [sys.executable, "-m", "tests.simulation", "--jobs", "1", "--seeds", seeds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
