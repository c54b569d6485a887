"""A relay without any checks, documents or disk: ``python -m benchmarks.relay PORT [LOSE]``.

It frames each update once and writes it to every socket of the room, the sender's included. What
it costs is about the floor for any server in this language, and with it the load generator finds
out what it can take itself. It speaks y-websocket as far as the generator does. Told to lose, it
drops every n-th frame: so it is shown that the generator misses what does not come.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.transports import BaseTransport, Transport
from collections import defaultdict
from typing import Final, cast

import uvloop

from benchmarks.websocket import server_frame

_STEP_1: Final = b"\x00\x00"
_UPDATE: Final = b"\x00\x02"
_STEP_2_EMPTY: Final = server_frame(b"\x00\x01\x02\x00\x00")
_END_OF_HEADERS: Final = b"\r\n\r\n"
_CLOSE: Final = 0x8
_KEY_BYTES: Final = 4


class _Rooms:
    """The sockets of each room.

    Args:
        lose_every: every n-th delivery is dropped; 0 drops none.
    """

    def __init__(self, lose_every: int) -> None:
        self.members: defaultdict[bytes, set[Transport]] = defaultdict(set)
        self._lose_every = lose_every
        self._deliveries = 0

    def relay(self, room: bytes, frame: bytes) -> None:
        if self._lose_every:
            self._relay_badly(room, frame)
            return
        for transport in self.members[room]:
            transport.write(frame)

    def _relay_badly(self, room: bytes, frame: bytes) -> None:
        for transport in self.members[room]:
            self._deliveries += 1
            if self._deliveries % self._lose_every:
                transport.write(frame)


class _Member(asyncio.Protocol):
    """One socket of one room."""

    def __init__(self, rooms: _Rooms) -> None:
        self._rooms = rooms
        self._room: bytes | None = None
        self._rest = b""

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast("Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._room is not None:
            self._rooms.members[self._room].discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if self._room is None:
            end = data.find(_END_OF_HEADERS)
            if end < 0:
                self._rest = data
                return
            self._room = self._handshake(data[:end])
            data = data[end + len(_END_OF_HEADERS) :]
        self._rest = self._cut(self._room, data)

    def _handshake(self, request: bytes) -> bytes:
        path = request.split(b" ", 2)[1]
        if b"pgrade" not in request:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()
            return path
        self._rooms.members[path].add(self._transport)
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        return path

    def _cut(self, room: bytes, data: bytes) -> bytes:
        """Handle all whole frames and return what is left; the masking key is always zero."""
        at, end = 0, len(data)
        while end - at >= 2:
            size = data[at + 1] & 0x7F
            start = at + 2 + _KEY_BYTES
            if size >= 126:
                width = 2 if size == 126 else 8
                size = int.from_bytes(data[at + 2 : at + 2 + width], "big")
                start += width
            if end - start < size:
                break
            self._handle(room, data[at] & 0x0F, data[start : start + size])
            at = start + size
        return data[at:]

    def _handle(self, room: bytes, opcode: int, payload: bytes) -> None:
        if opcode == _CLOSE:
            self._transport.write(server_frame(payload, _CLOSE))
            self._transport.close()
        elif payload.startswith(_UPDATE):
            self._rooms.relay(room, server_frame(payload))
        elif payload.startswith(_STEP_1):
            self._transport.write(_STEP_2_EMPTY)


async def _serve(port: int, lose_every: int = 0) -> None:
    rooms = _Rooms(lose_every)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: _Member(rooms), "127.0.0.1", port, backlog=1024)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve(*map(int, sys.argv[1:3])))
