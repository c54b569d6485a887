"""Somebody in another room, who must not notice what happens in the first."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.server import Server
from tests.support.sources import ROOT


@dataclass(frozen=True, slots=True)
class Stall:
    """The longest round trip of a while, in milliseconds, and how many there were."""

    longest_ms: float
    trips: int


class Bystander:
    """A process that pings its room without pause."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def stall(self) -> Stall:
        """What was measured since the last call; waits for the trip under way."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the bystander was cut off"
        return Stall(**json.loads(line))


@contextmanager
def bystander(server: Server, room: str = "bystander") -> Iterator[Bystander]:
    """Watch a room for the time of a `with` block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.prober", f"{server.collab_url}/{room}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        watching = Bystander(process)
        try:
            watching.stall()
            yield watching
        finally:
            process.kill()
