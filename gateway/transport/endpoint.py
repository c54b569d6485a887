"""What both websocket endpoints share: who may connect, from where, and what they are handed.

A foreign origin is refused before the handshake completes (HTTP 403), and so is everybody on a
node that lets nobody in (HTTP 503), for a load balancer then asks the next one. All else is refused
after it, for only then can a browser read the close code.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar, Final

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from collab.errors import BandProError, LimitExceeded
from collab.protocol.close_codes import CloseCode
from gateway.auth.addresses import client_address
from gateway.transport.asgi_socket import AsgiSocket
from gateway.transport.connection import Connection
from gateway.transport.doors import Doors
from gateway.transport.opening import Opening, opening_of
from gateway.transport.raw_socket import RawSocket
from gateway.transport.sockets import Rest, Socket
from gateway.transport.uvicorn_protocol import detach

_log = structlog.stdlib.get_logger(__name__)
_SOON: Final = {"Retry-After": "1"}


class Endpoint(ABC):
    """A websocket route: an ASGI application, and a way in for who reads handshakes without one.

    Args:
        doors: the parts of the node that it needs.

    Attributes:
        protocol: a label for metrics.
    """

    protocol: ClassVar[str]

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    @abstractmethod
    def serves(self, raw_path: str) -> bool:
        """Whether a path, as it was sent, plainly is this endpoint's."""

    @abstractmethod
    def begin(self, connection: Connection, opening: Opening) -> Rest:
        """Begin with a connection that may stay, or return what has to wait for something first.

        Raises:
            BandProError: it may not stay after all.
        """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket.

        Where the server lets go of the connection, this returns when it has begun; else at its end.
        """
        websocket = WebSocket(scope, receive, send)
        opening = opening_of(websocket)
        if self._doors.registry.refuses:
            self._doors.metrics.refused.labels(reason="draining").inc()
            await websocket.send_denial_response(Response(status_code=503, headers=_SOON))
            return
        if not self.welcomes(opening):
            self._doors.metrics.refused.labels(reason="origin").inc()
            await websocket.close()
            return
        await websocket.accept()
        socket = detach(scope) or AsgiSocket(websocket, self._doors.limits.outbox_bytes_max)
        try:
            rest = self.enter(socket, opening)
            if rest is not None:
                await rest
        finally:
            if isinstance(socket, AsgiSocket):
                await socket.serve()

    def welcomes(self, opening: Opening) -> bool:
        """Whether the handshake may be completed, for the page that asks and the name it uses."""
        if self._doors.registry.refuses:
            return False
        headers = opening.headers
        return self._doors.auth.origins.allows(
            origin=headers.get("origin"), host=headers.get("host")
        )

    def enter(self, socket: Socket, opening: Opening) -> Rest:
        """Take in an accepted socket; returns what has to be waited for before it is heard."""
        doors = self._doors
        if isinstance(socket, RawSocket):
            socket.bound_outbox(doors.limits.outbox_bytes_max)
        connection = Connection(socket, doors.limits, doors.metrics, self.protocol)
        # Nothing is known of the other side yet; what it may send grows with its sign-in.
        connection.bound_frames(doors.queue_before_auth_bytes_max)
        doors.sweeper.add(connection)
        address = client_address(opening.peer, opening.forwarded, doors.trusted_proxies)
        is_in = self._count_in(connection, address)
        connection.on_lost = partial(self._count_out, connection, address if is_in else None)
        if not is_in:
            connection.hear(None)
            return None
        try:
            rest = self.begin(connection, opening)
        except Exception as error:  # noqa: BLE001 - our bug must end this connection only
            _end(connection, error)
            return None
        return None if rest is None else self._begin_later(connection, rest)

    async def _begin_later(self, connection: Connection, rest: Rest) -> None:
        try:
            if rest is not None:
                await rest
        except Exception as error:  # noqa: BLE001 - as above
            _end(connection, error)
        except BaseException:
            connection.close(CloseCode.INTERNAL_ERROR)
            connection.hear(None)
            raise

    def _count_in(self, connection: Connection, address: str) -> bool:
        doors = self._doors
        try:
            doors.gate.enter(address, asyncio.get_running_loop().time())
        except LimitExceeded as error:
            connection.refuse(error)
            return False
        doors.metrics.connections.labels(protocol=self.protocol).inc()
        return True

    def _count_out(self, connection: Connection, address: str | None) -> None:
        doors = self._doors
        doors.sweeper.remove(connection)
        if address is not None:
            doors.metrics.connections.labels(protocol=self.protocol).dec()
            doors.gate.leave(address)


def _end(connection: Connection, error: Exception) -> None:
    if isinstance(error, BandProError):
        connection.refuse(error)
    else:
        _log.error("connection.failed", exc_info=error)
        connection.close(CloseCode.INTERNAL_ERROR)
    connection.hear(None)
