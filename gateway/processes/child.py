"""One worker as its supervisor sees it: a process, and another one when that has ended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from gateway.processes.leash import QUIET, READY
from gateway.processes.port import Port

_MODULE: Final = "gateway.processes.worker"


class Worker:
    """One of the workers.

    Args:
        number: which one, from 0.
        variables: the environment of its processes.
        port: that all workers serve.
        admin_listener: one on a port of its own, or None.

    Attributes:
        was_ready: set once any of its processes was ready.
        is_ready: whether its process serves.
    """

    def __init__(
        self,
        number: int,
        variables: Mapping[str, str],
        port: Port,
        admin_listener: socket.socket | None,
    ) -> None:
        self.number = number
        self.was_ready = asyncio.Event()
        self.is_ready = False
        self._variables = dict(variables)
        self._port = port
        self._admin_listener = admin_listener
        self._process: asyncio.subprocess.Process | None = None
        self._leash: socket.socket | None = None

    @property
    def admin_port(self) -> int | None:
        """Where it tells of itself, on loopback."""
        listener = self._admin_listener
        return None if listener is None else int(listener.getsockname()[1])

    async def live(self) -> int:
        """Run a process to its end.

        Returns:
            Its exit code; minus a signal's number when that ended it.
        """
        self._leash, its = socket.socketpair()
        self._leash.setblocking(False)  # noqa: FBT003 - positional only
        with self._leash:
            with its, self._port.opened() as listener:
                self._process = process = await self._begin(its, listener)
            with contextlib.suppress(OSError):
                self.is_ready = await asyncio.get_running_loop().sock_recv(self._leash, 1) == READY
            if self.is_ready:
                self.was_ready.set()
            try:
                return await process.wait()
            finally:
                self.is_ready = False
                self._process = self._leash = None

    async def _begin(
        self, its: socket.socket, listener: socket.socket
    ) -> asyncio.subprocess.Process:
        given = (its, listener, self._admin_listener)
        descriptors = [each.fileno() for each in given if each is not None]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            *map(str, descriptors),
            env=self._variables,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            # Ctrl+C in a terminal reaches the supervisor alone, which ends all in good order.
            process_group=0,
        )

    def quiet(self) -> None:
        """Let it take no more connections."""
        if self._leash is not None:
            with contextlib.suppress(OSError):
                self._leash.send(QUIET)

    def stop(self) -> None:
        """Let it end in good order, as soon as it can be told."""
        if self._leash is not None:
            with contextlib.suppress(OSError):
                self._leash.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
