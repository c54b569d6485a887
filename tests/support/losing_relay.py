"""A relay that loses deliveries, by which the load generator shows that it misses them.

As a process, ``python -m tests.support.losing_relay PORT N``, it speaks y-websocket as far as the
generator does, writes each update to every socket of the room, the sender's included, and drops
every N-th of these frames.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from asyncio.transports import BaseTransport, Transport
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import uvloop

from benchmarks.machine import Cores
from benchmarks.processes import Program, free_ports, running
from benchmarks.targets import Target
from collab.protocol.websocket_frames import server_frame

_STEP_1: Final = b"\x00\x00"
_UPDATE: Final = b"\x00\x02"
_STEP_2_EMPTY: Final = server_frame(b"\x00\x01\x02\x00\x00")
_END_OF_HEADERS: Final = b"\r\n\r\n"
_CLOSE: Final = 0x8
_KEY_BYTES: Final = 4


@contextmanager
def losing_relay(cores: Cores, lose_every: int) -> Iterator[Target]:
    """The relay in a process of its own.

    Args:
        cores: where it runs.
        lose_every: every n-th delivery is dropped.
    """
    with tempfile.TemporaryDirectory() as home:
        (port,) = free_ports(1)
        command = [sys.executable, "-m", __name__, str(port), str(lose_every)]
        with running(Program(command), cores, Path(home) / "log", port) as process:
            yield Target(port, None, process)


class _Rooms:
    """The sockets of each room.

    Args:
        lose_every: every n-th delivery is dropped.
    """

    def __init__(self, lose_every: int) -> None:
        self.members: defaultdict[bytes, set[Transport]] = defaultdict(set)
        self._lose_every = lose_every
        self._deliveries = 0

    def relay(self, room: bytes, frame: bytes) -> None:
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


async def _serve(port: int, lose_every: int) -> None:
    rooms = _Rooms(lose_every)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: _Member(rooms), "127.0.0.1", port, backlog=1024)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve(*map(int, sys.argv[1:3])))
