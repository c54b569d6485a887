"""What breaks in a deployment, drawn by a seed; each does its harm, holds, and heals.

Faults come in two lanes that run at the same time, so that what breaks in front of the nodes meets
what breaks behind them. Within a lane one is healed before the next begins: something is always
left.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import redis

from tests.support.deployment import NODES, Deployment, Link
from tests.support.redis_server import RedisServer
from tests.support.sentinel import SERVICE, WatchedRedis, until

BRIEF_S: Final = (0.3, 2.5)
PAST_LEASES_S: Final = (5.5, 7.0)
"""Longer than the leases of nodes and the time after which others take them for gone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks.

    Attributes:
        kind: of `FRONT`, `BACK` or `WATCHED_BACK`.
        target: which of those that there are, counted modulo.
        hold_s: for how long.
        pause_s: before it.
    """

    kind: str
    target: int
    hold_s: float
    pause_s: float


Harm = Callable[[Deployment, Fault], Awaitable[None]]


async def _node_killed(deployment: Deployment, fault: Fault) -> None:
    node = deployment.nodes[NODES[fault.target % len(NODES)]]
    node.kill()
    await asyncio.sleep(fault.hold_s)
    await deployment.revive(node)


async def _node_stopped(deployment: Deployment, fault: Fault) -> None:
    node = deployment.nodes[NODES[fault.target % len(NODES)]]
    node.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(fault.hold_s)
    finally:
        node.process.send_signal(signal.SIGCONT)


def _master(deployment: Deployment) -> RedisServer:
    found = deployment.redis
    return found.master if isinstance(found, WatchedRedis) else found


async def _redis_killed(deployment: Deployment, fault: Fault) -> None:
    server = await asyncio.to_thread(_master, deployment)
    server.kill()
    await asyncio.sleep(fault.hold_s)
    await asyncio.to_thread(server.start)


async def _redis_flushed(deployment: Deployment, fault: Fault) -> None:
    server = await asyncio.to_thread(_master, deployment)
    await asyncio.to_thread(server.flush)
    await asyncio.sleep(fault.hold_s)


async def _redis_paused(deployment: Deployment, fault: Fault) -> None:
    server = await asyncio.to_thread(_master, deployment)
    await asyncio.to_thread(server.ask, "CLIENT", "PAUSE", int(fault.hold_s * 1000), "ALL")
    await asyncio.sleep(fault.hold_s)


async def _master_killed(deployment: Deployment, fault: Fault) -> None:
    """The replica takes over; the dead one comes back and follows it."""
    watched = deployment.redis
    assert isinstance(watched, WatchedRedis)
    old = await asyncio.to_thread(lambda: watched.master)
    old.kill()
    await asyncio.to_thread(until, lambda: watched.master is not old, "another master")
    await asyncio.sleep(fault.hold_s)
    await asyncio.to_thread(watched.follow, old)


async def _failed_over(deployment: Deployment, fault: Fault) -> None:
    """Somebody asks Sentinel for another master."""
    watched = deployment.redis
    assert isinstance(watched, WatchedRedis)
    old = await asyncio.to_thread(lambda: watched.master)

    def asked() -> bool:
        try:
            watched.sentinel.ask("SENTINEL", "FAILOVER", SERVICE)
        except redis.ResponseError:  # the last one is not over yet
            return watched.master is not old
        return True

    await asyncio.to_thread(until, asked, "Sentinel agrees")
    await asyncio.to_thread(until, lambda: watched.master is not old, "another master")
    await asyncio.sleep(fault.hold_s)
    await asyncio.to_thread(watched.await_whole)


async def _mongodb_killed(deployment: Deployment, fault: Fault) -> None:
    deployment.mongodb.kill()
    await asyncio.sleep(fault.hold_s)
    await asyncio.to_thread(deployment.mongodb.start)


async def _s3_killed(deployment: Deployment, fault: Fault) -> None:
    await asyncio.to_thread(deployment.s3.kill)
    await asyncio.sleep(fault.hold_s)
    await asyncio.to_thread(deployment.s3.start)


def _on_link(kind: str, break_it: Callable[[Link], None]) -> Harm:
    async def harm(deployment: Deployment, fault: Fault) -> None:
        links = deployment.links[kind]
        link = links[fault.target % len(links)]
        break_it(link)
        await asyncio.sleep(fault.hold_s)
        link.heal()
        # A stock client waits 30 s before it gives up what is half open; whoever is at the other
        # end tells it sooner, as soon as bytes arrive there again.
        if link.carries_websockets and break_it is Link.swallow:
            link.drop_connections()

    return harm


def _link_harms(*kinds: str) -> dict[str, Harm]:
    ways = {"cut": Link.go_down, "frozen": Link.freeze, "a hole": Link.swallow}
    names = {"node": "haproxy to node", "door": "client to haproxy"}
    return {
        f"{names.get(kind, f'node to {kind}')} {how}": _on_link(kind, break_it)
        for kind in kinds
        for how, break_it in ways.items()
    }


_FRONT: Final[Mapping[str, Harm]] = {
    "node killed": _node_killed,
    "node stopped briefly": _node_stopped,
    "node stopped past its leases": _node_stopped,
    **_link_harms("node", "door"),
}
_STORES: Final[Mapping[str, Harm]] = {
    "mongodb killed": _mongodb_killed,
    "s3 killed": _s3_killed,
    "redis flushed": _redis_flushed,
    "redis paused": _redis_paused,
    **_link_harms("mongodb", "s3"),
}
_BACK: Final = {**_STORES, "redis killed": _redis_killed, **_link_harms("redis")}
_WATCHED_BACK: Final = {
    **_STORES,
    "redis master killed": _master_killed,
    "redis failed over": _failed_over,
}
_HARMS: Final = {**_FRONT, **_BACK, **_WATCHED_BACK}
# Drawn more often than the others.
_OFTEN: Final = ("node killed", "redis killed", "redis master killed", "redis failed over")

Lanes = tuple[list[Fault], list[Fault]]


def draw_faults(seed: int, count: int, *, watched: bool) -> Lanes:
    """Draw the faults of a run: those in front of the stores, and those of Redis and the stores.

    Args:
        seed: decides it all.
        count: how many there are in all.
        watched: whether Sentinel watches Redis.
    """
    draw = random.Random(seed)
    front = count // 2
    back = _WATCHED_BACK if watched else _BACK
    return (
        [_drawn(draw, kind) for kind in _deal(draw, _FRONT, front)],
        [_drawn(draw, kind) for kind in _deal(draw, back, count - front)],
    )


def _deal(draw: random.Random, harms: Mapping[str, Harm], count: int) -> Iterator[str]:
    """Kinds as from a deck of cards that is shuffled whenever it is used up."""
    deck: list[str] = []
    for _ in range(count):
        if not deck:
            deck = [*harms, *(kind for kind in _OFTEN if kind in harms)]
            draw.shuffle(deck)
        yield deck.pop()


def _drawn(draw: random.Random, kind: str) -> Fault:
    bounds = PAST_LEASES_S if kind == "node stopped past its leases" else BRIEF_S
    return Fault(kind, draw.randrange(6), draw.uniform(*bounds), draw.uniform(0.1, 0.6))


async def strike(deployment: Deployment, fault: Fault) -> None:
    """Let one thing break, and return when it is whole again."""
    await _HARMS[fault.kind](deployment, fault)
