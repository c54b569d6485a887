"""The y-websocket endpoint: one room on one socket, named and signed in by the URL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from collab.access import Claims
from collab.errors import InvalidRoomName
from collab.ids import RoomName, SessionId, UnixSeconds, room_name
from collab.protocol import y_sync
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import RoomMessage
from collab.room.session import Session, Wire
from gateway.rooms.runner import RoomRunner
from gateway.transport.connection import Connection
from gateway.transport.doors import Doors
from gateway.transport.endpoint import Endpoint
from gateway.transport.opening import Opening
from gateway.transport.seats import ConnectionSeat
from gateway.transport.sockets import Rest

PATH: Final = "/collab/"
PROTOCOL: Final = "y-websocket"
RELOAD_PAUSE_S: Final = 2.0
"""Stock providers that do not heed close codes ask again a tenth of a second after each close."""


class YWebSocketEndpoint(Endpoint):
    """The route ``/collab/{room}``; the room may contain slashes."""

    protocol = PROTOCOL

    def serves(self, raw_path: str) -> bool:
        """Whether a path begins as those of rooms do, and holds no control characters."""
        return raw_path.startswith(PATH) and "%0" not in raw_path

    def begin(self, connection: Connection, opening: Opening) -> Rest:
        """Let a client that may come in join the room of the path: at once, if that is live."""
        doors = self._doors
        name = _room_of(opening.raw_path)
        authenticator = doors.auth.authenticator
        claims = authenticator.recognise_socket(opening.headers, opening.query, name)
        runner = None if claims is None else doors.room_at_once(name, claims)
        if claims is None or runner is None:
            return self._join_later(connection, opening, name, claims)
        self._join(connection, runner, claims)
        return None

    async def _join_later(
        self, connection: Connection, opening: Opening, name: RoomName, claims: Claims | None
    ) -> None:
        doors = self._doors
        if claims is None:
            claims = await doors.auth.authenticator.authenticate_request(opening.headers)
        runner, claims = await doors.open_room(name, claims)
        self._join(connection, runner, claims)

    def _join(self, connection: Connection, runner: RoomRunner, claims: Claims) -> None:
        doors = self._doors
        claims = doors.claims_in(runner, claims)
        connection.bound_frames(doors.limits.frame_bytes_max)
        session_id = doors.new_session_id()
        seat = YWebSocketSeat(connection, doors, runner, session_id, doors.clocks.wall())
        runner.join(Session(session_id, claims, Wire.Y_WEBSOCKET), seat)
        seat.expiry = self._close_at_expiry(connection, claims)
        connection.hear(seat)

    def _close_at_expiry(
        self, connection: Connection, claims: Claims
    ) -> asyncio.TimerHandle | None:
        left_s = self._doors.expires_in_s(claims)
        if left_s is None:
            return None
        loop = asyncio.get_running_loop()
        return loop.call_later(left_s, connection.close, CloseCode.UNAUTHENTICATED, "expired")


@dataclass(slots=True)
class YWebSocketSeat(ConnectionSeat):
    """A session's end of its own socket, and the handler of what comes from there."""

    connection: Connection
    doors: Doors
    runner: RoomRunner
    session_id: SessionId
    joined_at: UnixSeconds
    expiry: asyncio.TimerHandle | None = None
    prefix: bytes = b""

    def close(self, code: CloseCode, detail: str) -> None:
        """Close the socket; one that is to reload after a pause, as many come back at once."""
        if code is CloseCode.RELOAD:
            loop = asyncio.get_running_loop()
            loop.call_later(RELOAD_PAUSE_S, self.connection.close, code, detail)
            return
        self.connection.close(code, detail)

    def on_frame(self, frame: bytes) -> Rest:
        """Give the room one message or several, in order."""
        self.doors.check_size(y_sync.peek_kind(frame), frame)
        messages = y_sync.decode(frame)
        metrics, runner, socket = self.doors.metrics, self.runner, self.connection.socket
        for number, message in enumerate(messages):
            metrics.message(PROTOCOL, message)
            if socket.is_full or not runner.try_receive(self.session_id, message):
                return self._receive(messages[number:])
        return None

    async def _receive(self, messages: Sequence[RoomMessage]) -> None:
        for message in messages:
            # A client that does not read its answers gets no more of them.
            await self.connection.socket.writable()
            await self.runner.receive(self.session_id, message)

    def on_drained(self) -> None:
        """Catch up on what was refused meanwhile."""
        self.runner.caught_up(self.session_id)

    def on_end(self) -> None:
        """Leave the room."""
        if self.expiry is not None:
            self.expiry.cancel()
        self.runner.leave(self.session_id)

    def heartbeat(self) -> bytes:
        """An awareness update of nobody."""
        return y_sync.EMPTY_AWARENESS


def _room_of(raw_path: str) -> RoomName:
    """The room's name, decoded strictly from the path as it was sent.

    Raises:
        InvalidRoomName: the path names no room.
    """
    encoded = raw_path.removeprefix(PATH).encode("latin-1")
    try:
        return room_name(unquote_to_bytes(encoded).decode())
    except UnicodeDecodeError as error:
        raise InvalidRoomName("a room name must be valid UTF-8") from error
