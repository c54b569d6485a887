"""What seats have in common, whichever protocol is spoken from them."""

from __future__ import annotations

from collab.protocol.websocket_frames import Frame
from gateway.lines import Line
from gateway.observe.traffic import Traffic
from gateway.transport.connection import Connection


class ConnectionSeat:
    """The part of a `Seat` that its connection does for it.

    Attributes:
        connection: declared here, given by the class that is a whole seat.
    """

    __slots__ = ()
    connection: Connection

    def push(self, frame: bytes) -> None:
        """Queue a frame that must arrive."""
        self.connection.socket.push(frame)

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Queue what is left of a broadcast, or say that the reader is too slow for it."""
        return self.connection.socket.offer(frame, taken)

    def line(self) -> tuple[Line, Traffic] | None:
        """The way straight to the socket, and where its frames are counted."""
        return self.connection.socket.line()

    def unread_bytes(self) -> int:
        """Bytes queued on the socket that the system has not taken yet."""
        return self.connection.socket.waiting_bytes
