"""Erasure at a running server: stale clients, fresh ones, owners, and what is left on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from tests.support.access import mint
from tests.support.api import text_of, text_update
from tests.support.command import bandpro
from tests.support.http import request, room_path, stored_update
from tests.support.server import Server, running_server, serving
from tests.support.stored import legible
from tests.support.ws_client import (
    PROTOCOLS,
    HocuspocusMember,
    Member,
    YWebsocketMember,
    join,
    open_socket,
    room_url,
)

SECRET = "Winterreise, first draft"
RELOAD = 4410
SERVICE_RESTART = 1012


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in open mode."""
    with serving(tmp_path_factory.mktemp("erasure")) as running:
        yield running


async def erase(server: Server, room: str, mode: str = "history", token: str = "") -> int:
    """Ask for an erasure; the status."""
    path = f"{room_path(room)}/erasure?mode={mode}"
    return (await request(server, "POST", path, token=token)).status_code


def write(member: Member) -> None:
    """Write the secret, and take it back again."""
    member.text.insert(0, f"{SECRET} stays")
    del member.text[: len(SECRET)]
    member.map["by"] = "the first author"


async def is_turned_away(server: Server, protocol: str, room: str, doc: Doc[Any]) -> bool:
    """Join with a document that was there before; whether that ends with an order to reload."""
    y = protocol == "y-websocket"
    async with open_socket(room_url(server.collab_url, room) if y else server.hocuspocus_url) as it:
        member = YWebsocketMember(it) if y else HocuspocusMember(it, room)
        member.doc = doc
        async with member:
            if y:
                return (await member.until_closed()).code == RELOAD
            await member.until(lambda: bool(member.denied), what="the denial")
            return "load it afresh" in member.denied[0]


@pytest.mark.parametrize("mode", ["history", "everything"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_stale_client_cannot_bring_back_what_was_erased(
    server: Server, protocol: str, mode: str
) -> None:
    """ERA-2, ERA-9: It is closed, comes back with its document, and is told to reload."""
    room = f"{mode} {protocol}"
    async with join(server, protocol, room) as member:
        await member.edit(write)
        await member.until(lambda: bool(member.acknowledged), what="the acknowledgement")
        stale = member.doc
        assert await erase(server, room, mode) == 200
        assert (await member.until_closed()).code == SERVICE_RESTART
    stale.get("text", type=Text).insert(0, "written meanwhile ")
    assert await is_turned_away(server, protocol, room, stale)
    async with join(server, protocol, room) as fresh:
        kept = "" if mode == "everything" else " stays"
        assert str(fresh.text) == kept
        await fresh.edit(lambda it: it.text.insert(0, "fresh"))
        await fresh.until(lambda: bool(fresh.acknowledged), what="the acknowledgement")
        assert await is_turned_away(server, protocol, room, stale)
        assert str(fresh.text) == f"fresh{kept}"
    stored = await stored_update(server, room)
    assert SECRET.encode() not in stored
    assert b"meanwhile" not in stored


async def test_an_edit_over_http_of_the_old_document_is_a_conflict(server: Server) -> None:
    """ERA-2."""
    room = "over http"
    path = f"{room_path(room)}/updates"
    old = text_update(SECRET, client_id=5)
    assert (await request(server, "POST", path, content=old)).is_success
    assert await erase(server, room, "everything") == 200
    assert (await request(server, "POST", path, content=old)).status_code == 409
    assert text_of(await stored_update(server, room)) == ""


async def test_the_answer_says_what_was_done(server: Server) -> None:
    """ERA-1, ERA-5, ERA-7."""
    room = "answers"
    assert await erase(server, room) == 404
    path = f"{room_path(room)}/updates"
    doc: Doc[Map[object]] = Doc(client_id=5)
    doc.get("map", type=Map)["part"] = Doc()
    assert (await request(server, "POST", path, content=doc.get_update())).is_success
    assert await erase(server, room, "nothing") == 400
    assert await erase(server, room) == 409
    answer = await request(
        server, "POST", f"{room_path(room)}/erasure?mode=history&accept_loss=true"
    )
    assert answer.json()["epoch"] == 2
    assert answer.json()["clients_retired"] == 1
    assert answer.json()["notes"]
    described = await request(server, "GET", room_path(room))
    assert described.json()["epoch"] == 2


async def test_only_owners_erase(tmp_path: Path) -> None:
    """ERA-7."""
    async with running_server(tmp_path, auth="token") as server:
        owner = mint(server, {"opera": "owner"})
        content = text_update(SECRET)
        path = f"{room_path('opera')}/updates"
        assert (await request(server, "POST", path, token=owner, content=content)).is_success
        for role in ("editor", "commenter", "viewer"):
            token = mint(server, {"opera": role})
            assert await erase(server, "opera", token=token) == 403
        assert await erase(server, "opera", token=mint(server, {"other": "owner"})) == 403
        assert await erase(server, "opera") == 401
        assert text_of(await stored_update(server, "opera", token=owner)) == SECRET
        assert await erase(server, "opera", "everything", token=owner) == 200
        assert text_of(await stored_update(server, "opera", token=owner)) == ""


async def test_retired_ids_outlive_a_restart_and_nothing_is_left_on_disk(tmp_path: Path) -> None:
    """ERA-2, ERA-3: Also when the process is killed right afterwards."""
    async with running_server(tmp_path) as server:
        async with join(server, "y-websocket", "suite") as member:
            await member.edit(write)
            await member.until(lambda: bool(member.acknowledged), what="the acknowledgement")
            stale = member.doc
            assert await erase(server, "suite") == 200
            assert (await member.until_closed()).code == SERVICE_RESTART
        server.kill()
        files = [path for path in server.data.rglob("*") if path.is_file()]
        assert not [path for path in files if SECRET.encode() in legible(path.read_bytes())]
        assert [path for path in files if b" stays" in legible(path.read_bytes())]
        await server.start()
        assert await is_turned_away(server, "y-websocket", "suite", stale)


async def test_erasing_from_the_command_line_asks_first(tmp_path: Path) -> None:
    """ERA-7: At a running server, and in a folder."""
    async with running_server(tmp_path) as server:
        path = f"{room_path('suite')}/updates"
        content = text_update(SECRET)
        assert (await request(server, "POST", path, content=content)).is_success
        at = ("--url", server.url, "--mode", "everything")
        refused = bandpro("rooms", "erase", "suite", *at, cwd=tmp_path, given="other\n")
        assert refused.returncode == 2
        assert text_of(await stored_update(server, "suite")) == SECRET
        done = bandpro("rooms", "erase", "suite", *at, cwd=tmp_path, given="suite\n")
        assert (done.returncode, "epoch 2" in done.stdout) == (0, True), done
        assert text_of(await stored_update(server, "suite")) == ""
        await server.terminate()
    folder = ("--data", str(server.data), "--mode", "history", "--yes")
    again = bandpro("rooms", "erase", "suite", *folder, cwd=tmp_path)
    assert (again.returncode, "epoch 3" in again.stdout) == (0, True), again
    missing = bandpro("rooms", "erase", "nowhere", *folder, cwd=tmp_path)
    assert missing.returncode == 2
    assert "no room of this name" in missing.stderr


async def test_a_client_of_the_document_that_a_restore_replaced_must_reload(
    tmp_path: Path,
) -> None:
    """BAK-13, BAK-14: with `bandpro restore --replace`; before the restart and after it."""
    room, kept, data = "band/replaced", str(tmp_path / "kept"), ["--data", str(tmp_path / "data")]
    async with running_server(tmp_path) as server:
        async with join(server, "y-websocket", room) as member:
            await member.edit(lambda it: it.text.insert(0, "kept"))
            await member.until(lambda: bool(member.acknowledged), what="the acknowledgement")
            assert bandpro("backup", *data, "--to", kept).returncode == 0
            await member.edit(lambda it: it.text.insert(0, SECRET))
            await member.until(lambda: len(member.acknowledged) == 2, what="the second one")
            stale = member.doc
        await server.terminate()
    command = ["restore", "--from", kept, *data, "--room", room]
    refused = bandpro(*command)
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert bandpro("restore", "--from", kept, *data, "--replace").returncode == 2
    done = bandpro(*command, "--replace")
    assert "in epoch 2" in done.stdout, done.stderr
    async with running_server(tmp_path) as server:
        for protocol in PROTOCOLS:
            assert await is_turned_away(server, protocol, room, stale)
        async with join(server, "y-websocket", room) as fresh:
            assert str(fresh.text) == "kept"
        assert bandpro("backup", *data, "--to", kept).returncode == 0
    then = ["--data", str(tmp_path / "then" / "data")]
    point = ["--room", room, "--sequence", "2"]
    assert bandpro("restore", "--from", kept, *then, *point).returncode == 0
    async with running_server(tmp_path / "then") as server:
        assert await is_turned_away(server, "y-websocket", room, stale)
        assert text_of(await stored_update(server, room)) == "kept"
