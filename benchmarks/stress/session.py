"""A client that keeps what it hears, and leaves reading it for afterwards.

While a storm is measured the generator may not be the slow part, so a session only notes which
message came when. A server that encodes a broadcast once sends the same bytes to everybody: equal
small messages are kept once, and taken apart once when the clock no longer runs.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.websocket import WebSocket, client_frame, connect
from benchmarks.wires import Dialect, What
from collab.protocol.varint import write_bytes

_KEPT_ONCE_BYTES_MAX: Final = 1 << 16
_ASKED: Final = b"\x00\x00"
_ANSWERED: Final = b"\x00\x01"
_UPDATE: Final = b"\x00\x02"
_AWARENESS: Final = b"\x01"


class Messages:
    """All messages that the sessions of one run have heard, equal small ones once."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, message: bytes) -> int:
        """Keep a message and tell under which number it is."""
        if len(message) > _KEPT_ONCE_BYTES_MAX:
            self.kept.append(message)
            return len(self.kept) - 1
        number = self._numbers.setdefault(message, len(self.kept))
        if number == len(self.kept):
            self.kept.append(message)
        return number


class Session:
    """One socket in one room.

    Args:
        dialect: room and wire.
        messages: where what is heard is kept.
        content: an update with what the server is told when it asks; None for nothing.
        known: the state vector of what the client has when it connects; None for nothing.

    Attributes:
        heard: the numbers of the messages that came, in order.
        heard_s: when each of them came (`perf_counter`).
        heard_bytes: of all of them.
        synced: done with the time at which the server's answer to the first step 1 was there.
        asked: done when the server has asked for what this client has, and was answered.
    """

    def __init__(
        self,
        dialect: Dialect,
        messages: Messages,
        content: bytes | None = None,
        *,
        known: bytes | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.dialect = dialect
        self.heard = array("L")
        self.heard_s = array("d")
        self.heard_bytes = 0
        self.synced: asyncio.Future[float] = loop.create_future()
        self.asked: asyncio.Future[None] = loop.create_future()
        self._messages = messages
        self._content = content
        self._known = known
        self._at = len(dialect.prefix)
        self._socket: WebSocket | None = None

    @property
    def socket(self) -> WebSocket:
        """The connection."""
        assert self._socket is not None, "not connected yet"
        return self._socket

    @property
    def is_connected(self) -> bool:
        """Whether the connection still stands."""
        return self._socket is not None and not self._socket.closed.done()

    async def connect(self, port: int) -> None:
        """Connect and send what a client sends first, without waiting for an answer.

        Raises:
            ConnectionError: the server refused the connection.
        """
        self._socket = await connect(port, self.dialect.path, self._on_message)
        *before, step_1 = self.dialect.greeting()
        if self._known is not None:
            step_1 = self.dialect.prefix + _ASKED + write_bytes(self._known)
        for message in (*before, step_1):
            self._socket.transport.write(client_frame(message))

    async def join(self, port: int) -> float:
        """Connect, and wait until the server has answered.

        Returns:
            When the answer was there (`perf_counter`).

        Raises:
            ConnectionError: the server refused or closed the connection.
        """
        await self.connect(port)
        closed = self.socket.closed
        await asyncio.wait((self.synced, closed), return_when=asyncio.FIRST_COMPLETED)
        if not self.synced.done():
            raise ConnectionError(f"not let into {self.dialect.room}: close {closed.result()}")
        return self.synced.result()

    async def leave(self) -> None:
        """Close the connection in good order."""
        if self._socket is not None:
            self._socket.transport.resume_reading()
            await self._socket.close()

    def drop(self) -> None:
        """End the connection without a word, as a lost network does."""
        self.socket.transport.abort()

    def send(self, message: bytes) -> None:
        """Write a message to the room, unless the connection is gone."""
        if self.is_connected:
            self.socket.transport.write(client_frame(self.dialect.prefix + message))

    def send_update(self, update: bytes) -> None:
        """Write an update to the room."""
        self.send(_UPDATE + write_bytes(update))

    def send_awareness(self, entries: bytes) -> None:
        """Write an awareness message to the room."""
        self.send(_AWARENESS + write_bytes(entries))

    def _on_message(self, message: bytes, at_s: float) -> None:
        self.heard.append(self._messages.number(message))
        self.heard_s.append(at_s)
        self.heard_bytes += len(message)
        begin = message[self._at : self._at + 2]
        if begin == _UPDATE or begin[:1] == _AWARENESS:
            return
        if not self.synced.done() and begin == _ANSWERED:
            self.synced.set_result(at_s)
        if len(message) <= _KEPT_ONCE_BYTES_MAX:
            self._greeted(message, at_s)

    def _greeted(self, message: bytes, at_s: float) -> None:
        for heard in self.dialect.read(message):
            if heard.what is What.ASKED:
                # It may have come with the answer to the upgrade, before there is a socket.
                asyncio.get_running_loop().call_soon(self._answer)
            elif heard.what is What.ANSWERED and not self.synced.done():
                self.synced.set_result(at_s)

    def _answer(self) -> None:
        if self._content is None:
            if self.is_connected:
                self.socket.transport.write(client_frame(self.dialect.answer()))
        else:
            self.send(_ANSWERED + write_bytes(self._content))
        if not self.asked.done():
            self.asked.set_result(None)


def is_answer(dialect: Dialect, message: bytes) -> bool:
    """Whether a message says that the session has everything now."""
    return message[len(dialect.prefix) :].startswith(_ANSWERED)


def updates_in(dialect: Dialect, message: bytes) -> Iterator[bytes]:
    """The updates that a message brings, those of step 2 included."""
    if message[len(dialect.prefix) :].startswith(_AWARENESS):
        return
    for heard in dialect.read(message):
        if heard.what in (What.UPDATE, What.ANSWERED):
            yield heard.payload


async def join_all(sessions: Sequence[Session], port: int, *, at_once: int = 50) -> None:
    """Let sessions join, a few at a time, and one in each room before all others.

    Raises:
        TimeoutError: one of them was not let in within a minute.
    """
    first_in = {session.dialect.room: session for session in reversed(sessions)}
    openers = list(first_in.values())
    opening = set(openers)
    others = [session for session in sessions if session not in opening]
    async with asyncio.timeout(60):
        for crowd in (openers, others):
            for first in range(0, len(crowd), at_once):
                batch = crowd[first : first + at_once]
                await asyncio.gather(*(session.join(port) for session in batch))


async def join_at_once(sessions: Sequence[Session], port: int, within_s: float) -> list[float]:
    """Let all sessions join in the same moment.

    Returns:
        When each was synchronised (`perf_counter`); those that never were are left out.
    """
    joining = [asyncio.ensure_future(session.join(port)) for session in sessions]
    done, pending = await asyncio.wait(joining, timeout=within_s)
    for late in pending:
        late.cancel()
    return [task.result() for task in done if task.exception() is None]


async def leave_all(sessions: Sequence[Session]) -> None:
    """Let sessions leave together; what the server does not close in time is cut."""
    try:
        async with asyncio.timeout(20):
            await asyncio.gather(*(session.leave() for session in sessions))
    except TimeoutError:
        for session in sessions:
            if session.is_connected:
                session.drop()
