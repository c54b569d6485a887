"""What becomes of a job, as it happens, from whichever process one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from workers.jobs.job import Job, JobId
from workers.jobs.ports import JobBook

BEAT_S: Final = 0.5
"""Between two looks; workers record progress about as often."""


async def beat() -> None:
    """Wait until it is time to look again."""
    await asyncio.sleep(BEAT_S)


async def followed(
    book: JobBook, job_id: JobId, pause: Callable[[], Awaitable[None]] = beat
) -> AsyncIterator[Job]:
    """A job as it is, then after each change, until it has ended; nothing for no such job.

    Changes that follow each other within a beat are told as one.

    Args:
        book: where it is recorded.
        job_id: which one.
        pause: waited for between two looks.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    told = 0
    while (job := await book.get(job_id)) is not None:
        if job.revision != told:
            told = job.revision
            yield job
        if job.is_final:
            return
        await pause()
