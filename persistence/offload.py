"""The server's side of its worker processes: work on content that may end a process, off the loop.

The CRDT library can overflow its stack or run for seconds on bytes made for the purpose, and holds
the interpreter's lock meanwhile. Here it does so in a subprocess with limits on memory, processor
time, wall-clock time and output: whatever happens there is an error here. It lives in
`persistence` because compaction needs it and both the gateway and the workers may import it; the
worker itself is started by the name of its module, never imported.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import collab
from collab.errors import WorkerFailed
from collab.limits import COMPARE_CHARS_MAX, COMPARE_ENTRIES_MAX, DOCUMENT_BYTES_MAX, MIB
from persistence.worker_frames import LENGTH_BYTES, Operation, Status, encode_request

WORKER_MODULE: Final = "workers.main"

WORKER_NICE: Final = 10
"""Enough to go behind the event loop, not so much that a busy machine starves it."""

DEATH_S: Final = 5.0
"""How long a worker that hung up may take to be gone, before it is killed without a cause."""

_ENVIRONMENT_KEPT: Final = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ")


@dataclass(frozen=True, slots=True)
class OffloadLimits:
    """What one worker may use, and how many there are.

    Attributes:
        workers: processes at most at the same time.
        memory_bytes: address space of a worker (RLIMIT_AS).
        cpu_s: processor time for one request (RLIMIT_CPU, raised before each).
        wall_s: time from sending a request to its answer, the start of the process included.
        answer_bytes_max: largest answer accepted.
        idle_s: how long an idle worker is kept.
    """

    workers: int = 1
    memory_bytes: int = 2048 * MIB
    cpu_s: int = 30
    wall_s: float = 60.0
    answer_bytes_max: int = 2 * DOCUMENT_BYTES_MAX
    idle_s: float = 30.0


class Offload:
    """Runs work in killable subprocesses, started when needed and replaced when they die.

    Args:
        limits: of each worker.
    """

    def __init__(self, limits: OffloadLimits | None = None) -> None:
        self._limits = limits or OffloadLimits()
        self._slots = asyncio.Semaphore(self._limits.workers)
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def merge(self, updates: SequenceOf[bytes]) -> bytes:
        """Merge updates into one that was verified to hold all of them, pending parts included.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.MERGE, updates)

    async def state_vector(self, update: bytes) -> bytes:
        """The encoded state vector of what an update holds without a gap.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        return await self._request(Operation.STATE_VECTOR, (update,))

    async def state(self, updates: SequenceOf[bytes]) -> bytes:
        """The document that updates integrate to, as one update; deleted content is blanked.

        Unlike :meth:`merge` it leaves out what waits for others.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.STATE, updates)

    async def describe(self, update: bytes) -> bytes:
        """The roots of a document with their types and values, as JSON.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        return await self._request(Operation.DESCRIBE, (update,))

    async def compare(self, old: bytes, new: bytes) -> bytes:
        """What differs between two documents, as JSON, within bounds.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused an update.
        """
        bounds = f"{COMPARE_ENTRIES_MAX},{COMPARE_CHARS_MAX}".encode()
        return await self._request(Operation.COMPARE, (old, new, bounds))

    async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
        """The edit that makes one document's content that of another.

        Args:
            current: the document as it is.
            wanted: what it shall be.
            client: a client id that nobody uses.

        Returns:
            JSON with notes on what cannot be brought back, and the edit; empty for none.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused an update.
        """
        arguments = (current, wanted, str(client).encode())
        answer = await self._request(Operation.RESTORE, arguments)
        end = LENGTH_BYTES + int.from_bytes(answer[:LENGTH_BYTES], "big")
        return answer[LENGTH_BYTES:end], answer[end:]

    async def fingerprint(self, updates: SequenceOf[bytes]) -> bytes:
        """A digest of the document that updates amount to, however they are cut.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.FINGERPRINT, updates)

    async def clients(self, updates: SequenceOf[bytes]) -> bytes:
        """The client ids that ever wrote in a document, encoded as `RetiredClients`.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.CLIENTS, updates)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers alive, for operators and tests."""
        return tuple(process.pid for process in [*self._idle, *self._busy])

    async def aclose(self) -> None:
        """End every worker; requests under way fail. Closing twice is no error."""
        self._is_closed = True
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._end_idle()
        for process in self._busy:
            _kill(process)
        while self._endings or self._busy:
            # Requests under way end their own workers; all of them are dead by now.
            await asyncio.gather(*self._endings, return_exceptions=True)
            await asyncio.sleep(0)

    async def _request(self, operation: Operation, arguments: SequenceOf[bytes]) -> bytes:
        async with self._slots:
            if self._is_closed:
                raise WorkerFailed("the workers were shut down")
            if self._idle_timer is not None:
                self._idle_timer.cancel()
            try:
                async with asyncio.timeout(self._limits.wall_s):
                    process = await self._take()
                    answer = await self._exchange(process, encode_request(operation, arguments))
            except TimeoutError as error:
                raise WorkerFailed(f"the worker took over {self._limits.wall_s:g} s") from error
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(self._limits.idle_s, self._end_idle)
        return _result(answer)

    async def _take(self) -> Process:
        """An idle worker that is alive, or a new one."""
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", WORKER_MODULE),
                str(self._limits.memory_bytes),
                str(self._limits.cpu_s),
                stdin=PIPE,
                stdout=PIPE,
                env=_environment(),
            )
        except OSError as error:  # no more processes, files or memory
            raise WorkerFailed("a worker could not be started") from error
        _step_back(process)
        return process

    async def _exchange(self, process: Process, request: bytes) -> bytes:
        """Send a request and take its answer; whatever goes wrong ends the worker."""
        self._busy.add(process)
        try:
            answer = await _converse(process, request, self._limits.answer_bytes_max)
        except (OSError, EOFError) as error:
            raise WorkerFailed(await _cause_of_death(process)) from error
        else:
            self._idle.append(process)
            return answer
        finally:
            self._busy.discard(process)
            if process not in self._idle:
                # Nobody knows what its pipe holds now.
                self._end_soon(process)

    def _end_idle(self) -> None:
        while self._idle:
            self._end_soon(self._idle.pop())

    def _end_soon(self, process: Process) -> None:
        _kill(process)
        ending = asyncio.create_task(_bury(process))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


async def _converse(process: Process, request: bytes, answer_bytes_max: int) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(request)
    await process.stdin.drain()
    size_bytes = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
    if not 1 <= size_bytes <= answer_bytes_max + 1:
        raise WorkerFailed(f"the worker answered {size_bytes} bytes, {answer_bytes_max} may be")
    return await process.stdout.readexactly(size_bytes)


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


async def _bury(process: Process) -> None:
    """Wait for the end of a process that was killed, and close its pipes."""
    with suppress(OSError):
        await process.communicate()


async def _cause_of_death(process: Process) -> str:
    """Why a worker hung up, in words."""
    try:
        async with asyncio.timeout(DEATH_S):
            code = await process.wait()
    except TimeoutError:
        return "the worker closed its pipe"
    if code >= 0:
        return f"the worker ended with status {code}"
    with suppress(ValueError):
        return f"the worker was killed by {signal.Signals(-code).name}"
    return f"the worker was killed by signal {-code}"


def _environment() -> dict[str, str]:
    """Only what Python needs to start: a worker must not hold the server's secrets."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT_KEPT if name in os.environ}
    # The core may lie elsewhere, compiled: the worker runs the form that this process runs.
    roots = (Path(path).parents[1] for path in (collab.__file__, __file__))
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(map(str, roots)))
    return environment


def _result(answer: bytes) -> bytes:
    if answer[0] == Status.DONE:
        return answer[1:]
    raise WorkerFailed(f"the worker refused: {answer[1:].decode(errors='replace')}")
