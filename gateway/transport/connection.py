"""One websocket connection: frames in with their bounds, an outbox out, one way to close it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.websockets import WebSocket

from collab.errors import BandProError, LimitExceeded, ProtocolError
from collab.protocol.close_codes import CloseCode
from gateway.observe.metrics import Metrics
from gateway.transport.outbox import ClosingFrame, Outbox
from gateway.transport.rates import TokenBucket
from gateway.transport.refusals import close_code_for, close_reason
from gateway.transport.uvicorn_protocol import levers_of

_log = structlog.stdlib.get_logger(__name__)
_STALL_TIMEOUT_S: Final = 10.0
_CHECK_S: Final = 1.0
_DISCONNECTED: Final = (RuntimeError, OSError)


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
        websocket: accepted.
        limits: its bounds.
        metrics: what is counted.
        protocol: a label for metrics.
    """

    def __init__(
        self, websocket: WebSocket, limits: ConnectionLimits, metrics: Metrics, protocol: str
    ) -> None:
        self._websocket = websocket
        self._limits = limits
        self._metrics = metrics
        self._protocol = protocol
        self._levers = levers_of(websocket.scope)
        self._now = asyncio.get_running_loop().time
        self.outbox = Outbox(limits.outbox_bytes_max, self._drained, self._now)
        self.on_drained: Callable[[], None] = _nothing
        self.heartbeat: Callable[[], bytes | None] = _no_heartbeat
        self._messages = TokenBucket.full(limits.messages_per_s, limits.messages_burst, self._now())
        self._bytes = TokenBucket.full(limits.bytes_per_s, limits.bytes_burst, self._now())
        self._frame_bytes_max = limits.frame_bytes_max
        self._task: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether nothing that arrives matters any more."""
        return self.outbox.is_closing

    def push(self, frame: bytes) -> None:
        """Queue a frame that must arrive."""
        self.outbox.push(frame)

    def unread_bytes(self) -> int:
        """Bytes queued that the system has not taken yet."""
        written = 0 if self._levers is None else self._levers.unwritten_bytes()
        return self.outbox.queued_bytes + written

    def close(self, code: CloseCode, detail: str = "") -> None:
        """Close once what is queued has been written; calling it twice is no error."""
        if not self.is_closing:
            self._metrics.closes.labels(code=str(int(code))).inc()
            self.outbox.close(ClosingFrame(code, close_reason(code, detail)))

    def bound_frames(self, bytes_max: int) -> None:
        """From now on a frame may have this many bytes; larger ones are not even read whole."""
        self._frame_bytes_max = bytes_max
        if self._levers is not None:
            self._levers.set_message_bytes_max(bytes_max)

    async def serve(self, on_frame: Callable[[bytes], Awaitable[None]]) -> None:
        """Read until either side ends the connection; a refused frame ends it with its code."""
        self._task = asyncio.current_task()
        writer = asyncio.create_task(self._write())
        watcher = asyncio.create_task(self._watch())
        try:
            await self._read(on_frame)
            if self.is_closing:
                # What is queued before the closing frame still belongs to the client.
                await asyncio.wait((writer,), timeout=_STALL_TIMEOUT_S)
        finally:
            watcher.cancel()
            writer.cancel()

    async def _read(self, on_frame: Callable[[bytes], Awaitable[None]]) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] != "websocket.receive":
                return
            if self.is_closing:
                continue
            try:
                await on_frame(self._checked(message.get("bytes")))
            except BandProError as error:
                self.refuse(error)
            except Exception:  # noqa: BLE001 - our bug must end this connection only
                _log.exception("connection.failed")
                self.close(CloseCode.INTERNAL_ERROR)

    def refuse(self, error: BandProError) -> None:
        """Close with the code that an error has in the catalogue."""
        code = close_code_for(error)
        self._metrics.refused.labels(reason=type(error).__name__).inc()
        _log.info("connection.refused", code=int(code), error=type(error).__name__)
        self.close(code, str(error))

    def _checked(self, frame: bytes | None) -> bytes:
        if frame is None:
            raise ProtocolError("text frames are not part of the protocol")
        self._metrics.received(self._protocol, len(frame))
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

    async def _write(self) -> None:
        with suppress(*_DISCONNECTED):
            await self.outbox.write_all(self._write_one)

    async def _write_one(self, frame: bytes | ClosingFrame) -> None:
        if isinstance(frame, ClosingFrame):
            await self._websocket.send(
                {"type": "websocket.close", "code": int(frame.code), "reason": frame.reason}
            )
        else:
            await self._websocket.send({"type": "websocket.send", "bytes": frame})
            self._metrics.sent(self._protocol, len(frame))

    async def _watch(self) -> None:
        """Send heartbeats into silence; cut a reader that has stopped reading."""
        heartbeat_s = self._limits.heartbeat_ms / 1000
        pause_s = min(_CHECK_S, heartbeat_s / 2)
        while True:
            await asyncio.sleep(pause_s)
            if self.outbox.stalled_s() >= _STALL_TIMEOUT_S:
                self._cut()
            elif self._now() - self.outbox.written_at_s >= heartbeat_s:
                frame = self.heartbeat()
                if frame is not None:
                    self.push(frame)

    def _cut(self) -> None:
        # A close frame could not be written either: its reader does not read.
        self._metrics.closes.labels(code=str(int(CloseCode.SLOW_CONSUMER))).inc()
        _log.info("connection.cut", waiting_bytes=self.outbox.queued_bytes)
        self.outbox.is_closing = True
        if self._levers is not None:
            self._levers.abort()
        elif self._task is not None:
            self._task.cancel()

    def _drained(self) -> None:
        self.on_drained()


def _nothing() -> None:
    return None


def _no_heartbeat() -> bytes | None:
    return None
