"""Rendezvous hashing: the properties for which it was published, for any nodes and rooms.

Thaler and Ravishankar (1998): each node's share is fair, and only what has to move moves. With
weights: shares are in proportion to them (Schindelhauer and Schomaker, 2005).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.cluster.envelope import NodeId
from collab.cluster.homes import nodes_in_order
from collab.ids import RoomKey

names = st.text(alphabet="abcdefgh.-0123", min_size=1, max_size=8).map(NodeId)
weights = st.floats(min_value=0.01, max_value=100, allow_nan=False)
clusters = st.dictionaries(names, weights, min_size=1, max_size=12)
ROOMS = [RoomKey(hashlib.sha256(b"%d" % number).hexdigest()) for number in range(200)]


def home_of(room: RoomKey, cluster: dict[NodeId, float]) -> NodeId | None:
    return next(iter(nodes_in_order(room, cluster)), None)


@given(clusters)
def test_every_node_finds_the_same_home_whatever_the_order_in_which_it_knows_them(
    cluster: dict[NodeId, float],
) -> None:
    """NODE-1."""
    turned = dict(reversed(cluster.items()))
    for room in ROOMS[:20]:
        order = nodes_in_order(room, cluster)
        assert sorted(order) == sorted(cluster)
        assert nodes_in_order(room, turned) == order


@given(clusters, st.data())
def test_only_the_rooms_of_a_node_that_goes_move_and_to_the_next_in_order(
    cluster: dict[NodeId, float], data: st.DataObject
) -> None:
    """NODE-1."""
    gone = data.draw(st.sampled_from(sorted(cluster)))
    left = {node: weight for node, weight in cluster.items() if node != gone}
    for room in ROOMS[:40]:
        before = nodes_in_order(room, cluster)
        assert nodes_in_order(room, left) == tuple(node for node in before if node != gone)


@given(clusters, names, weights)
def test_rooms_move_to_a_node_that_comes_and_nowhere_else(
    cluster: dict[NodeId, float], new: NodeId, weight: float
) -> None:
    """NODE-1."""
    cluster.pop(new, None)
    for room in ROOMS[:40]:
        assert home_of(room, {**cluster, new: weight}) in {home_of(room, cluster), new}


@given(clusters, st.data(), st.floats(min_value=1.0, max_value=50.0))
def test_rooms_move_to_a_node_that_is_given_more_weight_and_nowhere_else(
    cluster: dict[NodeId, float], data: st.DataObject, factor: float
) -> None:
    """NODE-1."""
    heavy = data.draw(st.sampled_from(sorted(cluster)))
    raised = {**cluster, heavy: cluster[heavy] * factor}
    for room in ROOMS[:40]:
        assert home_of(room, raised) in {home_of(room, cluster), heavy}


@pytest.mark.parametrize(
    "shares",
    [
        (1.0,) * 3,
        (1.0,) * 10,
        (1.0, 2.0, 4.0),
        (0.5, 0.25, 0.25),
        (10.0, 1.0),
        (3.0, 3.0, 1.0, 1.0),
    ],
)
def test_each_node_has_rooms_in_proportion_to_its_weight(shares: tuple[float, ...]) -> None:
    """NODE-1: within five standard deviations of a fair draw."""
    cluster = {NodeId(f"node-{number}"): weight for number, weight in enumerate(shares)}
    rooms = 10_000
    counted = Counter(
        home_of(RoomKey(hashlib.sha256(b"r%d" % number).hexdigest()), cluster)
        for number in range(rooms)
    )
    for node, weight in cluster.items():
        part = weight / sum(shares)
        deviation = math.sqrt(rooms * part * (1 - part))
        assert abs(counted[node] - rooms * part) < 5 * deviation


def test_nobody_is_home_where_there_is_no_node() -> None:
    assert nodes_in_order(ROOMS[0], {}) == ()
