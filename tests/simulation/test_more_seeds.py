"""The second half of the seeds, as `make simulate` runs them: compiled, where that is possible."""

import re
import subprocess
import sys

import pytest

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
"""Each kind of fault."""
ENDANGERED = {
    "commits": 5_000,
    "compactions": 500,
    "erasures": 60,
    "promises": 1_000,
    "promises of the API": 60,
}
"""How much there has to be of what faults may harm."""


@pytest.mark.timeout(600)  # on two busy processors it takes two minutes
def test_nothing_acknowledged_is_lost_and_all_converge() -> None:
    """ACK-1: Over crashes, pauses, cut and slow ways, and a failing store, as the seed decides."""
    seeds = f"{SEEDS // 2}..{SEEDS}"
    command = [sys.executable, "-m", "tests.simulation", "--jobs", "2", "--seeds", seeds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    *_, summary, counted = done.stdout.splitlines()
    assert re.fullmatch(rf"{SEEDS // 2} seeds in \d+ s, failed: 0", summary)
    counts = {what: int(count) for what, count in re.findall(r"([^:,]+): (\d+)(?:, |$)", counted)}
    assert {what for what in HAPPENS if counts.get(what)} == HAPPENS
    assert {what for what, least in ENDANGERED.items() if counts[what] > least} == set(ENDANGERED)
