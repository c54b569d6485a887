"""How jobs are run: beside each other, renewed, stopped, tried again, given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from collab.errors import StoreUnavailable, ToolFailed, ToolTimedOut, WorkerFailed
from collab.ids import Subject
from persistence.memory import MemoryStore
from workers.jobs.following import followed
from workers.jobs.job import Job, JobOrder, JobState
from workers.jobs.ledger import JobLedger, JobRules
from workers.jobs.ports import Claim, Outcome
from workers.jobs.runner import Handler, JobRunner, Telling, WorkPace

PACE = WorkPace(beat_s=0.01, look_s=30, again_s=0.01, again_s_max=0.02)


class Watching:
    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def begun(self, kind: str) -> None:
        pass

    def ended(self, kind: str, outcome: str, took_s: float) -> None:
        self.ends.append((kind, outcome))


@pytest.fixture
def ledger() -> JobLedger:
    stores = MemoryStore().stores()
    return JobLedger(stores.records, stores.blobs, JobRules(attempts_max=3))


@asynccontextmanager
async def running(
    ledger: JobLedger, handler: Handler, pace: WorkPace = PACE, watching: Watching | None = None
) -> AsyncIterator[JobRunner]:
    runner = JobRunner(ledger, ledger, {"try": handler}, pace, watching)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def asked(ledger: JobLedger, key: str = "a", kind: str = "try") -> Job:
    return await ledger.submit(JobOrder(kind, key, Subject("ann")))


async def until(ledger: JobLedger, job: Job, state: JobState) -> Job:
    """Wait for what the runner does; at most 10 s."""
    return await found(ledger, job, lambda seen: seen.state is state)


async def found(ledger: JobLedger, job: Job, wanted: Callable[[Job], bool]) -> Job:
    for _ in range(2_000):
        seen = await ledger.get(job.job_id)
        assert seen is not None
        if wanted(seen):
            return seen
        await asyncio.sleep(0.005)
    raise AssertionError("it never was")


async def test_a_job_is_done_and_what_it_made_is_kept(ledger: JobLedger) -> None:
    """JOB-1: The handler gets the job, and tells of progress while it is at it."""
    told = asyncio.Event()

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        tell(1, 4)
        await told.wait()
        return {"made": job.payload}

    job = await ledger.submit(JobOrder("try", "a", Subject("ann"), {"x": 1}))
    watching = Watching()
    async with running(ledger, work, watching=watching):
        await found(ledger, job, lambda seen: seen.progress == (1, 4))
        told.set()
        done = await until(ledger, job, JobState.DONE)
    assert done.result == {"made": {"x": 1}}
    assert watching.ends == [("try", "done")]


async def test_a_waking_saves_the_next_look(ledger: JobLedger) -> None:
    """JOB-8: The look would come after 30 s."""

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        return {}

    async with running(ledger, work) as runner:
        first = await asked(ledger)
        runner.wake()
        await until(ledger, first, JobState.DONE)
        second = await asked(ledger, "b")
        runner.wake()
        await until(ledger, second, JobState.DONE)


async def test_what_went_wrong_is_tried_again_and_what_would_again_is_not(
    ledger: JobLedger,
) -> None:
    """JOB-3: A dead worker, a store that was gone, a defect of ours; but not a bad score."""
    errors = [WorkerFailed("died"), StoreUnavailable("gone"), ZeroDivisionError("ours")]

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        if "slow" in job.payload:
            raise ToolTimedOut("too slow")
        if "bad" in job.payload:
            raise ToolFailed("no score")
        raise errors[job.attempt - 1]

    async with running(ledger, work) as runner:
        job = await asked(ledger)
        slow = await ledger.submit(JobOrder("try", "slow", Subject("cid"), {"slow": True}))
        bad = await ledger.submit(JobOrder("try", "bad", Subject("bob"), {"bad": True}))
        unknown = await asked(ledger, "c", kind="unheard-of")
        runner.wake()
        failed = await until(ledger, job, JobState.FAILED)
        assert (failed.attempt, failed.error) == (3, "ZeroDivisionError")
        assert (await until(ledger, bad, JobState.FAILED)).attempt == 1
        assert (await until(ledger, slow, JobState.FAILED)).attempt == 2
        assert "unheard-of" in (await until(ledger, unknown, JobState.FAILED)).error


async def test_a_cancelled_job_is_stopped(ledger: JobLedger) -> None:
    """JOB-5: While its handler is at it."""
    stopped = asyncio.Event()

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return {}

    job = await asked(ledger)
    async with running(ledger, work):
        await until(ledger, job, JobState.RUNNING)
        await ledger.cancel(job.job_id)
        await until(ledger, job, JobState.CANCELLED)
        async with asyncio.timeout(10):
            await stopped.wait()


async def test_a_job_under_way_is_given_back_when_the_worker_is_shut_down(
    ledger: JobLedger,
) -> None:
    """JOB-4: Another worker has it at once."""

    async def hang(job: Job, tell: Telling) -> Mapping[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        return {"attempt": job.attempt}

    job = await asked(ledger)
    async with running(ledger, hang):
        await until(ledger, job, JobState.RUNNING)
    async with running(ledger, work):
        assert (await until(ledger, job, JobState.DONE)).result == {"attempt": 1}


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_jobs_than_allowed_run_at_the_same_time(
    ledger: JobLedger, at_once: int
) -> None:
    """JOB-8: And that many do, whether they were looked for or told of."""
    now = most = 0

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return {}

    jobs = [await asked(ledger, str(number)) for number in range(9)]
    pace = WorkPace(jobs_at_once=at_once, beat_s=0.01, look_s=30)
    async with running(ledger, work, pace) as runner:
        await asyncio.gather(*(runner.turn() for _ in range(3)))
        for job in jobs:
            await until(ledger, job, JobState.DONE)
    assert most == at_once


class Failing:
    """A ledger whose settling fails at first, as when the store is away for a moment."""

    def __init__(self, ledger: JobLedger) -> None:
        self._ledger = ledger
        self.failures = 2

    async def claim(self) -> Claim | None:
        return await self._ledger.claim()

    async def renew(self, claim: Claim, progress: tuple[int, int] | None) -> Claim:
        raise StoreUnavailable("away")

    async def settle(self, claim: Claim, outcome: Outcome) -> Job:
        self.failures -= 1
        if self.failures >= 0:
            raise StoreUnavailable("away")
        return await self._ledger.settle(claim, outcome)


async def test_a_store_that_is_away_for_a_moment_costs_no_attempt(ledger: JobLedger) -> None:
    """JOB-3: What was done is recorded when it is back."""

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        await asyncio.sleep(0.05)
        return {}

    job = await asked(ledger)
    failing = Failing(ledger)
    runner = JobRunner(failing, ledger, {"try": work}, PACE)
    await runner.turn()
    done = await ledger.get(job.job_id)
    assert done is not None
    assert (done.state, done.attempt) == (JobState.DONE, 1)


async def test_a_job_can_be_followed_to_its_end(ledger: JobLedger) -> None:
    """JOB-1: From another process just so: it is read from the store."""
    heard = asyncio.Event()

    async def work(job: Job, tell: Telling) -> Mapping[str, Any]:
        tell(1, 2)
        await heard.wait()
        return {"made": True}

    job = await asked(ledger)
    seen: list[tuple[str, tuple[int, int] | None]] = []
    async with running(ledger, work):
        async for each in followed(ledger, job.job_id, partial(asyncio.sleep, 0.001)):
            seen.append((each.state.value, each.progress))
            if each.progress is not None:
                heard.set()
    assert seen[-1] == ("done", (1, 2))
    assert ("running", (1, 2)) in seen
    unheard = JobOrder("try", "never", Subject("ann")).job_id
    assert [each async for each in followed(ledger, unheard)] == []
