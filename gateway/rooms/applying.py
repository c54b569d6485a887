"""Scanning and applying updates in slices, with other work in between.

All rooms of a node share one line: a slice is taken, then the event loop comes round once, then the
next in line takes one. So many rooms with large updates stall nobody longer than one of them does.

Applying large updates is paid for out of two budgets of processor time, the sender's and the
room's. Who has used up either goes on at the pace at which it fills again: an update made to cost
seconds costs others a part of the processor, never all of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Hashable, Iterable
from typing import Final, TypeVar

from collab.limits import (
    APPLY_BURST_MS,
    APPLY_ROOM_MS_PER_S,
    APPLY_SENDER_MS_PER_S,
    SLICE_BRANCHES,
    SLICE_TURN_MS,
)
from collab.protocol.update_scan import ScannedUpdate, UpdateScan, scan_update
from collab.room.doc import RoomDoc

INLINE_BYTES_MAX: Final = 16 * 1024  # larger updates are scanned and applied in slices
_SCAN_STRUCTS: Final = 256  # looked at between two looks at the clock
_FORGET_ABOVE: Final = 1000
_T = TypeVar("_T")


def is_small(update: bytes, scanned: ScannedUpdate) -> bool:
    """Whether applying an update takes no longer than others can wait."""
    return len(update) <= INLINE_BYTES_MAX and scanned.branches <= SLICE_BRANCHES


class Budget:
    """Processor time that flows in at a rate; what is overdrawn has to be waited for.

    Args:
        per_s: milliseconds that flow in each second.
        burst_ms: how many it holds, and holds at first.
        now_s: the caller's monotonic clock.
    """

    __slots__ = ("_at_s", "_burst_ms", "_level_ms", "_per_s")

    def __init__(self, per_s: float, burst_ms: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst_ms = burst_ms
        self._level_ms = burst_ms
        self._at_s = now_s

    def spend(self, cost_ms: float, now_s: float) -> float:
        """Take what was used out; returns the seconds until nothing is overdrawn."""
        flowed_ms = (now_s - self._at_s) * self._per_s
        self._level_ms = min(self._burst_ms, self._level_ms + flowed_ms) - cost_ms
        self._at_s = now_s
        return max(0.0, -self._level_ms / self._per_s)

    def is_full(self, now_s: float) -> bool:
        """Whether it can be forgotten."""
        return self._level_ms + (now_s - self._at_s) * self._per_s >= self._burst_ms


class Slices:
    """The line in which all sliced work of a node waits, and the budgets it is paid from.

    Args:
        burst_ms: what each budget holds.
    """

    def __init__(self, burst_ms: float = APPLY_BURST_MS) -> None:
        self._burst_ms = burst_ms
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
            async with self._line:
                begun_s = at_s = time.perf_counter()
                while at_s - begun_s < SLICE_TURN_MS / 1000:
                    before_s = at_s
                    try:
                        steps.send(took_ms)
                    except StopIteration as done:
                        result: _T = done.value
                        return result
                    at_s = time.perf_counter()
                    took_ms = (at_s - before_s) * 1000
                # Still in line: so between any two slices the loop comes round.
                await asyncio.sleep(0)
            pause_s = self._spend(room, sender, (at_s - begun_s) * 1000)
            if pause_s:
                await asyncio.sleep(pause_s)

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
        if is_first and applied.news is update and doc.is_whole:
            doc.answers.adopt(update)

    def _spend(self, room: Hashable, sender: Hashable, cost_ms: float) -> float:
        """Have work paid for; returns for how many seconds it has to pause."""
        pause_s = 0.0
        now_s = time.monotonic()
        for key, per_s in ((room, APPLY_ROOM_MS_PER_S), (sender, APPLY_SENDER_MS_PER_S)):
            if key is None:
                continue
            budget = self._budgets.get(key)
            if budget is None:
                self._forget(now_s)
                budget = self._budgets[key] = Budget(per_s, self._burst_ms, now_s)
            pause_s = max(pause_s, budget.spend(cost_ms, now_s))
        return pause_s

    def _forget(self, now_s: float) -> None:
        if len(self._budgets) > _FORGET_ABOVE:
            kept: Iterable[tuple[Hashable, Budget]] = self._budgets.items()
            self._budgets = {key: each for key, each in kept if not each.is_full(now_s)}


def _scanning(scan: UpdateScan) -> Generator[None, float | None, None]:
    while not scan.advance(_SCAN_STRUCTS):
        yield
