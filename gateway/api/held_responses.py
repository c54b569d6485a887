"""Answers that take their time, each of which holds a share of something bounded until its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from collab.errors import LimitExceeded
from collab.ids import Subject

CHUNK_BYTES: Final = 64 * 1024


class Held:
    """How much of something is held, in all and by each subject.

    Args:
        limit: its name, for whoever is refused.
        total_max: of all subjects.
        each_max: of one.
    """

    def __init__(self, limit: str, total_max: int, each_max: int) -> None:
        self._limit = limit
        self._total_max = total_max
        self._each_max = each_max
        self._by_subject: Counter[Subject] = Counter()

    def take(self, subject: Subject, amount: int) -> Callable[[], None]:
        """Hold so much more; what is returned gives it back, and is called once.

        Raises:
            LimitExceeded: it would be too much.
        """
        would_hold = self._by_subject[subject] + amount
        if would_hold > self._each_max or self._by_subject.total() + amount > self._total_max:
            raise LimitExceeded("too many are served at once", limit=self._limit)
        self._by_subject[subject] = would_hold

        def give_back() -> None:
            self._by_subject[subject] -= amount
            if not self._by_subject[subject]:
                del self._by_subject[subject]

        return give_back


class HeldResponse(StreamingResponse):
    """An answer sent piece by piece, cut off when it takes too long.

    Args:
        content: the pieces.
        headers: of the answer.
        media_type: of the content.
        within_s: the longest it may take.
        give_back: called at its end, however that comes.
    """

    def __init__(
        self,
        content: AsyncIterable[bytes | memoryview],
        headers: Mapping[str, str],
        media_type: str,
        within_s: float,
        give_back: Callable[[], None],
    ) -> None:
        super().__init__(content, 200, headers, media_type)
        self._within_s = within_s
        self._give_back = give_back

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            async with asyncio.timeout(self._within_s):
                await super().__call__(scope, receive, send)
        finally:
            self._give_back()


async def pieces(data: bytes) -> AsyncIterable[memoryview]:
    """What is in memory, in pieces that a connection takes one after the other."""
    view = memoryview(data)
    for start in range(0, len(data), CHUNK_BYTES):
        yield view[start : start + CHUNK_BYTES]
