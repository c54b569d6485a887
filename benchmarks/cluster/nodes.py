"""Several nodes as one target: clients of a room are placed on them, and their costs add up."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from benchmarks.cluster.redis_process import RedisProcess, redis_process
from benchmarks.machine import Cores
from benchmarks.peers.start import hocuspocus_with_redis
from benchmarks.stand_ins import mongodb_stand_in
from benchmarks.targets import Target, bandpro
from benchmarks.wires import Wire

_MEET_WITHIN_S: Final = 15.0
_POLL_S: Final = 0.05

OURS: Final = "bandpro"
HOCUSPOCUS: Final = "hocuspocus"


class Placement(StrEnum):
    """Which node a client connects to."""

    SPREAD = "spread"  # each room's clients over all nodes in turn
    APART = "apart"  # a room's first client, who writes, on the first node, the rest on the others
    HOME = "home"  # each room on one node, rooms over nodes in turn


class StoreKind(StrEnum):
    """What nodes share."""

    SQLITE = "sqlite"
    MONGODB = "mongodb"


@dataclass(frozen=True, slots=True)
class Nodes(Target):
    """Nodes over one store with a Redis between them.

    Attributes:
        nodes: each of them.
        placement: of clients.
        redis: between them; None for one node without a bus.
    """

    nodes: tuple[Target, ...] = ()
    placement: Placement = Placement.SPREAD
    redis: RedisProcess | None = None

    def port_of(self, room: int, place: int) -> int:
        """See ``Target``."""
        count = len(self.nodes)
        match self.placement:
            case Placement.SPREAD:
                number = place % count
            case Placement.HOME:
                number = room % count
            case _:
                number = 1 + (place - 1) % (count - 1) if place and count > 1 else 0
        return self.nodes[number].port

    def cpu_s(self) -> float:
        """Of all nodes, without Redis and store."""
        return sum(node.cpu_s() for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is to be started.

    Attributes:
        name: of the system, for the results.
        count: nodes.
        placement: of clients.
        store: what the nodes share.
        wire: how they are spoken to.
    """

    name: str
    count: int
    placement: Placement = Placement.SPREAD
    store: StoreKind = StoreKind.SQLITE
    wire: Wire = Wire.Y_WEBSOCKET

    @contextmanager
    def started(self, cores: Cores, folder: Path | None = None) -> Iterator[Nodes]:
        """Fresh processes, until the block is left.

        Raises:
            NotInstalled: something of it is not on this machine.
        """
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
            redis = None
            if self.count > 1:
                redis = stack.enter_context(redis_process(home, cores))
            if self.name == HOCUSPOCUS:
                assert redis is not None, "it is measured with others only"
                peer = hocuspocus_with_redis(redis.port)
                nodes = [stack.enter_context(peer.start(cores, home)) for _ in range(self.count)]
            else:
                options = self._store(stack, home, cores) | _bus(redis)
                nodes = [
                    stack.enter_context(
                        bandpro(cores, home, options | {"node": f"n{number}"}, wire=self.wire)
                    )
                    for number in range(self.count)
                ]
                _await_each_other(nodes)
            first = nodes[0]
            yield Nodes(
                first.port, None, first.process, first.manner, tuple(nodes), self.placement, redis
            )

    def _store(self, stack: ExitStack, home: Path, cores: Cores) -> dict[str, str]:
        data = {"data": str(home / "data")}
        if self.store is StoreKind.SQLITE:
            return data
        place = home / "mongodb"
        place.mkdir()
        return data | {"store": stack.enter_context(mongodb_stand_in(place, cores))}


def _bus(redis: RedisProcess | None) -> dict[str, str]:
    if redis is None:
        return {}
    return {"bus": f"redis://127.0.0.1:{redis.port}", "bus-key": secrets.token_urlsafe(48)}


def _await_each_other(nodes: Sequence[Target]) -> None:
    """Wait until each node hears all others."""
    deadline = time.monotonic() + _MEET_WITHIN_S
    for node in nodes:
        while asyncio.run(node.metrics()).get("peers", 0) < len(nodes) - 1:
            if time.monotonic() > deadline:
                raise TimeoutError("the nodes do not hear each other")
            time.sleep(_POLL_S)
