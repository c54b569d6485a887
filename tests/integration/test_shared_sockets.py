"""Hocuspocus: what ends one document of a socket, and what ends the socket."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.support import wire
from tests.support.access import mint
from tests.support.api import text_update
from tests.support.closes import Closed
from tests.support.server import Server, serving
from tests.support.tokens import eddsa_key, identity_provider, payload_of
from tests.support.wire import Reader, string, uint
from tests.support.ws_client import Socket, hocuspocus, open_socket

ROOM_FULL: Final = 4513
UNAUTHENTICATED: Final = 4401


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose rooms hold one session, and which takes expiry to the second."""
    env = {"BANDPRO_TOKEN_LEEWAY_S": "0", "BANDPRO_SESSIONS_PER_ROOM_MAX": "1"}
    with serving(tmp_path_factory.mktemp("shared"), auth="token", env=env) as running:
        yield running


async def sign_in(socket: Socket, room: str, token: str) -> None:
    """What a provider sends when its socket opens."""
    await socket.send(string(room) + wire.token(token))
    await socket.send(string(room) + wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))


async def answer(socket: Socket, room: str, *kinds: tuple[int, int | None]) -> str | Closed:
    """Read on to a document's message of one of some kinds: its text; or how the socket ended."""
    while True:
        frame = await socket.receive_or_closed()
        if isinstance(frame, Closed):
            return frame
        reader = Reader(frame)
        named, kind = reader.string(), reader.uint()
        if named != room:
            continue
        for wanted, inner in kinds:
            if kind == wanted and (inner is None or reader.data[reader.at] == inner):
                if inner is not None:
                    reader.uint()
                return reader.string()


AUTHENTICATED: Final = (wire.AUTH, wire.AUTHENTICATED)
DENIED: Final = (wire.AUTH, wire.DENIED)
CLOSED: Final = (wire.CLOSE, None)


async def save(socket: Socket, room: str) -> None:
    """Greet and edit, and require that both are acknowledged."""
    await socket.send(string(room) + wire.sync(wire.STEP_2, wire.EMPTY_UPDATE))
    await socket.send(string(room) + wire.sync(wire.UPDATE, text_update("still here")))
    expected = string(room) + uint(wire.SYNC_STATUS) + uint(1)
    for _ in range(2):
        while await socket.receive() != expected:
            pass


async def test_the_only_document_of_a_socket_is_sent_away_from_a_full_room_to_come_back(
    server: Server,
) -> None:
    """LIM-13: With the code that y-websocket gets, and not with a denial, which would be final."""
    token = mint(server, {"full/*": "editor"})
    async with (
        hocuspocus(server.hocuspocus_url, "full/1", token=token) as first,
        open_socket(server.hocuspocus_url) as socket,
    ):
        await first.until(lambda: first.synced)
        await sign_in(socket, "full/1", token)
        closed = await answer(socket, "full/1", AUTHENTICATED, DENIED)
        assert isinstance(closed, Closed)
        assert closed.code == ROOM_FULL


@pytest.mark.parametrize("order", ["full room first", "full room last"])
async def test_a_full_room_costs_the_other_documents_of_a_socket_nothing(
    server: Server, order: str
) -> None:
    """LIM-13: It is denied in band, also when the others sign in after it."""
    token = mint(server, {"full/*": "editor", "roomy/*": "editor"})
    full, roomy = f"full/{order}", f"roomy/{order}"
    async with (
        hocuspocus(server.hocuspocus_url, full, token=token) as first,
        open_socket(server.hocuspocus_url) as socket,
    ):
        await first.until(lambda: first.synced)
        for room in (full, roomy) if order == "full room first" else (roomy, full):
            await sign_in(socket, room, token)
        assert await answer(socket, full, AUTHENTICATED, DENIED) == "the room is full"
        await save(socket, roomy)


async def test_a_document_that_found_its_room_full_may_be_joined_later_on_the_same_socket(
    server: Server,
) -> None:
    """LIM-13: By a new token, once somebody has left."""
    token = mint(server, {"full/*": "editor", "roomy/*": "editor"})
    async with open_socket(server.hocuspocus_url) as socket:
        async with hocuspocus(server.hocuspocus_url, "full/later", token=token) as first:
            await first.until(lambda: first.synced)
            await sign_in(socket, "roomy/later", token)
            await sign_in(socket, "full/later", token)
            assert await answer(socket, "full/later", AUTHENTICATED, DENIED) == "the room is full"
            await first.leave()
        for _ in range(20):
            await sign_in(socket, "full/later", token)
            if await answer(socket, "full/later", AUTHENTICATED, DENIED) == "read-write":
                break
        await save(socket, "full/later")


async def test_a_document_whose_token_ends_leaves_the_others_alone(server: Server) -> None:
    """AUTH-15: It is denied and closed in band, and a fresh token opens it again."""
    brief = mint(server, {"shared/brief": "editor"}, lifetime_s=6)
    lasting = mint(server, {"shared/*": "editor"})
    async with open_socket(server.hocuspocus_url) as socket:
        await sign_in(socket, "shared/lasting", lasting)
        assert await answer(socket, "shared/lasting", AUTHENTICATED) == "read-write"
        await sign_in(socket, "shared/brief", brief)
        assert await answer(socket, "shared/brief", AUTHENTICATED) == "read-write"
        assert await answer(socket, "shared/brief", DENIED) == "expired"
        assert await answer(socket, "shared/brief", CLOSED) == "expired"
        await save(socket, "shared/lasting")
        await sign_in(socket, "shared/brief", lasting)
        assert await answer(socket, "shared/brief", AUTHENTICATED, DENIED) == "read-write"
        await save(socket, "shared/brief")


async def test_a_socket_ends_with_the_last_of_its_tokens(server: Server) -> None:
    """Documents with one and the same token go together, in one close that brings all back.

    Bears AUTH-15.
    """
    token = mint(server, {"together/*": "editor"}, lifetime_s=6)
    async with open_socket(server.hocuspocus_url) as socket:
        for room in ("together/1", "together/2"):
            await sign_in(socket, room, token)
            assert await answer(socket, room, AUTHENTICATED) == "read-write"
        closed = await answer(socket, "together/1", DENIED, CLOSED)
        assert isinstance(closed, Closed)
        assert closed.code == UNAUTHENTICATED


async def test_an_old_token_for_a_renewal_leaves_the_session_its_time(server: Server) -> None:
    """AUTH-15: Who answers with the token it has is not denied, but ended as by its expiry."""
    token = mint(server, {"renewed": "editor"}, lifetime_s=6)
    stale = mint(server, {"renewed": "editor"}, lifetime_s=60, issued_s_ago=120)
    async with open_socket(server.hocuspocus_url) as socket:
        await sign_in(socket, "renewed", token)
        assert await answer(socket, "renewed", AUTHENTICATED) == "read-write"
        await socket.send(string("renewed") + wire.token(stale))
        await save(socket, "renewed")
        closed = await answer(socket, "renewed", DENIED, CLOSED)
        assert isinstance(closed, Closed)
        assert closed.code == UNAUTHENTICATED


async def test_leaving_a_document_that_was_ended_does_not_end_its_next_session(
    server: Server,
) -> None:
    """SYNC-13: Providers that are detached and attached again say so before their new token."""
    token = mint(server, {"attached": "editor"})
    async with open_socket(server.hocuspocus_url) as socket:
        await socket.send(string("attached") + uint(wire.CLOSE) + string("detached"))
        await sign_in(socket, "attached", token)
        assert await answer(socket, "attached", AUTHENTICATED, DENIED) == "read-write"
        await save(socket, "attached")


@pytest.mark.parametrize("sent", ["close", "bad token"])
async def test_nobody_gains_time_to_sign_in_by_sending_what_is_no_sign_in(
    tmp_path: Path, sent: str
) -> None:
    """LIM-14: The socket is closed with 4401 however busy its client is."""
    frames = {"close": uint(wire.CLOSE) + string(""), "bad token": wire.token("no.such.token")}
    with serving(tmp_path, auth="token", env={"BANDPRO_AUTH_TIMEOUT_MS": "1000"}) as own:
        async with open_socket(own.hocuspocus_url) as socket:
            for _ in range(40):
                await socket.send(string("nowhere") + frames[sent])
                with suppress(TimeoutError):
                    closed = await socket.closed(within_s=0.3)
                    assert closed.code == UNAUTHENTICATED
                    return
    pytest.fail("it was kept open for 12 seconds")


async def test_a_sign_in_that_the_server_takes_long_over_is_not_the_clients_delay(
    tmp_path: Path,
) -> None:
    """LIM-14: It goes to its end; only if it fails the socket is closed with 4401 after all."""
    known, unknown = eddsa_key("known"), eddsa_key("unknown")
    payload = payload_of(int(time.time()), rooms={"*": "editor"}, iss="id", aud="bandpro")
    with identity_provider() as provider:
        provider.keys = [known.jwk()]
        provider.gate.clear()
        args = ["--jwks-url", provider.url, "--token-issuer", "id", "--token-audience", "bandpro"]
        env = {
            "BANDPRO_AUTH_TIMEOUT_MS": "1000",
            "BANDPRO_TOKEN_SECRET": "",
            "NO_PROXY": "127.0.0.1",
        }
        with serving(tmp_path, auth="token", args=args, env=env) as own:
            async with (
                open_socket(own.hocuspocus_url) as honest,
                open_socket(own.hocuspocus_url) as wrong,
            ):
                # Its document waits from its first step on, and has its own time for a token.
                await honest.send(string("slow") + wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
                await honest.send(string("slow") + wire.token(known.sign(payload)))
                await wrong.send(string("slow") + wire.token(unknown.sign(payload)))
                async with open_socket(own.hocuspocus_url) as silent:
                    # It has the same time as the others, and began after them.
                    assert (await silent.closed()).code == UNAUTHENTICATED
                provider.gate.set()
                assert await answer(honest, "slow", AUTHENTICATED, DENIED) == "read-write"
                await save(honest, "slow")
                assert (await wrong.closed()).code == UNAUTHENTICATED
