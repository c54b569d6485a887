"""Which states of a room a chain of backups can give back, and how.

A *run* is a line whose log begins anew (a snapshot at its base, or the first row) with the lines
that go on from it. Within a run every sequence from its base to its last head can be reached.
Between two runs lie rows that compaction had deleted before a backup could take them. Rows carry
the second in which they were stored, so that a time is the last sequence that was stored up to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collab.errors import ArchiveUnreadable, PointUnreachable
from collab.ids import NO_SEQUENCE, Sequence, UnixSeconds
from collab.ports import LogRow
from persistence.backup.catalogue import RoomLine
from persistence.backup.entries import EntryType, decode_row
from persistence.backup.reader import Archive

Lines = list[tuple[Archive, RoomLine]]


@dataclass(frozen=True, slots=True)
class Goal:
    """Which state is wanted; the newest one when neither is given.

    Attributes:
        sequence: with all updates up to and with this one.
        at: as it was at the end of this second.
    """

    sequence: Sequence | None = None
    at: UnixSeconds | None = None

    @property
    def is_newest(self) -> bool:
        """Whether the newest state is wanted."""
        return self.sequence is None and self.at is None


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that follow one another without a gap.

    Attributes:
        lines: the first one has the base.
        through: rows after this one are left out.
    """

    lines: Lines = field(repr=False)
    through: Sequence

    @property
    def base(self) -> Sequence:
        """The sequence that the rows follow; a snapshot holds what is before."""
        return self.lines[0][1].base or NO_SEQUENCE

    async def snapshot(self) -> bytes:
        """The snapshot at the base; empty when there is none."""
        archive, line = self.lines[0]
        parts = [
            entry.payload
            async for entry in archive.entries(line)
            if entry.kind is EntryType.SNAPSHOT_PART
        ]
        return b"".join(parts)

    async def rows(self) -> AsyncIterator[LogRow]:
        """The rows after the base, in order, up to `through`.

        Raises:
            ArchiveUnreadable: a chunk is damaged or gone, or a row is missing that was not lost.
        """
        expected = Sequence(self.base + 1)
        for archive, line in self.lines:
            lost = frozenset(line.lost)
            async for row in rows_of(archive, line):
                while expected in lost:
                    expected = Sequence(expected + 1)
                if row.sequence > self.through:
                    return
                if row.sequence != expected:
                    raise ArchiveUnreadable(
                        f"the backup {archive.manifest.backup_id} lacks row {expected} of a room"
                    )
                yield row
                expected = Sequence(expected + 1)

    @property
    def lost(self) -> frozenset[Sequence]:
        """Sequences that the store had lost when it was backed up."""
        return frozenset(lost for _, line in self.lines for lost in line.lost)


async def rows_of(archive: Archive, line: RoomLine) -> AsyncIterator[LogRow]:
    """The rows that one backup holds of a room."""
    before = b""
    async for entry in archive.entries(line):
        if entry.kind is EntryType.ROW_PART:
            before += entry.payload
        elif entry.kind is EntryType.ROW:
            yield decode_row(entry.payload, before)
            before = b""


async def find_run(history: Lines, goal: Goal) -> Run | None:
    """How to get to a state of a room.

    Args:
        history: the room's lines, from the oldest backup on.
        goal: the state.

    Returns:
        None when the room was not there yet.

    Raises:
        PointUnreachable: the backups do not hold that state; says which ones they do.
        ArchiveUnreadable: a chunk is damaged or gone.
    """
    runs = runs_of(history)
    if goal.sequence is not None:
        for lines in reversed(runs):
            if (lines[0][1].base or NO_SEQUENCE) <= goal.sequence <= lines[-1][1].head:
                return Run(lines, goal.sequence)
        raise PointUnreachable(f"sequence {goal.sequence} cannot be reached: {_reach(runs)}")
    if goal.at is not None:
        return await _run_at(runs, goal.at)
    return Run(runs[-1], runs[-1][-1][1].head)


def runs_of(history: Lines) -> list[Lines]:
    """Runs of the newest epoch; what an erasure removed is not given back."""
    epoch = history[-1][1].epoch
    runs: list[Lines] = []
    for archive, line in history:
        if line.epoch != epoch:
            continue
        if line.base is not None:
            runs.append([(archive, line)])
        elif runs:
            runs[-1].append((archive, line))
    if not runs:
        raise ArchiveUnreadable("the chain does not hold the beginning of a room")
    return runs


async def _run_at(runs: list[Lines], at: UnixSeconds) -> Run | None:
    for lines in reversed(runs):
        run = Run(lines, lines[-1][1].head)
        last = run.base
        last_at = UnixSeconds(0)  # rows of older stores bear no time
        ends_run = True
        async for row in run.rows():
            if row.stored_at > at:
                ends_run = False
                break
            last, last_at = row.sequence, row.stored_at
        if last_at:
            if not ends_run or at <= lines[-1][1].captured_at or lines is runs[-1]:
                return Run(lines, last)
            raise PointUnreachable(
                f"{_shown(at)} lies where no row was kept, after sequence {last}: {_reach(runs)}"
            )
        if last == NO_SEQUENCE:
            return None
    raise PointUnreachable(f"{_shown(at)} lies before all that was kept: {_reach(runs)}")


def _reach(runs: list[Lines]) -> str:
    spans = ", ".join(f"{lines[0][1].base or 0} to {lines[-1][1].head}" for lines in runs)
    return f"the backups hold sequences {spans}"


def _shown(at: UnixSeconds) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
