"""Connections between clients and nodes: bytes in order, late, held up, cut, or gone unnoticed.

The node's end is an asyncio transport under the socket that production uses; the client's end
speaks just enough of RFC 6455 by itself.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import Transport
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from tests.simulation.loop import Process, Simulation

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
_MASKED: Final = 0x80
_NO_CODE: Final = 1005
_ZERO_KEY: Final = bytes(4)
_OPENED: Final = b"101"


@dataclass(slots=True)
class Weather:
    """How the network is just now.

    Attributes:
        random: where delays come from.
        delay_s: of most packets, on average, beyond the least.
        least_s: of every packet.
        slow: how many times slower everything is.
    """

    random: Random
    delay_s: float = 0.004
    least_s: float = 0.0002
    slow: float = 1.0

    def delay(self) -> float:
        """Of the next packet."""
        return self.random.expovariate(1.0) * self.delay_s * self.slow + self.least_s


class Way:
    """One direction of a connection.

    Args:
        loop: the simulation's.
        weather: where delays come from.
        to: the process at its end.
        deliver: called there with what arrives.
    """

    def __init__(
        self, loop: Simulation, weather: Weather, to: Process, deliver: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._weather = weather
        self._to = to
        self._deliver = deliver
        self._queue: deque[tuple[float, bytes]] = deque()
        self._is_due = False
        self._holds = 0
        self._last_s = 0.0
        self.is_cut = False
        self.waiting_bytes = 0

    def send(self, data: bytes) -> None:
        """Put bytes on the way; nothing happens once it is cut."""
        if self.is_cut:
            return
        self._last_s = max(self._last_s, self._loop.now_s + self._weather.delay())
        self._queue.append((self._last_s, data))
        self.waiting_bytes += len(data)
        self._look()

    def hold(self) -> None:
        """Deliver nothing until as many calls of `flow`; it is kept meanwhile."""
        self._holds += 1

    def flow(self) -> None:
        """Go on."""
        self._holds -= 1
        self._look()

    def cut(self) -> None:
        """Lose what is under way, and all that comes."""
        self.is_cut = True
        self._queue.clear()
        self.waiting_bytes = 0

    def _look(self) -> None:
        if self._queue and not self._holds and not self._is_due:
            self._is_due = True
            self._loop.at(self._to, max(self._queue[0][0], self._loop.now_s), self._arrive)

    def _arrive(self) -> None:
        self._is_due = False
        if self._holds or self.is_cut:
            return
        data = b""
        while self._queue and self._queue[0][0] <= self._loop.now_s:
            data += self._queue.popleft()[1]
        self.waiting_bytes -= len(data)
        if data:
            self._deliver(data)
        self._look()


class ClientEnd(Protocol):
    """Who is told on the client's side."""

    def opened(self) -> None:
        """The handshake is done."""

    def heard(self, payload: bytes) -> None:
        """A binary message."""

    def closed(self, code: int) -> None:
        """The connection is over; 1006 without a closing frame."""


class Connection(Transport):
    """A connection, and the transport of its node.

    Args:
        loop: the simulation's.
        weather: of both directions.
        node: the process that accepted it.
        client: told what comes.
    """

    def __init__(
        self, loop: Simulation, weather: Weather, node: Process, client: ClientEnd
    ) -> None:
        super().__init__()
        self._loop = loop
        self._weather = weather
        self._node = node
        self._client = client
        self._protocol: asyncio.Protocol | None = None
        self.up = Way(loop, weather, node, self._received)
        self.down = Way(loop, weather, loop.world, self._heard)
        self._high = 1 << 30
        self._is_full = self._is_reading_paused = False
        self._is_closing = self._is_over = self._is_client_gone = False
        self._data = b""
        self._is_open = False

    # The node's end ---------------------------------------------------------------------------

    def start(self, protocol: asyncio.Protocol) -> None:
        """Give what comes to a protocol from now on."""
        self._protocol = protocol
        self.down.send(_OPENED)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closing or not self._node.may():
            return
        self.down.send(bytes(data))
        if self.down.waiting_bytes > self._high and not self._is_full and self._protocol:
            self._is_full = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.down.waiting_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None
        assert low == 0
        self._high = high

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        if not self._is_reading_paused:
            self._is_reading_paused = True
            self.up.hold()

    def resume_reading(self) -> None:
        if self._is_reading_paused:
            self._is_reading_paused = False
            self.up.flow()

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def close(self) -> None:
        """Close behind what is written."""
        if not self._is_closing:
            self._is_closing = True
            self.up.cut()
            self._close_when_written()

    def abort(self) -> None:
        """Close, and forget what is not written."""
        self._is_closing = True
        self.up.cut()
        self.down.cut()
        self._close_when_written()

    def _close_when_written(self) -> None:
        if self._is_closing and not self.down.waiting_bytes and not self._is_over:
            self._is_over = True
            self._loop.later(self._node, 0.0, self._lost)
            if self._node.may():
                self._loop.later(self._loop.world, self._weather.delay(), self._part, 1006)

    def _lost(self) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(None)

    def _received(self, data: bytes) -> None:
        if self._protocol is not None:
            self._protocol.data_received(data)

    def _was_taken(self) -> None:
        if self._is_full and not self.down.waiting_bytes and self._protocol is not None:
            self._is_full = False
            self._protocol.resume_writing()
        self._close_when_written()

    # The client's end -------------------------------------------------------------------------

    def send(self, payload: bytes, opcode: int = BINARY) -> None:
        """Send a message from the client."""
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, _MASKED | size))
        elif size < 1 << 16:
            head = bytes((0x80 | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
        self.up.send(head + _ZERO_KEY + payload)

    def leave(self) -> None:
        """Close from the client's side, as an application does that is left."""
        self.send((1000).to_bytes(2, "big"), CLOSE)

    def break_off(self, *, node_hears: bool) -> None:
        """End it from the client's side without a word.

        Args:
            node_hears: whether the node's system is told; if not, it looks open from there.
        """
        if self._is_client_gone:
            return
        self._is_client_gone = True
        self.up.cut()
        self.down.hold()
        if node_hears:
            self._loop.later(self._node, self._weather.delay(), self._reset)

    def node_died(self, *, client_hears: bool) -> None:
        """The node's process is gone.

        Args:
            client_hears: whether its machine lives on, and says so.
        """
        self._is_over = self._is_closing = True
        self._protocol = None
        self.up.cut()
        self.down.cut()
        if client_hears:
            self._loop.later(self._loop.world, self._weather.delay(), self._part, 1006)

    def _reset(self) -> None:
        self._is_closing = True
        self.down.cut()
        if not self._is_over:
            self._is_over = True
            self._lost()

    def _heard(self, data: bytes) -> None:
        if self._is_full or self._is_closing:
            self._loop.later(self._node, 0.0, self._was_taken)
        self._data += data
        if not self._is_open:
            self._is_open = True
            self._data = self._data.removeprefix(_OPENED)
            self._client.opened()
        while (frame := self._next_frame()) is not None and not self._is_client_gone:
            opcode, payload = frame
            if opcode == BINARY:
                self._client.heard(payload)
            elif opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                self.send(payload, CLOSE)
                self._part(int.from_bytes(payload[:2], "big") if payload else _NO_CODE)

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, at = data[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(data) < at:
                return None
            size = int.from_bytes(data[2:at], "big")
        if len(data) < at + size:
            return None
        self._data = data[at + size :]
        return data[0] & 0x0F, data[at : at + size]

    def _part(self, code: int) -> None:
        if not self._is_client_gone:
            self._is_client_gone = True
            self._client.closed(code)
