"""How a tool fails, as the tool process tells it to the other side."""

from __future__ import annotations

from typing import ClassVar, Final

from persistence.worker_frames import Status

MESSAGE_CHARS_MAX: Final = 400


class Failure(Exception):
    """A tool did not do it; the message is for the person who asked.

    Args:
        message: what happened; cut when it is long.
    """

    status: ClassVar[Status] = Status.TOOL_FAILED

    def __init__(self, message: str) -> None:
        super().__init__(cut(message))


class TimedOut(Failure):
    """Its processor time is used up."""

    status = Status.TIMED_OUT


class OutOfMemory(Failure):
    """It needed more memory than it may have."""

    status = Status.OUT_OF_MEMORY


class TooLarge(Failure):
    """What it read or would have written is too large."""

    status = Status.TOO_LARGE


class Missing(Failure):
    """It is not installed.

    Args:
        what: the program or library.
        advice: what to install.
    """

    status = Status.TOOL_MISSING

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what} is not installed: {advice}")


def cut(message: str) -> str:
    """A message in one line, and of bounded length."""
    line = " ".join(message.split())
    return line if len(line) <= MESSAGE_CHARS_MAX else line[: MESSAGE_CHARS_MAX - 1] + "…"
