"""People who are there and do nothing, and rooms in which nobody is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import uvloop

from benchmarks.memory import KEEP_ROOMS, Sizes, measure_connections, measure_rooms
from benchmarks.stress.stage import Goal, Outcome, Stage

_ROOM_FOR_ALL = {"connections-max": "20000"}


@dataclass(frozen=True, slots=True)
class IdleConnections:
    """Many synchronised members of rooms, none of whom says anything.

    Attributes:
        name: short.
        connections: how many.
        rooms: over which they are spread.
        goals: what it is held to.
    """

    name: str = "idle-1000"
    connections: int = 1000
    rooms: int = 200
    goals: tuple[Goal, ...] = (Goal("connection_kib", 12.0),)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.connections:,} idle connections to {self.rooms:,} rooms"

    def run(self, stage: Stage) -> Outcome:
        """Open them all, and look on for a while."""
        sizes = Sizes(connections=self.connections, connection_rooms=self.rooms)
        with stage.target(_ROOM_FOR_ALL) as target:
            cost = uvloop.run(measure_connections(target, target.manner.wire, sizes))
        figures = {
            "connection_kib": cost.kib,
            "with_room_kib": cost.with_room_kib,
            "rss_before_mib": cost.baseline_mib,
            "rss_mib": cost.total_mib,
            "joins_per_s": cost.joins_per_s,
            "idle_busy": cost.idle_busy,
        }
        return Outcome(figures, self.connections, self.connections - cost.lost)


@dataclass(frozen=True, slots=True)
class IdleRooms:
    """Rooms that stay loaded without anybody in them.

    Attributes:
        rooms: how many.
        characters: of text in each.
    """

    rooms: int = 2000
    characters: int = 200
    name: str = "idle-rooms"
    goals: tuple[Goal, ...] = (Goal("room_beyond_document_kib", 4.0),)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.rooms:,} idle rooms with {self.characters} characters each"

    def run(self, stage: Stage) -> Outcome:
        """Open, write, save and leave them, and see what stays."""
        sizes = Sizes(rooms=self.rooms, room_characters=self.characters)
        with stage.target(KEEP_ROOMS) as target:
            cost = uvloop.run(measure_rooms(target, sizes, stage.seed))
        bare_kib = self._bare_kib()
        figures = {
            "room_kib": cost.kib,
            "document_kib": bare_kib,
            "room_beyond_document_kib": round(cost.kib - bare_kib, 2),
        }
        # Every write was acknowledged, or the measurement would have failed.
        return Outcome(figures, self.rooms, self.rooms)

    def _bare_kib(self) -> float:
        command = [sys.executable, "-m", "benchmarks.stress.bare_documents"]
        command += [str(self.characters), str(self.rooms)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
