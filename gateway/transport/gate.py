"""How many connections this node takes, in all and from each address, and how fast."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from collab.errors import LimitExceeded
from gateway.transport.rates import Pace


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Bounds on connections; with `per_address` False only the total counts.

    Attributes:
        connections_max: on this node.
        connections_per_address_max: from one address.
        connects_per_s: new connections from one address, sustained.
        connects_burst: new connections from one address at once.
        per_address: whether the bounds per address are on.
    """

    connections_max: int
    connections_per_address_max: int
    connects_per_s: int
    connects_burst: int
    per_address: bool = True


class Gate:
    """Counts connections in and out."""

    def __init__(self, limits: GateLimits) -> None:
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self._pace = Pace(limits.connects_per_s, limits.connects_burst)
        self.total = 0

    def enter(self, address: str, now_s: float) -> None:
        """Count a connection in; :meth:`leave` must follow.

        Raises:
            LimitExceeded: there are too many already, or they come too fast; nothing was counted.
        """
        limits = self._limits
        if self.total >= limits.connections_max:
            raise LimitExceeded("this node has all its connections", limit="connections_max")
        if limits.per_address:
            self._check_address(address, now_s)
        self.total += 1
        self._by_address[address] += 1

    def leave(self, address: str) -> None:
        """Count a connection out."""
        self.total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _check_address(self, address: str, now_s: float) -> None:
        limits = self._limits
        if self._by_address[address] >= limits.connections_per_address_max:
            raise LimitExceeded(
                "this address has all its connections", limit="connections_per_address_max"
            )
        if not self._pace.admits(address, now_s):
            raise LimitExceeded("connections come too fast", limit="connects_per_s")
