"""A pool of warm subprocesses that may be killed: limits, frames, death and its cause.

What reads content runs in them: it can overflow its stack, take all memory or run for seconds on
bytes made for the purpose. Whatever happens there is an error here. It lives in `persistence`
because compaction needs it and both the gateway and the workers may import it; the processes are
started by the name of their module, never imported.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import collab
from collab.errors import WorkerFailed
from collab.limits import DOCUMENT_BYTES_MAX, KIB, MIB
from persistence.worker_frames import LENGTH_BYTES, Pieces, Status

WORKER_NICE: Final = 10
"""Enough to go behind the event loop, not so much that a busy machine starves it."""

DEATH_S: Final = 5.0
"""How long a worker that hung up may take to be gone, before it is killed without a cause."""

LOG: Final = "log"
"""File in a worker's folder that it writes its complaints to."""

_WRITE_BYTES: Final = 256 * KIB
"""Written at once: others have the event loop after that, and little of it is copied."""

_LOG_READ_BYTES_MAX: Final = 2_000
_ENVIRONMENT_KEPT: Final = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ")


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """What one worker may use, and how many there are.

    Attributes:
        workers: processes at most at the same time.
        memory_bytes: address space of a worker (RLIMIT_AS).
        cpu_s: processor time for one request (RLIMIT_CPU, raised before each).
        wall_s: time from sending a request to its answer, the start of the process included.
        answer_bytes_max: largest answer accepted.
        idle_s: how long an idle worker is kept.
        requests_max: a worker is replaced after so many, so that what it leaks is returned.
    """

    workers: int = 1
    memory_bytes: int = 2048 * MIB
    cpu_s: int = 30
    wall_s: float = 60.0
    answer_bytes_max: int = 2 * DOCUMENT_BYTES_MAX
    idle_s: float = 30.0
    requests_max: int = 1_000_000


class WorkerDied(WorkerFailed):
    """A worker hung up instead of answering.

    Args:
        message: why, as far as can be told.
        by: the signal that ended it, if one did.
        log: the end of what it complained of.
    """

    def __init__(self, message: str, *, by: signal.Signals | None, log: str) -> None:
        super().__init__(message)
        self.by = by
        self.log = log


class WorkerTooSlow(WorkerFailed):
    """A worker did not answer within its time."""


class AnswerTooLarge(WorkerFailed):
    """A worker would have answered more than is accepted."""


@dataclass(eq=False, slots=True)
class _Worker:
    """A process with what belongs to it.

    Attributes:
        process: leader of a process group of its own once it has begun.
        folder: its own; None where it needs none.
        requests: how many it was sent.
    """

    process: Process
    folder: Path | None
    requests: int = field(default=0)


class WorkerPool:
    """Sends requests to killable subprocesses, started when needed and replaced when they die.

    Args:
        module: what a worker runs.
        limits: of each worker.
        has_folders: whether each worker gets a folder of its own, as its third argument; it is
            removed with the worker.
    """

    def __init__(self, module: str, limits: PoolLimits, *, has_folders: bool = False) -> None:
        self.limits = limits
        self._module = module
        self._has_folders = has_folders
        self._slots = asyncio.Semaphore(limits.workers)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers alive, for operators and tests."""
        return tuple(worker.process.pid for worker in [*self._idle, *self._busy])

    async def warm(self) -> None:
        """Start a worker if none is idle, so that the next request need not wait for its start.

        Raises:
            WorkerFailed: it could not be started.
        """
        async with self._slots:
            if not self._idle and not self._is_closed:
                self._idle.append(await self._start())

    async def request(
        self, frame: Pieces, *, hear: Callable[[bytes], None] | None = None
    ) -> tuple[Status, bytes]:
        """Have a request answered.

        Args:
            frame: with its length in front, in pieces.
            hear: told the result of each frame that only tells of progress.

        Returns:
            The status and the result of the answer.

        Raises:
            WorkerDied: it ended without an answer.
            WorkerTooSlow: its time is over; it was killed.
            AnswerTooLarge: so would be its answer; it was killed.
            WorkerFailed: no worker could be started, or the pool is closed.
        """
        async with self._slots:
            if self._is_closed:
                raise WorkerFailed("the workers were shut down")
            if self._idle_timer is not None:
                self._idle_timer.cancel()
            try:
                async with asyncio.timeout(self.limits.wall_s):
                    worker = await self._take()
                    answer = await self._exchange(worker, frame, hear)
            except TimeoutError as error:
                message = f"the worker took over {self.limits.wall_s:g} s"
                raise WorkerTooSlow(message) from error
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(self.limits.idle_s, self._end_idle)
        return answer

    async def aclose(self) -> None:
        """End every worker; requests under way fail. Closing twice is no error."""
        self._is_closed = True
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._end_idle()
        for worker in self._busy:
            _kill(worker.process)
        while self._endings or self._busy:
            # Requests under way end their own workers; all of them are dead by now.
            await asyncio.gather(*self._endings, return_exceptions=True)
            await asyncio.sleep(0)

    async def _take(self) -> _Worker:
        """An idle worker that is alive, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.returncode is None:
                return worker
            self._end_soon(worker)
        return await self._start()

    async def _start(self) -> _Worker:
        folder = Path(tempfile.mkdtemp(prefix="bandpro-")) if self._has_folders else None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", self._module),
                str(self.limits.memory_bytes),
                str(self.limits.cpu_s),
                *(() if folder is None else (str(folder),)),
                stdin=PIPE,
                stdout=PIPE,
                env=_environment(folder),
            )
        except BaseException as error:
            _remove(folder)
            if isinstance(error, OSError):  # no more processes, files or memory
                raise WorkerFailed("a worker could not be started") from error
            raise
        _step_back(process)
        return _Worker(process, folder)

    async def _exchange(
        self, worker: _Worker, frame: Pieces, hear: Callable[[bytes], None] | None
    ) -> tuple[Status, bytes]:
        """Send a request and take its answer; whatever goes wrong ends the worker."""
        self._busy.add(worker)
        worker.requests += 1
        try:
            answer = await _converse(worker.process, frame, self.limits.answer_bytes_max, hear)
        except (OSError, EOFError) as error:
            raise await _cause_of_death(worker) from error
        else:
            if worker.requests < self.limits.requests_max:
                self._idle.append(worker)
            return answer
        finally:
            self._busy.discard(worker)
            if worker not in self._idle:
                # Nobody knows what its pipe holds now.
                self._end_soon(worker)

    def _end_idle(self) -> None:
        while self._idle:
            self._end_soon(self._idle.pop())

    def _end_soon(self, worker: _Worker) -> None:
        _kill(worker.process)
        ending = asyncio.create_task(_bury(worker))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


async def _converse(
    process: Process,
    request: Pieces,
    answer_bytes_max: int,
    hear: Callable[[bytes], None] | None,
) -> tuple[Status, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    for portion in _portions(request):
        process.stdin.write(portion)
        await process.stdin.drain()
    while True:
        size_bytes = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
        if not 1 <= size_bytes <= answer_bytes_max + 1:
            message = f"the worker answered {size_bytes} bytes, {answer_bytes_max} may be"
            raise AnswerTooLarge(message)
        (status,) = await process.stdout.readexactly(1)
        result = await process.stdout.readexactly(size_bytes - 1)
        if status != Status.PROGRESS:
            return Status(status), result
        if hear is not None:
            hear(result)


def _portions(pieces: Pieces) -> Iterator[bytes | memoryview]:
    """What to write at once: small pieces together, large ones part by part."""
    small: list[bytes] = []
    size = 0
    for piece in pieces:
        if len(piece) < _WRITE_BYTES:
            small.append(piece)
            size += len(piece)
        if small and (size >= _WRITE_BYTES or len(piece) >= _WRITE_BYTES):
            yield b"".join(small)
            small, size = [], 0
        if len(piece) >= _WRITE_BYTES:
            view = memoryview(piece)
            for at in range(0, len(piece), _WRITE_BYTES):
                yield view[at : at + _WRITE_BYTES]
    if small:
        yield b"".join(small)


def _step_back(process: Process) -> None:
    """Let the event loop go before a worker where both have to share a processor.

    The worker stays in the server's session: Linux shares a processor between sessions first,
    whatever the priorities within them are.
    """
    with suppress(OSError):  # it is gone already, or the system forbids it
        os.setpriority(os.PRIO_PROCESS, process.pid, WORKER_NICE)


def _kill(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


async def _bury(worker: _Worker) -> None:
    """Wait for the end of a process that was killed, close its pipes, remove its folder."""
    with suppress(OSError):
        await worker.process.communicate()
    _remove(worker.folder)


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


async def _cause_of_death(worker: _Worker) -> WorkerDied:
    """Why a worker hung up."""
    try:
        async with asyncio.timeout(DEATH_S):
            code = await worker.process.wait()
    except TimeoutError:
        return WorkerDied("the worker closed its pipe", by=None, log="")
    log = _end_of_log(worker.folder)
    if code >= 0:
        return WorkerDied(f"the worker ended with status {code}", by=None, log=log)
    with suppress(ValueError):
        by = signal.Signals(-code)
        return WorkerDied(f"the worker was killed by {by.name}", by=by, log=log)
    return WorkerDied(f"the worker was killed by signal {-code}", by=None, log=log)


def _end_of_log(folder: Path | None) -> str:
    if folder is None:
        return ""
    try:
        return (folder / LOG).read_bytes()[-_LOG_READ_BYTES_MAX:].decode(errors="replace")
    except OSError:
        return ""


def _environment(folder: Path | None) -> dict[str, str]:
    """Only what Python needs to start: a worker must not hold the server's secrets."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT_KEPT if name in os.environ}
    # The core may lie elsewhere, compiled: the worker runs the form that this process runs.
    roots = (Path(path).parents[1] for path in (collab.__file__, __file__))
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(map(str, roots)))
    if folder is not None:
        environment |= {"HOME": str(folder), "TMPDIR": str(folder)}
    return environment
