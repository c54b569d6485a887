"""What becomes of a job, as server-sent events.

Each event tells the whole job, so any of them may be missed: whoever comes back is told the
present state at once, unless ``Last-Event-ID`` says that it is known.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from collab.errors import BandProError
from workers.jobs.job import Job, JobState

HEARTBEAT_S: Final = 15.0
"""Silence after which a comment is sent, so that nobody on the way takes the stream for dead."""

STREAM_S: Final = 900.0
"""A stream ends after this, and clients come back."""

RETRY_MS: Final = 2_000
"""When they are asked to."""

_HEARTBEAT: Final = b":\n\n"


async def job_events(
    look: Callable[[], Awaitable[Job | None]],
    tell: Callable[[Job], Awaitable[bytes]],
    pause: Callable[[], Awaitable[None]],
    is_ending: Callable[[], bool],
    seen: int | None,
) -> AsyncIterator[bytes]:
    """Events until the job has ended, nobody may see it any more, or the node ends.

    Args:
        look: the job as it is, if whoever follows it may see it still.
        tell: a job as JSON.
        pause: waits between two looks.
        is_ending: whether the node is shut down.
        seen: the revision that is known to whoever follows.
    """
    begun = spoken = time.monotonic()
    yield f"retry: {RETRY_MS}\n\n".encode()
    while not is_ending() and time.monotonic() - begun < STREAM_S:
        try:
            job = await look()
        except BandProError:  # the store cannot be read now, or the token has ended: they ask again
            return
        if job is None:
            return
        if job.revision != seen or job.is_final:
            seen, spoken = job.revision, time.monotonic()
            yield _event(job, await tell(job))
        if job.is_final:
            return
        if time.monotonic() - spoken >= HEARTBEAT_S:
            spoken = time.monotonic()
            yield _HEARTBEAT
        await pause()


def _event(job: Job, body: bytes) -> bytes:
    name = "progress" if job.state is JobState.RUNNING else job.state.value
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (job.revision, name.encode(), body)
