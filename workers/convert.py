"""Conversions for whoever asks: a pool of warm, killable tool processes; see `workers.tools`."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Final

from collab.errors import (
    ToolFailed,
    ToolMissing,
    ToolOutOfMemory,
    ToolOutputTooLarge,
    ToolTimedOut,
    WorkerFailed,
)
from collab.limits import MIB
from persistence.worker_frames import Status, framed_parts, split_parts
from persistence.worker_pool import (
    AnswerTooLarge,
    PoolLimits,
    WorkerDied,
    WorkerPool,
    WorkerTooSlow,
)
from workers.formats import Format
from workers.tools.options import ToolOptions
from workers.tools.programs import has_no_memory

TOOL_MODULE: Final = "workers.tools.main"

TOOL_LIMITS: Final = PoolLimits(
    workers=1,
    memory_bytes=2048 * MIB,
    cpu_s=60,
    wall_s=120.0,
    answer_bytes_max=256 * MIB,
    idle_s=300.0,
    requests_max=100,
)
"""Of one tool process, unless told otherwise."""

_FAILURES: Final[Mapping[Status, type[WorkerFailed]]] = MappingProxyType(
    {
        Status.TIMED_OUT: ToolTimedOut,
        Status.OUT_OF_MEMORY: ToolOutOfMemory,
        Status.TOO_LARGE: ToolOutputTooLarge,
        Status.TOOL_FAILED: ToolFailed,
        Status.TOOL_MISSING: ToolMissing,
    }
)


class Converter:
    """Converts scores in tool processes.

    Args:
        limits: of each process, and how many there are.
    """

    def __init__(self, limits: PoolLimits = TOOL_LIMITS) -> None:
        self._pool = WorkerPool(TOOL_MODULE, limits, has_folders=True)

    async def warm(self) -> None:
        """Start a process, so that the next conversion need not wait for its start.

        Raises:
            WorkerFailed: it could not be started.
        """
        await self._pool.warm()

    async def convert(
        self,
        data: bytes,
        source: Format,
        target: Format,
        options: ToolOptions,
        *,
        hear: Callable[[int, int], None] | None = None,
    ) -> list[bytes]:
        """Convert a score.

        Args:
            data: the bytes of a file.
            source: their format.
            target: the format that is wanted.
            options: of the conversion.
            hear: told how many of how many pages are done.

        Returns:
            One file for each page of pictures, else one file.

        Raises:
            ToolTimedOut: its processor time, or its time by the clock, was used up.
            ToolOutOfMemory: it needed more memory than it may have.
            ToolOutputTooLarge: the score or a file made of it is too large.
            ToolFailed: a program or library could not do it with this score.
            ToolMissing: a program or library is not installed.
            WorkerFailed: the tool process could not be started, or the pool is closed.
        """

        def told(progress: bytes) -> None:
            if hear is not None:
                done, _, total = progress.partition(b"/")
                hear(int(done), int(total))

        request = [source.encode(), target.encode(), json.dumps(asdict(options)).encode(), data]
        try:
            status, result = await self._pool.request(framed_parts(request), hear=told)
        except WorkerTooSlow as error:
            raise ToolTimedOut(str(error)) from error
        except AnswerTooLarge as error:
            raise ToolOutputTooLarge(str(error)) from error
        except WorkerDied as death:
            raise _cause(death) from death
        if status is Status.DONE:
            return split_parts(result)
        raise _FAILURES.get(status, ToolFailed)(result.decode(errors="replace"))

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the tool processes alive, for operators and tests."""
        return self._pool.worker_pids

    async def aclose(self) -> None:
        """End every process; conversions under way fail. Closing twice is no error."""
        await self._pool.aclose()


def limits_of(*, processes: int, memory_bytes: int, cpu_s: int) -> PoolLimits:
    """Limits of tool processes; by the clock they have twice their processor time.

    Args:
        processes: at most at the same time.
        memory_bytes: address space of each.
        cpu_s: processor time for one conversion, for each program in it.
    """
    return replace(
        TOOL_LIMITS,
        workers=processes,
        memory_bytes=memory_bytes,
        cpu_s=cpu_s,
        wall_s=2.0 * cpu_s,
    )


def _cause(death: WorkerDied) -> WorkerFailed:
    """What the death of a tool process amounts to."""
    if death.by == signal.SIGXCPU:
        return ToolTimedOut("its processor time is used up")
    if has_no_memory(death.log):
        return ToolOutOfMemory("it needs more memory than it may have")
    return ToolFailed(f"the tool did not survive this score: {death}")
