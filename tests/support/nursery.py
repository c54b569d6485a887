"""Starts `bandpro` by forking a process that has its modules already.

A `bandpro` of its own costs over a second of processor time before it does anything, nearly all of
it for imports, and the tests start hundreds. So each process of the tests keeps one nursery: a
Python that has imported the program and waits. For each command it forks twice: a keeper, which
only waits for the other, and the command, which runs :func:`gateway.cli.main` to its end as it
would in a process of its own. The keeper tells the command's process id and, at last, its exit
status.

What decides before or while modules are imported cannot be told to a process that has them: see
:func:`takes`. Tests of just that, and of the command's script, start a process of their own.

Run as a program, with the descriptor of a socket, this is the nursery itself.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_NUMBER: Final = struct.Struct("=i")
_REQUEST_BYTES_MAX: Final = 1 << 17
_STANDARD: Final = (0, 1, 2)
_PACKAGES: Final = ("collab", "persistence", "gateway")
_NOT_NEEDED: Final = "gateway.compiled."  # what compiles; a part of it runs when it is imported
_READ_ONCE: Final = ("PYTHON", "LD_", "LC_", "LANG", "TERM", "FORCE_COLOR", "BANDPRO_COMPILED")
"""Beginnings of the names of variables that matter while a program starts."""

_ours: Final[dict[int, socket.socket]] = {}  # by process: a fork of the tests is not their owner
_opening: Final = threading.Lock()


class Running:
    """A command that the nursery started.

    Attributes:
        pid: its process id.
        returncode: None while it runs; minus a signal's number when that ended it.
    """

    def __init__(self, pid: int, keeper: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._keeper = keeper

    def poll(self) -> int | None:
        """The exit status if it has ended."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within so many seconds.
        """
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"bandpro ({self.pid})", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended since that look
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and _tells(self._keeper, timeout):
            self.returncode = _number_from(self._keeper)
            os.close(self._keeper)
        return self.returncode


def takes(environment: Mapping[str, str], fresh: Mapping[str, str]) -> bool:
    """Whether a command can be forked.

    Args:
        environment: its variables.
        fresh: those of the nursery. What is read once, at the start, has to be the same.
    """
    return sys.platform.startswith("linux") and all(
        environment.get(name) == fresh.get(name)
        for name in {*environment, *fresh}
        if name.startswith(_READ_ONCE)
    )


def start(
    args: list[str],
    *,
    env: Mapping[str, str],
    fresh: Mapping[str, str],
    cwd: Path | None = None,
    stdio: tuple[int, int, int],
) -> Running:
    """Start a command in a session of its own.

    Args:
        args: the command and its arguments.
        env: its variables, all of them.
        fresh: those of the nursery, if it has to be started first.
        cwd: where it runs; here unless given.
        stdio: descriptors of its standard input, output and error.

    Raises:
        ChildProcessError: the nursery is gone.
    """
    request = json.dumps({"args": args, "cwd": str(cwd or Path.cwd()), "env": dict(env)}).encode()
    assert len(request) <= _REQUEST_BYTES_MAX, "these variables are too many for the nursery"
    keeper, tells = os.pipe()
    try:
        try:
            socket.send_fds(_nursery(fresh), [request], [*stdio, tells])
        finally:
            os.close(tells)
        return Running(_number_from(keeper), keeper)
    except BaseException:
        os.close(keeper)
        raise


def _tells(pipe: int, timeout: float | None) -> bool:
    """Whether something can be read, within so many seconds; the number may be above 1024."""
    looks = select.poll()
    looks.register(pipe, select.POLLIN)
    return bool(looks.poll(None if timeout is None else timeout * 1000))


def _number_from(pipe: int) -> int:
    told = os.read(pipe, _NUMBER.size)
    if len(told) < _NUMBER.size:
        raise ChildProcessError("the nursery is gone; what it wrote says why")
    number: int = _NUMBER.unpack(told)[0]
    return number


def _nursery(fresh: Mapping[str, str]) -> socket.socket:
    """The way to the nursery of this process, which ends when that does."""
    with _opening:
        return _ours.get(os.getpid()) or _new_nursery(fresh)


def _new_nursery(fresh: Mapping[str, str]) -> socket.socket:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery", str(its.fileno())],
            cwd=Path(__file__).parents[2],
            env=fresh,
            stdin=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            start_new_session=True,
        )
    _ours[os.getpid()] = ours
    atexit.register(_end, os.getpid(), process)
    return ours


def _end(owner: int, process: subprocess.Popen[bytes]) -> None:
    if os.getpid() == owner:
        with _ours.pop(owner) as ours:
            ours.shutdown(socket.SHUT_RDWR)  # its other copies, in forks of the tests, end as well
        process.wait()


# The nursery --------------------------------------------------------------------------------------


def _serve(asks: socket.socket) -> list[str]:
    """Fork a command for each request; returns, with its arguments, in the command's process."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers leave nothing behind
    while True:
        request, given, _, _ = socket.recv_fds(asks, _REQUEST_BYTES_MAX, 4)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            asks.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _keep(json.loads(request), given)
        for each in given:
            os.close(each)


def _keep(request: dict[str, object], given: list[int]) -> list[str]:
    """Fork the command and wait for its end; returns in the command's process."""
    os.setsid()
    *stdio, tells = given
    pid = os.fork()
    if pid:
        for each in stdio:
            os.close(each)
        os.write(tells, _NUMBER.pack(pid))
        _, status = os.waitpid(pid, 0)
        os.write(tells, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    os.setsid()
    os.close(tells)
    for number, each in zip(_STANDARD, stdio, strict=True):
        os.dup2(each, number)
        os.close(each)
    cwd, env, args = request["cwd"], request["env"], request["args"]
    assert isinstance(cwd, str)
    assert isinstance(env, dict)
    assert isinstance(args, list)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    return args


def _import_all() -> None:
    """Bring in what commands need, in the form that the environment asks for."""
    from gateway.compiled.form import choose  # noqa: PLC0415 - the form comes before the core

    choose(os.environ)
    for package in _PACKAGES:
        for module in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        ):
            if not module.name.startswith(_NOT_NEEDED):
                importlib.import_module(module.name)
    # What was made so far never becomes garbage, and a look at it would copy its memory.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_all()
    sys.argv = _serve(socket.socket(fileno=int(sys.argv[1])))
    from gateway.cli import main

    main()
