"""Titles in lists of scores, at a real server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pycrdt import Map

from tests.support.access import mint, ticket
from tests.support.http import request, room_path
from tests.support.score_api import make, score_path
from tests.support.server import Server, serving
from tests.support.ws_client import PROTOCOLS, Member, hocuspocus, y_websocket


@asynccontextmanager
async def joined(server: Server, protocol: str, room: str, token: str) -> AsyncIterator[Member]:
    """A member of a room, by a token, that has all of it."""
    member = (
        y_websocket(server.collab_url, room, ticket=await ticket(server, room, token))
        if protocol == "y-websocket"
        else hocuspocus(server.hocuspocus_url, room, token=token)
    )
    async with member as it:
        await it.until(lambda: it.synced)
        yield it


async def until_listed(server: Server, token: str, expected: Mapping[str, str]) -> None:
    """Wait until a list has these rooms with their titles, and no others."""
    async with asyncio.timeout(30):
        while True:
            page = (await request(server, "GET", "/v1/scores", token=token)).json()
            if {score["room"]: score["title"] for score in page["scores"]} == expected:
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_list_has_the_title_that_an_editor_wrote(tmp_path: Path, protocol: str) -> None:
    """SCO-19: By a client, by operations, by a version that is restored; also of unmade rooms."""
    with serving(tmp_path, auth="token", args=["--rate-limits", "off"]) as server:
        owner = mint(server, {"**": "owner"}, subject="u-olga")
        reader = mint(server, {"titles/**": "viewer"}, subject="u-rosa")
        room, unmade = "titles/made", "titles/unmade"
        await make(server, room, owner, title="At first", template="solo")
        path = f"{room_path(room)}/versions"
        kept = (await request(server, "POST", path, token=owner, json={"name": "v"})).json()
        for name in (room, unmade):
            async with joined(server, protocol, name, owner) as member:
                await member.edit(
                    lambda it: it.doc.get("meta", type=Map).update({"title": "By hand"})
                )
                await member.until_saved()
        await until_listed(server, reader, {room: "By hand", unmade: "By hand"})
        operation = {"op": "SetHeader", "name": "title", "text": "By a bot"}
        edit = {"version": 1, "id_prefix": "x", "operations": [operation]}
        answer = await request(server, "POST", f"{score_path(room)}/edits", token=owner, json=edit)
        assert answer.is_success, answer.text
        await until_listed(server, reader, {room: "By a bot", unmade: "By hand"})
        restore = f"{path}/{kept['version_id']}/restore"
        assert (await request(server, "POST", restore, token=owner)).is_success
        await until_listed(server, reader, {room: "At first", unmade: "By hand"})
