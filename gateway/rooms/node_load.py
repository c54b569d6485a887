"""How busy this node is, for work that can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from collab.limits import MIB

LAG_MS_MAX: Final = 50
"""A timer that runs later than this says that the event loop has no time to spare."""

UNSAVED_BYTES_MAX: Final = 2 * MIB
"""More than this waiting for its commit, in all rooms, says the same of the store."""

LOOK_AGAIN_S: Final = 0.5
PATIENCE_S: Final = 120.0
"""Then it goes on all the same: a node that is always busy must not let its logs grow for ever."""


class NodeLoad:
    """What is known of the load.

    Args:
        unsaved_bytes: of all rooms' updates that wait for their commit.

    Attributes:
        lag_ms: how late the event loop ran its last timer.
        waiting: how much work waits for calm.
    """

    def __init__(self, unsaved_bytes: Callable[[], int]) -> None:
        self.lag_ms = 0.0
        self.waiting = 0
        self._unsaved_bytes = unsaved_bytes

    def lagged(self, lag_s: float) -> None:
        """The event loop ran a timer so late."""
        self.lag_ms = lag_s * 1000

    @property
    def is_high(self) -> bool:
        """Whether work that can wait should wait."""
        return self.lag_ms > LAG_MS_MAX or self._unsaved_bytes() > UNSAVED_BYTES_MAX

    async def calm(self) -> None:
        """Wait until the node is not busy, or for as long as can be waited."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        self.waiting += 1
        try:
            while self.is_high and loop.time() < until_s:  # noqa: ASYNC110 - nobody announces calm
                await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            self.waiting -= 1
