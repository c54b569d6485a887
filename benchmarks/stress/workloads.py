"""Every workload at its full size, in the order in which they are run."""

from __future__ import annotations

from benchmarks.stress.cold import ColdOpen
from benchmarks.stress.flood import Flood, Heavy
from benchmarks.stress.growth import Growth
from benchmarks.stress.hazards import HeavyUpdates
from benchmarks.stress.idle import IdleConnections, IdleRooms
from benchmarks.stress.joins import JoinStorm
from benchmarks.stress.presence import Presence
from benchmarks.stress.reconnects import ReconnectStorm
from benchmarks.stress.slow import SlowReaders
from benchmarks.stress.soak import Soak
from benchmarks.stress.stage import Goal, Workload

BEYOND_PEERS = frozenset({"idle-rooms", "cold-open", "heavy-updates", "soak"})
"""What needs a store, settings of our server, or limits that others do not have."""


def all_workloads(soak_s: float = 60.0) -> tuple[Workload, ...]:
    """What `python -m benchmarks.stress` runs.

    Args:
        soak_s: how long the soak lasts.
    """
    return (
        IdleConnections(),
        IdleConnections(
            name="idle-10000",
            connections=10_000,
            rooms=2_000,
            goals=(Goal("connection_kib", 12.0), Goal("rss_mib", 500.0)),
        ),
        IdleRooms(),
        JoinStorm(),
        Presence(),
        SlowReaders(),
        SlowReaders(name="slow-100-of-1000", clients=1000, stalled=100, updates_per_s=50),
        Flood(),
        Heavy(),
        ColdOpen(),
        ReconnectStorm(),
        HeavyUpdates(),
        Soak(lasts_s=soak_s),
        Growth(),
    )
