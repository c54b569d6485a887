"""A job and what may happen to it. Pure: times are handed in.

=========  ==================  ==============================================================
state      event               becomes
=========  ==================  ==============================================================
waiting    claimed             running, one attempt more
waiting    cancelled           cancelled
any        asked for again     as it is; whoever asked is one who wants it, and it is not to stop
any        withdrawn           as it is without one who wanted it; cancelled, if nobody else did
running    claimed             running, one attempt more: its worker was not heard of for too long
running    claimed too often   failed: whatever runs it does not live to tell
running    progressed          running
running    cancelled           running, and its worker is to stop
running    done                done
running    failed              waiting, later; or failed, when it would fail again, or too often
running    stopped             cancelled
running    given back          waiting, as if that attempt had not been
failed     revived             waiting, as if it were new
=========  ==================  ==============================================================

Everything else is refused. Failed jobs are the dead letters: they stay, to be looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, Final, NewType

import orjson

from collab.errors import LimitExceeded, StateConflict
from collab.ids import RecordId, Subject
from collab.limits import JOB_ASKERS_MAX

JobId = NewType("JobId", str)
"""Lower-case hexadecimal digits, made of the job's key."""

_ID_CHARS: Final = 40
_ERROR_CHARS_MAX: Final = 400


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""States in which nothing more is to be done."""


class Priority(IntEnum):
    """Who goes first; within one, people take turns."""

    HIGH = 0  # somebody waits for it
    NORMAL = 1
    LOW = 2  # in bulk
    NOTICE = 3  # telling somebody; done beside all others, which it neither waits for nor holds up


WORK: Final = (Priority.HIGH, Priority.NORMAL, Priority.LOW)
"""What one runner does."""

NOTICES: Final = (Priority.NOTICE,)
"""What another one does meanwhile."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What is asked for.

    Attributes:
        kind: which handler does it.
        key: says what it amounts to: the same key is the same job, done once.
        subject: on whose behalf.
        payload: for the handler; small, and JSON.
        priority: who goes first.
        attempts_max: how often it is begun; 0 for as often as others.
    """

    kind: str
    key: str
    subject: Subject
    payload: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    attempts_max: int = 0

    @property
    def job_id(self) -> JobId:
        """What the job is called."""
        return JobId(hashlib.sha256(f"{self.kind}\0{self.key}".encode()).hexdigest()[:_ID_CHARS])


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is recorded.

    Attributes:
        job_id: of it.
        kind: which handler does it.
        subject: on whose behalf; whose turns it takes.
        askers: who wants it: others may have asked for the same.
        payload: for the handler.
        priority: who goes first.
        turn: the record that keeps its place among those that wait.
        created_at: when it was asked for, in seconds since 1970.
        changed_at: when anything last became of it.
        state: where it is.
        attempt: how often it was begun.
        progress: how much of how much is done.
        result: what the handler made.
        error: what went wrong last, in words.
        wants_stop: whether its worker is to stop.
        attempts_max: how often it is begun; 0 for as often as others.
        revision: of the record.
    """

    job_id: JobId
    kind: str
    subject: Subject
    payload: Mapping[str, Any]
    priority: Priority
    turn: RecordId
    created_at: float
    changed_at: float
    state: JobState = JobState.WAITING
    attempt: int = 0
    progress: tuple[int, int] | None = None
    result: Mapping[str, Any] | None = None
    error: str = ""
    wants_stop: bool = False
    askers: tuple[Subject, ...] = ()
    attempts_max: int = 0
    revision: int = 0

    @property
    def is_final(self) -> bool:
        """Whether nothing more is to be done."""
        return self.state in FINAL

    def claimed(self, now: float, *, attempts_max: int) -> Job:
        """Begun, or begun again.

        Raises:
            StateConflict: it is in a final state.
        """
        self._require(JobState.WAITING, JobState.RUNNING)
        if self.wants_stop:
            return self._becomes(JobState.CANCELLED, now)
        if self.attempt >= (self.attempts_max or attempts_max):
            error = self.error or "its workers ended without a word"
            return replace(self._becomes(JobState.FAILED, now), error=error)
        begun = self._becomes(JobState.RUNNING, now)
        return replace(begun, attempt=self.attempt + 1, progress=None)

    def progressed(self, done: int, total: int, now: float) -> Job:
        """Some of it is done.

        Raises:
            StateConflict: it is not running.
        """
        self._require(JobState.RUNNING)
        return replace(self, progress=(done, total), changed_at=now)

    def finished(self, result: Mapping[str, Any], now: float) -> Job:
        """All of it is done.

        Raises:
            StateConflict: it is not running.
        """
        self._require(JobState.RUNNING)
        return replace(self._becomes(JobState.DONE, now), result=result, error="")

    def failed(self, error: str, now: float, *, again: bool) -> Job:
        """It went wrong.

        Args:
            error: in words; cut when it is long.
            now: when.
            again: whether it is to be tried again.

        Raises:
            StateConflict: it is not running.
        """
        self._require(JobState.RUNNING)
        state = JobState.WAITING if again else JobState.FAILED
        return replace(self._becomes(state, now), error=error[:_ERROR_CHARS_MAX])

    def cancelled(self, now: float) -> Job:
        """Nobody wants it any more; a worker that has it is told to stop.

        Raises:
            StateConflict: it is in a final state.
        """
        self._require(JobState.WAITING, JobState.RUNNING)
        if self.state is JobState.RUNNING:
            return replace(self, wants_stop=True, changed_at=now)
        return self._becomes(JobState.CANCELLED, now)

    def asked_again(self, subject: Subject, now: float) -> Job:
        """Somebody wants the same; the very same job if that was known.

        Raises:
            LimitExceeded: too many want it.
        """
        if subject in self.askers and not self.wants_stop:
            return self
        askers = (*self.askers, subject) if subject not in self.askers else self.askers
        if len(askers) > JOB_ASKERS_MAX:
            raise LimitExceeded(f"{JOB_ASKERS_MAX} people want it", limit="job_askers_max")
        return replace(self, askers=askers, wants_stop=False, changed_at=now)

    def withdrawn(self, subject: Subject, now: float) -> Job:
        """Somebody does not want it any more; it is cancelled when nobody else does.

        Raises:
            StateConflict: it is in a final state.
        """
        self._require(JobState.WAITING, JobState.RUNNING)
        others = tuple(each for each in self.askers if each != subject)
        return replace(self, askers=others, changed_at=now) if others else self.cancelled(now)

    def stopped(self, now: float) -> Job:
        """Its worker has stopped.

        Raises:
            StateConflict: it is not running.
        """
        self._require(JobState.RUNNING)
        return self._becomes(JobState.CANCELLED, now)

    def given_back(self, now: float) -> Job:
        """Its worker is shut down.

        Raises:
            StateConflict: it is not running.
        """
        self._require(JobState.RUNNING)
        return replace(self._becomes(JobState.WAITING, now), attempt=self.attempt - 1)

    def revived(self, turn: RecordId, now: float) -> Job:
        """Tried again by hand.

        Raises:
            StateConflict: it has not failed and was not cancelled.
        """
        self._require(JobState.FAILED, JobState.CANCELLED)
        fresh = self._becomes(JobState.WAITING, now)
        return replace(fresh, attempt=0, error="", wants_stop=False, progress=None, turn=turn)

    def encode(self) -> bytes:
        """As it is stored, without its revision."""
        stored = asdict(self)
        del stored["revision"], stored["job_id"]
        return orjson.dumps(stored)

    @classmethod
    def decode(cls, job_id: str, revision: int, value: bytes) -> Job:
        """Read what `encode` wrote."""
        stored = orjson.loads(value)
        stored["state"] = JobState(stored["state"])
        stored["priority"] = Priority(stored["priority"])
        # One that was asked for before others could ask for the same has no list.
        stored["askers"] = tuple(stored.get("askers") or (stored["subject"],))
        progress = stored["progress"]
        stored["progress"] = None if progress is None else (progress[0], progress[1])
        return cls(job_id=JobId(job_id), revision=revision, **stored)

    def _becomes(self, state: JobState, now: float) -> Job:
        return replace(self, state=state, changed_at=now)

    def _require(self, *states: JobState) -> None:
        if self.state not in states:
            raise StateConflict(f"the job is {self.state}")
