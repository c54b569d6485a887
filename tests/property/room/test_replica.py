"""The library's document is the same, however many updates share its transactions."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from collab.limits import PASSAGE_CLOCKS_MIN
from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.replica import Replica
from tests.property.protocol.histories import Replicas, content, document


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 80))
def test_updates_that_share_transactions_make_the_same_document(
    seed: int, count: int, steps: int
) -> None:
    """LIM-25: With readings in between, at which nothing may be missing."""
    random = Random(seed)
    replicas = Replicas(random, count)
    replicas.edit(steps)
    apart, shared = Replica(), Replica()
    for update in replicas.updates:
        apart.apply_update(update)
        shared.apply_update(update, clock=random.choice((0, PASSAGE_CLOCKS_MIN)))
        if random.random() < 0.1:
            assert decode_state_vector(shared.get_state()) == decode_state_vector(apart.get_state())
    built, expected = document(), document()
    built.apply_update(shared.get_update())
    expected.apply_update(apart.get_update())
    assert content(built) == content(expected)
    one, other = scan_update(shared.get_update()), scan_update(apart.get_update())
    assert sorted(one.ranges) == sorted(other.ranges)
    assert sorted(one.deletes) == sorted(other.deletes)
