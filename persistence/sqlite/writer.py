"""The one thread that writes, and its group commit.

There is one commit in flight. Whatever is submitted meanwhile, for any room, waits in a queue and
becomes the next commit: under load a commit carries many appends, when idle each goes at once.
The event loop is woken once a commit, not once an append.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from collab.errors import BandProError, StoreUnavailable
from collab.limits import MIB
from persistence.failpoints import Failpoints
from persistence.sqlite.connection import concerns_every_write, unavailable

Result = TypeVar("Result")

BATCH_JOBS_MAX: Final = 1_024
BATCH_BYTES_MAX: Final = 8 * MIB


class Kind(Enum):
    """What a job does, with the failpoints before and after its commit."""

    APPEND = ("append.before_commit", "append.after_commit")
    EPOCH = ("epoch.before_commit", "epoch.after_commit")
    MANIFEST = ("manifest.before_commit", "manifest.after_commit")
    TRIM = ("trim.before_commit", "trim.after_commit")
    RECORD = ("record.before_commit", "record.after_commit")
    UPKEEP = (None, None)
    ALONE = (None, None, "alone")  # runs outside of any transaction


@dataclass(frozen=True, slots=True)
class _Job:
    """One piece of work for the writer's thread.

    Attributes:
        kind: for the failpoints.
        work: runs inside the transaction. A BandProError that it raises is its own outcome and
            promises that it wrote nothing.
        size_bytes: about how much it writes.
        future: resolved on the loop, after the commit.
    """

    kind: Kind
    work: Callable[[sqlite3.Connection], Any]
    size_bytes: int
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: _Job
    value: Any = None
    error: BaseException | None = None


class Writer:
    """Runs jobs in transactions on a thread of its own, in the order of their submission.

    Args:
        connection: the only one that writes; closed at the end.
        failpoints: where to fail on purpose.
    """

    def __init__(self, connection: sqlite3.Connection, failpoints: Failpoints) -> None:
        self._connection = connection
        self._failpoints = failpoints
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        # A daemon: a process that ends without closing must not wait for it.
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(
        self, kind: Kind, work: Callable[[sqlite3.Connection], Result], *, size_bytes: int = 0
    ) -> Result:
        """Run a job in the next transaction and wait until it is committed.

        Cancelling the wait does not take the job back.

        Args:
            kind: for the failpoints.
            work: what to do inside the transaction; if it raises a BandProError, it must not have
                written anything.
            size_bytes: about how much it writes.

        Raises:
            StoreUnavailable: the commit failed or its outcome is unknown, or the store is closed.
            BandProError: whatever `work` raised.
        """
        if self._closing:
            raise StoreUnavailable("the store is closed")
        future: asyncio.Future[Result] = self._loop.create_future()
        self._queue.put(_Job(kind, work, size_bytes, future))
        return await future

    async def close(self) -> None:
        """Commit what was submitted, then close the connection."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def _run(self) -> None:
        """Turn the queue into commits until the end is asked for."""
        while (first := self._queue.get()) is not None:
            batch, is_last = self._gather(first)
            outcomes = self._commit(batch)
            self._on_loop(partial(_resolve, outcomes))
            if is_last:
                break
        try:
            self._connection.close()  # the last connection also folds the log into the database
        except sqlite3.Error:
            pass  # everything committed is in the log, and the next start folds it in
        finally:
            self._on_loop(partial(_end, self._ended))

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """Take all that waits, up to what one commit should carry; and whether it was the end."""
        batch = [first]
        size_bytes = first.size_bytes
        while len(batch) < BATCH_JOBS_MAX and size_bytes < BATCH_BYTES_MAX:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return batch, False
            if job is None:
                return batch, True
            batch.append(job)
            size_bytes += job.size_bytes
        return batch, False

    def _commit(self, batch: list[_Job]) -> list[_Outcome]:
        """Run a batch in one transaction; one job that cannot be stored takes no other along."""
        alone = [job for job in batch if job.kind is Kind.ALONE]
        if alone:
            together = [job for job in batch if job.kind is not Kind.ALONE]
            outcomes = self._commit(together) if together else []
            return outcomes + [self._run_alone(job) for job in alone]
        try:
            return self._transact(batch)
        except sqlite3.Error as error:
            if len(batch) > 1 and not concerns_every_write(error):
                return self._commit_one_by_one(batch)
            return [_Outcome(job, error=unavailable(error)) for job in batch]
        except StoreUnavailable as error:  # a failpoint
            return [_Outcome(job, error=StoreUnavailable(str(error))) for job in batch]
        except Exception as error:  # noqa: BLE001 - our own defect fails its job, not the thread
            if len(batch) > 1:
                return self._commit_one_by_one(batch)
            return [_Outcome(batch[0], error=error)]

    def _run_alone(self, job: _Job) -> _Outcome:
        try:
            return _Outcome(job, value=job.work(self._connection))
        except sqlite3.Error as error:
            return _Outcome(job, error=unavailable(error))
        except Exception as error:  # noqa: BLE001 - our own defect fails its job, not the thread
            return _Outcome(job, error=error)

    def _commit_one_by_one(self, batch: list[_Job]) -> list[_Outcome]:
        return [outcome for job in batch for outcome in self._commit([job])]

    def _transact(self, batch: list[_Job]) -> list[_Outcome]:
        outcomes = []
        kinds = dict.fromkeys(job.kind for job in batch)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                try:
                    outcomes.append(_Outcome(job, value=job.work(self._connection)))
                except BandProError as error:
                    outcomes.append(_Outcome(job, error=error))
            self._pass_failpoints(kinds, after=False)
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._pass_failpoints(kinds, after=True)
        return outcomes

    def _roll_back(self) -> None:
        """Leave no transaction open; SQLite has often ended it itself by now."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # the error that led here is the one to tell

    def _pass_failpoints(self, kinds: dict[Kind, None], *, after: bool) -> None:
        for kind in kinds:
            point = kind.value[after]
            if point is not None:
                self._failpoints.hit(point)

    def _on_loop(self, callback: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop was closed first: nobody is left to be told
            self._loop.call_soon_threadsafe(callback)


def _resolve(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        future = outcome.job.future
        if future.done():  # its caller was cancelled
            continue
        if outcome.error is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(outcome.error)


def _end(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
