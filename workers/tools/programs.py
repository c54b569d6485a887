"""Runs other programs: they inherit this process's limits, and end with it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from pathlib import Path
from types import MappingProxyType
from typing import Final

from workers.tools.failures import Failure, Missing, OutOfMemory, TimedOut, TooLarge

PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"rsvg-convert": "librsvg2-bin", "fluidsynth": "fluidsynth", "lame": "lame"}
)
"""The Debian package of each program that is run."""

_PR_SET_PDEATHSIG: Final = 1
_SAID_BYTES_MAX: Final = 4_000
# What C, C++, GLib and Rust say when they are given no memory.
_NO_MEMORY: Final = (
    "bad_alloc",
    "memory allocation of",
    "failed to allocate",
    "cannot allocate memory",
    "out of memory",
)


def run_program(program: str, *arguments: str, folder: Path) -> None:
    """Run a program in a folder until it ends.

    Args:
        program: its name, one of `PACKAGES`.
        arguments: of it.
        folder: where it runs, and may write.

    Raises:
        Missing: it is not installed.
        TimedOut: its processor time is used up.
        TooLarge: it wrote more into a file than allowed.
        OutOfMemory: it was given no more memory.
        Failure: it failed otherwise; with what it said.
    """
    path = shutil.which(program)
    if path is None:
        raise Missing(program, f"Debian has it as {PACKAGES[program]}")
    said = folder / "said"
    with said.open("wb") as file:
        code = subprocess.run(  # noqa: S603 - a fixed program; names of files are ours
            [path, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_parent,
            check=False,
        ).returncode
    if code:
        raise failure_of(program, code, said.read_bytes()[-_SAID_BYTES_MAX:].decode("latin-1"))


def failure_of(program: str, code: int, said: str) -> Failure:
    """What a program's exit code and last words amount to.

    Args:
        program: its name.
        code: negative for a signal.
        said: what it wrote to its standard streams.
    """
    if code == -signal.SIGXCPU:
        return TimedOut(f"{program} used up its processor time")
    if code == -signal.SIGXFSZ:
        return TooLarge(f"{program} would have written too large a file")
    if has_no_memory(said):
        return OutOfMemory(f"{program} needed more memory than it may have")
    return Failure(f"{program} failed ({code}): {said}")


def has_no_memory(said: str) -> bool:
    """Whether a process complained that it was given no memory."""
    lower = said.lower()
    return any(words in lower for words in _NO_MEMORY)


def first_existing(paths: SequenceOf[Path]) -> Path | None:
    """The first path that there is."""
    return next((path for path in paths if path.exists()), None)


def _end_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:  # it died meanwhile
            os.kill(os.getpid(), signal.SIGKILL)
