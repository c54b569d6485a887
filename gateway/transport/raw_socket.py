"""A websocket straight on its transport: no task, no queue, and one copy of a broadcast for all.

What the transport buffers is the queue. It tells when it holds more than the bound and when all of
it was written. In between broadcasts are refused and nothing is read, so that the answers to a
client that does not read them are bounded as well.
"""

from __future__ import annotations

import asyncio
import time
from asyncio.transports import Transport
from collections.abc import Callable
from typing import Final

from collab.errors import FramingViolated
from collab.limits import REASON_BYTES_MAX
from collab.protocol.websocket_frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    FrameReader,
    Signal,
    close_frame,
    server_frame,
    server_head,
)
from gateway.lines import Line
from gateway.observe.traffic import Traffic
from gateway.transport.sockets import Receiver, Rest

TURN_MESSAGES_MAX: Final = 64
"""Messages of one connection that are handled in a row before others get their turn."""

TURN_S_MAX: Final = 0.002
"""Time after which the messages of one connection wait for the next turn."""

BACKLOG_BYTES_MAX: Final = 64 * 1024
"""Bytes that may wait behind a message that waits; above it nothing more is read."""

_CLOSE_TIMEOUT_S: Final = 10.0
_COPIED_BYTES_MAX: Final = 16 * 1024
_PING_FRAME: Final = server_frame(b"", PING)
_RESTARTING: Final = 1012
_SILENT: Final = 1011


class Nowhere(Transport):
    """Takes the place of a transport that is gone, or has another owner now."""

    def write(self, data: object) -> None:
        """Nobody reads it."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """It is, or its other owner does that."""

    def abort(self) -> None:
        """As :meth:`close`."""

    def is_closing(self) -> bool:
        """To whoever asks its former owner, it is gone."""
        return True


NOWHERE: Final = Nowhere()


class RawSocket(asyncio.Protocol):
    """One connection after its handshake; ``uvicorn_protocol`` makes it.

    Args:
        transport: the connection's own.
        reader: cuts what comes into messages.
        silence_s_max: a client that does not even answer pings for so long is closed.
        peers: all connections of the server, which shuts them down in the end.
        clock_s: measures how long a turn takes.
    """

    __slots__ = (
        "_clock_s",
        "_deaf",
        "_flushed",
        "_has_ended",
        "_heard",
        "_heard_at_s",
        "_is_closing",
        "_is_lost",
        "_is_paused",
        "_line",
        "_listens",
        "_loop",
        "_peers",
        "_pinged",
        "_reader",
        "_receiver",
        "_refuses",
        "_seen_out",
        "_silence_s_max",
        "_task",
        "_traffic",
        "_transport",
        "_waiter",
        "is_full",
        "progress_at_s",
        "wrote_at_s",
    )

    def __init__(
        self,
        transport: Transport,
        reader: FrameReader,
        *,
        silence_s_max: float,
        peers: set[asyncio.Protocol],
        clock_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock_s = clock_s
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._reader = reader
        self._receiver: Receiver | None = None
        self._traffic = Traffic()
        self._silence_s_max = silence_s_max
        self._peers = peers
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.is_full = False
        self._refuses = False
        self._is_closing = False
        self._is_lost = False
        self._has_ended = False
        self._deaf = False
        self._is_paused = self._listens = False
        self._heard = True
        self._pinged = False
        self._seen_out = self._flushed = 0
        self._line = Line(_descriptor(transport))
        self.wrote_at_s = self.progress_at_s = self._heard_at_s = self._loop.time()
        peers.add(self)

    def feed(self, data: bytes) -> None:
        """Take what was read behind the handshake; once, before anything is heard."""
        if data:
            self._reader.feed(data)

    def bound_outbox(self, bytes_max: int) -> None:
        """Refuse broadcasts, and read nothing, from this many unwritten bytes on until none are."""
        self._transport.set_write_buffer_limits(high=bytes_max, low=0)

    # What the connection asks -----------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""
        return self._transport.get_write_buffer_size()

    def attach(self, receiver: Receiver, traffic: Traffic) -> None:
        """Name who is told, and where frames are counted; once, before anything can happen."""
        self._receiver = receiver
        self._traffic = traffic

    def listen(self) -> None:
        """Begin to hear; what has come already is heard in the next turn."""
        self._listens = True
        if self._reader.waiting_bytes:
            self._work(asyncio.sleep(0))
        elif self._is_closing:
            self._loop.call_soon(self._tell_ended)
        self._regulate()

    def push(self, payload: bytes, opcode: int = BINARY) -> None:
        """Write a message that must arrive."""
        if self._is_closing:
            return
        self._traffic.sent(len(payload))
        if len(payload) < _COPIED_BYTES_MAX:
            self._write(server_frame(payload, opcode))
        else:
            # The bytes of a large answer may be many connections' own: they are not copied.
            self._write(server_head(len(payload), opcode))
            self._write(payload)

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Write what is left of a broadcast, or refuse it because the client is too slow.

        After a refusal all are refused till :meth:`Receiver.drained`: else there would be a gap.
        """
        if self._refuses:
            return self._is_closing
        self._traffic.sent(len(frame.payload))
        self._write(memoryview(frame.framed)[taken:] if taken else frame.framed)
        return True

    def line(self) -> tuple[Line, Traffic] | None:
        """The way past the transport, and where frames are counted; None where there is none.

        It is ready whenever a broadcast would be taken and the transport holds nothing back.
        """
        return None if self._line.fd < 0 else (self._line, self._traffic)

    async def writable(self) -> None:
        """Wait while the client has to read first."""
        while self.is_full and not self._is_closing:
            if self._waiter is None:
                self._waiter = self._loop.create_future()
            # Only one task of a connection can wait: what follows waits behind it.
            await self._waiter

    def close(self, code: int, reason: str) -> None:
        """Close behind what is written already; wait for the client to do the same."""
        if self._is_closing:
            return
        self._write(close_frame(code, reason))
        self._begin_closing()

    def abort(self) -> None:
        """Cut the connection at once, without a closing handshake."""
        self._deaf = True
        self._begin_closing()
        self._transport.abort()

    def bound_messages(self, bytes_max: int) -> None:
        """Refuse larger messages from now on, before they are read whole (close code 1009)."""
        self._reader.message_bytes_max = bytes_max

    def look(self, now_s: float) -> None:
        """See what was written since the last look, and whether the client still answers."""
        written = self._line.bytes_out
        waiting = self._transport.get_write_buffer_size()
        if written != self._seen_out:
            self._seen_out = written
            self.wrote_at_s = now_s
        if self._is_closing:
            self._look_closing(waiting, now_s)
            return
        if waiting == 0 or written - waiting != self._flushed:
            self._flushed = written - waiting
            self.progress_at_s = now_s
        if self._heard or self._is_paused:
            self._heard = self._pinged = False
            self._heard_at_s = now_s
        else:
            self._check_silence(now_s - self._heard_at_s)

    def _look_closing(self, waiting: int, now_s: float) -> None:
        if self._line.bytes_out - waiting != self._flushed:
            self._flushed = self._line.bytes_out - waiting
            self.progress_at_s = now_s
        elif waiting == 0 and now_s - self.progress_at_s >= _CLOSE_TIMEOUT_S:
            self._transport.abort()

    def _check_silence(self, silent_s: float) -> None:
        if silent_s >= self._silence_s_max:
            self._fail(_SILENT, "pings were not answered")
        elif not self._pinged and silent_s >= self._silence_s_max / 2:
            self._pinged = True
            self._write_unheard(_PING_FRAME)

    # What the loop tells ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Handle what came, or keep it for when it is its turn."""
        self._heard = True
        if self._deaf:
            return
        self._reader.feed(data)
        if self._task is None and self._listens:
            rest = self._turn()
            if rest is not None:
                self._work(rest)
        else:
            self._regulate()

    def pause_writing(self) -> None:
        """More waits than may."""
        self.is_full = self._refuses = True
        self._line.ready = False
        self._regulate()

    def resume_writing(self) -> None:
        """All was written."""
        self.is_full = False
        self._wake()
        self._regulate()
        # Not from within the transport's own work.
        self._loop.call_soon(self._drained)

    def connection_lost(self, exc: Exception | None) -> None:
        """What came before the end is still handled; then the session ends."""
        del exc
        self._begin_closing()
        self._line.fd = -1  # from now on the system may give the number to another
        self._peers.discard(self)
        if self._receiver is not None:
            self._receiver.lost()
        self._is_lost = True
        self._part()

    def shutdown(self) -> None:
        """The server ends; uvicorn calls this for each of its connections."""
        self.close(_RESTARTING, "")
        self._transport.close()

    # Reading ----------------------------------------------------------------------------------

    def _turn(self) -> Rest:
        """Handle what has come, for as long as one turn may take; returns what must come next."""
        receiver = self._receiver
        if receiver is None:
            return None
        handled = 0
        until_s = 0.0
        while not self._deaf:
            if self.is_full and not self._is_closing:
                return self.writable()
            try:
                heard = self._reader.read()
            except FramingViolated as error:
                self._fail(error.code, str(error))
                return None
            if heard is None:
                return None
            rest = self._signalled(heard) if isinstance(heard, Signal) else receiver.take(heard)
            if rest is not None:
                return rest
            if not self._reader.waiting_bytes:
                return None
            handled += 1
            if handled == 1:
                until_s = self._clock_s() + TURN_S_MAX
            elif handled >= TURN_MESSAGES_MAX or self._clock_s() >= until_s:
                return asyncio.sleep(0)
        return None

    def _work(self, rest: Rest) -> None:
        self._task = self._loop.create_task(self._work_off(rest))
        self._regulate()

    async def _work_off(self, rest: Rest) -> None:
        """Do what has to wait for something, and then, in order, what has come meanwhile."""
        try:
            while rest is not None:
                await rest
                rest = self._turn()
        finally:
            self._task = None
            self._regulate()
            if self._is_closing:
                self._tell_ended()

    def _regulate(self) -> None:
        """Read only while there is room for what would come."""
        waits = self._task is not None or not self._listens
        pause = (self.is_full and not self._is_closing) or (
            waits and self._reader.waiting_bytes > BACKLOG_BYTES_MAX
        )
        if pause == self._is_paused or self._transport.is_closing():
            return
        self._is_paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _signalled(self, signal: Signal) -> Rest:
        if signal.opcode == TEXT and self._receiver is not None:
            return self._receiver.take_text(signal.payload)
        if signal.opcode == PING and not self._is_closing:
            self._write_unheard(server_frame(signal.payload, PONG))
        elif signal.opcode == CLOSE:
            if not self._is_closing:
                self._write(server_frame(signal.payload, CLOSE))
            self._end()
        return None

    # Ends -------------------------------------------------------------------------------------

    def _fail(self, code: int, reason: str) -> None:
        """The client broke the rules, or is silent: say so, and do not wait for an answer."""
        if not self._is_closing:
            self._write(close_frame(code, reason[:REASON_BYTES_MAX]))
        self._end()

    def _end(self) -> None:
        self._deaf = True
        self._begin_closing()
        self._transport.close()

    def _begin_closing(self) -> None:
        if self._is_closing:
            return
        self._is_closing = self._refuses = True
        self._line.ready = False
        self.progress_at_s = self._loop.time()
        self._wake()
        self._regulate()
        if self._listens and self._task is None:
            # Not from within whatever led to this: the room may be in the middle of something.
            self._loop.call_soon(self._tell_ended)

    def _tell_ended(self) -> None:
        if self._receiver is not None:
            self._receiver.ended()
        self._has_ended = True
        self._part()

    def _part(self) -> None:
        """Let go of each other when all is told: else only a search for garbage would free us."""
        if self._is_lost and self._has_ended:
            self._receiver = None
            self._transport = NOWHERE

    # Writing ----------------------------------------------------------------------------------

    def _write(self, framed: bytes | memoryview) -> None:
        line, transport = self._line, self._transport
        line.bytes_out += len(framed)
        transport.write(framed)
        line.ready = not self._refuses and line.fd >= 0 and not transport.get_write_buffer_size()

    def _write_unheard(self, framed: bytes) -> None:
        """Write what a client's system answers by itself: the silence goes on for its provider."""
        self._write(framed)
        self._seen_out += len(framed)

    def _drained(self) -> None:
        if not self._is_closing and not self.is_full:
            self._refuses = False
            if self._receiver is not None:
                self._receiver.drained()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _descriptor(transport: Transport) -> int:
    """The descriptor that a transport writes to as it is told to; -1 where it enciphers."""
    if transport.get_extra_info("sslcontext") is not None:
        return -1
    connection = transport.get_extra_info("socket")
    return -1 if connection is None else int(connection.fileno())
