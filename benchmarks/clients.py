"""One client in one room: signs in, answers the server, sends its updates, ticks off others'."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.ledger import Marks, RoomLedger
from benchmarks.websocket import WebSocket, client_frame, connect
from benchmarks.wires import Dialect, Heard, What, Wire


class Client:
    """A member of a room on a connection of its own.

    Args:
        dialect: room and wire.
        ledger: where deliveries are ticked off; None for one that only sits there.
        client_id: of the writer in the ledger; None for a reader.

    Attributes:
        synced: done when the client has the room's state, and, over Hocuspocus, when the server
            has acknowledged the handshake, before which it acknowledges nothing.
    """

    def __init__(
        self, dialect: Dialect, ledger: RoomLedger | None = None, client_id: int | None = None
    ) -> None:
        self._dialect = dialect
        self._ledger = ledger
        self._marks: Marks | None = None
        self._frames: list[bytes] = []
        self._next = 0
        self._socket: WebSocket | None = None
        self._waits_for = {What.ANSWERED}
        if dialect.wire is Wire.HOCUSPOCUS:
            self._waits_for.add(What.SAVED)
        self.synced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if ledger is not None:
            own = range(0) if client_id is None else ledger.numbers_of(client_id)
            self._marks = Marks(ledger, own)
            if client_id is not None:
                updates = ledger.by_writer[client_id]
                self._frames = [client_frame(dialect.update(update)) for update in updates]
                self._next = own.start

    @property
    def is_connected(self) -> bool:
        """Whether the connection still stands."""
        return self._socket is not None and not self._socket.closed.done()

    @property
    def socket(self) -> WebSocket:
        """The connection."""
        assert self._socket is not None, "not connected yet"
        return self._socket

    async def join(self, port: int) -> None:
        """Connect and wait until the first synchronisation is through.

        Raises:
            ConnectionError: the server refused or closed the connection.
        """
        self._socket = await connect(port, self._dialect.path, self._on_message)
        for message in self._dialect.greeting():
            self._socket.transport.write(client_frame(message))
        closed = self._socket.closed
        await asyncio.wait((self.synced, closed), return_when=asyncio.FIRST_COMPLETED)
        if not self.synced.done():
            raise ConnectionError(f"not let into {self._dialect.room}: close {closed.result()}")

    async def leave(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            await self._socket.close()

    def send_next(self) -> float:
        """Write this writer's next update and tell when.

        Raises:
            ConnectionError: the server has closed the connection.
        """
        assert self._marks is not None
        if not self.is_connected:
            raise ConnectionError(f"the server closed a writer: {self.socket.closed.result()}")
        frame = self._frames[self._next - self._marks.own.start]
        at_s = time.perf_counter()
        self._marks.sent(self._next, at_s)
        self.socket.transport.write(frame)
        self._next += 1
        return at_s

    def _on_message(self, message: bytes, at_s: float) -> None:
        if self._ledger is not None and self._marks is not None:
            number = self._ledger.number(message)
            if number is not None:
                self._marks.arrived(number, at_s)
                return
            runs = self._ledger.remembered(message)
            if runs is not None:
                self._on_runs(runs, at_s)
                return
        self._on_other(message, at_s)

    def _on_runs(self, runs: list[range], at_s: float) -> None:
        assert self._marks is not None
        for run in runs:
            self._marks.arrived_together(run, at_s)

    def _on_other(self, message: bytes, at_s: float) -> None:
        parts = list(self._dialect.read(message))
        if self._ledger is not None and not self.synced.done():
            # A large document comes as an update, before the answer; of that only edits count.
            parts = [part for part in parts if not self._is_document(part, at_s)]
        elif self._ledger is not None and all(part.what is What.UPDATE for part in parts):
            runs = [run for part in parts for run in self._ledger.runs_in(part.payload)]
            self._ledger.remember(message, runs)
            self._on_runs(runs, at_s)
            return
        for heard in parts:
            if heard.what is What.ASKED:
                # It may have come with the answer to the upgrade, before `join` has the socket.
                answer = client_frame(self._dialect.answer())
                asyncio.get_running_loop().call_soon(self._write, answer)
            elif heard.what in self._waits_for:
                self._reached(heard.what)
            elif heard.what is What.SAVED and self._marks is not None:
                self._marks.saved_next(at_s)
            elif heard.what is What.UPDATE and self._ledger is not None:
                self._on_runs(self._ledger.runs_in(heard.payload), at_s)
            elif heard.what in (What.REFUSED, What.DENIED) and self._ledger is not None:
                self._ledger.tally.refused += 1

    def _is_document(self, part: Heard, at_s: float) -> bool:
        if part.what is not What.UPDATE or self._ledger is None:
            return False
        runs = self._ledger.remembered(part.payload)
        if runs is None:
            # Looked through once for all who join: seconds for each would leave the others'
            # connections unread for so long that a server may cut them.
            runs = self._ledger.runs_in(part.payload, may_hold_more=True)
            self._ledger.remember(part.payload, runs)
        self._on_runs(runs, at_s)
        return True

    def _write(self, frame: bytes) -> None:
        if not self.socket.transport.is_closing():
            self.socket.transport.write(frame)

    def _reached(self, what: What) -> None:
        self._waits_for.discard(what)
        if not self._waits_for and not self.synced.done():
            self.synced.set_result(None)


async def join_all(clients: Sequence[Client], port: int, *, at_once: int = 50) -> None:
    """Let clients join, a few at a time.

    Raises:
        TimeoutError: one of them was not let in within a minute.
    """
    async with asyncio.timeout(60):
        for first in range(0, len(clients), at_once):
            batch = clients[first : first + at_once]
            await asyncio.gather(*(client.join(port) for client in batch))


async def leave_all(clients: Sequence[Client]) -> None:
    """Let clients leave together."""
    async with asyncio.timeout(30):
        await asyncio.gather(*(client.leave() for client in clients))
