"""Limits that a worker process puts on itself before it touches content."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_CLONE_NEWUSER: Final = 0x1000_0000
_CLONE_NEWNET: Final = 0x4000_0000


@dataclass(frozen=True, slots=True)
class Pipes:
    """The two ends that requests come from and answers go to."""

    requests: BinaryIO
    answers: BinaryIO


def enter(*, memory_bytes: int, file_bytes: int = 0, log: Path | None = None) -> Pipes:
    """Limit this process for good, and take its standard streams away from everybody else.

    A library that prints would otherwise break the frames, and one that panics would print what
    it was given into the server's log.

    Args:
        memory_bytes: address space that it may have; allocating more fails.
        file_bytes: how large a file it may write.
        log: file for what it prints; None for nowhere.
    """
    os.setpgrp()  # an interrupt at the terminal is for the server alone
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    pipes = Pipes(
        requests=os.fdopen(os.dup(0), "rb"),
        answers=os.fdopen(os.dup(1), "wb"),
    )
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    if log is not None:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    return pipes


def leave_network() -> bool:
    """Put this process, and all that it starts, where there is no network; only on Linux.

    Call it before any thread is started. Some containers forbid it.

    Returns:
        Whether it is done.
    """
    if sys.platform != "linux":
        return False
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    # Root may do so as it is; others get a user namespace, in which they are root, along with it.
    return any(unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def allow_cpu(seconds: int) -> None:
    """Give the work that follows its processor time; SIGXCPU ends the process when it is used up.

    The limit counts from the start of the process, so it is moved ahead before each request.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_s = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = used_s + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def _limit(kind: int, amount: int) -> None:
    """Lower a limit for good; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        amount = min(amount, hard)
    resource.setrlimit(kind, (amount, amount))


if __name__ == "__main__":  # a trial, for whoever wants to know
    sys.exit(not leave_network())
