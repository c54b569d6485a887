"""Limits and heartbeats on live connections: rates, silence, and addresses behind proxies."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.support import wire
from tests.support.closes import Closed
from tests.support.server import Server, serving
from tests.support.wire import State, string
from tests.support.ws_client import PROTOCOLS, join, open_socket, room_url

TOO_MANY_CONNECTIONS: Final = 4528
RATE_LIMITED: Final = 4529
HEARTBEAT: Final = b"\x01\x01\x00"


async def test_a_quiet_y_websocket_connection_hears_heartbeats(tmp_path: Path) -> None:
    """WS-2: One after another, though nobody does anything."""
    with serving(tmp_path, env={"BANDPRO_HEARTBEAT_MS": "200"}) as own:
        async with open_socket(room_url(own.collab_url, "quiet")) as socket:
            for _ in range(3):
                while await socket.receive() != HEARTBEAT:
                    pass


async def test_a_quiet_hocuspocus_document_hears_heartbeats(tmp_path: Path) -> None:
    """WS-2: Under the document's name, for it has no other place."""
    with serving(tmp_path, env={"BANDPRO_HEARTBEAT_MS": "200"}) as own:
        async with open_socket(own.hocuspocus_url) as socket:
            await socket.send(string("quiet") + wire.token(""))
            for _ in range(3):
                while await socket.receive() != string("quiet") + HEARTBEAT:
                    pass


@pytest.fixture(scope="module", params=["messages", "bytes"])
def slow_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that takes 20 messages, or 64 KiB, at once, and hardly more after that."""
    env = {
        "messages": {"BANDPRO_MESSAGES_PER_S": "1", "BANDPRO_MESSAGES_BURST": "20"},
        "bytes": {
            "BANDPRO_BYTES_PER_S": "1024",
            "BANDPRO_BYTES_BURST": "65536",
            "BANDPRO_DOCUMENT_BYTES_MAX": "65536",
            "BANDPRO_UPDATE_BYTES_MAX": "32768",
        },
    }[request.param]
    with serving(tmp_path_factory.mktemp("slow"), env=env) as running:
        yield running


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_sends_too_fast_is_closed_and_others_are_not(
    slow_server: Server, protocol: str
) -> None:
    """LIM-15: On a connection that has joined; each connection has rates of its own."""
    room = f"fast-{protocol}"
    async with (
        join(slow_server, protocol, room) as bystander,
        join(slow_server, protocol, room) as hasty,
    ):
        for number in range(60):
            state = {"n": number, "filler": "x" * 2_000}
            await hasty.send(wire.awareness([State(hasty.doc.client_id, number + 1, state)]))
        assert (await hasty.until_closed()).code == RATE_LIMITED
        await bystander.set_state({"still": "here"})
        await bystander.until(lambda: bystander.doc.client_id in bystander.present())


async def outcomes(server: Server, *forwarded: str) -> list[int | None]:
    """Connect once for each forwarded address, keep all open: the close codes, None for open."""
    found: list[int | None] = []
    async with AsyncExitStack() as stack:
        for header in forwarded:
            headers = {"X-Forwarded-For": header}
            url = room_url(server.collab_url, "proxied")
            socket = await stack.enter_async_context(open_socket(url, headers=headers))
            await socket.send(wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
            answer = await socket.receive_or_closed()
            found.append(answer.code if isinstance(answer, Closed) else None)
    return found


async def test_the_forwarded_address_counts_behind_a_trusted_proxy(tmp_path: Path) -> None:
    """LIM-16: The last hop that is not trusted; what stands before it, anybody may have written."""
    env = {"BANDPRO_CONNECTIONS_PER_ADDRESS_MAX": "1"}
    with serving(tmp_path, args=["--trusted-proxies", "127.0.0.0/8"], env=env) as own:
        assert await outcomes(own, "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2, 127.0.0.9") == [
            None, TOO_MANY_CONNECTIONS, None, TOO_MANY_CONNECTIONS,
        ]  # fmt: skip
        assert await outcomes(own, "10.0.0.3", "6.6.6.6, 10.0.0.3") == [None, TOO_MANY_CONNECTIONS]


async def test_a_forwarded_address_from_anybody_else_is_not_believed(tmp_path: Path) -> None:
    """LIM-16: The connection's own address counts."""
    env = {"BANDPRO_CONNECTIONS_PER_ADDRESS_MAX": "1"}
    with serving(tmp_path, args=["--trusted-proxies", "10.9.0.0/16"], env=env) as own:
        assert await outcomes(own, "10.0.0.1", "10.0.0.2") == [None, TOO_MANY_CONNECTIONS]
