"""Every workload at its full size, in the order in which they are run."""

from __future__ import annotations

from benchmarks.stress.flood import Flood, Heavy
from benchmarks.stress.idle import IdleConnections, IdleRooms
from benchmarks.stress.joins import JoinStorm
from benchmarks.stress.presence import Presence
from benchmarks.stress.stage import Goal, Workload


def all_workloads() -> tuple[Workload, ...]:
    """What `python -m benchmarks.stress` runs."""
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
        Flood(),
        Heavy(),
    )
