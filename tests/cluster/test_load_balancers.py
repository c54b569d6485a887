"""The examples of `deploy/` before real nodes: rooms stay together, and clients come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from websockets.exceptions import InvalidHandshake

from tests.support.http import NO_CERTIFICATES, request, room_path
from tests.support.load_balancers import KINDS, Front, load_balancer
from tests.support.nodes import RETRYABLE, running_nodes, setting
from tests.support.server import Server
from tests.support.ws_client import Member, hocuspocus, y_websocket

ROOMS: Final = ["band/setlist", "solo", "Größe 1/ä", "a/b/c", "x", "y", "z", "quartet"]
WITHIN_S: Final = 30.0
MORE_ROOMS_MAX: Final = 40


@asynccontextmanager
async def coming_back(front: Front, room: str) -> AsyncIterator[Member]:
    """A member that asks until it is let in, as providers do; only retryable refusals count."""
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(WITHIN_S):
            while (member := await let_in(stack, front, room)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield member


async def let_in(stack: AsyncExitStack, front: Front, room: str) -> Member | None:
    """One attempt."""
    async with AsyncExitStack() as attempt:
        try:
            member = await attempt.enter_async_context(y_websocket(front.collab_url, room))
        except (InvalidHandshake, OSError):
            return None  # 502 or 503 of the load balancer
        await member.until(lambda: member.synced or member.ended is not None)
        if member.ended is not None:
            assert member.ended.code in RETRYABLE | {1006}
            return None
        stack.push_async_exit(attempt.pop_all())
        return member


async def sessions_of(nodes: Sequence[Server], room: str) -> list[int]:
    """How many sessions of a room each node has, while all of them run."""
    counts = []
    for node in nodes:
        found = await request(node, "GET", room_path(room))
        counts.append(len(found.json()["sessions"]) if found.status_code == 200 else 0)
    return counts


def keys(member: Member) -> set[object]:
    return set(member.map.keys())


@pytest.mark.parametrize("kind", KINDS)
async def test_everybody_in_a_room_meets_on_one_node_and_so_do_its_requests(
    tmp_path: Path, kind: str
) -> None:
    """NODE-12."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as nodes, AsyncExitStack() as stack:
        front = stack.enter_context(load_balancer(kind, tmp_path, nodes))
        for room in ROOMS:
            for _ in range(3):
                await stack.enter_async_context(coming_back(front, room))
        found = {room: await sessions_of(nodes, room) for room in ROOMS}
        assert all(sorted(counts) == [0, 3] for counts in found.values()), found
        used = {counts.index(3) for counts in found.values()}
        # Places follow from ports: now and then some rooms in a row have the same one.
        for number in range(MORE_ROOMS_MAX):
            if used == {0, 1}:
                break
            await stack.enter_async_context(coming_back(front, f"more/{number}"))
            used.add((await sessions_of(nodes, f"more/{number}")).index(1))
        assert used == {0, 1}
        for room in ("band/setlist", "a/b/c", "solo"):
            url = f"{front.hocuspocus_url}?room={room}"
            await stack.enter_async_context(hocuspocus(url, room))
            assert sorted(await until_four(nodes, room)) == [0, 4], room
        for room in ROOMS:
            assert await led_to(front, room) >= 3, room


async def until_four(nodes: Sequence[Server], room: str) -> list[int]:
    """The sessions of each node, once the fourth is in."""
    async with asyncio.timeout(WITHIN_S):
        while sum(counts := await sessions_of(nodes, room)) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return counts


async def led_to(front: Front, room: str) -> int:
    """How many sessions of a room the node has that a request about it is led to."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        answer = await client.get(front.url + room_path(room))
    assert answer.status_code == 200, answer.text
    return len(answer.json()["sessions"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["killed", "drained"])
async def test_clients_of_a_node_that_goes_come_back_on_another_and_lose_nothing(
    tmp_path: Path, kind: str, end: str
) -> None:
    """NODE-12: nobody is told not to come back."""
    async with running_nodes(tmp_path, "ann", "bob", bus="log") as nodes:
        with load_balancer(kind, tmp_path, nodes) as front:
            async with coming_back(front, "quartet") as one, coming_back(front, "quartet") as two:
                await one.edit(setting("one", 1))
                await one.until_saved()
                (place,) = (
                    n for n, count in enumerate(await sessions_of(nodes, "quartet")) if count
                )
                gone, stays = nodes[place], nodes[1 - place]
                if end == "killed":
                    gone.kill()
                else:
                    name = ("ann", "bob")[place]
                    answer = await request(stays, "POST", f"/v1/nodes/{name}/drain")
                    assert answer.status_code == 204, answer.text
                codes = {(await member.until_closed()).code for member in (one, two)}
                assert codes <= RETRYABLE | {1006}
            async with coming_back(front, "quartet") as again:
                assert keys(again) == {"one"}
                await again.edit(setting("two", 2))
                await again.until_saved()
                answer = await request(stays, "GET", room_path("quartet"))
                assert len(answer.json()["sessions"]) == 1
