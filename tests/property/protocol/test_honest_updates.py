"""Updates of honest replicas: let through, cut up and put together without a difference."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.protocol.document_shape import DocumentShape
from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import scan_update
from collab.protocol.update_slices import slice_update
from tests.property.protocol.histories import Replicas, content, document

seeds = st.integers(0, 2**32)


@given(seeds, st.integers(1, 6), st.integers(1, 80), st.integers(1, 400))
def test_slices_integrate_in_turn_and_make_the_same_document(
    seed: int, count: int, steps: int, slice_bytes: int
) -> None:
    replicas = Replicas(Random(seed), count)
    replicas.edit(steps)
    expected = replicas.merged()
    whole = expected.get_update()
    built = document()
    for piece in slice_update(whole, scan_update(whole), slice_bytes=slice_bytes):
        assert scan_update(piece).integrates(decode_state_vector(built.get_state()))
        built.apply_update(piece)
    assert decode_state_vector(built.get_state()) == decode_state_vector(expected.get_state())
    assert content(built) == content(expected)
    rebuilt, again = scan_update(built.get_update()), scan_update(whole)
    assert sorted(rebuilt.ranges) == sorted(again.ranges)
    assert sorted(rebuilt.deletes) == sorted(again.deletes)


@given(seeds, st.integers(1, 5), st.integers(1, 60))
def test_every_edit_is_admitted_in_whatever_order_it_arrives(
    seed: int, count: int, steps: int
) -> None:
    """What does not integrate yet waits; in the end all is in, and the shape knows its clocks.

    Bears SYNC-14.
    """
    random = Random(seed)
    replicas = Replicas(random, count)
    replicas.edit(steps)
    waiting = list(replicas.updates)
    random.shuffle(waiting)
    built, shape = document(), DocumentShape()
    while waiting:
        clocks = decode_state_vector(built.get_state())
        ready = [update for update in waiting if scan_update(update).integrates(clocks)]
        assert ready
        for update in ready[:1]:
            waiting.remove(update)
            shape.admit(update, scan_update(update))
            built.apply_update(update)
    expected = replicas.merged()
    assert content(built) == content(expected)
    clocks = decode_state_vector(expected.get_state())
    assert decode_state_vector(built.get_state()) == clocks
    assert {client: shape.end_of(client) for client in clocks} == clocks


@given(seeds, st.integers(1, 5), st.integers(1, 60))
def test_a_whole_document_is_admitted_at_once(seed: int, count: int, steps: int) -> None:
    """SYNC-14."""
    replicas = Replicas(Random(seed), count)
    replicas.edit(steps)
    whole = replicas.merged().get_update()
    shape = DocumentShape()
    shape.admit(whole, scan_update(whole))
    clocks = decode_state_vector(replicas.merged().get_state())
    assert {client: shape.end_of(client) for client in clocks} == clocks


@pytest.mark.parametrize("seed", range(5))
def test_replicas_do_make_updates_of_every_kind(seed: int) -> None:
    """The histories above are worth something: concurrent, nested, and with deletes."""
    replicas = Replicas(Random(seed), 4)
    replicas.edit(300)
    scanned = [scan_update(update) for update in replicas.updates]
    assert len(scanned) > 100
    assert sum(bool(found.deletes) for found in scanned) > 10
    assert sum(bool(found.needs) for found in scanned) > 10
    assert len(scan_update(replicas.merged().get_update()).ranges) > 3
