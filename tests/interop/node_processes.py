"""Node processes that answer requests, each lent to one test at a time.

A process costs a third of a second of processor time before it does anything, and the tests use
hundreds. So one that can be put back to its beginning is, when a test is through with it, and waits
for the next. One that took part in a failure, or was killed, is never used again.
"""

import asyncio
import atexit
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
LINE_BYTES_MAX: Final = 64 * 2**20
RESET_WITHIN_S: Final = 10.0
IDLE_MAX: Final = 10
"""So many processes wait at most: one for each kind of client, and a second for some."""

Command = tuple[str, ...]
"""A script of this folder and its arguments."""


class ClientFailed(AssertionError):
    """A process answered with an error, such as a condition that did not come to hold."""


class NodeProcess:
    """A Node process at the other end of a socket; it may outlive the event loop.

    Args:
        command: what it runs.
    """

    def __init__(self, command: Command) -> None:
        node = shutil.which("node")
        assert node, "Node 20 or newer is needed on PATH"
        assert (HERE / "node_modules").is_dir(), "make test installs the packages of tests/interop"
        script, *arguments = command
        self.command = command
        self.socket, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen([node, HERE / script, *arguments], stdin=its.fileno())

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as when a laptop's lid closes on it."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it, and the conversation."""
        self.kill()
        self.socket.close()


class Conversation:
    """Requests to a Node process and its answers, as JSON lines, on the running event loop.

    Args:
        process: whom it is with.
        name: what the process is called in errors.
    """

    def __init__(self, process: NodeProcess, name: str) -> None:
        self.process = process
        self.name = name
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def begin(self) -> None:
        """Listen to the process."""
        ours = self.process.socket.dup()  # closed with the conversation
        reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_BYTES_MAX)
        self._reading = asyncio.create_task(self._read(reader))

    async def call(self, op: str, *, answer_within_s: float = 90, **details: Any) -> Any:  # noqa: ANN401 - JSON
        """Ask the process to do something, and return its answer."""
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        request = json.dumps({"id": number, "op": op, **details})
        self._writer.write(request.encode() + b"\n")
        await self._writer.drain()
        try:
            return await asyncio.wait_for(answer, answer_within_s)
        except ClientFailed as error:
            raise ClientFailed(f"{self.name}: {op} {details}: {error}") from None

    async def end(self) -> None:
        """Listen no more."""
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                self._take(json.loads(line))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ClientFailed("the Node process has ended"))

    def _take(self, message: dict[str, Any]) -> None:
        answer = self._answers.pop(message["id"], None)
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(ClientFailed(message["error"]))
        else:
            answer.set_result(message["result"])


@asynccontextmanager
async def conversation(name: str, *command: str) -> AsyncIterator[Conversation]:
    """A Node process of its own for the time of a block.

    Args:
        name: what it is called in errors.
        command: a script of this folder and its arguments.
    """
    process = NodeProcess(command)
    held = Conversation(process, name)
    try:
        await held.begin()
        try:
            yield held
        finally:
            await held.end()
    finally:
        process.end()


@asynccontextmanager
async def lent(name: str, *command: str) -> AsyncIterator[Conversation]:
    """A Node process for the time of a block, used by nobody else meanwhile.

    Args:
        name: what it is called in errors.
        command: a script of this folder that knows `reset`, and its arguments.
    """
    process = _take_idle(command) or NodeProcess(command)
    held = Conversation(process, name)
    is_as_new = False
    try:
        await held.begin()
        try:
            yield held
            if process.alive:
                await held.call("reset", answer_within_s=RESET_WITHIN_S)
                is_as_new = True
        finally:
            await held.end()
    finally:
        if is_as_new:
            _keep(process)
        else:
            process.end()


_idle: Final[list[NodeProcess]] = []  # who was used last is last


def _take_idle(command: Command) -> NodeProcess | None:
    for process in reversed(_idle):
        if process.command == command and process.alive:
            _idle.remove(process)
            return process
    return None


def _keep(process: NodeProcess) -> None:
    _idle.append(process)
    if len(_idle) > IDLE_MAX:
        _idle.pop(0).end()


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()
