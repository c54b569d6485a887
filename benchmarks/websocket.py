"""A websocket client with as little work for each frame as Python allows.

The load generator has to be cheaper than the server that it measures, so this is no general
client: binary messages, no extensions, and a masking key of zero. Such a key is allowed by the
framing (RFC 6455, 5.3 asks clients of browsers for an unpredictable one); the server unmasks as
ever, and the client can build its frames ahead of time.
"""

from __future__ import annotations

import asyncio
import time
from asyncio.transports import BaseTransport, Transport
from collections.abc import Callable
from typing import Final, cast

_FINAL: Final = 0x80
_BINARY: Final = 0x2
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_MASKED: Final = 0x80
_KEY: Final = bytes(4)
_LARGE: Final = 1 << 16
_END_OF_HEADERS: Final = b"\r\n\r\n"

OnMessage = Callable[[bytes, float], None]


class HandshakeRefused(ConnectionError):
    """The server did not switch to websockets."""


def client_frame(payload: bytes, opcode: int = _BINARY) -> bytes:
    """A whole message as a client sends it, masked with a key of zero."""
    return _header(len(payload), opcode) + _KEY + payload


def _header(size: int, opcode: int) -> bytes:
    first = _FINAL | opcode
    if size < 126:
        return bytes((first, _MASKED | size))
    if size < 1 << 16:
        return bytes((first, _MASKED | 126)) + size.to_bytes(2, "big")
    return bytes((first, _MASKED | 127)) + size.to_bytes(8, "big")


class WebSocket(asyncio.Protocol):
    """One connection to a websocket server.

    Args:
        path: what to ask for, with its leading slash.
        on_message: given each binary message and the time of its arrival (`perf_counter`).

    Attributes:
        opened: done when the handshake is.
        closed: done when the connection is gone; holds the close code, or None without one.
    """

    def __init__(self, path: str, on_message: OnMessage) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int | None] = loop.create_future()
        self._path = path
        self._on_message = on_message
        self._transport: Transport | None = None
        self._rest = b""
        self._chunks: list[bytes] = []
        self._missing = 0
        self._parts: list[bytes] = []
        self._close_code: int | None = None

    @property
    def transport(self) -> Transport:
        """The connection; write pre-built frames here."""
        assert self._transport is not None, "not connected yet"
        return self._transport

    def connection_made(self, transport: BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("Transport", transport)
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: YmFuZHBybyBtZWFzdXJlcw==\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        del exc
        if not self.opened.done():
            self.opened.set_exception(HandshakeRefused("the connection closed in the handshake"))
        if not self.closed.done():
            self.closed.set_result(self._close_code)

    def data_received(self, data: bytes) -> None:
        """Cut what arrived into messages."""
        at_s = time.perf_counter()
        if self._missing:
            self._missing -= len(data)
            self._chunks.append(data)
            if self._missing > 0:
                return
            data = b"".join(self._chunks)
            self._chunks.clear()
            self._missing = 0
        elif self._rest:
            data = self._rest + data
            self._rest = b""
        if not self.opened.done():
            end = data.find(_END_OF_HEADERS)
            if end < 0:
                self._rest = data
                return
            self._finish_handshake(data[:end])
            data = data[end + len(_END_OF_HEADERS) :]
        self._cut(data, at_s)

    def _finish_handshake(self, headers: bytes) -> None:
        status = headers.split(b"\r\n", 1)[0]
        if b" 101 " in status + b" ":
            self.opened.set_result(None)
        else:
            self.opened.set_exception(HandshakeRefused(status.decode("latin-1")))
            self.transport.abort()

    def _cut(self, data: bytes, at_s: float) -> None:
        at, end = 0, len(data)
        while end - at >= 2:
            size = data[at + 1]
            start = at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if end - start < width:
                    break
                size = int.from_bytes(data[start : start + width], "big")
                start += width
            if end - start < size:
                if size > _LARGE:
                    # Joined once when it is whole, instead of with every piece that comes.
                    self._missing = size - (end - start)
                    self._chunks.append(data[at:])
                    return
                break
            first = data[at]
            at = start + size
            if first == _FINAL | _BINARY:
                self._on_message(data[start:at], at_s)
            else:
                self._uncommon(first, data[start:at], at_s)
        if at < end:
            self._rest = data[at:] if at else data

    def _uncommon(self, first: int, payload: bytes, at_s: float) -> None:
        """Control frames, and messages that come in several frames."""
        opcode = first & 0x0F
        if opcode == _PING:
            self.transport.write(client_frame(payload, _PONG))
        elif opcode == _CLOSE:
            self._close_code = int.from_bytes(payload[:2], "big") if payload else None
            self.transport.write(client_frame(payload[:2], _CLOSE))
        elif opcode < _CLOSE:
            self._parts.append(payload)
            if first & _FINAL:
                whole = b"".join(self._parts)
                self._parts.clear()
                self._on_message(whole, at_s)

    async def close(self) -> None:
        """Close in good order, waiting for the server to end the connection."""
        if not self.closed.done():
            self.transport.write(client_frame((1000).to_bytes(2, "big"), _CLOSE))
            await self.closed


async def connect(port: int, path: str, on_message: OnMessage) -> WebSocket:
    """Open a websocket to a server on this machine.

    Raises:
        HandshakeRefused: it did not want one.
    """
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: WebSocket(path, on_message), "127.0.0.1", port)
    await socket.opened
    return socket
