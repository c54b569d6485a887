"""What waits to be written to one connection, bounded in bytes.

Direct messages (answers, acknowledgements) are always taken; broadcasts are refused above the
bound, and the session is brought up to date when the outbox has drained.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from collab.protocol.close_codes import CloseCode


@dataclass(frozen=True, slots=True)
class ClosingFrame:
    """The last item of an outbox: close the connection once all before it is written."""

    code: CloseCode
    reason: str


class Outbox:
    """Frames of one connection in the order in which they are written.

    Args:
        bytes_max: queued bytes above which broadcasts are refused.
        on_drained: called when an outbox that refused a broadcast has been emptied.
        now: the loop's clock, in seconds.
    """

    def __init__(
        self, bytes_max: int, on_drained: Callable[[], None], now: Callable[[], float]
    ) -> None:
        self.bytes_max = bytes_max
        self.queued_bytes = 0
        self.written_at_s = now()
        self.progress_at_s = now()
        self.is_closing = False
        self._on_drained = on_drained
        self._now = now
        self._frames: deque[bytes | ClosingFrame] = deque()
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._refused = False

    def push(self, frame: bytes) -> None:
        """Queue a frame that must arrive."""
        if self.is_closing:
            return
        if not self._frames:
            self.progress_at_s = self._now()
        self._frames.append(frame)
        self.queued_bytes += len(frame)
        if self.queued_bytes > self.bytes_max:
            self._has_room.clear()
        self._wake.set()

    def offer(self, frame: bytes) -> bool:
        """Queue a broadcast frame, or refuse it because the reader is too slow."""
        if self.queued_bytes > self.bytes_max or self._refused:
            self._refused = True
            return self.is_closing
        self.push(frame)
        return True

    def close(self, frame: ClosingFrame) -> None:
        """Queue the end; nothing is taken after it."""
        if self.is_closing:
            return
        self.is_closing = True
        self._has_room.set()
        self.progress_at_s = self._now()
        self._frames.append(frame)
        self._wake.set()

    async def write_all(self, write: Callable[[bytes | ClosingFrame], Awaitable[None]]) -> None:
        """Write frames as they come, until the closing frame is written."""
        try:
            await self._write_all(write)
        finally:
            self._has_room.set()

    async def _write_all(self, write: Callable[[bytes | ClosingFrame], Awaitable[None]]) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                frame = self._frames.popleft()
                await write(frame)
                if isinstance(frame, ClosingFrame):
                    return
                self.queued_bytes -= len(frame)
                self.written_at_s = self.progress_at_s = self._now()
            self._has_room.set()
            if self._refused:
                self._refused = False
                self._on_drained()

    async def writable(self) -> None:
        """Wait, once more is queued than may be, until all of it was written."""
        await self._has_room.wait()

    def stalled_s(self) -> float:
        """Seconds since the last progress while something waits; 0 when nothing does."""
        waits = self.queued_bytes > 0 or self.is_closing
        return self._now() - self.progress_at_s if waits else 0.0
