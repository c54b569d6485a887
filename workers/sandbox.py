"""Limits that a worker process puts on itself before it touches content."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Pipes:
    """The two ends that requests come from and answers go to."""

    requests: BinaryIO
    answers: BinaryIO


def enter(*, memory_bytes: int) -> Pipes:
    """Limit this process for good, and take its standard streams away from everybody else.

    A library that prints would otherwise break the frames, and one that panics would print what
    it was given into the server's log.

    Args:
        memory_bytes: address space that it may have; allocating more fails.
    """
    os.setpgrp()  # an interrupt at the terminal is for the server alone
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    pipes = Pipes(
        requests=os.fdopen(os.dup(0), "rb"),
        answers=os.fdopen(os.dup(1), "wb"),
    )
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return pipes


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
