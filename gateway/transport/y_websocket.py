"""The y-websocket endpoint: one room on one socket, named and signed in by the URL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from collab.access import Claims
from collab.errors import BandProError, InvalidRoomName
from collab.ids import RoomName, SessionId, UnixSeconds, room_name
from collab.protocol import y_sync
from collab.protocol.close_codes import CloseCode
from collab.room.session import Session, Wire
from gateway.rooms.runner import RoomRunner
from gateway.transport.connection import Connection
from gateway.transport.doors import Doors, admit_socket, new_session_id

PATH: Final = "/collab/"
PROTOCOL: Final = "y-websocket"


@dataclass(slots=True)
class YWebSocketSeat:
    """A session's end of its own socket."""

    connection: Connection
    joined_at: UnixSeconds
    prefix: bytes = b""

    def push(self, frame: bytes) -> None:
        """Queue a frame that must arrive."""
        self.connection.push(frame)

    def offer(self, frame: bytes) -> bool:
        """Queue a broadcast, or say that the reader is too slow for it."""
        return self.connection.outbox.offer(frame)

    def unread_bytes(self) -> int:
        """Bytes queued on the connection that the system has not taken yet."""
        return self.connection.unread_bytes()

    def close(self, code: CloseCode, detail: str) -> None:
        """Close the socket."""
        self.connection.close(code, detail)


class YWebSocketEndpoint:
    """ASGI application for ``/collab/{room}``; the room may contain slashes."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket."""
        await admit_socket(self._doors, scope, receive, send, PROTOCOL, self._serve)

    async def _serve(self, connection: Connection, websocket: WebSocket) -> None:
        session_id = new_session_id()
        runner: RoomRunner | None = None
        expiry: asyncio.TimerHandle | None = None
        try:
            runner, claims = await self._join(connection, websocket, session_id)
            expiry = self._close_at_expiry(connection, claims)
        except BandProError as error:
            connection.refuse(error)
        try:
            await connection.serve(_Reader(self._doors, runner, session_id).on_frame)
        finally:
            if expiry is not None:
                expiry.cancel()
            if runner is not None:
                runner.leave(session_id)

    async def _join(
        self, connection: Connection, websocket: WebSocket, session_id: SessionId
    ) -> tuple[RoomRunner, Claims]:
        doors = self._doors
        name = _room_of(websocket.scope)
        claims = await doors.auth.authenticator.authenticate_socket(
            websocket.headers, websocket.query_params, name
        )
        runner, claims = await doors.open_room(name, claims)
        connection.bound_frames(doors.limits.frame_bytes_max)
        connection.heartbeat = lambda: y_sync.EMPTY_AWARENESS
        seat = YWebSocketSeat(connection, doors.clocks.wall())
        runner.join(Session(session_id, claims, Wire.Y_WEBSOCKET), seat)
        connection.on_drained = lambda: runner.caught_up(session_id)
        return runner, claims

    def _close_at_expiry(
        self, connection: Connection, claims: Claims
    ) -> asyncio.TimerHandle | None:
        left_s = self._doors.expires_in_s(claims)
        if left_s is None:
            return None
        loop = asyncio.get_running_loop()
        return loop.call_later(left_s, connection.close, CloseCode.UNAUTHENTICATED, "expired")


@dataclass(frozen=True, slots=True)
class _Reader:
    doors: Doors
    runner: RoomRunner | None
    session_id: SessionId

    async def on_frame(self, frame: bytes) -> None:
        if self.runner is None:
            return
        self.doors.check_size(y_sync.peek_kind(frame), frame)
        for message in y_sync.decode(frame):
            self.doors.metrics.message(PROTOCOL, message)
            await self.runner.receive(self.session_id, message)


def _room_of(scope: Scope) -> RoomName:
    """The room's name, decoded strictly from the path as it was sent.

    Raises:
        InvalidRoomName: the path names no room.
    """
    raw_path = scope.get("raw_path") or scope["path"].encode()
    encoded = raw_path.split(b"?", 1)[0].removeprefix(PATH.encode())
    try:
        return room_name(unquote_to_bytes(encoded).decode())
    except UnicodeDecodeError as error:
        raise InvalidRoomName("a room name must be valid UTF-8") from error
