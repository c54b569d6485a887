"""Whose turn it is among many nodes: the room's home first, the others only when it does nothing.

The home does what is due at once. It may not have the room open, so it may not know that something
is due; the next nodes in order, where they have it open, then do it in its place after a while.
Whoever does it holds the room's lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from collab.cluster.leases import Lease, LeaseName, Leases
from collab.errors import BandProError, LeaseHeld, LeaseLost
from collab.ids import RoomKey
from collab.limits import LEASE_MS, MEMBER_BEAT_MS
from gateway.cluster.membership import Membership
from gateway.observe.metrics import Metrics
from gateway.rooms.once_only import Turn

_log = structlog.stdlib.get_logger(__name__)
PATIENCE_S: Final = 15.0
"""How long each node waits for the one before it in order; beyond what a takeover needs."""

RANK_MAX: Final = 3
"""Of many nodes, all but the first few wait alike; the lease parts them."""


class Turns:
    """The ``OnceOnly`` of a node among others.

    Args:
        membership: tells who is home.
        leases: part the nodes.
        metrics: what is counted.
    """

    def __init__(self, membership: Membership, leases: Leases, metrics: Metrics) -> None:
        self._membership = membership
        self._leases = leases
        self._metrics = metrics

    def patience_s(self, room: RoomKey) -> float:
        """See `OnceOnly`."""
        membership = self._membership
        order = membership.members.order(room)
        if membership.sender.node not in order or not membership.is_member:
            return math.inf
        return PATIENCE_S * min(order.index(membership.sender.node), RANK_MAX)

    @asynccontextmanager
    async def turn(self, room: RoomKey) -> AsyncIterator[Turn]:
        """See `OnceOnly`."""
        asked_s = asyncio.get_running_loop().time()
        name = LeaseName(f"room/{room}")
        lease = await self._leases.acquire(name, self._membership.holder, ttl_ms=LEASE_MS)
        self._metrics.leases.labels(outcome="held" if lease is None else "taken").inc()
        if lease is None:
            raise LeaseHeld("another node does this work")
        held = _HeldTurn(self._leases, lease, asked_s, self._metrics)
        renewing = asyncio.create_task(held.keep())
        try:
            yield held
        finally:
            renewing.cancel()
            with contextlib.suppress(BandProError):  # then it ends by itself
                await self._leases.release(lease)


class _HeldTurn:
    """A turn for as long as its lease is renewed."""

    def __init__(self, leases: Leases, lease: Lease, asked_s: float, metrics: Metrics) -> None:
        self._leases = leases
        self._lease = lease
        self._ends_at_s = asked_s + LEASE_MS / 1000
        self._metrics = metrics

    def check(self) -> None:
        """See `Turn`."""
        if asyncio.get_running_loop().time() >= self._ends_at_s:
            self._metrics.leases.labels(outcome="lost").inc()
            raise LeaseLost("the lease on this work ran out meanwhile")

    async def keep(self) -> None:
        """Renew the lease until cancelled or lost."""
        while True:
            await asyncio.sleep(MEMBER_BEAT_MS / 1000)
            asked_s = asyncio.get_running_loop().time()
            try:
                self._lease = await self._leases.renew(self._lease, ttl_ms=LEASE_MS)
            except LeaseLost:
                self._ends_at_s = 0.0
                return
            except BandProError as error:
                _log.warning("lease.not_renewed", error=str(error))
            else:
                self._ends_at_s = asked_s + LEASE_MS / 1000
