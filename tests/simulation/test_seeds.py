"""Simulated clusters through everything that can happen to them: the first half of the seeds."""

import pytest

from tests.simulation.run import simulate
from tests.simulation.seeds import BATCH, SEEDS, kept_seeds


def violations_of(seeds: range | list[int]) -> list[str]:
    """What did not hold, each with its seed."""
    return [
        f"seed {seed}: {violation}" for seed in seeds for violation in simulate(seed).violations
    ]


def test_seeds_that_once_failed_hold() -> None:
    """ACK-1: And everything else that the simulation checks."""
    seeds = kept_seeds()
    assert seeds
    assert violations_of(seeds) == []


@pytest.mark.parametrize("first", range(0, SEEDS // 2, BATCH))
def test_nothing_acknowledged_is_lost_and_all_converge(first: int) -> None:
    """ACK-1: Over crashes, pauses, cut and slow ways, and a failing store, as the seed decides."""
    assert violations_of(range(first, first + BATCH)) == []
