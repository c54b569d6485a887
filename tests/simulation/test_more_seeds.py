"""The second half of the seeds, as `make simulate` runs them: compiled, where that is possible."""

import re
import subprocess
import sys

from tests.simulation.seeds import SEEDS
from tests.support.sources import ROOT

HAPPENS = {
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
"""Each kind of fault, and all that it is to endanger."""


def test_nothing_acknowledged_is_lost_and_all_converge() -> None:
    """ACK-1: Over crashes, pauses, cut and slow ways, and a failing store, as the seed decides."""
    seeds = f"{SEEDS // 2}..{SEEDS}"
    command = [sys.executable, "-m", "tests.simulation", "--jobs", "2", "--seeds", seeds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert re.search(rf"^{SEEDS // 2} seeds in \d+ s, failed: 0$", done.stdout, re.MULTILINE)
    assert {what for what in HAPPENS if re.search(rf"\b{what}: [1-9]", done.stdout)} == HAPPENS
