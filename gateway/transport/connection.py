"""One websocket connection: what it may send and how fast, its heartbeats, one way to close it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from collab.errors import BandProError, LimitExceeded, ProtocolError
from collab.protocol.close_codes import CloseCode
from gateway.observe.metrics import Metrics
from gateway.transport.rates import TokenBucket
from gateway.transport.refusals import close_code_for, close_reason
from gateway.transport.sockets import STALL_TIMEOUT_S, Rest, Socket

_log = structlog.stdlib.get_logger(__name__)


class Handler(Protocol):
    """What an endpoint does with a connection."""

    def on_frame(self, frame: bytes) -> Rest:
        """Handle a message, or return what is left to do of it behind something to wait for.

        Raises:
            BandProError: it ends the connection.
        """

    def on_drained(self) -> None:
        """The client has read all that it was sent before a broadcast was refused."""

    def on_end(self) -> None:
        """Nothing more will come; called once."""

    def heartbeat(self) -> bytes | None:
        """A message that does nothing but break the silence; None where there is none."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds on one connection; sizes in bytes, times in milliseconds, rates per second."""

    frame_before_auth_bytes_max: int
    frame_bytes_max: int
    outbox_bytes_max: int
    heartbeat_ms: int
    auth_timeout_ms: int
    idle_timeout_ms: int
    messages_per_s: int
    messages_burst: int
    bytes_per_s: int
    bytes_burst: int
    rate_limits: bool


class Connection:
    """A socket that has been accepted.

    Args:
        socket: accepted.
        limits: its bounds.
        metrics: what is counted.
        protocol: a label for metrics.
    """

    __slots__ = (
        "_bytes",
        "_frame_bytes_max",
        "_handler",
        "_limits",
        "_messages",
        "_metrics",
        "_now",
        "_traffic",
        "is_closing",
        "on_lost",
        "protocol",
        "socket",
    )

    def __init__(
        self, socket: Socket, limits: ConnectionLimits, metrics: Metrics, protocol: str
    ) -> None:
        self.socket = socket
        self._limits = limits
        self._metrics = metrics
        self.protocol = protocol
        self._now = now = asyncio.get_running_loop().time
        self.is_closing = False
        self.on_lost: Callable[[], None] = _nothing
        self._handler: Handler | None = None
        self._messages = TokenBucket.full(limits.messages_per_s, limits.messages_burst, now())
        self._bytes = TokenBucket.full(limits.bytes_per_s, limits.bytes_burst, now())
        self._frame_bytes_max = limits.frame_bytes_max
        self._traffic = metrics.traffic(protocol)
        socket.attach(self, self._traffic)

    # Out --------------------------------------------------------------------------------------

    def push(self, payload: bytes) -> None:
        """Send a message that must arrive."""
        self.socket.push(payload)

    def close(self, code: CloseCode, detail: str = "") -> None:
        """Close once what was sent has been written; calling it twice is no error."""
        if not self.is_closing:
            self.is_closing = True
            self._metrics.closes.labels(code=str(int(code))).inc()
            self.socket.close(int(code), close_reason(code, detail))

    def refuse(self, error: BandProError) -> None:
        """Close with the code that an error has in the catalogue."""
        code = close_code_for(error)
        self._metrics.refused.labels(reason=type(error).__name__).inc()
        _log.info("connection.refused", code=int(code), error=type(error).__name__)
        self.close(code, str(error))

    # In ---------------------------------------------------------------------------------------

    def bound_frames(self, bytes_max: int) -> None:
        """From now on a frame may have this many bytes; larger ones are not even read whole."""
        self._frame_bytes_max = bytes_max
        self.socket.bound_messages(bytes_max)

    def hear(self, handler: Handler | None) -> None:
        """Begin to handle what comes; without a handler, only wait for the end."""
        self._handler = handler
        self.socket.listen()

    def take(self, frame: bytes) -> Rest:
        """Handle a message; a refused one ends the connection."""
        handler = self._handler
        if self.is_closing or handler is None:
            return None
        try:
            rest = handler.on_frame(self._checked(frame))
        except Exception as error:  # noqa: BLE001 - our bug must end this connection only
            self._fail(error)
            return None
        return None if rest is None else self._finish(rest)

    def take_text(self, text: bytes) -> Rest:
        """Refuse a text."""
        del text
        if not self.is_closing:
            self.refuse(ProtocolError("text frames are not part of the protocol"))
        return None

    async def _finish(self, rest: Rest) -> None:
        try:
            if rest is not None:
                await rest
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, BandProError):
            self.refuse(error)
            return
        _log.error("connection.failed", exc_info=error)
        self.close(CloseCode.INTERNAL_ERROR)

    def _checked(self, frame: bytes) -> bytes:
        self._traffic.received(len(frame))
        if len(frame) > self._frame_bytes_max:
            raise LimitExceeded(
                f"a frame may have {self._frame_bytes_max} bytes here", limit="update_bytes_max"
            )
        if not self._limits.rate_limits:
            return frame
        now_s = self._now()
        if not self._messages.take(1, now_s):
            raise LimitExceeded("messages come too fast", limit="messages_per_s")
        if not self._bytes.take(len(frame), now_s):
            raise LimitExceeded("bytes come too fast", limit="bytes_per_s")
        return frame

    # What the socket tells --------------------------------------------------------------------

    def drained(self) -> None:
        """All was written after a broadcast had been refused."""
        if self._handler is not None and not self.is_closing:
            self._handler.on_drained()

    def ended(self) -> None:
        """Either side has ended the connection."""
        self.is_closing = True
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_end()

    def lost(self) -> None:
        """The connection is gone."""
        on_lost, self.on_lost = self.on_lost, _nothing
        on_lost()

    # Time -------------------------------------------------------------------------------------

    def sweep(self, now_s: float) -> None:
        """Send a heartbeat into silence; cut a client that has stopped reading."""
        socket = self.socket
        socket.look(now_s)
        if now_s - socket.progress_at_s >= STALL_TIMEOUT_S:
            self._cut()
        elif now_s - socket.wrote_at_s >= self._limits.heartbeat_ms / 1000:
            frame = None if self._handler is None else self._handler.heartbeat()
            if frame is not None:
                self.push(frame)

    def _cut(self) -> None:
        # A close frame could not be written either: its reader does not read.
        self._metrics.closes.labels(code=str(int(CloseCode.SLOW_CONSUMER))).inc()
        _log.info("connection.cut", waiting_bytes=self.socket.waiting_bytes)
        self.is_closing = True
        self.socket.abort()


def _nothing() -> None:
    return None
