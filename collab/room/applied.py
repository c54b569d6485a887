"""What becomes of updates that are given to a document."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

Steps = Generator[None, float | None, "Applied"]
"""Work in steps: send it, after each, how many milliseconds the step took."""

Part = Generator[None, float | None, None]
"""Some of that work."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying an update did.

    Attributes:
        update: the update as it was taken, to be stored: what :class:`ShapeCheck` made of it.
        news: what to send to the others, or None when nothing new was integrated.
        rewind: the clocks, before, of the clients that moved.
        incomplete: the update, or part of it, waits for others that it depends on.
        released: what waited and was integrated thanks to this update: its sender lacks that too.
    """

    update: bytes
    news: bytes | None
    rewind: dict[int, int]
    incomplete: bool
    released: bytes | None = None


@dataclass(slots=True)
class Progress:
    """What has become of one update so far.

    Attributes:
        before: the clocks before it.
        reached: where each of its own blocks ends.
        whole: whether all of it is integrated.
        waits: whether some of it waits.
        deleted: whether anything was deleted.
        released_deletes: whether deletes that waited were among that.
    """

    before: Mapping[int, int]
    reached: Mapping[int, int]
    whole: bool = False
    waits: bool = False
    deleted: bool = False
    released_deletes: bool = False


def finish(steps: Steps) -> Applied:
    """Do work in steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            outcome: Applied = done.value
            return outcome
