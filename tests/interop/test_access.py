"""What stock clients meet when they may not, may not any more, or may again."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.interop.stock import ALL_CLIENTS, HOCUSPOCUS, Y_WEBSOCKET, Stock, rendered, stock, view
from tests.interop.test_presence import sign_in
from tests.support.access import mint, ticket
from tests.support.http import stored_update
from tests.support.server import Server, serving


@pytest.mark.parametrize("role", ["viewer", "commenter"])
@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_readers_see_edits_and_make_none(
    token_server: Server, room: str, kind: str, role: str
) -> None:
    """ACC-4: A reader's edits reach neither others nor the store; the reader is told, and stays."""
    editor_token = mint(token_server, {room: "editor"}, subject="u-editor")
    reader_token = mint(token_server, {room: role}, subject="u-reader")
    options = await sign_in(token_server, kind, room, reader_token)
    async with (
        stock(token_server, "hocuspocus-3", room, token=editor_token) as editor,
        stock(token_server, kind, room, **options) as reader,
    ):
        await editor.insert("score ")
        await reader.until("text", equals="score ")
        await reader.insert("scribble ")
        await until_told(reader)
        await editor.insert("goes on ")
        await editor.until_saved()
        await reader.until("text", contains="goes on")
        assert (await view(editor))["text"] == "goes on score "
        stored = await stored_update(token_server, room, token=editor_token)
        assert rendered(stored)["text"] == "goes on score "
        await reader.until("status", equals="connected")


async def until_told(reader: Stock) -> None:
    """Wait until a client shows that it may not edit."""
    if reader.driver.kind in Y_WEBSOCKET:
        await reader.until("warnings", contains="Permission denied")
    else:
        await reader.until("scope", equals="readonly")
        assert await reader.part("unsynced") > 0


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_reader_with_nothing_to_add_is_saved(
    token_server: Server, room: str, kind: str
) -> None:
    """ACK-8: A reader that has not scribbled does not wait for ever with unsynced changes."""
    token = mint(token_server, {room: "viewer"})
    async with stock(token_server, kind, room, token=token) as reader:
        await reader.until("scope", equals="readonly")
        await reader.until_saved()


@pytest.mark.parametrize("kind", Y_WEBSOCKET)
@pytest.mark.parametrize("params", [{}, {"ticket": "no-such-ticket"}, {"token": "in-the-url"}])
async def test_y_websocket_without_a_ticket_is_closed(
    token_server: Server, room: str, kind: str, params: dict[str, str]
) -> None:
    """AUTH-1, AUTH-3: Without a valid ticket the connection is closed with 4401."""
    async with stock(token_server, kind, room, params=params) as client:
        await client.until("closes", "0", "code", equals=4401)
        assert await client.part("synced") is False


@pytest.mark.parametrize("kind", Y_WEBSOCKET)
async def test_ticket_opens_one_connection(token_server: Server, room: str, kind: str) -> None:
    """A ticket is good once: the provider's reconnect with the same one gets 4401, a new one in.

    Bears AUTH-2.
    """
    token = mint(token_server, {room: "editor"})
    params = {"ticket": await ticket(token_server, room, token)}
    async with stock(token_server, kind, room, params=params) as client:
        await client.until_synced()
        await client.do("cut")
        await client.until("closes", contains="4401")
        await client.do("credentials", params={"ticket": await ticket(token_server, room, token)})
        # From version 3 on the provider takes 4401 for an answer, until it is told otherwise.
        await client.do("connect")
        await client.until_synced()


async def test_ticket_is_for_one_room(token_server: Server, room: str) -> None:
    """AUTH-2: A ticket to one room does not open another that the token allows as well."""
    token = mint(token_server, {"**": "editor"})
    params = {"ticket": await ticket(token_server, room, token)}
    async with stock(token_server, "y-websocket-3", f"{room}-2", params=params) as client:
        await client.until("closes", "0", "code", equals=4401)


@pytest.mark.parametrize("kind", HOCUSPOCUS)
@pytest.mark.parametrize("fault", ["foreign room", "wrong secret", "expired", "no token"])
async def test_hocuspocus_is_refused_in_band(
    token_server: Server, room: str, kind: str, fault: str
) -> None:
    """AUTH-4: A token that does not hold for the room is answered with permission denied."""
    tokens = {
        "foreign room": mint(token_server, {"elsewhere": "editor"}),
        "wrong secret": mint(token_server, {room: "editor"}, secret="x" * 40),
        "expired": mint(token_server, {room: "editor"}, lifetime_s=60, issued_s_ago=600),
        "no token": "not.a.token",
    }
    async with stock(token_server, kind, room, token=tokens[fault]) as client:
        await client.until("denied", "0", present=True)
        assert await client.part("authenticated") is False
        assert await client.part("synced") is False


@pytest.mark.parametrize("kind", ["hocuspocus-3", "hocuspocus-4"])
async def test_one_refused_document_leaves_the_others_open(
    token_server: Server, room: str, kind: str
) -> None:
    """ACC-10: On a shared socket only the document that the token does not cover is refused."""
    token = mint(token_server, {f"{room}/mine": "editor"})
    async with stock(token_server, kind, f"{room}/mine", shared=True, token=token) as mine:
        await mine.until_synced()
        theirs = await mine.driver.open(f"{room}/theirs", doc="theirs", shared=True, token=token)
        await theirs.until("denied", "0", present=True)
        await mine.insert("still here")
        await mine.until_saved()
        assert await mine.part("closes") == []


@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_expired_session_is_ended(token_server: Server, room: str, kind: str) -> None:
    """When the token ends and no fresh one comes, the session does: 4401 or permission denied.

    Bears AUTH-5.
    """
    token = mint(token_server, {room: "editor"}, lifetime_s=6)
    witness_token = mint(token_server, {room: "editor"}, subject="u-witness")
    options = await sign_in(token_server, kind, room, token)
    async with (
        stock(token_server, kind, room, **options) as client,
        stock(token_server, "hocuspocus-3", room, token=witness_token) as witness,
    ):
        await client.until_synced()
        await client.do("setState", state={"here": True})
        await witness.until_present(client.client_id)
        if kind in Y_WEBSOCKET:
            await client.until("closes", contains="4401")
        else:
            await client.until("authenticated", equals=False)
        await witness.until_present(client.client_id, present=False)
        await client.insert("too late")
        await witness.insert("in time")
        await witness.until_saved()
        stored = await stored_update(token_server, room, token=witness_token)
        assert rendered(stored)["text"] == "in time"


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_expired_client_comes_back_with_a_fresh_token(
    token_server: Server, room: str, kind: str
) -> None:
    """AUTH-15: By itself from version 3 on; version 2 stops at 4401 until it is told to go on."""
    token = mint(token_server, {room: "editor"}, lifetime_s=6)
    fresh = mint(token_server, {room: "editor"}, lifetime_s=3600)
    async with stock(token_server, kind, room, token=token) as client:
        await client.until_synced()
        await client.until("closes", contains="4401")
        await client.do("credentials", token=fresh)
        if kind == "hocuspocus-2":
            await client.do("connect")
        await client.until("authenticated", equals=True)
        await client.insert("back again")
        await client.until_saved()


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_expired_document_of_a_shared_socket_signs_in_anew(
    token_server: Server, room: str, kind: str
) -> None:
    """AUTH-15: The others on the socket stay, and the provider can open its document again."""
    lasting = mint(token_server, {f"{room}/**": "editor"})
    brief = mint(token_server, {f"{room}/brief": "editor"}, lifetime_s=6)
    async with stock(token_server, kind, f"{room}/lasting", shared=True, token=lasting) as other:
        await other.until_synced()
        client = await other.driver.open(f"{room}/brief", doc="brief", shared=True, token=brief)
        await client.until_synced()
        await client.until("denied", "0", equals="expired")
        await client.until("authenticated", equals=False)
        await other.insert("undisturbed")
        await other.until_saved()
        await client.do("credentials", token=lasting)
        await client.do("reattach")
        await client.until("authenticated", equals=True)
        await client.insert("back again")
        await client.until_saved()
        assert await other.part("closes") == []


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_client_comes_back_to_a_full_room_by_itself(
    tmp_path: Path, room: str, kind: str
) -> None:
    """LIM-13: The stock provider is in as soon as there is room, without anybody's doing."""
    with serving(tmp_path, env={"BANDPRO_SESSIONS_PER_ROOM_MAX": "1"}) as own:
        async with stock(own, "hocuspocus-3", room) as first:
            await first.until_synced()
            async with stock(own, kind, room) as second:
                await second.until("closes", contains="4513")
                assert await second.part("denied") == []
                await first.do("destroy")
                await second.insert("room at last")
                await second.until_saved()


@pytest.mark.parametrize("kind", ["hocuspocus-3", "hocuspocus-4"])
async def test_session_is_renewed_in_band(token_server: Server, room: str, kind: str) -> None:
    """The server asks for a fresh token before the old one ends, and the session goes on.

    Bears AUTH-6.
    """
    ends_at = time.time() + 6
    token = mint(token_server, {room: "editor"}, lifetime_s=6)
    async with stock(token_server, kind, room, token=token) as client:
        await client.until_synced()
        await client.do("credentials", token=mint(token_server, {room: "editor"}))
        await asyncio.sleep(ends_at + 2 - time.time())
        await client.insert("after the first token's end")
        await client.until_saved()
        assert await client.part("closes") == []
        assert await client.part("denied") == []


@pytest.mark.parametrize("kind", ["hocuspocus-3", "hocuspocus-4"])
async def test_client_may_renew_early(token_server: Server, room: str, kind: str) -> None:
    """AUTH-6: A later token that the client sends unasked renews the session, with its own role."""
    ends_at = time.time() + 6
    token = mint(token_server, {room: "viewer"}, lifetime_s=6)
    async with stock(token_server, kind, room, token=token) as client:
        await client.until("scope", equals="readonly")
        await client.do("credentials", token=mint(token_server, {room: "editor"}))
        await client.do("sendToken")
        await client.until("scope", equals="read-write")
        await asyncio.sleep(max(0, ends_at + 1 - time.time()))
        await client.insert("an editor now")
        await client.until_saved()
        assert await client.part("closes") == []
