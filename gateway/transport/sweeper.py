"""Looks after all connections of a node once in a while: one task, not one for each of them."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

_log = structlog.stdlib.get_logger(__name__)
PERIOD_S: Final = 1.0
SLICE_CONNECTIONS: Final = 500
"""Connections that are looked at before others get their turn: about half a millisecond."""


class Swept(Protocol):
    """What is looked after."""

    def sweep(self, now_s: float) -> None:
        """See whether anything is due, at a time on the loop's clock."""


class Sweeper:
    """The connections of one node.

    Args:
        period_s: how often each is looked at.
    """

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._connections: dict[Swept, None] = {}  # in the order in which they came

    def add(self, connection: Swept) -> None:
        """Look after a connection from now on."""
        self._connections[connection] = None

    def remove(self, connection: Swept) -> None:
        """It is gone."""
        self._connections.pop(connection, None)

    async def run(self) -> None:
        """Look after them until cancelled."""
        while True:
            await asyncio.sleep(self._period_s)
            await self.sweep()

    async def sweep(self) -> None:
        """Look at each connection once."""
        now_s = asyncio.get_running_loop().time()
        connections = list(self._connections)
        for begin in range(0, len(connections), SLICE_CONNECTIONS):
            for connection in connections[begin : begin + SLICE_CONNECTIONS]:
                try:
                    connection.sweep(now_s)
                except Exception:  # noqa: BLE001 - the others' heartbeats go on
                    _log.exception("connection.sweep_failed")
            await asyncio.sleep(0)
