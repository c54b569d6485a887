"""The same as ``lines.c``, in Python."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet


class Line:
    """The way to one socket.

    Args:
        fd: its descriptor; -1 where it may not be written to directly.

    Attributes:
        ready: whether it may be: nothing waits to be written there. Its owner keeps that.
        bytes_out: how much was written, whoever wrote it.
    """

    __slots__ = ("bytes_out", "fd", "ready")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.ready = False
        self.bytes_out = 0


def send_all(
    lines: list[Line], data: bytes, but: AbstractSet[Line]
) -> tuple[int, list[tuple[int, int]]]:
    """Write bytes to all lines but some, without waiting for anybody.

    Args:
        lines: in order; those that are not ready are left over.
        data: for each of them.
        but: lines that are passed over.

    Returns:
        How many took all; and of each of the others its place in `lines` and how many bytes it
        took. Those are not ready any more.
    """
    sent = 0
    left: list[tuple[int, int]] = []
    for at, line in enumerate(lines):
        if line in but:
            continue
        taken = _taken_of(line.fd, data) if line.ready else 0
        line.bytes_out += taken
        if taken == len(data):
            sent += 1
        else:
            line.ready = False
            left.append((at, taken))
    return sent, left


def _taken_of(fd: int, data: bytes) -> int:
    """What the system takes at once: nothing also where it refuses, for whatever reason."""
    try:
        return os.write(fd, data)
    except OSError:
        return 0
