"""The second half of the seeds, in a file of its own: another worker takes it."""

import pytest

from tests.simulation.seeds import BATCH, SEEDS
from tests.simulation.test_seeds import violations_of


@pytest.mark.parametrize("first", range(SEEDS // 2, SEEDS, BATCH))
def test_nothing_acknowledged_is_lost_and_all_converge(first: int) -> None:
    """ACK-1: Over crashes, pauses, cut and slow ways, and a failing store, as the seed decides."""
    assert violations_of(range(first, first + BATCH)) == []
