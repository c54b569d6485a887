"""Sentinel and Cluster: the bus finds the servers by itself, and again when they change."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.support.certificates import self_signed
from tests.support.command import bandpro
from tests.support.nodes import (
    BUS_KEY,
    has_all,
    heard,
    metric,
    running_nodes,
    setting,
    until_metric,
)
from tests.support.redis_server import RedisServer, redis_server
from tests.support.sentinel import WatchedRedis, until, watched_redis
from tests.support.server import free_port
from tests.support.ws_client import join

ROOM: Final = "quartet"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    with watched_redis(tmp_path) as running:
        yield running


@pytest.mark.slow
async def test_the_bus_follows_the_master_that_sentinel_names(
    watched: WatchedRedis, tmp_path: Path
) -> None:
    """BUS-5: the master dies, the replica takes over, and no edit is lost or waits for it."""
    master, replica = watched.servers
    async with (
        running_nodes(tmp_path, "ann", "bob", bus=watched.url) as (ann, bob),
        join(ann, "y-websocket", ROOM) as a,
        join(bob, "hocuspocus", ROOM) as b,
    ):
        await heard(ann, bob)
        master.kill()
        await a.edit(setting("meanwhile", 1))
        await a.until_saved()
        await has_all(b, {"meanwhile"})
        for node in (ann, bob):
            await until_metric(node, "bandpro_bus_interruptions_total", 1)
            await until_metric(node, "bandpro_bus_up", 1)
        before = await metric(bob, "bandpro_bus_envelopes_received_total", kind="updates")
        await a.edit(setting("after", 1))
        await has_all(b, {"after"})
        after = await metric(bob, "bandpro_bus_envelopes_received_total", kind="updates")
        assert after == before + 1
        assert replica.calls("publish") > 0


def is_whole(server: RedisServer) -> bool:
    return "cluster_state:ok" in str(server.ask("CLUSTER", "INFO"))


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """A Cluster of three primaries, the slots spread over them."""
    with ExitStack() as stack:
        servers = []
        for _ in range(3):
            port = free_port()
            folder = tmp_path / f"redis-{port}"
            folder.mkdir()
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            server = RedisServer(folder, *options, port=port)
            server.start()
            stack.callback(server.kill)
            servers.append(server)
        for number, server in enumerate(servers):
            first, last = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            server.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            bus_port = server.ask("CONFIG", "GET", "cluster-port")["cluster-port"]
            servers[0].ask("CLUSTER", "MEET", "127.0.0.1", server.port, bus_port)
        for server in servers:
            until(partial(is_whole, server), "the cluster")
        yield servers


@pytest.mark.slow
async def test_rooms_are_spread_over_the_shards_of_a_cluster(
    shards: list[RedisServer], tmp_path: Path
) -> None:
    """BUS-6: each room's envelopes stay on one shard, and a lost shard loses no edit."""
    bus = f"redis+cluster://127.0.0.1:{shards[0].port}"
    rooms = [f"room-{number}" for number in range(9)]
    async with running_nodes(tmp_path, "ann", "bob", bus=bus) as (ann, bob):
        await heard(ann, bob)
        for room in rooms:
            async with join(ann, "y-websocket", room) as a, join(bob, "y-websocket", room) as b:
                await a.edit(setting("a", 1))
                await has_all(b, {"a"})
                await b.edit(setting("b", 1))
                await has_all(a, {"b"})
        assert await metric(bob, "bandpro_peer_rows_total", via="bus") > 0
        said = [shard.calls("spublish") for shard in shards]
        assert all(said), said
        assert not any(shard.calls("publish") for shard in shards)
        async with join(ann, "y-websocket", ROOM) as a, join(bob, "y-websocket", ROOM) as b:
            shards[2].kill()
            await a.edit(setting("meanwhile", 1))
            await has_all(b, {"meanwhile"})
            await a.until_saved()
            await asyncio.to_thread(shards[2].start)
            for node in (ann, bob):
                await until_metric(node, "bandpro_bus_up", 1)


def test_the_doctor_tries_the_bus(tmp_path: Path) -> None:
    """BUS-10: a password that is wrong is told before anybody starts a server, and not repeated."""
    with redis_server(tmp_path) as redis:
        options = ["--port", str(free_port()), "--admin-port", "off", "--bus", redis.url]
        options += ["--bus-key", BUS_KEY, "--json"]
        found = findings(bandpro("doctor", *options, cwd=tmp_path))["bus"]
        assert (found["verdict"], found["found"]) == ("good", "1 server, by PUBLISH")
        redis.ask("CONFIG", "SET", "requirepass", "geheim")
        options[5] = redis.url.replace("//", "//:falsch@")
        result = bandpro("doctor", *options, cwd=tmp_path)
        assert findings(result)["bus"]["verdict"] == "warning"
        assert "falsch" not in result.stdout


def findings(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in json.loads(result.stdout)}


async def test_the_bus_goes_over_tls_with_a_password(tmp_path: Path) -> None:
    """BUS-10: and not where the certificate is not trusted."""
    made = self_signed(tmp_path)
    port = free_port()
    options = ["--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(made.certificate), "--tls-key-file", str(made.key)]
    with redis_server(tmp_path, *options) as redis:
        redis.ask("CONFIG", "SET", "requirepass", "geheim")
        trusted = f"rediss://:geheim@127.0.0.1:{port}?ssl_ca_certs={made.certificate}"
        async with (
            running_nodes(tmp_path, "ann", "bob", bus=trusted) as (ann, bob),
            running_nodes(tmp_path, "eve", bus=f"rediss://:geheim@127.0.0.1:{port}") as (eve,),
            join(ann, "y-websocket", ROOM) as a,
            join(bob, "y-websocket", ROOM) as b,
        ):
            await heard(ann, bob)
            await a.edit(setting("a", 1))
            await has_all(b, {"a"})
            assert await metric(eve, "bandpro_bus_up") == 0
            for node in (ann, bob, eve):
                assert "geheim" not in node.log_text
