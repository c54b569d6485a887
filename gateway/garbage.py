"""When Python looks for cyclic garbage: little and often among what is new, hardly ever among all.

CPython's collector walks everything that lives as soon as enough has been added to it. On a node
with many rooms that is a quarter of a second in which nobody is served, and a member of one room
can bring it about by an update of a hundred thousand clients. Nearly all that dies here is freed by
its reference count, so the automatic collector is switched off, and instead:

=================================  ===============================================================
each second                        what is new is searched, then put out of the collector's sight
a second with very much that is    not searched, only put out of sight: it lives, most likely
new
nobody is connected, or much more  all that lives is searched
lives than after the last such
search
=================================  ===============================================================

What is out of sight is still freed by its reference count; only its cycles wait for a full search.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Final

import structlog

_log = structlog.stdlib.get_logger(__name__)
PERIOD_S: Final = 1.0
YOUNG_OBJECTS_MAX: Final = 20_000  # searched in one go, in about 3 ms
FULL_AFTER_BLOCKS: Final = 2_000_000  # some 200 MB more than after the last search of all
_FULL_PAUSE_S: Final = 60.0


class GarbageWatch:
    """Decides once a second what to search.

    Args:
        is_quiet: whether nobody would notice a pause.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, is_quiet: Callable[[], bool], now: Callable[[], float]) -> None:
        self._is_quiet = is_quiet
        self._now = now
        self._added = 0
        self._blocks = sys.getallocatedblocks()
        self._full_at_s = now()

    def tick(self) -> None:
        """Search, or put off."""
        # Not gc.get_count(): that subtracts what has died, whenever it was born.
        young = len(gc.get_objects(generation=0))
        self._added += young
        if self._wants_full():
            self._search_all()
        elif young <= YOUNG_OBJECTS_MAX:
            gc.collect(1)
        gc.freeze()

    def _wants_full(self) -> bool:
        if self._now() - self._full_at_s < _FULL_PAUSE_S:
            return False
        # What was added and has died since by its reference count is nothing to search for.
        if sys.getallocatedblocks() - self._blocks >= FULL_AFTER_BLOCKS:
            return True
        return self._added > YOUNG_OBJECTS_MAX and self._is_quiet()

    def _search_all(self) -> None:
        begun_s = time.perf_counter()
        gc.unfreeze()
        found = gc.collect()
        self._added = 0
        self._blocks = sys.getallocatedblocks()
        self._full_at_s = self._now()
        took_ms = round((time.perf_counter() - begun_s) * 1000, 1)
        _log.info("garbage.searched", found=found, took_ms=took_ms)


async def watch_garbage(is_quiet: Callable[[], bool]) -> None:
    """Take the collector's place until cancelled; it is switched on again at the end."""
    watch = GarbageWatch(is_quiet, time.monotonic)
    gc.disable()
    try:
        # Modules, settings and routes live as long as the process.
        gc.collect()
        gc.freeze()
        while True:
            await asyncio.sleep(PERIOD_S)
            watch.tick()
    finally:
        gc.unfreeze()
        gc.enable()
