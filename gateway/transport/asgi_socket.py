"""A websocket over plain ASGI messages, for servers that do not let go of their transports."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.websockets import WebSocket

from collab.protocol.close_codes import CloseCode
from collab.protocol.websocket_frames import Frame
from gateway.observe.traffic import Traffic
from gateway.transport.outbox import ClosingFrame, Outbox
from gateway.transport.sockets import STALL_TIMEOUT_S, Receiver

_DISCONNECTED: Final = (RuntimeError, OSError)


class AsgiSocket:
    """One accepted connection; :meth:`serve` runs it."""

    def __init__(self, websocket: WebSocket, outbox_bytes_max: int) -> None:
        self._websocket = websocket
        self._now = asyncio.get_running_loop().time
        self._outbox = Outbox(outbox_bytes_max, self._drained, self._now)
        self._receiver: Receiver | None = None
        self._traffic = Traffic()
        self._task: asyncio.Task[None] | None = None
        self.progress_at_s = self._now()

    @property
    def is_full(self) -> bool:
        """Whether the client must read before it may ask for more."""
        return self._outbox.queued_bytes > self._outbox.bytes_max

    @property
    def waiting_bytes(self) -> int:
        """What the server has not taken yet."""
        return self._outbox.queued_bytes

    @property
    def wrote_at_s(self) -> float:
        """When something was written last."""
        return self._outbox.written_at_s

    def attach(self, receiver: Receiver, traffic: Traffic) -> None:
        """Name who gets what is heard, and where frames are counted."""
        self._receiver = receiver
        self._traffic = traffic

    def listen(self) -> None:
        """Nothing: :meth:`serve` does."""

    async def writable(self) -> None:
        """Wait while the client has to read first."""
        await self._outbox.writable()

    def push(self, payload: bytes) -> None:
        """Queue a message that must arrive."""
        self._outbox.push(payload)

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Queue a broadcast, or refuse it because the client is too slow."""
        assert not taken, "there is no way past the server"
        return self._outbox.offer(frame.payload)

    def line(self) -> None:
        """None: the server's transport is out of reach."""
        return

    def close(self, code: int, reason: str) -> None:
        """Close once what is queued has been written."""
        self._outbox.close(ClosingFrame(CloseCode(code), reason))

    def abort(self) -> None:
        """End the connection as fast as this server lets us."""
        self._outbox.is_closing = True
        if self._task is not None:
            self._task.cancel()

    def bound_messages(self, bytes_max: int) -> None:
        """Nothing: the server reads them whole, and :class:`Connection` refuses them then."""

    def look(self, now_s: float) -> None:
        """See whether anything was written."""
        self.progress_at_s = now_s - self._outbox.stalled_s()

    async def serve(self) -> None:
        """Hear what comes, to the end of the connection."""
        self._task = asyncio.current_task()
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
            if self._outbox.is_closing:
                # What is queued before the closing frame still belongs to the client.
                await asyncio.wait((writer,), timeout=STALL_TIMEOUT_S)
        finally:
            writer.cancel()
            if self._receiver is not None:
                self._receiver.ended()
                self._receiver.lost()

    async def _read(self) -> None:
        receiver = self._receiver
        while receiver is not None:
            message = await self._websocket.receive()
            if message["type"] != "websocket.receive":
                return
            text: str | None = message.get("text")
            if text is None:
                rest = receiver.take(message["bytes"])
            else:
                rest = receiver.take_text(text.encode())
            if rest is not None:
                await rest
            await self._outbox.writable()

    async def _write(self) -> None:
        with suppress(*_DISCONNECTED):
            await self._outbox.write_all(self._write_one)

    async def _write_one(self, frame: bytes | ClosingFrame) -> None:
        if isinstance(frame, ClosingFrame):
            await self._websocket.send(
                {"type": "websocket.close", "code": int(frame.code), "reason": frame.reason}
            )
        else:
            await self._websocket.send({"type": "websocket.send", "bytes": frame})
            self._traffic.sent(len(frame))

    def _drained(self) -> None:
        if self._receiver is not None:
            self._receiver.drained()
