"""What every room of a node is given to run by."""

from __future__ import annotations

from dataclasses import dataclass, field

from collab.history.compaction import CompactionLimits
from collab.limits import JOIN_BYTES_IN_FLIGHT_MAX, LOADS_AT_ONCE_MAX
from collab.room.room import RoomLimits
from gateway.rooms.appender import AppendLimits
from gateway.rooms.applying import ApplyLimits
from gateway.rooms.commit_pace import CommitPace
from persistence.failpoints import Failpoints


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What every runner of this node is given; times in milliseconds, sizes in bytes."""

    room: RoomLimits
    append: AppendLimits
    unload_after_ms: int
    compaction: CompactionLimits
    join_bytes_in_flight_max: int = JOIN_BYTES_IN_FLIGHT_MAX
    loads_at_once_max: int = LOADS_AT_ONCE_MAX
    apply: ApplyLimits = field(default_factory=ApplyLimits)
    failpoints: Failpoints = field(default_factory=Failpoints)
    pace: CommitPace = field(default_factory=CommitPace)
