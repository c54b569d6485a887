"""The real server as a process of its own, for tests that need one."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import count as count_from
from pathlib import Path
from typing import Final

import psutil

from tests.support.command import Process, fresh_environment, start_bandpro

SECRET: Final = "a secret for tests only, of more than thirty-two bytes"
READY_WITHIN_S: Final = 30.0
STOP_WITHIN_S: Final = 15.0
LOG_TAIL_CHARS: Final = 6_000
_POLL_S: Final = 0.02
_PORTS_FROM: Final = 12_000
_PORTS_EACH: Final = 1_500
_PROCESSES_MAX: Final = 12
_tried: Final = count_from(os.getpid())  # two runs at once begin at different places

Stdio = tuple[int, int, int]
"""Descriptors of a process's standard input, output and error."""


class ServerFailed(AssertionError):
    """The server did not start, or did not stop as it should; says what it logged."""


def free_port() -> int:
    """A loopback port on which nobody listens."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Different loopback ports on which nobody listens.

    They are of a range of this process's own, below those that systems hand out. So no other
    process of the tests, and no outgoing connection, takes one before it is used, or while a server
    that was killed is down.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _PORTS_FROM + number % _PROCESSES_MAX * _PORTS_EACH
    found: list[int] = []
    for _ in range(_PORTS_EACH):
        if len(found) == count:
            return found
        port = first + next(_tried) % _PORTS_EACH
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    raise AssertionError("nearly all of the ports for tests are taken")


class Server:
    """One `bandpro serve`, started, killed and started again on the same ports and data.

    Args:
        home: an existing folder for the data and the log.
        auth: `open` or `token`; with `token` the secret is `SECRET`.
        env: more environment variables, such as other `BANDPRO_*` settings.
        args: more arguments for `bandpro serve`.
        data: the folder of the rooms; `home / "data"` unless given.
    """

    def __init__(
        self,
        home: Path,
        *,
        auth: str = "open",
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
        data: Path | None = None,
    ) -> None:
        self.auth = auth
        self.secret = SECRET
        self.data = data or home / "data"
        self.log_path = home / "server.log"
        self.port, self.admin_port = free_ports(2)
        self.env = dict(env or {})
        self.args = list(args)
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Where HTTP is served, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        """Where metrics and health are served."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def ws_url(self) -> str:
        """The root of the websocket addresses."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def collab_url(self) -> str:
        """What a y-websocket client takes as its server's address."""
        return f"{self.ws_url}/collab"

    @property
    def hocuspocus_url(self) -> str:
        """What a Hocuspocus client takes as its server's address."""
        return f"{self.ws_url}/hocuspocus"

    @property
    def process(self) -> Process:
        """The process that runs, or ran last."""
        assert self._process is not None, "the server was never started"
        return self._process

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def log_text(self) -> str:
        """All that the server wrote to its standard output and error."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def rss_bytes(self) -> int:
        """The memory that the process holds now."""
        size: int = psutil.Process(self.process.pid).memory_info().rss
        return size

    def start_blocking(self) -> None:
        """Start the process and wait until it says that it is ready."""
        assert not self.alive, "the server runs already"
        with self.log_path.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            self._process = self._begin((nothing.fileno(), log.fileno(), log.fileno()))
        self._await_ready()

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_WITHIN_S)

    def terminate_blocking(self) -> None:
        """Ask the process to stop, and require that it does so in time and with success."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(self._report("did not stop on SIGTERM")) from None
        if code != 0:
            raise ServerFailed(self._report(f"stopped with exit status {code}"))

    async def start(self) -> None:
        """Start the process without stopping the event loop."""
        await asyncio.to_thread(self.start_blocking)

    async def terminate(self) -> None:
        """Stop the process without stopping the event loop."""
        await asyncio.to_thread(self.terminate_blocking)

    async def restart(self) -> None:
        """Start again on the same data and ports; stops first, in good order, what still runs."""
        if self.alive:
            await self.terminate()
        await self.start()

    def ready(self) -> bool:
        """Whether `/readyz` answers that the server can serve."""
        # Asked over and over while the server starts: httpx would take 50 ms of processor time each
        # time for the certificates of a client that needs none, and the server wants the processor.
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _begin(self, stdio: Stdio) -> Process:
        return start_bandpro(self._arguments(), env=self._environment(), stdio=stdio)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.ready():
            if self.process.poll() is not None:
                raise ServerFailed(self._report(f"ended with {self.process.returncode} at start"))
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(self._report(f"was not ready within {READY_WITHIN_S} s"))
            time.sleep(_POLL_S)

    def _report(self, what: str) -> str:
        return f"the server {what}; its log ends with:\n{self.log_text[-LOG_TAIL_CHARS:]}"

    def _arguments(self) -> list[str]:
        options = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--admin-port": str(self.admin_port),
            "--data": str(self.data),
            "--auth": self.auth,
        }
        arguments = ["serve"]
        for option, value in options.items():
            arguments += [option, value]
        return arguments + self.args

    def _environment(self) -> dict[str, str]:
        secret = {"BANDPRO_TOKEN_SECRET": self.secret} if self.auth == "token" else {}
        return fresh_environment() | secret | self.env


@contextmanager
def serving(
    home: Path,
    *,
    auth: str = "open",
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
) -> Iterator[Server]:
    """Run a server for the time of a `with` block; for fixtures that outlive one event loop."""
    server = Server(home, auth=auth, env=env, args=args)
    try:
        server.start_blocking()
        yield server
    except BaseException:
        print(server._report("was in use when the test failed"))  # noqa: T201 - pytest shows it
        raise
    finally:
        if server.alive:
            server.kill()


@asynccontextmanager
async def running_server(
    home: Path,
    *,
    auth: str = "open",
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
) -> AsyncIterator[Server]:
    """Run a server for the time of an `async with` block, on free loopback ports.

    It is killed at the end; a test that wants to see it stop in good order calls `terminate`.
    """
    server = Server(home, auth=auth, env=env, args=args)
    try:
        await server.start()
        yield server
    except BaseException:
        print(server._report("was in use when the test failed"))  # noqa: T201 - pytest shows it
        raise
    finally:
        if server.alive:
            server.kill()
