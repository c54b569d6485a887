"""What a read of a room's log amounts to, whichever store it was read from."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import Final

from collab.errors import StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, Sequence
from collab.ports import LogRow, LogTail

MISSING_ROWS_MAX: Final = 10_000
"""More than this is no longer a damaged row but a damaged head."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one read saw: the answer if nothing is wrong, and the sequences that are."""

    tail: LogTail
    damaged: tuple[Sequence, ...] = ()


NO_LOG: Final = Found(LogTail((), NO_SEQUENCE, FIRST_EPOCH))
"""What is found where nothing was ever appended."""


@dataclass(frozen=True, slots=True)
class Range:
    """The part of a log that was read.

    Attributes:
        after: rows beyond this sequence, trimmed ones left out.
        head: up to and with this one.
        epoch: the log's.
    """

    after: Sequence
    head: Sequence
    epoch: Epoch


def found_in(
    part: Range,
    rows: SequenceOf[LogRow],
    damaged: SequenceOf[Sequence],
    quarantined: SequenceOf[Sequence],
) -> Found:
    """Put together what was read, and find the sequences that no row was read for.

    Args:
        part: which part was read.
        rows: those whose checksums hold, in order.
        damaged: sequences of those whose do not.
        quarantined: sequences whose rows were moved aside earlier.

    Raises:
        StoreUnavailable: so many are missing that the log itself is damaged.
    """
    tail = LogTail(tuple(rows), part.head, part.epoch, tuple(quarantined))
    if len(rows) == part.head - part.after and not damaged and not quarantined:
        return Found(tail)
    known = {row.sequence for row in rows} | set(quarantined)
    missing = max(0, part.head - part.after) - len(known | set(damaged))
    if missing > MISSING_ROWS_MAX:
        raise StoreUnavailable(f"{missing} rows of a log are missing: restore a backup")
    if missing:
        every = map(Sequence, range(part.after + 1, part.head + 1))
        damaged = [sequence for sequence in every if sequence not in known]
    return Found(tail, tuple(damaged))
