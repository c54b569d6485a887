"""Jobs in the records of the store: whichever store it is, they outlive every process.

Of each job there are two records. The job's own says what became of it, and changes by
compare-and-set only: whoever lost it to another worker finds another attempt there, and changes
nothing. Its *turn* keeps its place in the queue for as long as it has not ended. A turn's id begins
with priority and number, so that the store lists turns in the order in which they come up; its
value says from when on it may be taken. Taking it moves that time a lease ahead, so a job comes up
again when its worker dies.

A turn's number makes subjects take turns: it is one more than the subject's last, but not less than
that of the turn that comes up now. Whoever asks for a thousand jobs at once gets a thousand
numbers, and the next one who asks gets the first of them.

A crash may leave a turn without a job (nobody was told of it), or a turn of a job that has ended.
Both are removed when they come up.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from collab.errors import LeaseLost, LimitExceeded, RecordMoved
from collab.ids import NO_ROOM, BlobKey, RecordId, Subject
from collab.ports import BlobStore, Record, RecordKind, RecordStore
from workers.jobs.job import WORK, Job, JobId, JobOrder, JobState, Priority
from workers.jobs.ports import Claim, Done, Failed, GivenBack, Outcome, Stopped

_PAGE: Final = 100
_TURN_DIGITS: Final = 12
_UNBORN_S: Final = 60.0
"""How long a turn may be without its job: far longer than a call of the store takes."""


@dataclass(frozen=True, slots=True)
class JobRules:
    """What holds for all jobs.

    Attributes:
        attempts_max: how often a job is begun.
        lease_s: how long a worker that is not heard of keeps a job.
        waiting_max: jobs of one subject that may wait.
    """

    attempts_max: int = 4
    lease_s: float = 15.0
    waiting_max: int = 1_000


class JobLedger:
    """Both ports of jobs, over the records of a store.

    Args:
        records: of the store.
        blobs: of the store; results of jobs that are forgotten are deleted there.
        rules: what holds for all jobs.
        clock: the time, in seconds since 1970.
        lane: priorities of the jobs that are claimed here, without a gap.
    """

    def __init__(
        self,
        records: RecordStore,
        blobs: BlobStore,
        rules: JobRules | None = None,
        clock: Callable[[], float] = time.time,
        lane: tuple[Priority, ...] = WORK,
    ) -> None:
        self._records = records
        self._blobs = blobs
        self._rules = rules or JobRules()
        self._clock = clock
        self._lane = lane

    # For those who want jobs done ---------------------------------------------------------------

    async def submit(self, order: JobOrder) -> Job:
        """Ask for a job; see `JobBook.submit`."""
        known = await self._asked_again(order)
        if known is not None:
            return known
        now = self._clock()
        turn = await self._queue(order.job_id, order.subject, order.priority)
        job = Job(
            order.job_id,
            order.kind,
            order.subject,
            order.payload,
            order.priority,
            turn,
            created_at=now,
            changed_at=now,
            askers=(order.subject,),
            attempts_max=order.attempts_max,
        )
        try:
            return await self._replace(job)
        except RecordMoved:  # somebody else has just asked for the same
            found = await self._asked_again(order)
            if found is None or found.turn != turn:
                await self._records.delete(RecordKind.JOB_TURN, NO_ROOM, turn)
            return job if found is None else found

    async def get(self, job_id: JobId) -> Job | None:
        """The job as it is; see `JobBook.get`."""
        record = await self._records.get(RecordKind.JOB, NO_ROOM, RecordId(job_id))
        return None if record is None else _job_of(record)

    async def list(self, *, after: JobId | None, limit: int) -> tuple[Job, ...]:
        """Jobs by id; see `JobBook.list`."""
        start = None if after is None else RecordId(after)
        found = await self._records.list(RecordKind.JOB, NO_ROOM, after=start, limit=limit)
        return tuple(map(_job_of, found))

    async def cancel(self, job_id: JobId, by: Subject | None = None) -> Job | None:
        """Have a job not done, or stopped; see `JobBook.cancel`."""

        def cancelled(job: Job) -> Job:
            now = self._clock()
            return job.cancelled(now) if by is None else job.withdrawn(by, now)

        job = await self._change(job_id, cancelled)
        if job is not None and job.is_final:
            await self._records.delete(RecordKind.JOB_TURN, NO_ROOM, job.turn)
        return job

    async def revive(self, job_id: JobId) -> Job | None:
        """Have a job done after all; see `JobBook.revive`."""
        known = await self.get(job_id)
        if known is None:
            return None
        known.revived(known.turn, self._clock())  # refuse what cannot be, before a turn is made
        turn = await self._queue(job_id, known.subject, known.priority)
        return await self._change(job_id, lambda job: job.revived(turn, self._clock()))

    async def forget(self, before: float) -> int:
        """Remove jobs that ended before a time; see `JobBook.forget`."""
        forgotten = 0
        after: JobId | None = None
        while page := await self.list(after=after, limit=_PAGE):
            for job in page:
                if job.is_final and job.changed_at < before:
                    forgotten += await self._forget(job)
            after = page[-1].job_id
        return forgotten

    async def under_way(self, limit: int) -> tuple[JobId, ...]:
        """Jobs that wait or run, those whose turn comes first in front.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        turns = await self._turns(None, limit)
        return tuple(JobId(turn.record_id.rpartition(".")[2]) for turn in turns)

    # For workers --------------------------------------------------------------------------------

    async def claim(self) -> Claim | None:
        """Take the job whose turn it is; see `JobClaims.claim`."""
        after = RecordId(f"{self._lane[0]:d}")
        while page := await self._turns(after, _PAGE):
            for turn in page:
                if int(turn.record_id[0]) > self._lane[-1]:
                    return None
                if _due_at(turn) <= self._clock():
                    claim = await self._take(turn)
                    if claim is not None:
                        return claim
            after = page[-1].record_id
        return None

    async def renew(self, claim: Claim, progress: tuple[int, int] | None) -> Claim:
        """Keep a job; see `JobClaims.renew`."""
        turn = await self._postpone(claim.turn, self._rules.lease_s)

        def told(job: Job) -> Job:
            _require_attempt(job, claim)
            if progress is None or progress == job.progress:
                return job
            return job.progressed(*progress, self._clock())

        job = await self._change(claim.job.job_id, told)
        if job is None:
            raise LeaseLost("the job was removed")
        return Claim(job, turn)

    async def settle(self, claim: Claim, outcome: Outcome) -> Job:
        """Record what became of a job; see `JobClaims.settle`."""

        def settled(job: Job) -> Job:
            _require_attempt(job, claim)
            now = self._clock()
            match outcome:
                case Done(result):
                    return job.finished(result, now)
                case Failed(error, again_in_s):
                    is_last = job.attempt >= (job.attempts_max or self._rules.attempts_max)
                    again = again_in_s is not None and not is_last and not job.wants_stop
                    return job.failed(error, now, again=again)
                case GivenBack():
                    return job.given_back(now)
                case Stopped():
                    return job.stopped(now)

        job = await self._change(claim.job.job_id, settled)
        if job is None:
            raise LeaseLost("the job was removed")
        if job.is_final:
            await self._records.delete(RecordKind.JOB_TURN, NO_ROOM, job.turn)
        else:
            wait_s = outcome.again_in_s if isinstance(outcome, Failed) else None
            with suppress(LeaseLost):  # somebody has taken it already: it is not lost
                await self._postpone(claim.turn, wait_s or 0.0)
        return job

    # Records ------------------------------------------------------------------------------------

    async def _asked_again(self, order: JobOrder) -> Job | None:
        """The job of an order that was given before, now wanted by its subject too."""
        return await self._change(
            order.job_id, lambda job: job.asked_again(order.subject, self._clock())
        )

    async def _queue(self, job_id: JobId, subject: Subject, priority: Priority) -> RecordId:
        """Make a turn: behind the subject's other ones, but in front of everybody's later ones."""
        number = await self._next_number(subject, priority)
        turn = RecordId(f"{priority:d}.{number:0{_TURN_DIGITS}d}.{job_id}")
        value = orjson.dumps({"job": job_id, "due": 0.0, "made": self._clock()})
        with suppress(RecordMoved):  # a call whose outcome was unknown had succeeded
            await self._records.compare_and_set(
                RecordKind.JOB_TURN, NO_ROOM, Record(turn, 0, value)
            )
        return turn

    async def _next_number(self, subject: Subject, priority: Priority) -> int:
        digest = hashlib.sha256(subject.encode()).hexdigest()
        place = RecordId(f"{priority:d}.{digest[:40]}")
        while True:
            front = await self._turns(RecordId(f"{priority:d}."), 1)
            comes_up = _number(front[0]) if front and front[0].record_id[0] == str(priority) else 0
            last = await self._records.get(RecordKind.JOB_SUBJECT, NO_ROOM, place)
            given = 0 if last is None else int(last.value)
            number = max(given + 1, comes_up)
            # What happened is told however much waits: it is bounded by what may happen.
            is_bounded = priority is not Priority.NOTICE
            if is_bounded and number - comes_up >= self._rules.waiting_max:
                limit = self._rules.waiting_max
                raise LimitExceeded(f"{limit} jobs wait already", limit="jobs_waiting_max")
            revision = 0 if last is None else last.revision
            try:
                await self._records.compare_and_set(
                    RecordKind.JOB_SUBJECT, NO_ROOM, Record(place, revision, b"%d" % number)
                )
            except RecordMoved:
                continue
            return number

    async def _turns(self, after: RecordId | None, limit: int) -> tuple[Record, ...]:
        return await self._records.list(RecordKind.JOB_TURN, NO_ROOM, after=after, limit=limit)

    async def _take(self, turn: Record) -> Claim | None:
        """Take a turn and begin its job; None when another did, or there is nothing to do."""
        try:
            taken = await self._postpone(turn, self._rules.lease_s)
        except LeaseLost:
            return None
        value = orjson.loads(turn.value)

        def begun(job: Job) -> Job:
            if job.is_final or job.turn != turn.record_id:
                return job
            return job.claimed(self._clock(), attempts_max=self._rules.attempts_max)

        job = await self._change(JobId(value["job"]), begun)
        is_unborn = job is None and self._clock() - value["made"] < _UNBORN_S
        if job is not None and job.state is JobState.RUNNING and job.turn == turn.record_id:
            return Claim(job, taken)
        if not is_unborn:
            await self._records.delete(RecordKind.JOB_TURN, NO_ROOM, turn.record_id)
        return None

    async def _postpone(self, turn: Record, by_s: float) -> Record:
        """Have a turn come up later.

        Raises:
            LeaseLost: somebody else has done so since.
        """
        value = orjson.loads(turn.value) | {"due": self._clock() + by_s}
        try:
            return await self._records.compare_and_set(
                RecordKind.JOB_TURN, NO_ROOM, replace(turn, value=orjson.dumps(value))
            )
        except RecordMoved as error:
            raise LeaseLost("another worker has the job, or it has ended") from error

    async def _change(self, job_id: JobId, change: Callable[[Job], Job]) -> Job | None:
        """Change a job by compare-and-set, as often as it takes; None where there is none."""
        while True:
            job = await self.get(job_id)
            if job is None:
                return None
            changed = change(job)
            if changed is job:
                return job
            try:
                return await self._replace(changed)
            except RecordMoved:
                continue

    async def _replace(self, job: Job) -> Job:
        record = Record(RecordId(job.job_id), job.revision, job.encode())
        stored = await self._records.compare_and_set(RecordKind.JOB, NO_ROOM, record)
        return replace(job, revision=stored.revision)

    async def _forget(self, job: Job) -> bool:
        """Remove an ended job with its files, unless it is revived meanwhile."""
        keys = [file["key"] for file in (job.result or {}).get("files", ())]
        if "input" in job.payload:
            keys.append(job.payload["input"])
        for key in keys:
            await self._blobs.delete(BlobKey(key))
        try:
            await self._records.delete(
                RecordKind.JOB, NO_ROOM, RecordId(job.job_id), revision=job.revision
            )
        except RecordMoved:
            return False
        return True


def _job_of(record: Record) -> Job:
    return Job.decode(record.record_id, record.revision, record.value)


def _due_at(turn: Record) -> float:
    due: Any = orjson.loads(turn.value)["due"]
    return float(due)


def _number(turn: Record) -> int:
    return int(turn.record_id.split(".")[1])


def _require_attempt(job: Job, claim: Claim) -> None:
    if job.state is not JobState.RUNNING or job.attempt != claim.job.attempt:
        raise LeaseLost("another worker has the job, or it has ended")
