"""The two connections to one Redis server: one that listens, one that says.

Nobody waits for either: what is to be said is queued, within bounds, and goes out as one pipeline.
A server that does not answer in time is given up, with what waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from itertools import count
from typing import Any, Final, NamedTuple

from redis.asyncio import Connection
from redis.exceptions import RedisError

from gateway.cluster.bus_url import Address
from gateway.cluster.redis_places import ANSWER_TIMEOUT_S, Places
from gateway.cluster.together import together
from gateway.observe.metrics import Metrics

PING_S: Final = 1.0
SILENCE_S_MAX: Final = 3.0
"""A listening connection on which not even pings are answered for so long is dead."""

_PIPELINE_MAX: Final = 128
_MESSAGES_MAX: Final = 64  # taken before others have their turn


class Heard(NamedTuple):
    """What a lane tells; called on the loop, and must not take long."""

    subscribed: Callable[[str], None]
    message: Callable[[str, bytes], None]


class Lane:
    """One server of a bus.

    Args:
        places: makes its connections.
        address: where it is.
        metrics: what is counted.
        heard: told of what comes.
    """

    def __init__(self, places: Places, address: Address, metrics: Metrics, heard: Heard) -> None:
        self._places = places
        self._listening = places.connection(address)
        self._saying = places.connection(address)
        self._metrics = metrics
        self._heard = heard
        self._wishes: list[tuple[str, str]] = []
        self._left: dict[str, int] = {}  # how often, until that is answered
        self._queue: list[tuple[str, bytes]] = []
        self.queued_bytes = 0
        self._wish_waits = asyncio.Event()
        self._envelope_waits = asyncio.Event()
        self._heard_s = 0.0

    def subscribe(self, channel: str) -> None:
        """Listen to a channel."""
        self._wishes.append((self._places.hears, channel))
        self._wish_waits.set()

    def unsubscribe(self, channel: str) -> None:
        """Listen to it no more."""
        hears = self._places.hears
        opposite = "SUNSUBSCRIBE" if hears == "SSUBSCRIBE" else "UNSUBSCRIBE"
        self._left[channel] = self._left.get(channel, 0) + 1
        self._wishes.append((opposite, channel))
        self._wish_waits.set()

    def say(self, channel: str, frame: bytes) -> None:
        """Queue a frame."""
        self._queue.append((channel, frame))
        self.queued_bytes += len(frame)
        self._envelope_waits.set()

    @property
    def unsaid(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    async def connect(self) -> None:
        """Make both connections, each within its own time limits.

        Raises:
            RedisError: the server is not there, does not answer or lets nobody in.
        """
        for connection in (self._listening, self._saying):
            await connection.connect()  # type: ignore[no-untyped-call]
        self._heard_s = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Serve until something fails, or the lane is closed.

        Raises:
            RedisError, OSError, TimeoutError: what failed first.
        """
        await together(
            self._listen(self._listening), self._ask(self._listening), self._say(self._saying)
        )

    async def close(self) -> None:
        """Cut the connections: whoever waits on them is told so, whatever else it is told."""
        for connection in (self._listening, self._saying):
            await connection.disconnect(nowait=True)

    async def _listen(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        for number in count(1):
            if number % _MESSAGES_MAX == 0:
                await asyncio.sleep(0)
            answer: Any = await connection.read_response(
                timeout=math.inf, disconnect_on_error=False
            )
            self._heard_s = loop.time()
            match answer:
                case [b"message" | b"smessage", bytes(channel), bytes(frame)]:
                    self._heard.message(channel.decode(), frame)
                case [b"subscribe" | b"ssubscribe", bytes(channel), _]:
                    self._heard.subscribed(channel.decode())
                case [b"unsubscribe" | b"sunsubscribe", bytes(channel), _]:
                    self._check_left(channel.decode())
                case _:
                    pass  # pong

    def _check_left(self, channel: str) -> None:
        """A Cluster ends subscriptions by itself when it moves a channel to another server."""
        left = self._left.pop(channel, 0)
        if not left:
            raise RedisError("a channel has moved")
        if left > 1:
            self._left[channel] = left - 1

    async def _ask(self, connection: Connection) -> None:
        """Send wishes as they come, and pings."""
        loop = asyncio.get_running_loop()
        pinged_s = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await self._wish_waits.wait()
            at_s = loop.time()
            if at_s - self._heard_s > SILENCE_S_MAX:
                raise RedisError("not even pings are answered")
            self._wish_waits.clear()
            wishes, self._wishes = self._wishes, []
            commands: list[tuple[str, ...]] = [*wishes]
            if at_s - pinged_s >= PING_S:
                commands.append(("PING",))
                pinged_s = at_s
            for command, *_ in commands:
                self._metrics.bus_commands.labels(command=command.lower()).inc()
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await connection.send_packed_command(connection.pack_commands(commands))

    async def _say(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        says = self._places.says
        counted = self._metrics.bus_commands.labels(command=says.lower())
        while True:
            await self._envelope_waits.wait()
            batch = self._queue[:_PIPELINE_MAX]
            begun_s = loop.time()
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                commands = [(says, channel, frame) for channel, frame in batch]
                await connection.send_packed_command(connection.pack_commands(commands))
                for _ in batch:
                    await connection.read_response()
            counted.inc(len(batch))
            self._metrics.bus_send_seconds.observe(loop.time() - begun_s)
            del self._queue[: len(batch)]
            self.queued_bytes -= sum(len(frame) for _, frame in batch)
            if not self._queue:
                self._envelope_waits.clear()
