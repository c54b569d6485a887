"""Three nodes under load, and one fault after the other in whatever they stand on."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.support.counts import repeats
from tests.support.nodes import heard, running_nodes
from tests.support.oracle import ROOMS, Oracle, Writer, writers
from tests.support.providers import clocks_of
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import Server
from tests.support.ws_client import join

SEED: Final = 11
ROUNDS: Final = repeats(7, proof=200)
PAUSES_S: Final = (0.01, 0.05)
TOGETHER_WITHIN_S: Final = 60.0


class Fault:
    """What is done to Redis, or to one of the nodes.

    Args:
        redis: the bus.
        node: whom it strikes, if it strikes a node.
    """

    ends_its_connections = False
    may_hold_the_store = False
    """The database may be locked for longer than others wait; they then close, retryably."""

    def __init__(self, redis: RedisServer, node: Server) -> None:
        self.redis = redis
        self.node = node

    async def strike(self) -> None:
        """Do it, and what makes it good again."""
        raise NotImplementedError


class RedisKilled(Fault):
    async def strike(self) -> None:
        await asyncio.to_thread(self.redis.kill_and_start)


class RedisFlushed(Fault):
    async def strike(self) -> None:
        await asyncio.to_thread(self.redis.flush)


class RedisPaused(Fault):
    async def strike(self) -> None:
        await asyncio.to_thread(self.redis.pause)


class RedisStopped(Fault):
    async def strike(self) -> None:
        self.redis.signal(signal.SIGSTOP)
        await asyncio.sleep(4)
        self.redis.signal(signal.SIGCONT)


class ConnectionsCut(Fault):
    async def strike(self) -> None:
        await asyncio.to_thread(self.redis.cut_off)


class NodeKilled(Fault):
    ends_its_connections = True

    async def strike(self) -> None:
        self.node.kill()


class NodeStopped(Fault):
    may_hold_the_store = True

    async def strike(self) -> None:
        os.kill(self.node.process.pid, signal.SIGSTOP)
        await asyncio.sleep(6)  # longer than the others believe in it
        os.kill(self.node.process.pid, signal.SIGCONT)


FAULTS: Final = (
    NodeKilled,
    RedisKilled,
    NodeStopped,
    ConnectionsCut,
    RedisPaused,
    RedisFlushed,
    RedisStopped,
)


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_nothing_acknowledged_is_lost_and_all_meet_again(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """BUS-5: faults of Redis and of nodes, at random moments under load."""
    draw = random.Random(SEED)
    oracle = Oracle()
    with redis_server(tmp_path) as redis:
        async with running_nodes(tmp_path, "ann", "bob", "cec", bus=redis.url) as nodes:
            for number in range(ROUNDS):
                await heard(*nodes)
                fault = FAULTS[number % len(FAULTS)](redis, draw.choice(nodes))
                await one_round(oracle, nodes, fault, f"round{number}", draw)
                for node in nodes:
                    if not node.alive:
                        await node.start()
                await together(nodes)
                for node in nodes:
                    assert not await oracle.lost(node), type(fault).__name__
    record_property("faults", ROUNDS)
    record_property("acknowledged", oracle.acknowledged)
    record_property("lost", 0)
    assert oracle.acknowledged > 5 * ROUNDS


async def one_round(
    oracle: Oracle, nodes: list[Server], fault: Fault, label: str, draw: random.Random
) -> None:
    """Everybody writes on all nodes while the fault strikes."""
    async with AsyncExitStack() as stack:
        staying: list[Writer] = []
        leaving: list[Writer] = []
        for index, node in enumerate(nodes):
            is_leaving = fault.ends_its_connections and node is fault.node
            made = await stack.enter_async_context(
                writers(node, f"{label}-{index}", SEED, pauses_s=PAUSES_S)
            )
            (leaving if is_leaving else staying).extend(made)

        async def strike() -> None:
            await asyncio.sleep(draw.uniform(0.3, 0.8))
            await fault.strike()

        struck = asyncio.create_task(strike())

        async def rest() -> None:
            await struck
            await asyncio.sleep(0.5)

        watch = oracle.watch_through if fault.may_hold_the_store else oracle.watch_on
        await asyncio.gather(
            watch(staying, asyncio.ensure_future(rest())),
            oracle.watch(leaving, asyncio.ensure_future(asyncio.shield(struck))),
        )


def alike(states: Iterable[dict[int, int]]) -> bool:
    """Whether all are the same."""
    first, *others = states
    return all(state == first for state in others)


async def together(nodes: list[Server]) -> None:
    """Wait until newcomers to each room find the same on all nodes."""
    for room in ROOMS:
        async with AsyncExitStack() as stack:
            seen = [
                await stack.enter_async_context(join(node, "y-websocket", room)) for node in nodes
            ]
            async with asyncio.timeout(TOGETHER_WITHIN_S):
                # Not as bytes: those may name the same clocks in another order.
                while not alike(clocks_of(each.doc.get_state()) for each in seen):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            contents = [member.map.to_py() for member in seen]
            assert contents[0] == contents[1] == contents[2]
