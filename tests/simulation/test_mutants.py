"""The simulation finds defects: each of these clusters has one, and an early seed shows it."""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.run import simulate

SEEDS_MAX = 80


@pytest.mark.parametrize("name", MUTANTS)
def test_a_defect_is_found(name: str) -> None:
    build = MUTANTS[name]
    assert any(simulate(seed, build).violations for seed in range(SEEDS_MAX))
