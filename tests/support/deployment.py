"""All that a cluster is in production, small: three nodes, haproxy, Redis, MongoDB and S3.

Every link between two of them is a TCP proxy of the tests' own, so that it can be cut, frozen or
made a hole. Where Sentinel watches Redis, nodes reach Redis without one: they are told its address.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from persistence.build import S3Limits, StoreSettings
from tests.support.killable_s3 import KillableS3
from tests.support.load_balancers import load_balancer, node_label
from tests.support.mongodb import MongoServer
from tests.support.nodes import cluster_node, heard
from tests.support.redis_server import RedisServer
from tests.support.s3 import CREDENTIALS, Bucket, new_bucket
from tests.support.sentinel import WatchedRedis
from tests.support.server import Server, ServerFailed
from tests.support.tcp_proxy import TcpProxy

NODES: Final = ("ann", "bob", "eve")
DOORS: Final = 2
"""Clients come through one of so many proxies before haproxy."""

REVIVED_WITHIN_S: Final = 120.0
ACQUAINTED_WITHIN_S: Final = 40.0
_WRITE_MS: Final = 20
_ENVIRONMENT: Final = CREDENTIALS | {
    # Compactions, versions and unloading all the time, so that faults come in the middle of them.
    "BANDPRO_COMPACTION_TAIL_UPDATES": "40",
    "BANDPRO_VERSION_INTERVAL_MS": "0",
    "BANDPRO_VERSION_EDITS": "1",
    "BANDPRO_UNLOAD_AFTER_MS": "1000",
    # Who is half gone is found out while a test waits for it.
    "BANDPRO_IDLE_TIMEOUT_MS": "6000",
}


class Link(TcpProxy):
    """A link, and whether websockets go over it."""

    def __init__(self, port: int, *, carries_websockets: bool = False) -> None:
        super().__init__("127.0.0.1", port)
        self.carries_websockets = carries_websockets


@dataclass(frozen=True, slots=True)
class Deployment:
    """What runs.

    Attributes:
        nodes: by name.
        redis: by itself or watched by Sentinel.
        mongodb: the store.
        s3: the service for blobs.
        bucket: where they are.
        links: by what they lead to: ``redis``, ``mongodb``, ``s3`` (one of each node), ``node``
            (from haproxy to one) and ``door`` (from clients to haproxy).
    """

    nodes: Mapping[str, Server]
    redis: RedisServer | WatchedRedis
    mongodb: MongoServer
    s3: KillableS3
    bucket: Bucket
    links: Mapping[str, list[Link]]

    @property
    def store(self) -> StoreSettings:
        """To open the store past all nodes and links."""
        limits = S3Limits(endpoint=self.bucket.service.endpoint, path_style=True)
        return StoreSettings(f"{self.mongodb.url}/rooms", blobs_url=self.bucket.url, s3=limits)

    def url(self, number: int) -> str:
        """The root of the websocket addresses, through one of the doors."""
        doors = self.links["door"]
        return f"ws://127.0.0.1:{doors[number % len(doors)].port}"

    def label(self, name: str) -> str:
        """How the load balancer calls a node."""
        return node_label(NODES.index(name))

    async def revive(self, node: Server) -> None:
        """Start a node again and again until it stays, as whatever supervises it does."""
        async with asyncio.timeout(REVIVED_WITHIN_S):
            while True:
                try:
                    await node.start()
                except ServerFailed:
                    await asyncio.sleep(0.5)
                else:
                    return

    async def acquainted(self) -> None:
        """Wait until each node hears all others."""
        await heard(*self.nodes.values(), within_s=ACQUAINTED_WITHIN_S)


@asynccontextmanager
async def deployed(folder: Path, *, watched: bool = False) -> AsyncIterator[Deployment]:
    """All of it, for the time of an `async with` block.

    Args:
        folder: an existing folder.
        watched: whether Redis has a replica and a Sentinel.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_credentials())
        redis = WatchedRedis(folder) if watched else RedisServer(folder)
        mongodb = MongoServer(folder, "--sync-on-commit")
        s3 = KillableS3(folder, delay_ms=_WRITE_MS)
        for service in (redis, mongodb, s3):
            stack.callback(service.kill)
        await asyncio.gather(*(asyncio.to_thread(it.start) for it in (redis, mongodb, s3)))
        bucket = await asyncio.to_thread(new_bucket, s3.service)
        ports = {"mongodb": mongodb.port, "s3": s3.port}
        if isinstance(redis, RedisServer):
            ports["redis"] = redis.port
        links = {kind: [await _link(stack, port) for _ in NODES] for kind, port in ports.items()}
        nodes = {}
        for number, name in enumerate(NODES):
            own = {kind: found[number].port for kind, found in links.items()}
            bus = redis.url if "redis" not in own else f"redis://127.0.0.1:{own['redis']}"
            options = _options(own, bucket)
            nodes[name] = cluster_node(folder, name, bus=bus, store=options, env=_ENVIRONMENT)
        stack.callback(_kill_all, nodes)
        await asyncio.gather(*(node.start() for node in nodes.values()))
        links["node"] = [await _link(stack, node.port, websockets=True) for node in nodes.values()]
        front = stack.enter_context(load_balancer("haproxy", folder, links["node"]))
        links["door"] = [await _link(stack, front.port, websockets=True) for _ in range(DOORS)]
        made = Deployment(nodes, redis, mongodb, s3, bucket, links)
        await made.acquainted()
        try:
            yield made
        except BaseException:
            for node in nodes.values():
                print(node._report("was in use when the test failed"))  # noqa: T201 - pytest shows it
            raise


async def _link(stack: AsyncExitStack, port: int, *, websockets: bool = False) -> Link:
    link = Link(port, carries_websockets=websockets)
    await stack.enter_async_context(link)
    return link


def _options(ports: Mapping[str, int], bucket: Bucket) -> list[str]:
    # Its own address, which MongoDB tells, would lead past the link.
    return [
        *("--store", f"mongodb://127.0.0.1:{ports['mongodb']}/rooms?directConnection=true"),
        *("--blobs", bucket.url, "--blobs-path-style", "on"),
        *("--blobs-endpoint", f"http://127.0.0.1:{ports['s3']}"),
    ]


def _kill_all(nodes: Mapping[str, Server]) -> None:
    for node in nodes.values():
        if node.alive:
            node.kill()


@contextmanager
def _credentials() -> Iterator[None]:
    """The variables that the tests' own client of S3 reads."""
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    try:
        yield
    finally:
        for name, text in before.items():
            if text is None:
                del os.environ[name]
            else:
                os.environ[name] = text
