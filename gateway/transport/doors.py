"""What both websocket endpoints share: who may connect, from where, and what they are handed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from collab.access import Action, Claims, decide
from collab.errors import AccessDenied, LimitExceeded
from collab.ids import RoomName, SessionId
from collab.limits import FRAME_OVERHEAD_BYTES_MAX
from collab.protocol.close_codes import CloseCode
from collab.protocol.y_sync import FrameKind
from gateway.auth.addresses import client_address
from gateway.auth.authenticator import Clocks
from gateway.auth.build import AuthParts
from gateway.observe.metrics import Metrics
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner
from gateway.setting_types import Networks
from gateway.transport.asgi_socket import AsgiSocket
from gateway.transport.connection import Connection, ConnectionLimits
from gateway.transport.gate import Gate
from gateway.transport.sockets import Socket
from gateway.transport.sweeper import Sweeper
from gateway.transport.uvicorn_protocol import detach


@dataclass(frozen=True, slots=True)
class Doors:
    """The parts of a node that a websocket endpoint needs.

    Attributes:
        registry: the live rooms.
        auth: who gets in.
        gate: how many connections.
        limits: bounds on each connection.
        metrics: what is counted.
        clocks: the time.
        update_bytes_max: one update.
        document_bytes_max: one step 2.
        queue_before_auth_bytes_max: kept for a document until its sign-in.
        queue_before_auth_messages_max: the same in messages.
        documents_per_socket_max: documents on one Hocuspocus connection.
        trusted_proxies: networks whose forwarded address is believed.
        sweeper: looks after the connections.
    """

    registry: RoomRegistry
    auth: AuthParts
    gate: Gate
    limits: ConnectionLimits
    metrics: Metrics
    clocks: Clocks
    update_bytes_max: int
    document_bytes_max: int
    queue_before_auth_bytes_max: int
    queue_before_auth_messages_max: int
    documents_per_socket_max: int
    trusted_proxies: Networks
    sweeper: Sweeper

    def check_size(self, kind: FrameKind, frame: bytes) -> None:
        """Refuse a frame that is larger than its kind may be.

        A step 2 may carry a whole document: stock clients send a long offline session in one.

        Raises:
            LimitExceeded: it is.
        """
        step2 = kind is FrameKind.STEP2
        payload_bytes_max = self.document_bytes_max if step2 else self.update_bytes_max
        if len(frame) > payload_bytes_max + FRAME_OVERHEAD_BYTES_MAX:
            raise LimitExceeded(
                f"such a message may have {payload_bytes_max} bytes", limit="update_bytes_max"
            )

    def check_join(self, claims: Claims, room: RoomName) -> None:
        """Refuse whoever may not join a room.

        Raises:
            AccessDenied: the claims give nothing here.
        """
        if not decide(claims, room, Action.JOIN):
            raise AccessDenied("this token does not open this room")

    async def open_room(self, name: RoomName, claims: Claims) -> tuple[RoomRunner, Claims]:
        """Open a room for somebody who may join it.

        Loading takes time in which the claims may be revoked or expire, and no live session is
        there yet to be told: so they are weighed again behind it. Join before the next await.

        Raises:
            BandProError: they may not join, or the room cannot be opened.
        """
        self.check_join(claims, name)
        runner = await self.registry.open(name)
        claims = self.auth.authenticator.still_valid(claims)
        self.check_join(claims, name)
        runner.check_join()
        return runner, claims

    def expires_in_s(self, claims: Claims) -> float | None:
        """Seconds until claims hold no longer (their leeway is in them); None for never."""
        if claims.expires_at is None:
            return None
        return max(0.0, float(claims.expires_at - self.clocks.wall()))


def new_session_id() -> SessionId:
    """An id that nobody can guess and no other session of this node has."""
    return SessionId(secrets.token_hex(8))


BeginConnection = Callable[[Connection, WebSocket], Awaitable[None]]


async def admit_socket(
    doors: Doors,
    scope: Scope,
    receive: Receive,
    send: Send,
    protocol: str,
    begin: BeginConnection,
) -> None:
    """Check origin and numbers, accept, and let an endpoint begin with the connection.

    A foreign origin is refused before the handshake completes (HTTP 403). All else is refused
    after it, for only then can a browser read the close code.

    Where the server lets go of the connection, this returns when it has begun; else at its end.
    """
    websocket = WebSocket(scope, receive, send)
    headers = websocket.headers
    if not doors.auth.origins.allows(origin=headers.get("origin"), host=headers.get("host")):
        doors.metrics.refused.labels(reason="origin").inc()
        await websocket.close()
        return
    address = client_address(websocket, doors.trusted_proxies)
    await websocket.accept()
    socket = _socket_of(websocket, doors.limits)
    connection = Connection(socket, doors.limits, doors.metrics, protocol)
    # Nothing is known of the other side yet; what it may send grows with its sign-in.
    connection.bound_frames(doors.queue_before_auth_bytes_max)
    doors.sweeper.add(connection)
    is_in = _enter(doors, connection, address)
    connection.on_lost = partial(_leave, doors, connection, address if is_in else None)
    try:
        if is_in:
            await begin(connection, websocket)
        else:
            connection.hear(None)
    except BaseException:
        connection.close(CloseCode.INTERNAL_ERROR)
        connection.hear(None)
        raise
    finally:
        if isinstance(socket, AsgiSocket):
            await socket.serve()


def _socket_of(websocket: WebSocket, limits: ConnectionLimits) -> Socket:
    socket = detach(websocket.scope)
    if socket is None:
        return AsgiSocket(websocket, limits.outbox_bytes_max)
    socket.bound_outbox(limits.outbox_bytes_max)
    return socket


def _enter(doors: Doors, connection: Connection, address: str) -> bool:
    try:
        doors.gate.enter(address, asyncio.get_running_loop().time())
    except LimitExceeded as error:
        connection.refuse(error)
        return False
    doors.metrics.connections.labels(protocol=connection.protocol).inc()
    return True


def _leave(doors: Doors, connection: Connection, address: str | None) -> None:
    doors.sweeper.remove(connection)
    if address is not None:
        doors.metrics.connections.labels(protocol=connection.protocol).dec()
        doors.gate.leave(address)
