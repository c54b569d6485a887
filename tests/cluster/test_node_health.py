"""What real nodes tell of themselves and of each other: silence, ends, bus, store and rooms."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from tests.cluster.test_homes import acquainted, ask, home_of, until
from tests.support.nodes import heard, running_nodes
from tests.support.redis_server import RedisServer
from tests.support.server import Server, running_server
from tests.support.ws_client import join

WITHIN_S = 30


async def told(node: Server, path: str) -> dict[str, Any]:
    response = await ask(node, "GET", path)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def gone(node: Server, count: int) -> dict[str, dict[str, Any]]:
    """The nodes that are members no more, once there are so many."""
    async with asyncio.timeout(WITHIN_S):
        while len(found := (await told(node, "/nodes"))["gone"]) < count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    return {each["node"]: each for each in found}


async def test_node_that_stands_still_is_silent_and_one_that_is_killed_is_gone(
    tmp_path: Path,
) -> None:
    """NODE-15."""
    async with running_nodes(tmp_path, "ann", "bob", "eve", bus="log") as (ann, bob, eve):
        await acquainted(ann, bob, eve)
        before = (await told(ann, "/nodes"))["nodes"][1]
        await until(ann, lambda found: found["bob"]["uptime_ms"] > before["uptime_ms"])
        bob.process.send_signal(signal.SIGSTOP)
        await until(ann, lambda found: found["bob"]["state"] == "silent")
        await gone(ann, 1)
        bob.process.send_signal(signal.SIGCONT)
        await until(ann, lambda found: found["bob"]["state"] == "serving")
        assert (await told(ann, "/nodes"))["gone"] == []
        bob.kill()
        await eve.terminate()
        ended = await gone(ann, 2)
        assert {name: each["has_left"] for name, each in ended.items()} == {
            "bob": False,
            "eve": True,
        }
        assert ended["bob"]["address"] == bob.url
        assert ended["bob"]["silent_ms"] >= 3000
        assert set(await gone_after(ann, bob)) == {"eve"}


async def gone_after(node: Server, other: Server) -> dict[str, dict[str, Any]]:
    """Who is gone once another one has come back."""
    await other.start()
    await until(node, lambda found: found["bob"]["state"] == "serving")
    return await gone(node, 1)


async def test_nodes_tell_how_their_bus_and_store_are(tmp_path: Path, redis: RedisServer) -> None:
    """NODE-16."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await acquainted(ann, bob)
        await heard(ann, bob)
        for node in (ann, bob):
            await until(
                node,
                lambda found: all(
                    each["bus"]["is_up"]
                    and each["bus"]["delay_ms"] is not None
                    and each["bus"]["peers"] == 1
                    for each in found.values()
                ),
            )
        (first, _) = (await told(bob, "/nodes"))["nodes"]
        assert (first["bus"]["kind"], first["bus"]["look_ms"]) == ("redis", 5000)
        assert (first["bus"]["gaps"], first["bus"]["interruptions"]) == (0, 0)
        assert first["store_problem"] is None
        redis.kill()
        for node in (ann, bob):
            await until(
                node, lambda found: not any(each["bus"]["is_up"] for each in found.values())
            )
        for each in (await told(bob, "/nodes"))["nodes"]:
            bus = each["bus"]
            assert (bus["delay_ms"], bus["peers"], bus["look_ms"]) == (None, 0, 2000)
            assert bus["interruptions"] == 1
        redis.start()
        await until(ann, lambda found: all(each["bus"]["is_up"] for each in found.values()))


async def test_open_rooms_are_told_with_their_home_and_the_sessions_of_all_nodes(
    tmp_path: Path,
) -> None:
    """NODE-17."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as (ann, bob):
        await acquainted(ann, bob)
        for node in (ann, bob):
            await until_rooms(node, [])
        async with (
            join(ann, "y-websocket", "duo"),
            join(bob, "hocuspocus", "duo"),
            join(bob, "y-websocket", "solo"),
        ):
            homes = {room: (await home_of(ann, room))["node"] for room in ("duo", "solo")}
            duo = {"room": "duo", "home": homes["duo"], "sessions": 2}
            solo = {"room": "solo", "home": homes["solo"], "sessions": 1}
            at_ann, at_bob = {"node": "ann", "sessions": 1}, {"node": "bob", "sessions": 1}
            wanted = [duo | {"open_on": [at_ann, at_bob]}, solo | {"open_on": [at_bob]}]
            for node in (ann, bob):
                await until_rooms(node, wanted)
            first = await told(ann, "/nodes/rooms?limit=1")
            assert first == {"rooms": wanted[:1], "is_whole": False}


async def until_rooms(node: Server, wanted: list[dict[str, Any]]) -> None:
    """Wait until a node tells of these rooms, and that there are no others."""
    whole = {"rooms": wanted, "is_whole": True}
    async with asyncio.timeout(WITHIN_S):
        while await told(node, "/nodes/rooms") != whole:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def test_node_by_itself_tells_of_itself_alone(tmp_path: Path) -> None:
    """NODE-16, NODE-17."""
    env = {"BANDPRO_DEMO": "off"}
    async with running_server(tmp_path, env=env) as server, join(server, "y-websocket", "solo"):
        answer = await told(server, "/nodes")
        (node,) = answer["nodes"]
        assert (answer["gone"], answer["age_ms"]) == ([], 0)
        assert (node["state"], node["is_here"], node["store_problem"]) == ("serving", True, None)
        assert (node["bus"]["kind"], node["bus"]["look_ms"]) == ("off", 0)
        assert await told(server, "/nodes/rooms") == {
            "rooms": [
                {
                    "room": "solo",
                    "home": node["node"],
                    "sessions": 1,
                    "open_on": [{"node": node["node"], "sessions": 1}],
                }
            ],
            "is_whole": True,
        }
