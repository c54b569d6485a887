"""Turns of once-only work as the simulation sees them: by the token of the lease, and by the store.

Calls that are made in the time of a turn carry its token to the store, where `Oracle.named` looks
at it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from collab.cluster.leases import Lease
from collab.errors import LeaseLost
from collab.ids import RoomKey
from gateway.cluster.turns import Turns, _HeldTurn
from tests.simulation.oracle import Oracle
from tests.simulation.store import TURN


class WatchedTurns:
    """The ``OnceOnly`` of a node.

    Args:
        turns: what it is without being watched.
        oracle: told of work that goes on for too long.
        count: told of work that is given up.
    """

    def __init__(self, turns: Turns, oracle: Oracle, count: Callable[[str], None]) -> None:
        self._turns = turns
        self._oracle = oracle
        self._count = count

    def patience_s(self, room: RoomKey) -> float:
        """See `OnceOnly`."""
        return self._turns.patience_s(room)

    @asynccontextmanager
    async def turn(self, room: RoomKey) -> AsyncIterator[_WatchedTurn]:
        """See `OnceOnly`."""
        async with self._turns.turn(room) as held:
            assert isinstance(held, _HeldTurn)
            before = TURN.set(held._lease.token)
            try:
                yield _WatchedTurn(held, held._lease, self._oracle, self._count)
            finally:
                TURN.reset(before)


class _WatchedTurn:
    """A turn, of which the store knows when it is over."""

    def __init__(
        self, held: _HeldTurn, lease: Lease, oracle: Oracle, count: Callable[[str], None]
    ) -> None:
        self._held = held
        self._lease = lease
        self._oracle = oracle
        self._count = count

    def check(self) -> None:
        """See `Turn`."""
        try:
            self._held.check()
        except LeaseLost:
            self._count("turns given up")
            raise
        self._oracle.goes_on(self._lease)
