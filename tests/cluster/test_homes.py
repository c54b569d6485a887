"""Real nodes over one store: who is home, who takes over, and how a node is emptied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.support.http import request, room_path
from tests.support.nodes import RETRYABLE, running_nodes, setting
from tests.support.server import Server
from tests.support.ws_client import join, open_socket, room_url

ROOMS: Final = [f"band/{number}" for number in range(30)]
WITHIN_S: Final = 30.0


async def ask(node: Server, method: str, path: str) -> httpx.Response:
    return await request(node, method, f"/v1{path}")


async def home_of(
    node: Server, room: str, *, token: str | None = None, status: int = 200
) -> dict[str, Any]:
    """What a node tells of a room's home, or of why it does not."""
    response = await request(node, "GET", f"{room_path(room)}/node", token=token)
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


async def nodes_of(node: Server) -> dict[str, dict[str, Any]]:
    response = await ask(node, "GET", "/nodes")
    assert response.status_code == 200, response.text
    return {each["node"]: each for each in response.json()["nodes"]}


async def until(node: Server, holds: Callable[[dict[str, dict[str, Any]]], bool]) -> None:
    """Wait until what a node tells of all nodes is as it should be; all of them are there then."""

    async def is_so() -> bool:
        try:
            return holds(await nodes_of(node))
        except KeyError:  # a node that starts is no member yet
            return False

    async with asyncio.timeout(WITHIN_S):
        while not await is_so():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def acquainted(*nodes: Server) -> None:
    for node in nodes:
        await until(node, lambda found: len(found) == len(nodes))


async def test_all_nodes_name_the_same_home_and_another_one_when_it_dies(tmp_path: Path) -> None:
    """NODE-3, NODE-4."""
    async with running_nodes(tmp_path, "ann", "bob", "eve", bus="log") as nodes:
        await acquainted(*nodes)
        by_name = dict(zip(("ann", "bob", "eve"), nodes, strict=True))
        before = {}
        for room in ROOMS:
            told = [await home_of(node, room) for node in nodes]
            assert len({each["node"] for each in told}) == 1
            before[room] = told[0]["node"]
            assert {each["address"] for each in told} == {by_name[before[room]].url}
            assert [each["is_here"] for each in told] == [
                node is by_name[before[room]] for node in nodes
            ]
        assert set(before.values()) == {"ann", "bob", "eve"}
        by_name["eve"].kill()
        await until(by_name["ann"], lambda found: set(found) == {"ann", "bob"})
        after = {room: (await home_of(by_name["ann"], room))["node"] for room in ROOMS}
        assert all(after[room] == before[room] for room in ROOMS if before[room] != "eve")
        assert "eve" not in after.values()
        # A node that ends in good order is gone at once, and one that comes back is home again.
        await by_name["bob"].terminate()
        await until(by_name["ann"], lambda found: set(found) == {"ann"})
        await by_name["eve"].start()
        await until(by_name["ann"], lambda found: set(found) == {"ann", "eve"})
        back = {room: (await home_of(by_name["eve"], room))["node"] for room in ROOMS}
        assert all(back[room] == "eve" for room in ROOMS if before[room] == "eve")


async def test_drained_node_sends_its_clients_away_while_others_go_on_editing(
    tmp_path: Path,
) -> None:
    """NODE-5, NODE-6."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as (ann, bob):
        await acquainted(ann, bob)
        async with join(bob, "y-websocket", "quartet") as elsewhere:
            async with (
                join(ann, "y-websocket", "quartet") as one,
                join(ann, "hocuspocus", "quartet") as two,
                join(ann, "y-websocket", "solo") as three,
            ):
                await one.edit(setting("before", 1))
                await one.until_saved()
                assert (await ask(bob, "POST", "/nodes/ann/drain")).status_code == 204
                await elsewhere.edit(setting("meanwhile", 2))
                await elsewhere.until_saved()
                for member in (one, two, three):
                    assert (await member.until_closed()).code in RETRYABLE
            await until(bob, lambda found: found["ann"]["state"] == "drained")
            assert not ann.ready()
            with pytest.raises(InvalidStatus) as refused:
                await get_in(ann)
            assert refused.value.response.status_code == 503
            assert (await ask(bob, "POST", "/nodes/bob/drain")).status_code == 409
            told = {(await home_of(ann, room))["node"] for room in ROOMS}
            assert told == {"bob"}
            found = await nodes_of(bob)
            assert (found["ann"]["rooms"], found["ann"]["sessions"]) == (0, 0)
            assert (found["ann"]["share"], found["bob"]["share"]) == (0, 1)
            await elsewhere.until(lambda: set(elsewhere.map.keys()) == {"before", "meanwhile"})
        # Taken back, it serves as before; what was not taken back ends with the process.
        assert (await ask(ann, "DELETE", "/nodes/ann/drain")).status_code == 204
        await until(bob, lambda found: found["ann"]["state"] == "serving")
        assert ann.ready()
        async with join(ann, "y-websocket", "quartet") as again:
            await again.until(lambda: set(again.map.keys()) == {"before", "meanwhile"})
        assert (await ask(ann, "POST", "/nodes/bob/drain")).status_code == 204
        await until(ann, lambda found: found["bob"]["state"] == "drained")
        await bob.restart()
        await until(ann, lambda found: found["bob"]["state"] == "serving")


async def get_in(node: Server) -> None:
    """Try to get in, and leave at once."""
    async with open_socket(room_url(node.collab_url, "quartet")):
        pass


async def test_rebalance_closes_only_sessions_in_rooms_that_are_at_home_elsewhere(
    tmp_path: Path,
) -> None:
    """NODE-7."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as (ann, bob):
        await acquainted(ann, bob)
        homes = {room: (await home_of(ann, room))["node"] for room in ROOMS}
        here = next(room for room in ROOMS if homes[room] == "ann")
        there = next(room for room in ROOMS if homes[room] == "bob")
        async with (
            join(ann, "y-websocket", here) as stays,
            join(ann, "y-websocket", there) as goes,
        ):
            moves = [{"node": "bob", "rooms": 1, "sessions": 1}]
            await until(bob, lambda found: found["ann"]["moves"] == moves)
            assert (await ask(bob, "POST", "/rebalance")).status_code == 204
            assert (await goes.until_closed()).code in RETRYABLE
            await stays.edit(setting("still", "here"))
            await stays.until_saved()


async def test_a_node_by_itself_is_home_for_everything_and_cannot_be_emptied(
    tmp_path: Path,
) -> None:
    """NODE-4, NODE-6."""
    async with running_nodes(tmp_path, "ann", bus="off") as (ann,):
        home = await home_of(ann, "any/room")
        assert home == {"node": "ann", "address": ann.url, "is_here": True}
        (node,) = (await nodes_of(ann)).values()
        assert (node["state"], node["share"], node["moves"]) == ("serving", 1, [])
        assert (await ask(ann, "POST", "/nodes/ann/drain")).status_code == 409
        assert (await ask(ann, "POST", "/rebalance")).status_code == 409
