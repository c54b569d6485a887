"""A TCP proxy on loopback: slow, cut, frozen or a hole in which bytes vanish, as it is told."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_CHUNK_BYTES: Final = 64 * 1024


class TcpProxy:
    """Carries bytes to one server; does harm when told to.

    Args:
        host: the server's.
        port: the server's.
        tls: to be what clients speak TLS with; the server then gets what was in it.

    Attributes:
        port: where it listens itself; known once it is entered.
        delay_s: for each piece that is carried, either way.
        connections: how many were accepted.
        carried_bytes: both ways.
    """

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._target = (host, port)
        self._tls = tls
        self.port = 0
        self.delay_s = 0.0
        self.connections = 0
        self.carried_bytes = 0
        self._cut_after_bytes: int | None = None
        self._cuts = 0
        self._lost = 0
        self._answers: list[bytes] = []
        self._is_down = False
        self._is_swallowing = False
        self._swallowed_until = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut_after(self, request_bytes: int, *, times: int) -> None:
        """Reset the next connections once so many bytes have gone to the server."""
        self._cut_after_bytes, self._cuts = request_bytes, times

    def lose_answers(self, times: int) -> None:
        """Let the next requests through and reset their connections before an answer returns.

        New connections only: see `drop_connections`.
        """
        self._lost = times

    def answer(self, answer: bytes, *, times: int) -> None:
        """Give this answer to the next connections, and let nothing through."""
        self._answers = [answer] * times

    def go_down(self) -> None:
        """Cut everything and refuse what comes."""
        self._is_down = True
        self.drop_connections()

    def freeze(self) -> None:
        """Carry nothing; what is sent, and that an end has closed, arrives when it is healed."""
        self._flowing.clear()

    def swallow(self) -> None:
        """Be a hole: what is sent vanishes, and neither end is told.

        What was connected before it is healed stays half open for ever: see `drop_connections`.
        """
        self._is_swallowing = True
        self._swallowed_until = self.connections

    def heal(self) -> None:
        """Do no more harm."""
        if self._is_swallowing:
            self._swallowed_until = self.connections
        self._is_swallowing = False
        self._flowing.set()
        self.delay_s = 0.0
        self._cuts = self._lost = 0
        self._answers = []
        self._is_down = False

    def drop_connections(self) -> None:
        """Reset all connections, so that the next request opens a new one."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.drop_connections()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._carry(self.connections, reader, writer)
        finally:
            self._tasks.discard(task)
            self._open.discard(writer)
            writer.transport.abort()

    def _is_lost(self, number: int) -> bool:
        return self._is_swallowing or number <= self._swallowed_until

    async def _carry(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._flowing.wait()
        if self._is_down:
            return
        if self._is_swallowing:
            while await reader.read(_CHUNK_BYTES):
                pass
            return
        if self._answers:
            await reader.read(_CHUNK_BYTES)
            writer.write(self._answers.pop())
            await writer.drain()
            writer.write_eof()
            while await reader.read(_CHUNK_BYTES):  # a reset would overtake the answer
                pass
            return
        up_bytes_max = None
        if self._cuts:
            self._cuts -= 1
            up_bytes_max = self._cut_after_bytes
        is_lost = self._lost > 0
        self._lost -= is_lost
        from_server, to_server = await asyncio.open_connection(*self._target)
        self._open.add(to_server)
        directions = {
            asyncio.create_task(self._pump(number, reader, to_server, up_bytes_max)),
            asyncio.create_task(self._pump(number, from_server, writer, 0 if is_lost else None)),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            await self._flowing.wait()
            if self._is_lost(number):  # one end has gone, and the other is not told
                await asyncio.wait(directions)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            self._open.discard(to_server)
            to_server.transport.abort()

    async def _pump(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        bytes_max: int | None,
    ) -> None:
        """Carry bytes one way until the end, or until so many were carried."""
        carried = 0
        while piece := await reader.read(_CHUNK_BYTES):
            carried += len(piece)
            if bytes_max is not None and carried > bytes_max:
                return
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._flowing.wait()
            if self._is_lost(number):
                continue
            writer.write(piece)
            await writer.drain()
            self.carried_bytes += len(piece)
