"""The leases in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from collab.cluster.leases import FencingToken, Lease, LeaseHolder, LeaseName
from collab.errors import LeaseLost
from persistence.lease_rules import check_lease


@dataclass(slots=True)
class _Line:
    """One lease, held or not: it stays, for its token must never come again."""

    lease: Lease
    ends_at_ms: int


class MemoryLeases:
    """The leases.

    Args:
        wall: the time, in seconds since 1970.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._lines: dict[LeaseName, _Line] = {}

    async def acquire(
        self, name: LeaseName, holder: LeaseHolder, *, ttl_ms: int, value: bytes = b""
    ) -> Lease | None:
        """Take it; see `Leases.acquire`."""
        check_lease(name, value)
        line, now_ms = self._lines.get(name), self._now_ms()
        if line is not None and line.ends_at_ms > now_ms:
            return None
        token = FencingToken(1 if line is None else line.lease.token + 1)
        lease = Lease(name, holder, token, ttl_ms, value)
        self._lines[name] = _Line(lease, now_ms + ttl_ms)
        return lease

    async def renew(self, lease: Lease, *, ttl_ms: int, value: bytes = b"") -> Lease:
        """Hold it longer; see `Leases.renew`."""
        check_lease(lease.name, value)
        line, now_ms = self._held(lease), self._now_ms()
        if line is None:
            raise LeaseLost(f"the lease on {lease.name} is over")
        line.lease = replace(lease, left_ms=ttl_ms, value=value)
        line.ends_at_ms = now_ms + ttl_ms
        return line.lease

    async def release(self, lease: Lease) -> None:
        """Let others have it; see `Leases.release`."""
        line = self._held(lease)
        if line is not None:
            line.ends_at_ms = 0

    async def held(self, prefix: str) -> tuple[Lease, ...]:
        """All that are held; see `Leases.held`."""
        now_ms = self._now_ms()
        return tuple(
            replace(line.lease, left_ms=line.ends_at_ms - now_ms)
            for name, line in sorted(self._lines.items())
            if name.startswith(prefix) and line.ends_at_ms > now_ms
        )

    def _held(self, lease: Lease) -> _Line | None:
        line = self._lines.get(lease.name)
        if line is None or line.lease.token != lease.token or line.ends_at_ms <= self._now_ms():
            return None
        return line

    def _now_ms(self) -> int:
        return int(self._wall() * 1000)
