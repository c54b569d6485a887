"""The first protocol of every connection: it opens websockets by itself, and leaves all else.

Most of what a returning client used to cost was its handshake: parsed as HTTP, spelled out again
for a websocket library, parsed there, made an ASGI scope, a task and a walk through routes. Here a
request that arrives whole, is spelled plainly and names a websocket route is answered in the turn
in which it comes. Whatever else it may be goes, as it came, to uvicorn's own protocol, which knows
HTTP and has an answer for every mistake: nothing is refused here.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from collections.abc import Sequence
from typing import Any, Final, Protocol, cast

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from collab.protocol.upgrade import UpgradeRequest, read_upgrade, switching_protocols
from gateway.observe.request_ids import REQUEST_ID_HEADER, request_id
from gateway.transport.opening import FORWARDED, Opening
from gateway.transport.raw_socket import NOWHERE, RawSocket
from gateway.transport.sockets import Rest
from gateway.transport.uvicorn_protocol import Peers, raw_socket

_ID_HEADER: Final = REQUEST_ID_HEADER.lower()


class Entrance(Protocol):
    """Where a websocket may go without an ASGI application."""

    def serves(self, raw_path: str) -> bool:
        """Whether a path, as it was sent, plainly is this one's."""

    def welcomes(self, opening: Opening) -> bool:
        """Whether the handshake may be completed."""

    def enter(self, socket: RawSocket, opening: Opening) -> Rest:
        """Take in an accepted socket; returns what has to be waited for before it is heard."""


class HandshakeProtocol(asyncio.Protocol):
    """One connection until its first bytes say what it is; for uvicorn's ``http=``.

    Args:
        entrances: the websocket routes.
        config: of the server.
        server_state: of the server.
        app_state: for ASGI scopes.
    """

    def __init__(
        self,
        entrances: Sequence[Entrance],
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._entrances = entrances
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._peers = cast("Peers", server_state.connections)
        self._transport: asyncio.Transport = NOWHERE

    def connection_made(self, transport: BaseTransport) -> None:
        """Be among those that are shut down in the end."""
        self._transport = cast("asyncio.Transport", transport)
        self._peers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It went without a word."""
        del exc
        self._peers.discard(self)

    def shutdown(self) -> None:
        """The server ends; uvicorn calls this for each of its connections."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Open a websocket, or let uvicorn do what is to be done."""
        self._peers.discard(self)
        request = read_upgrade(data)
        if request is not None:
            opening = self._opening(request)
            for entrance in self._entrances:
                if entrance.serves(request.raw_path) and entrance.welcomes(opening):
                    self._open(request, opening, entrance, data[request.size_bytes :])
                    return
        self._leave(data)

    def _opening(self, request: UpgradeRequest) -> Opening:
        headers = request.headers
        forwarded = headers.get(FORWARDED)
        name = self._transport.get_extra_info("peername")
        return Opening(
            raw_path=request.raw_path,
            query_string=request.query_string,
            headers=headers,
            forwarded=() if forwarded is None else (forwarded,),
            peer=str(name[0]) if isinstance(name, tuple) else "",
        )

    def _open(
        self, request: UpgradeRequest, opening: Opening, entrance: Entrance, frames: bytes
    ) -> None:
        transport = self._transport
        socket = raw_socket(transport, self._config, self._peers)
        socket.feed(frames)
        transport.set_protocol(socket)
        fields = b"".join(b"%b: %b\r\n" % field for field in self._state.default_headers)
        transport.write(switching_protocols(request.key, fields))
        chosen = request_id(opening.headers.get(_ID_HEADER, ""))
        with structlog.contextvars.bound_contextvars(request_id=chosen):
            rest = entrance.enter(socket, opening)
            if rest is not None:
                tasks = self._state.tasks
                task = asyncio.get_running_loop().create_task(rest)
                task.add_done_callback(tasks.discard)
                tasks.add(task)

    def _leave(self, data: bytes) -> None:
        http = HttpToolsProtocol(self._config, self._state, self._app_state)
        http.connection_made(self._transport)
        self._transport.set_protocol(http)
        http.data_received(data)
