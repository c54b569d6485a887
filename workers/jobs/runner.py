"""Runs jobs: takes the one whose turn it is, keeps it, and records what became of it.

Whoever wakes it up only saves time. It also looks by itself, so that nothing is lost with a
message: a job that was asked for is begun within `WorkPace.look_s`, one whose worker died after its
lease.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from collab.errors import (
    BandProError,
    LeaseLost,
    PeerError,
    StoreUnavailable,
    ToolFailed,
    ToolOutOfMemory,
    ToolOutputTooLarge,
    ToolTimedOut,
)
from workers.jobs.job import Job
from workers.jobs.ports import Claim, Done, Failed, GivenBack, JobBook, JobClaims, Outcome, Stopped

_log = structlog.stdlib.get_logger(__name__)

FINAL_FAILURES: Final = (ToolFailed, ToolOutputTooLarge, PeerError)
"""What would fail again in the same way."""

COSTLY_FAILURES: Final = (ToolTimedOut, ToolOutOfMemory)
"""What a busy machine may be to blame for, but is dear to find out."""

COSTLY_ATTEMPTS_MAX: Final = 2

_SETTLE_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class WorkPace:
    """When things are done.

    Attributes:
        jobs_at_once: of this worker.
        beat_s: between two renewals of a lease; also how soon a cancelled job is stopped.
        look_s: between two looks at what is due.
        again_s: before a job that failed is tried again; doubled each time.
        again_s_max: the longest such time.
        forget_s: how long jobs that ended are kept.
        forget_round_s: between two looks at which may go.
    """

    jobs_at_once: int = 1
    beat_s: float = 1.0
    look_s: float = 5.0
    again_s: float = 2.0
    again_s_max: float = 300.0
    forget_s: float = 86_400.0
    forget_round_s: float = 3_600.0


class Telling(Protocol):
    """What a handler tells how far it is."""

    def __call__(self, done: int, total: int) -> None:
        """So much of so much is done."""


Handler = Callable[[Job, Telling], Awaitable[Mapping[str, Any]]]
"""Does a job and returns its result, as JSON; may be called again for the same job."""


class JobWatcher(Protocol):
    """Is told what happens to jobs, for metrics."""

    def begun(self, kind: str) -> None:
        """A job was begun here."""

    def ended(self, kind: str, outcome: str, took_s: float) -> None:
        """It is no longer run here: done, failed, retried, stopped or lost."""


class Unwatched:
    """Tells nobody."""

    def begun(self, kind: str) -> None:
        """A job was begun here."""

    def ended(self, kind: str, outcome: str, took_s: float) -> None:
        """It is no longer run here."""


class JobRunner:
    """Runs jobs of a store, several at a time.

    Args:
        claims: where jobs are taken from.
        book: where those that ended long ago are removed from.
        handlers: what does each kind of job.
        pace: when things are done.
        watcher: is told what happens.
    """

    def __init__(
        self,
        claims: JobClaims,
        book: JobBook,
        handlers: Mapping[str, Handler],
        pace: WorkPace | None = None,
        watcher: JobWatcher | None = None,
    ) -> None:
        self._claims = claims
        self._book = book
        self._handlers = handlers
        self._pace = pace or WorkPace()
        self._watcher = watcher or Unwatched()
        self._free = asyncio.Semaphore(self._pace.jobs_at_once)
        self._due = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may be due."""
        self._due.set()

    async def run(self) -> None:
        """Take and run jobs until this task is cancelled; those under way are then given back."""
        forgetting = asyncio.create_task(self._forget())
        try:
            while True:
                self._due.clear()
                while await self._begin():
                    pass
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.look_s):
                        await self._due.wait()
        finally:
            forgetting.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def turn(self) -> None:
        """Begin the job whose turn it is, when there is room and one is due, and wait for its end.

        For whoever is told of one job: while this waits, another worker is told of the next.
        """
        task = await self._begin()
        if task is not None:
            await asyncio.wait((task,))

    async def _begin(self) -> asyncio.Task[None] | None:
        """Begin a job when there is room; None when none is due."""
        await self._free.acquire()
        try:
            claim = await self._claims.claim()
        except BandProError as error:
            _log.warning("jobs.not_looked_at", error=str(error))
            claim = None
        except Exception:  # noqa: BLE001 - our own defect must not end the looking for good
            _log.exception("jobs.looking_broke")
            claim = None
        except BaseException:
            self._free.release()
            raise
        if claim is None:
            self._free.release()
            return None
        task = asyncio.create_task(self._run_and_free(claim))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_and_free(self, claim: Claim) -> None:
        try:
            await self._run(claim)
        finally:
            self._free.release()
            self._due.set()

    async def _run(self, claim: Claim) -> None:
        job = claim.job
        begun = time.monotonic()
        self._watcher.begun(job.kind)
        outcome = "lost"
        try:
            outcome = await self._attempt(claim)
        except LeaseLost:
            _log.warning("job.lost", job=job.job_id, kind=job.kind)
        except StoreUnavailable as error:
            _log.warning("job.not_recorded", job=job.job_id, error=str(error))
        finally:
            self._watcher.ended(job.kind, outcome, time.monotonic() - begun)

    async def _attempt(self, claim: Claim) -> str:
        """Run a job and record what became of it; the answer is that, in a word.

        Raises:
            LeaseLost: another worker has it.
            StoreUnavailable: it could not be recorded; it comes up again after its lease.
        """
        job = claim.job
        progress: list[tuple[int, int]] = []

        def tell(done: int, total: int) -> None:
            progress[:] = [(done, total)]

        handler = self._handlers.get(job.kind)
        if handler is None:
            return await self._settle(claim, Failed(f"no worker does {job.kind}", None))
        working = asyncio.ensure_future(handler(job, tell))
        try:
            while not (await asyncio.wait((working,), timeout=self._pace.beat_s))[0]:
                claim = await self._renewed(claim, progress[0] if progress else None)
                if claim.job.wants_stop:
                    return await self._settle(claim, Stopped())
            return await self._settle(claim, self._outcome(job, working))
        except asyncio.CancelledError:
            with suppress(BandProError):  # else it comes up again after its lease
                await self._claims.settle(claim, GivenBack())
            raise
        finally:
            if not working.done():
                working.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await working

    async def _renewed(self, claim: Claim, progress: tuple[int, int] | None) -> Claim:
        try:
            return await self._claims.renew(claim, progress)
        except StoreUnavailable as error:
            # The lease lasts longer than a beat; if it ends, settling says so.
            _log.warning("job.not_renewed", job=claim.job.job_id, error=str(error))
            return claim

    def _outcome(self, job: Job, working: asyncio.Future[Mapping[str, Any]]) -> Outcome:
        error = working.exception()
        if error is None:
            return Done(working.result())
        is_costly = isinstance(error, COSTLY_FAILURES) and job.attempt >= COSTLY_ATTEMPTS_MAX
        if is_costly or isinstance(error, FINAL_FAILURES):
            return Failed(str(error), None)
        if not isinstance(error, BandProError):
            _log.error("job.broke", job=job.job_id, kind=job.kind, exc_info=error)
        words = str(error) if isinstance(error, BandProError) else type(error).__name__
        wait_s = min(self._pace.again_s * 2 ** (job.attempt - 1), self._pace.again_s_max)
        return Failed(words, wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _settle(self, claim: Claim, outcome: Outcome) -> str:
        job = await self._recorded(claim, outcome)
        if isinstance(outcome, Failed) and not job.is_final:
            asyncio.get_running_loop().call_later(outcome.again_in_s or 0, self.wake)
            return "retried"
        if job.state == "failed":
            _log.warning("job.failed", job=job.job_id, kind=job.kind, error=job.error)
        return job.state.value

    async def _recorded(self, claim: Claim, outcome: Outcome) -> Job:
        """Record an outcome, patiently."""
        for _ in range(_SETTLE_TRIES - 1):
            try:
                return await self._claims.settle(claim, outcome)
            except StoreUnavailable:
                await asyncio.sleep(self._pace.beat_s)
        return await self._claims.settle(claim, outcome)

    async def _forget(self) -> None:
        while True:
            try:
                await self._book.forget(time.time() - self._pace.forget_s)
            except BandProError as error:
                _log.warning("jobs.not_forgotten", error=str(error))
            await asyncio.sleep(self._pace.forget_round_s)
