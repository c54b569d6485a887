"""What every room of a node is given to run by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from collab.history.compaction import CompactionLimits
from collab.ids import UnixSeconds
from collab.limits import JOIN_BYTES_IN_FLIGHT_MAX, LOADS_AT_ONCE_MAX
from collab.protocol.y_sync import EMPTY_UPDATE
from collab.room.room import RoomLimits
from gateway.rooms.appender import AppendLimits
from gateway.rooms.applying import ApplyLimits
from gateway.rooms.commit_pace import CommitPace
from persistence.failpoints import Failpoints

MARK: Final = EMPTY_UPDATE
"""A row of a log that holds nothing: others are to read the room's record again."""


@dataclass(frozen=True, slots=True)
class RunnerClocks:
    """What runners read the time from, beside the event loop's own clock.

    Attributes:
        wall: seconds since 1970 UTC.
        monotonic_s: seconds that never jump.
        processor_s: the same, finer: what work is paid for by.
    """

    wall: Callable[[], UnixSeconds] = lambda: UnixSeconds(int(time.time()))
    monotonic_s: Callable[[], float] = time.monotonic
    processor_s: Callable[[], float] = time.perf_counter


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
    clocks: RunnerClocks = field(default_factory=RunnerClocks)
