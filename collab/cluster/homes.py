"""Which node a room is at home on: rendezvous hashing with weights.

Every node gives every room a score, drawn from the hash of both and raised by the node's weight;
the home is who gives the most, and the others follow in order. Whoever knows the same nodes finds
the same home without asking anybody. When a node comes or goes, only the rooms that it gains or had
move, and each node has a share of the rooms in proportion to its weight: an exponential of rate
`weight` is the first of several with the probability of its part of all rates.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Final

from collab.cluster.envelope import NodeId
from collab.ids import RoomKey

_HASH_BYTES: Final = 8
_HASHES: Final = 1 << (8 * _HASH_BYTES)


def nodes_in_order(room: RoomKey, weights: Mapping[NodeId, float]) -> tuple[NodeId, ...]:
    """The nodes that a room may be at home on, the home first.

    Args:
        room: which one.
        weights: of each node, above 0.
    """
    return tuple(sorted(weights, key=lambda node: (_wait(room, node, weights[node]), node)))


def _wait(room: RoomKey, node: NodeId, weight: float) -> float:
    """An exponentially distributed number of rate `weight`; the least one wins."""
    digest = hashlib.blake2b(f"{node}\0{room}".encode(), digest_size=_HASH_BYTES).digest()
    # Half a step up: never 0, whose logarithm there is not.
    part = (int.from_bytes(digest) + 0.5) / _HASHES
    return -math.log(part) / weight
