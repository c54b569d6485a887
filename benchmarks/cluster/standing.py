"""What nodes take while nobody writes, and Redis by itself: the numbers that a model needs."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil
import redis
import uvloop

from benchmarks.clients import Client, join_all, leave_all
from benchmarks.cluster.nodes import OURS, Cluster, Nodes, Placement, StoreKind
from benchmarks.cluster.redis_process import redis_process
from benchmarks.machine import Cores
from benchmarks.targets import Target, process_cpu_s

_ENVELOPE_BYTES: Final = 200
_CHANNEL: Final = "room"
_AS_CONFIRMED: Final = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nroom\r\n:1\r\n"
_AS_HEARD: Final = (
    b"*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$200\r\n" + bytes(_ENVELOPE_BYTES) + b"\r\n"
)
_PUBLISHES: Final = 20_000
_AT_ONCE: Final = 100
_SUBSCRIBERS: Final = (0, 1, 10, 100)
_ROOMS: Final = 400
_SETTLE_S: Final = 3.0
_STORE: Final = "secantusd"
_WATCHED_S: Final = 12.0


@dataclass(frozen=True, slots=True)
class PublishCost:
    """What Redis takes for one message.

    Attributes:
        subscribers: who hear it.
        redis_us: processor time of Redis.
    """

    subscribers: int
    redis_us: float


@dataclass(frozen=True, slots=True)
class StandingCost:
    """What open rooms take in which nothing happens, on one node with a bus.

    Attributes:
        rooms: open, with one client each.
        looks_per_s: how often one of their logs was compared with what is known of it.
        node_us: of the node for each, all else that it does at rest included.
        store_us: of the store's own process for each; 0 where it is in the node's.
    """

    rooms: int
    looks_per_s: float
    node_us: float
    store_us: float


def publish_costs(cores: Cores, folder: Path | None) -> list[PublishCost]:
    """Publish short messages, pipelined as a busy node does, to more and more subscribers."""
    found = []
    for subscribers in _SUBSCRIBERS:
        with (
            ExitStack() as stack,
            tempfile.TemporaryDirectory(dir=folder) as home,
            redis_process(Path(home), cores) as process,
        ):
            client = stack.enter_context(redis.Redis(port=process.port))
            heard = [stack.enter_context(_subscribed(process.port)) for _ in range(subscribers)]
            count = _PUBLISHES // max(1, subscribers // 5)
            before_s = process.cpu_s()
            for _ in range(count // _AT_ONCE):
                pipeline = client.pipeline(transaction=False)
                for _ in range(_AT_ONCE):
                    pipeline.publish(_CHANNEL, bytes(_ENVELOPE_BYTES))
                pipeline.execute()
                for each in heard:
                    _read(each, _AT_ONCE * len(_AS_HEARD))
            used_s = process.cpu_s() - before_s
            found.append(PublishCost(subscribers, round(used_s / count * 1e6, 2)))
    return found


def _subscribed(port: int) -> socket.socket:
    """A subscriber that parses nothing, for its time would be taken for the sender's."""
    subscriber = socket.create_connection(("127.0.0.1", port), timeout=5)
    subscriber.sendall(f"SUBSCRIBE {_CHANNEL}\r\n".encode())
    _read(subscriber, len(_AS_CONFIRMED))
    return subscriber


def _read(subscriber: socket.socket, size_bytes: int) -> None:
    while size_bytes:
        size_bytes -= len(subscriber.recv(min(size_bytes, 1 << 16)))


def standing_cost(store: StoreKind, cores: Cores, folder: Path | None) -> StandingCost:
    """Open rooms over two nodes, all on the first, and watch what is used while nobody writes."""
    cluster = replace(Cluster(OURS, 2, Placement.APART), store=store)
    with cluster.started(cores, folder) as nodes:
        return uvloop.run(_watched(nodes))


async def _watched(nodes: Nodes) -> StandingCost:
    node = nodes.nodes[0]
    clients = [Client(node.dialect(f"standing/{number}")) for number in range(_ROOMS)]
    await join_all(clients, node.port)
    await asyncio.sleep(_SETTLE_S)
    store = _store_process()
    before = (
        node.cpu_s(),
        _cpu_s(store),
        await _looks(node),
        time.perf_counter(),
    )
    await asyncio.sleep(_WATCHED_S)
    after = (
        node.cpu_s(),
        _cpu_s(store),
        await _looks(node),
        time.perf_counter(),
    )
    await leave_all(clients)
    node_s, store_s, looks, wall_s = (b - a for a, b in zip(before, after, strict=True))
    return StandingCost(
        _ROOMS,
        round(looks / wall_s, 1),
        round(node_s / looks * 1e6, 1),
        round(store_s / looks * 1e6, 1),
    )


async def _looks(node: Target) -> float:
    return (await node.metrics())["heads_compared_total"]


def _store_process() -> psutil.Process | None:
    """The stand-in for MongoDB, where there is one."""
    for child in psutil.Process().children():
        if any(_STORE in part for part in child.cmdline()):
            return child
    return None


def _cpu_s(process: psutil.Process | None) -> float:
    return 0.0 if process is None else process_cpu_s(process)
