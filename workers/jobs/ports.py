"""What is asked of whatever keeps jobs: by those who want them done, and by those who do them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from collab.ids import Subject
from collab.ports import Record
from workers.jobs.job import Job, JobId, JobOrder


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker has for a while.

    Attributes:
        job: as it was when it was claimed or last renewed.
        turn: the record that keeps its place, with the time until which nobody else takes it.
    """

    job: Job
    turn: Record


@dataclass(frozen=True, slots=True)
class Done:
    """The job was done, with a result."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The job went wrong.

    Attributes:
        error: in words.
        again_in_s: when it is to be tried again; None for never.
    """

    error: str
    again_in_s: float | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The job was stopped, because nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The worker is shut down; another one may have the job at once."""


Outcome = Done | Failed | Stopped | GivenBack


class JobBook(Protocol):
    """For those who want jobs done. All of it is durable when it returns."""

    async def submit(self, order: JobOrder) -> Job:
        """Ask for a job; one with the same key is the same job, whatever became of it.

        Raises:
            LimitExceeded: the subject has too many that wait, or too many want this one.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """

    async def get(self, job_id: JobId) -> Job | None:
        """The job as it is; None where there is none, or no longer.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def list(self, *, after: JobId | None, limit: int) -> tuple[Job, ...]:
        """Jobs in order of id, strictly after one.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def cancel(self, job_id: JobId, by: Subject | None = None) -> Job | None:
        """Have a job not done, or stopped; the answer is what it is then; None for no such job.

        Args:
            job_id: which one.
            by: who does not want it any more: others may still; None for whatever they want.

        Raises:
            StateConflict: it has ended.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """

    async def revive(self, job_id: JobId) -> Job | None:
        """Have a job done that failed or was cancelled; None for no such job.

        Raises:
            StateConflict: it did neither.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """

    async def forget(self, before: float) -> int:
        """Remove jobs that ended before a time, with their results; return how many.

        Raises:
            StoreUnavailable: not all were removed; repeating is safe.
        """


class JobClaims(Protocol):
    """For workers. A job is with one worker at a time, but for clocks that differ and long silence.

    Whoever lost a job to another worker can change nothing of it any more.
    """

    async def claim(self) -> Claim | None:
        """Take the job whose turn it is, for as long as a lease lasts; None when none is due.

        Higher priorities come first; within one, subjects take turns.

        Raises:
            StoreUnavailable: the outcome is unknown; what was taken is free again after the lease.
        """

    async def renew(self, claim: Claim, progress: tuple[int, int] | None) -> Claim:
        """Keep a job for another lease, and record how much of it is done.

        Raises:
            LeaseLost: another worker has it, or it has ended.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """

    async def settle(self, claim: Claim, outcome: Outcome) -> Job:
        """Record what became of a job.

        Raises:
            LeaseLost: another worker has it, or it has ended; nothing was changed.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
