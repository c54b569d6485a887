"""The simulation finds defects: each of these clusters has one, and an early seed shows it."""

import re

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.run import simulate

SEEDS_MAX = 80


@pytest.mark.parametrize("name", MUTANTS)
def test_a_defect_is_found(name: str) -> None:
    """By what it breaks; a crash would have found the mutant, but not what it stands for."""
    mutant = MUTANTS[name]
    assert any(
        re.fullmatch(mutant.breaks, violation)
        for seed in range(SEEDS_MAX)
        for violation in simulate(seed, mutant.build).violations
    )
