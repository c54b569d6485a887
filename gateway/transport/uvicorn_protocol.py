"""uvicorn's sans-I/O websocket protocol with the three levers that ASGI does not offer.

Under any other ASGI server the levers are missing and :func:`levers_of` returns None; everything
still works, with coarser bounds.
"""

from __future__ import annotations

from asyncio.transports import BaseTransport
from typing import Any, Final, cast

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION: Final = "bandpro.levers"
_WRITE_BUFFER_BYTES_MAX: Final = 256 * 1024


class LeveredWebSocketProtocol(WebSocketsSansIOProtocol):
    """One websocket connection that the application can bound and cut."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Keep what the transport buffers small: the outbox is the queue that is watched."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES_MAX)

    def handle_connect(self, event: Request) -> None:
        """Offer the levers to the application that is about to start."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            extensions = cast("dict[str, Any]", scope["extensions"])
            extensions[EXTENSION] = self

    def send_receive_event_to_app(self) -> None:
        """Close on text that is no UTF-8 without a traceback in the log: anybody can send it."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def set_message_bytes_max(self, bytes_max: int) -> None:
        """Refuse larger messages from now on, before they are read whole (close code 1009)."""
        self.conn.max_message_size = bytes_max

    def unwritten_bytes(self) -> int:
        """Bytes handed to the transport that the system has not taken yet."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Cut the connection at once, without a closing handshake."""
        self.transport.abort()


def levers_of(scope: Scope) -> LeveredWebSocketProtocol | None:
    """The levers of a connection, or None where the server has none."""
    levers = (scope.get("extensions") or {}).get(EXTENSION)
    return levers if isinstance(levers, LeveredWebSocketProtocol) else None
