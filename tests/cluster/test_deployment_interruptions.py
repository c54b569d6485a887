"""For how long clients are kept from editing when a node dies, and when one is restarted."""

from __future__ import annotations

import asyncio
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.test_homes import until
from tests.support.cluster_load import (
    HELD_WITHIN_S,
    ROOMS,
    Load,
    StockWriter,
    loaded,
    nothing_is_lost,
)
from tests.support.counts import repeats
from tests.support.deployment import NODES, Deployment, deployed
from tests.support.http import request
from tests.support.server import Server
from tests.support.ws_client import Member, join

SEED: Final = 11
DEATHS: Final = repeats(1, proof=20)
DRAINS: Final = repeats(1, proof=10)
PROTOCOL: Final = "y-websocket"
KINDS: Final = ("y-websocket-3", "hocuspocus-4")
# For haproxy to see that a node is back, which it must before the next one goes.
SETTLED_S: Final = 1.5

Record = Callable[[str, object], None]


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_clients_edit_again_when_their_node_dies_or_is_restarted(
    tmp_path: Path, record_property: Record
) -> None:
    """FAULT-2, FAULT-3: Clients of a node that dies, or is restarted, edit on other nodes."""
    draw = random.Random(SEED)
    deaths, drains = Interruptions(), Interruptions()
    async with deployed(tmp_path) as deployment:
        async with loaded(deployment, SEED, kinds=KINDS, stock_rooms=ROOMS) as load:
            for _ in range(DRAINS):
                await restarted(deployment, load, draw.choice(in_use(deployment, load)), drains)
            for _ in range(DEATHS):
                await death(deployment, load, draw.choice(in_use(deployment, load)), deaths)
            await load.converge()
        await nothing_is_lost(load, deployment.store)
    record_property("deaths of a node", DEATHS)
    deaths.tell(record_property, "edited again after")
    record_property("drains of a node", DRAINS)
    drains.tell(record_property, "interrupted for")
    record_property("close codes", dict(sorted(load.codes.items())))
    record_property("acknowledged", load.oracle.acknowledged)
    record_property("lost", 0)
    assert deaths.of_clients_s, "nobody was on the nodes that died"
    assert drains.of_clients_s, "nobody was on the nodes that were restarted"


@dataclass(frozen=True, slots=True)
class Interruptions:
    """For how many seconds clients were kept from editing.

    Attributes:
        of_clients_s: of the tests' own, from what they were told is saved.
        of_stock_s: of stock clients, by kind.
    """

    of_clients_s: list[float] = field(default_factory=list)
    of_stock_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def tell(self, record: Record, what: str) -> None:
        """Record the median, the 99th percentile and the greatest of each."""
        for who, times_s in {"tests' own": self.of_clients_s, **self.of_stock_s}.items():
            ordered = sorted(times_s)
            if ordered:
                p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
                middle, count = statistics.median(ordered), len(ordered)
                figures = f"p50 {middle:.2f}, p99 {p99:.2f}, most {ordered[-1]:.2f}, n {count}"
                record(f"{what} (s), {who}", figures)


async def death(deployment: Deployment, load: Load, name: str, found: Interruptions) -> None:
    """Kill a node; for how long each of its clients was kept from editing.

    For stock clients that is until an edit made after the death has reached another node.
    """
    mine = [client for client in load.lasting if client.node == deployment.label(name)]
    before = [len(await writer.closes()) for writer in load.stock]
    async with AsyncExitStack() as stack, asyncio.timeout(HELD_WITHIN_S):
        observers = {
            room: await stack.enter_async_context(join(another(deployment, name), PROTOCOL, room))
            for room in ROOMS
        }
        killed_s = asyncio.get_running_loop().time()
        deployment.nodes[name].kill()
        waiting = [
            asyncio.create_task(edits_again(writer, closes, observers[writer.room], killed_s))
            for writer, closes in zip(load.stock, before, strict=True)
        ]
        times_s = await asyncio.gather(*(client.resumed(killed_s) for client in mine))
        found.of_clients_s.extend(times_s)
        for writer, again_s in zip(load.stock, await asyncio.gather(*waiting), strict=True):
            if again_s is not None:
                found.of_stock_s[writer.client.driver.kind].append(again_s)
    await back(deployment, name)


async def edits_again(
    writer: StockWriter, closes: int, observer: Member, since_s: float
) -> float | None:
    """Seconds until others see an edit made since; None where it was not interrupted."""
    for _ in range(20):
        if len(await writer.closes()) > closes:
            break
        await asyncio.sleep(0.05)
    else:
        return None
    await observer.until(
        lambda: any(key in observer.map for key in writer.made_since(since_s)),
        what=f"an edit of {writer.client}",
        within_s=HELD_WITHIN_S,
    )
    return asyncio.get_running_loop().time() - since_s


async def restarted(deployment: Deployment, load: Load, name: str, found: Interruptions) -> None:
    """Drain a node, and restart it; for how long each of its clients was kept from editing.

    That is the longest time between two acknowledgements, and for stock clients from a connection's
    end until they are in sync again.
    """
    mine = [client for client in load.lasting if client.node == deployment.label(name)]
    before = [len(await writer.away_s()) for writer in load.stock]
    began_s = asyncio.get_running_loop().time()
    answer = await request(another(deployment, name), "POST", f"/v1/nodes/{name}/drain")
    assert answer.status_code == 204, answer.text
    await until(another(deployment, name), lambda nodes: nodes[name]["state"] == "drained")
    drained_s = asyncio.get_running_loop().time()
    async with asyncio.timeout(HELD_WITHIN_S):
        await asyncio.gather(*(client.resumed(drained_s) for client in mine))
        for writer in load.stock:
            await writer.client.until_synced()
    found.of_clients_s.extend(client.longest_gap(began_s) for client in mine)
    for writer, known in zip(load.stock, before, strict=True):
        found.of_stock_s[writer.client.driver.kind] += (await writer.away_s())[known:]
    await deployment.nodes[name].terminate()
    await back(deployment, name)


def in_use(deployment: Deployment, load: Load) -> list[str]:
    """The nodes that have clients."""
    used = {client.node for client in load.lasting}
    return [name for name in NODES if deployment.label(name) in used]


def another(deployment: Deployment, name: str) -> Server:
    """A node that is not this one."""
    return next(node for each, node in deployment.nodes.items() if each != name)


async def back(deployment: Deployment, name: str) -> None:
    """Start a node again, and wait until clients may be sent there."""
    await deployment.revive(deployment.nodes[name])
    await deployment.acquainted()
    await until(another(deployment, name), lambda nodes: nodes[name]["state"] == "serving")
    await asyncio.sleep(SETTLED_S)
