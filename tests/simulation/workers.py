"""What worker processes do, without the processes: their code, behind the server's side of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from contextvars import ContextVar
from random import Random
from typing import Final

from persistence.offload import WORKER_MODULE, Offload
from persistence.worker_frames import LENGTH_BYTES, Pieces, Status
from persistence.worker_pool import PoolLimits, WorkerPool
from workers.main import handle

_WORK_S: Final = 0.05
"""What a request takes on average."""

EDIT: Final[ContextVar[bytes]] = ContextVar("edit")
"""What the restore that is under way made of two documents."""


class Workers(Offload):
    """Those of one node.

    Args:
        random: how long each request takes.
        merge: what compaction makes of updates.
    """

    def __init__(self, random: Random, merge: Callable[[SequenceOf[bytes]], bytes]) -> None:
        super().__init__()
        self._pool = self._here = _Here(random)
        self._merge = merge

    async def merge(self, updates: SequenceOf[bytes]) -> bytes:
        await self._here.work()
        return self._merge(updates)

    async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
        notes, edit = await super().restore(current, wanted, client)
        EDIT.set(edit)
        return notes, edit


class _Here(WorkerPool):
    """As many workers as are asked, none of them a process."""

    def __init__(self, random: Random) -> None:
        super().__init__(WORKER_MODULE, PoolLimits())
        self._random = random

    async def work(self) -> None:
        """Take the time that a request takes."""
        await asyncio.sleep(self._random.expovariate(1.0) * _WORK_S)

    async def request(
        self, frame: Pieces, *, hear: Callable[[bytes], None] | None = None
    ) -> tuple[Status, bytes]:
        assert hear is None, "no such request is made here"
        await self.work()
        answer = handle(b"".join(frame)[LENGTH_BYTES:])[LENGTH_BYTES:]
        return Status(answer[0]), answer[1:]
