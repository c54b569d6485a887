"""Scanning and applying updates in slices, with other work in between.

All rooms of a node share one line: a slice is taken, then the event loop comes round once, then the
next in line takes one. So many rooms with large updates stall nobody longer than one of them does.

Applying large updates is paid for out of two budgets of processor time, the sender's and the
room's. Who has used up either goes on at the pace at which it fills again: an update made to cost
seconds costs others a part of the processor, never all of it. Whoever has been held back for long
without ever letting its budget fill is refused further large updates; what has begun goes to its
end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Hashable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from collab.errors import LimitExceeded
from collab.limits import (
    APPLY_BURST_MS,
    APPLY_HELD_MS_MAX,
    APPLY_ROOM_MS_PER_S,
    APPLY_SENDER_MS_PER_S,
    SLICE_BRANCHES,
    SLICE_TURN_MS,
)
from collab.protocol.update_scan import ScannedUpdate, UpdateScan, scan_update
from collab.room.doc import RoomDoc
from gateway.transport.rates import TokenBucket

INLINE_BYTES_MAX: Final = 16 * 1024  # larger updates are scanned and applied in slices
_SCAN_STRUCTS: Final = 256  # looked at between two looks at the clock
_FORGET_ABOVE: Final = 1000
_T = TypeVar("_T")


def is_small(update: bytes, scanned: ScannedUpdate) -> bool:
    """Whether applying an update takes no longer than others can wait."""
    return len(update) <= INLINE_BYTES_MAX and scanned.branches <= SLICE_BRANCHES


@dataclass(frozen=True, slots=True)
class ApplyLimits:
    """What large updates may cost; processor time in milliseconds.

    Attributes:
        burst_ms: what a sender, and a room, may use at once.
        sender_ms_per_s: what a sender may use in each second beyond that.
        room_ms_per_s: the same for a room.
        held_ms_max: how long a sender may be held back in all before its budget is full again.
    """

    burst_ms: int = APPLY_BURST_MS
    sender_ms_per_s: int = APPLY_SENDER_MS_PER_S
    room_ms_per_s: int = APPLY_ROOM_MS_PER_S
    held_ms_max: int = APPLY_HELD_MS_MAX


class Budget:
    """Processor time that flows in at a rate; what is overdrawn has to be waited for.

    Args:
        per_s: milliseconds that flow in each second.
        burst_ms: how many it holds, and holds at first.
        now_s: the caller's monotonic clock.

    Attributes:
        held_s: the seconds waited for since it was last full.
    """

    __slots__ = ("_bucket", "held_s")

    def __init__(self, per_s: float, burst_ms: float, now_s: float) -> None:
        self._bucket = TokenBucket.full(per_s, burst_ms, now_s)
        self.held_s = 0.0

    def charge(self, cost_ms: float, now_s: float) -> None:
        """Take out what was used."""
        self._fill(now_s)
        self._bucket.level -= cost_ms

    def hold(self, now_s: float) -> float:
        """The seconds until nothing is overdrawn, which the caller waits for now."""
        self._fill(now_s)
        wait_s = max(0.0, -self._bucket.level / self._bucket.per_s)
        self.held_s += wait_s
        return wait_s

    def is_full(self, now_s: float) -> bool:
        """Whether it can be forgotten."""
        return self._bucket.is_full(now_s)

    def _fill(self, now_s: float) -> None:
        self._bucket.fill(now_s)
        if self._bucket.level >= self._bucket.burst:
            self.held_s = 0.0


class Slices:
    """The line in which all sliced work of a node waits, and the budgets it is paid from.

    Args:
        limits: what the budgets hold.
        now_s: a monotonic clock, in seconds.
        processor_s: a finer one, by which work is paid for.
    """

    def __init__(
        self,
        limits: ApplyLimits | None = None,
        now_s: Callable[[], float] = time.monotonic,
        processor_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._now_s = now_s
        self._processor_s = processor_s
        self._limits = limits or ApplyLimits()
        self._line = asyncio.Lock()
        self._budgets: dict[Hashable, Budget] = {}

    async def scan(self, update: bytes, *, stored: bool = False) -> ScannedUpdate:
        """Scan an update; a large one in slices.

        Raises:
            PeerError: it is refused.
        """
        if len(update) <= INLINE_BYTES_MAX:
            return scan_update(update, stored=stored)
        scan = UpdateScan(update, stored=stored)
        await self.run(_scanning(scan))
        return scan.result

    async def run(
        self,
        steps: Generator[None, float | None, _T],
        *,
        room: Hashable = None,
        sender: Hashable = None,
    ) -> _T:
        """Run work that comes in steps; it is sent how many milliseconds each step took.

        Args:
            steps: the work.
            room: whose budget pays, if any does.
            sender: the same.
        """
        took_ms: float | None = None
        while True:
            await self.hold(room=room, sender=sender)
            async with self._line:
                begun_s = at_s = self._processor_s()
                try:
                    while at_s - begun_s < SLICE_TURN_MS / 1000:
                        before_s = at_s
                        steps.send(took_ms)
                        at_s = self._processor_s()
                        took_ms = (at_s - before_s) * 1000
                except StopIteration as done:
                    result: _T = done.value
                    return result
                finally:
                    self._charge(room, sender, (self._processor_s() - begun_s) * 1000)
                # Still in line: so between any two slices the loop comes round.
                await asyncio.sleep(0)

    def check_sender(self, sender: Hashable) -> None:
        """Refuse large work of a sender that stays above its budget.

        Raises:
            LimitExceeded: it was held back for longer than is allowed, and not quiet since.
        """
        budget = self._budgets.get(sender)
        if budget is None or budget.is_full(self._now_s()):
            return
        if budget.held_s * 1000 > self._limits.held_ms_max:
            raise LimitExceeded("large updates keep coming", limit="apply_held_ms_max")

    async def apply_stored(self, doc: RoomDoc, update: bytes) -> None:
        """Apply what a store holds; what is forbidden in it by now is left out.

        Raises:
            BandProError: it cannot be applied.
        """
        scanned = await self.scan(update, stored=True)
        if is_small(update, scanned):
            doc.apply(update, scanned, stored=True)
            return
        is_first = not doc.size_bytes
        applied = await self.run(doc.apply_in_steps(update, scanned, stored=True))
        if is_first and applied.news is applied.update and doc.is_whole:
            doc.answers.adopt(applied.update)

    async def hold(self, *, room: Hashable, sender: Hashable) -> None:
        """Wait until nothing is overdrawn; :meth:`run` does so before each of its turns."""
        now_s = self._now_s()
        pause_s = max((each.hold(now_s) for each in self._payers(room, sender, now_s)), default=0.0)
        if pause_s:
            await asyncio.sleep(pause_s)

    def _charge(self, room: Hashable, sender: Hashable, cost_ms: float) -> None:
        now_s = self._now_s()
        for budget in self._payers(room, sender, now_s):
            budget.charge(cost_ms, now_s)

    def _payers(self, room: Hashable, sender: Hashable, now_s: float) -> Iterator[Budget]:
        limits = self._limits
        for key, per_s in ((room, limits.room_ms_per_s), (sender, limits.sender_ms_per_s)):
            if key is None:
                continue
            budget = self._budgets.get(key)
            if budget is None:
                self._forget(now_s)
                budget = self._budgets[key] = Budget(per_s, limits.burst_ms, now_s)
            yield budget

    def _forget(self, now_s: float) -> None:
        if len(self._budgets) > _FORGET_ABOVE:
            kept = {key: each for key, each in self._budgets.items() if not each.is_full(now_s)}
            self._budgets = kept


def _scanning(scan: UpdateScan) -> Generator[None, float | None, None]:
    while not scan.advance(_SCAN_STRUCTS):
        yield
