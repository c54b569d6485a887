"""Processes that are measured: started on the server's core, awaited, and stopped."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.machine import Cores
from gateway.compiled.form import FORM_VARIABLE

NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of targets, which have no TLS; to read all authorities takes each of them 50 ms."""

_READY_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 20.0
_CONNECT_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.02
_LOG_TAIL_CHARS: Final = 4_000


class TargetFailed(RuntimeError):
    """The process did not start, or did not stop in good order."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
        command: the program and its arguments.
        folder: where it runs; None for here.
        environment: variables besides those of this process, of which those that steer BandPro
            are left out: a developer's shell must not steer what is measured.
        ready_path: what answers with success once it is ready; without it, listening is enough.
        stops_in_order: whether SIGTERM makes it exit with 0; some peers leave that to the system.
    """

    command: Sequence[str]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_path: str | None = None
    stops_in_order: bool = True


@contextmanager
def running(program: Program, cores: Cores, log: Path, port: int) -> Iterator[psutil.Process]:
    """Run a program that listens on a port of this machine, until the block is left.

    Args:
        program: what to run.
        cores: where.
        log: file for what it prints.
        port: where it is asked whether it is ready.

    Raises:
        TargetFailed: it did not start, ended by itself, or did not stop in good order.
    """
    # Of our own variables only the form of the core is passed on, so that both can be measured.
    env = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("BANDPRO") or name == FORM_VARIABLE
    }
    with log.open("wb") as output, cores.starting_server():
        process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=program.folder,
            env={**env, **program.environment},
            process_group=0,  # in the same session, whose priority it shares
        )
    try:
        _await_ready(process, program, port, log)
        try:
            yield psutil.Process(process.pid)
        except Exception as error:
            error.add_note(f"what was measured said:\n{_tail(log)}")
            raise
        _stop(process, program, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address on which nobody listens just now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _stop(process: subprocess.Popen[bytes], program: Program, log: Path) -> None:
    if process.poll() is not None:
        raise TargetFailed(f"it ended by itself with {process.returncode}\n{_tail(log)}")
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired as error:
        if not program.stops_in_order:
            return  # it is killed
        raise TargetFailed(f"it did not stop in {_STOP_WITHIN_S:g} s\n{_tail(log)}") from error
    if status and program.stops_in_order:
        raise TargetFailed(f"it stopped with {status}\n{_tail(log)}")


def _await_ready(process: subprocess.Popen[bytes], program: Program, port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            _ask(port, program.ready_path)
            return
        except (OSError, httpx.HTTPError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise TargetFailed(f"it does not serve\n{_tail(log)}") from error
        time.sleep(_POLL_S)


def _ask(port: int, path: str | None) -> None:
    if path is None:
        socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_WITHIN_S).close()
        return
    answer = httpx.get(
        f"http://127.0.0.1:{port}{path}", timeout=_CONNECT_WITHIN_S, verify=NO_CERTIFICATES
    )
    answer.raise_for_status()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_TAIL_CHARS:] or "nothing"
