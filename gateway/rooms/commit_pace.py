"""When rooms may append: the first after a rest at once, then all together, once an interval.

A commit ends with an fsync and costs a few hundred microseconds of processor time, mostly for
waking threads, however much it carries. So a busy node lets its rooms append in the same moment:
the store makes one commit of that, and a keystroke pays for a small part of it.
"""

from __future__ import annotations

import asyncio


class CommitPace:
    """One node's rhythm.

    Args:
        interval_ms: between two moments; 0 lets everybody append whenever they like.
    """

    __slots__ = ("_interval_s", "_moment", "_next_s")

    def __init__(self, interval_ms: int = 0) -> None:
        self._interval_s = interval_ms / 1000
        self._next_s = 0.0
        self._moment: asyncio.Event | None = None

    async def turn(self) -> None:
        """Wait for the next moment, if the last was less than an interval ago."""
        if not self._interval_s:
            return
        if self._moment is None:
            loop = asyncio.get_running_loop()
            now_s = loop.time()
            if now_s >= self._next_s:
                self._next_s = now_s + self._interval_s
                return
            self._moment = asyncio.Event()
            loop.call_at(self._next_s, self._open, self._moment)
        await self._moment.wait()

    def _open(self, moment: asyncio.Event) -> None:
        self._moment = None
        self._next_s = asyncio.get_running_loop().time() + self._interval_s
        moment.set()
