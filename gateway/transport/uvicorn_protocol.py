"""uvicorn's websocket protocol up to the handshake's end, and the way out of it.

The handshake and the ASGI application's first steps are uvicorn's; then a connection's transport
can be given a protocol of our own (:mod:`gateway.transport.raw_socket`), and all that served the
handshake is let go. Under any other ASGI server :func:`detach` returns None; everything still
works, through ASGI's own messages.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from typing import Any, Final, cast

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from collab.protocol.websocket_frames import FrameReader
from gateway.transport.raw_socket import NOWHERE, RawSocket

try:  # It is there wherever a compiler was when websockets was installed.
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover
    from websockets.utils import apply_mask

EXTENSION: Final = "bandpro.detach"
_MESSAGE_BYTES_MAX: Final = 2**20
_PING_INTERVAL_S: Final = 20.0

Peers = set[asyncio.Protocol]
"""All connections of a server, which shuts them down in the end."""


def raw_socket(transport: asyncio.Transport, config: uvicorn.Config, peers: Peers) -> RawSocket:
    """A protocol for a connection whose handshake is done, as the server was configured."""
    return RawSocket(
        transport,
        FrameReader(config.ws_max_size or _MESSAGE_BYTES_MAX, apply_mask),
        silence_s_max=2 * (config.ws_ping_interval or _PING_INTERVAL_S),
        peers=peers,
    )


class DetachableProtocol(WebSocketsSansIOProtocol):
    """One websocket connection that an application can take off uvicorn once it is accepted."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Remember who served the request, to let go of it as well."""
        self._http = cast("asyncio.Transport", transport).get_protocol()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all after a refusal, or wherever nobody took the connection off."""
        super().connection_lost(exc)
        self._break_cycles()

    def handle_connect(self, event: Request) -> None:
        """Offer the way out to the application that is about to start."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is None:
            return
        extensions = cast("dict[str, Any]", scope["extensions"])
        extensions[EXTENSION] = self
        # Nothing is parsed here before the application runs; its first receive() resumes.
        self.read_paused = True
        self.transport.pause_reading()

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

    def detach(self) -> RawSocket:
        """Give the accepted connection to a protocol of its own, and let go of all the rest.

        The application may return whenever it likes: the connection goes on without it.
        """
        transport, conn = self.transport, self.conn
        self.stop_keepalive()
        self.connections.discard(self)
        socket = raw_socket(transport, self.config, cast("Peers", self.connections))
        socket.feed(bytes(conn.reader.buffer))
        transport.set_protocol(socket)
        # uvicorn closes this one when the application returns.
        self.transport = NOWHERE
        self._break_cycles()
        return socket

    def _break_cycles(self) -> None:
        """Have everything freed when the application returns: 12 KiB for each connection.

        Nothing else would free it before the next search for garbage.
        """
        self.conn.parser.close()
        del self.conn.parser
        scope = getattr(self, "scope", None)  # None where the request was no handshake
        if scope is not None:
            cast("dict[str, Any]", scope["extensions"]).clear()
        vars(self._http).pop("parser", None)
        self._http = _NO_PROTOCOL


_NO_PROTOCOL: Final = asyncio.Protocol()


def detach(scope: Scope) -> RawSocket | None:
    """Take an accepted connection off the server, or None where the server does not let it go."""
    protocol = (scope.get("extensions") or {}).get(EXTENSION)
    return protocol.detach() if isinstance(protocol, DetachableProtocol) else None
