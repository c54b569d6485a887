"""Where the TypeScript SDK goes when a score has its home on one of several nodes."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from collab.cluster.envelope import NodeId
from collab.cluster.homes import nodes_in_order
from collab.ids import RoomName, room_key
from tests.cluster.test_homes import acquainted, home_of, until
from tests.interop.test_sdk import STATE, scores
from tests.support.http import request, room_path
from tests.support.nodes import running_nodes
from tests.support.server import Server
from tests.support.typescript import build_sdk

NODES: Final = ("ann", "bob", "eve")
WITHIN_S: Final = 20.0


@pytest.mark.slow
async def test_a_score_is_edited_where_it_is_at_home_and_elsewhere_while_nobody_is_there(
    tmp_path: Path,
) -> None:
    """SDK-14: By the common address until there is another home, and there after a rebalance."""
    build_sdk()
    async with running_nodes(tmp_path, *NODES, bus="log") as nodes:
        await acquainted(*nodes)
        common, second, first = nodes
        room = room_at_home_on("eve", "bob", "ann")
        async with scores(common, room) as held:
            await held.do("create", **held.where, template="solo", measures=4)
            assert (await home_of(common, room))["address"] == first.url
            await held.do("open", **held.where)
            await held.until(*STATE, equals="synced")
            assert await sessions(first, room) == 1
            await held.note("C")
            await held.until_saved()

            first.kill()
            await held.until(*STATE, differs="synced")
            # Its home is where nobody is, until its lease is over.
            await held.note("D", onset=1)
            await held.until_saved()
            await until(common, lambda found: set(found) == {"ann", "bob"})
            assert (await home_of(common, room))["address"] == second.url

            await in_room(common, room)
            assert (await request(common, "POST", "/v1/rebalance")).status_code == 204
            await in_room(second, room)
            await held.note("E", onset=2)
            await held.until_saved()
            shown = await held.part("view")
            assert len(shown["measures"][0]["cells"][0]["voices"][0]["items"]) == 4


def room_at_home_on(*order: str) -> str:
    """The name of a room that is at home on the first of these nodes, without it on the next."""
    weights = dict.fromkeys(map(NodeId, order), 1.0)
    names = (f"home/{number}" for number in count())
    return next(
        name for name in names if nodes_in_order(room_key(RoomName(name)), weights) == order
    )


async def sessions(node: Server, room: str) -> int:
    """How many sessions of a room are on a node."""
    answer = await request(node, "GET", f"{room_path(room)}/sessions")
    return len(answer.json()["sessions"])


async def in_room(node: Server, room: str) -> None:
    """Wait until somebody is in a room on this node."""
    async with asyncio.timeout(WITHIN_S):
        while await sessions(node, room) == 0:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
