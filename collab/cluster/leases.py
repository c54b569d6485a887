"""Leases: who may do once-only work, by the clock of the store.

A lease keeps nodes from doing the same work twice; it protects nothing. A process that was stopped
does not notice that its lease ran out, so what it commits then must fail by itself: by
compare-and-set on what it was derived from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType, Protocol

LeaseName = NewType("LeaseName", str)
"""What is leased: up to 200 printable characters of ASCII, such as ``room/<key>``."""

LeaseHolder = NewType("LeaseHolder", str)
"""Who holds it: one run of one node."""

FencingToken = NewType("FencingToken", int)
"""Counts how often a lease was given away; greater each time, for ever."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that somebody holds.

    Attributes:
        name: of what.
        holder: by whom.
        token: greater than any that was given for this name before.
        left_ms: until it ends, by the store's clock, at the moment that it was read there.
        value: what the holder says with it.
    """

    name: LeaseName
    holder: LeaseHolder
    token: FencingToken
    left_ms: int
    value: bytes = field(default=b"", repr=False)


class Leases(Protocol):
    """Leases in a store; every method is one atomic step there, and durable when it returns."""

    async def acquire(
        self, name: LeaseName, holder: LeaseHolder, *, ttl_ms: int, value: bytes = b""
    ) -> Lease | None:
        """Take a lease that nobody holds, or whose time is over.

        Returns:
            The lease; None where somebody holds it, the same holder included.

        Raises:
            StoreUnavailable: the outcome is unknown; it may be held until its time is over.
        """

    async def renew(self, lease: Lease, *, ttl_ms: int, value: bytes = b"") -> Lease:
        """Hold a lease for so much longer, from now on.

        Raises:
            LeaseLost: its time is over, whether or not somebody has it now.
            StoreUnavailable: the outcome is unknown.
        """

    async def release(self, lease: Lease) -> None:
        """Let others have it; nothing happens where it was lost.

        Raises:
            StoreUnavailable: the outcome is unknown; it ends by itself.
        """

    async def held(self, prefix: str) -> tuple[Lease, ...]:
        """All leases that are held, and whose names begin so, in order of name.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
