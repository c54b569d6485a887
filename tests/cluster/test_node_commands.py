"""`bandpro nodes`, `shards`, `drain` and `rebalance` against real nodes."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

from tests.cluster.test_homes import ROOMS, acquainted, home_of, until
from tests.support.access import mint
from tests.support.command import bandpro
from tests.support.http import request
from tests.support.nodes import running_nodes
from tests.support.ws_client import join


async def run(*args: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {"BANDPRO_CLI_TOKEN": token} if token else {}
    return await asyncio.to_thread(lambda: bandpro(*args, env=env))


async def test_commands_tell_of_all_nodes_and_move_what_they_should(tmp_path: Path) -> None:
    """NODE-14."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as (ann, bob):
        await acquainted(ann, bob)
        homes = {room: (await home_of(ann, room))["node"] for room in ROOMS}
        there = next(room for room in ROOMS if homes[room] == "bob")
        async with join(ann, "y-websocket", there) as member:
            moves = [{"node": "bob", "rooms": 1, "sessions": 1}]
            for node in (ann, bob):
                await until(node, lambda found: found["ann"]["moves"] == moves)
            told = await run("nodes", "--url", bob.url)
            assert told.returncode == 0, told.stderr
            lines = [line.split() for line in told.stdout.splitlines()]
            assert [line[:2] for line in lines] == [
                ["node", "state"],
                ["ann", "serving"],
                ["bob", "serving"],
            ]
            assert ann.url in told.stdout
            shards = await run("shards", "--url", ann.url)
            assert "1 rooms, 1 sessions to bob" in shards.stdout
            assert "50%" in shards.stdout
            found = json.loads((await run("shards", "--url", ann.url, "--json")).stdout)
            assert [node["node"] for node in found] == ["ann", "bob"]
            moved = await run("rebalance", "--url", bob.url)
            assert moved.stdout == "1 sessions in 1 rooms are being sent home.\n"
            await member.until_closed()
        drained = await run("drain", "ann", "--url", bob.url)
        assert (drained.returncode, drained.stdout) == (0, "ann is empty.\n")
        assert "draining ann" in drained.stderr
        back = await run("drain", "ann", "--cancel", "--url", ann.url)
        assert (back.returncode, back.stdout) == (0, "ann serves again.\n")
        await until(bob, lambda found: found["ann"]["state"] == "serving")


async def test_drain_that_is_not_done_in_time_says_what_is_left(tmp_path: Path) -> None:
    """NODE-14."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as (ann, bob):
        await acquainted(ann, bob)
        async with join(ann, "y-websocket", "quartet"):
            await until(bob, lambda found: found["ann"]["sessions"] == 1)
            late = await run("drain", "ann", "--wait", "0", "--url", bob.url)
            assert late.returncode == 1
            assert "ann still has 1 rooms and 1 sessions after 0 s." in late.stderr
        unknown = await run("drain", "nobody", "--url", bob.url)
        assert unknown.returncode == 2
        assert "there is no node of this name" in unknown.stderr


async def test_only_an_owner_of_everything_sees_and_moves_nodes(tmp_path: Path) -> None:
    """NODE-14: and only who may read a room learns where it is at home."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log", auth="token") as (ann, _):
        some = mint(ann, {"band/*": "owner"})
        for command in (["nodes"], ["shards"], ["drain", "bob"], ["rebalance"]):
            assert (await run(*command, "--url", ann.url)).returncode == 2
            refused = await run(*command, "--url", ann.url, token=some)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert "does not allow" in refused.stderr
        every = mint(ann, {"**": "owner"})
        for token, status in ((None, 401), (some, 403), (every, 200)):
            rooms = await request(ann, "GET", "/v1/nodes/rooms", token=token)
            assert rooms.status_code == status
        assert (await run("nodes", "--url", ann.url, token=every)).returncode == 0
        assert (await home_of(ann, "band/1", token=mint(ann, {"band/*": "viewer"})))["node"]
        assert await home_of(ann, "other", token=some, status=403)
        assert await home_of(ann, "other", status=401)
