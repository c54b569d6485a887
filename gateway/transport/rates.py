"""Token buckets: how fast one peer may go, with a burst on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ADDRESSES_MAX: Final = 20_000
"""How many addresses are remembered at once."""


@dataclass(slots=True)
class TokenBucket:
    """Allows `per_s` units a second on the long run and `burst` at once.

    Attributes:
        per_s: units that flow in each second.
        burst: units the bucket holds.
        level: units in it now.
        at_s: when `level` was true, on the caller's monotonic clock.
    """

    per_s: float
    burst: float
    level: float
    at_s: float

    @classmethod
    def full(cls, per_s: float, burst: float, now_s: float) -> TokenBucket:
        """A bucket that has not been drawn from yet."""
        return cls(per_s, burst, burst, now_s)

    def fill(self, now_s: float) -> None:
        """Let in what has flowed since the last look."""
        self.level = min(self.burst, self.level + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s

    def take(self, units: float, now_s: float) -> bool:
        """Take units out, or leave them there and say False."""
        self.fill(now_s)
        if units > self.level:
            return False
        self.level -= units
        return True

    def is_full(self, now_s: float) -> bool:
        """Whether nothing was taken for so long that the bucket can be forgotten."""
        return self.level + (now_s - self.at_s) * self.per_s >= self.burst


class Pace:
    """How fast each address may go; remembers a bounded number of addresses.

    Args:
        per_s: units, sustained.
        burst: units at once.
    """

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def admits(self, address: str, now_s: float) -> bool:
        """Whether one more unit of this address is within its pace, on a monotonic clock."""
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= ADDRESSES_MAX:
                self._forget(now_s)
            bucket = TokenBucket.full(self._per_s, self._burst, now_s)
            self._buckets[address] = bucket
        return bucket.take(1, now_s)

    def _forget(self, now_s: float) -> None:
        """Drop who has been quiet; when nobody has, drop all rather than grow or lock out."""
        self._buckets = {a: b for a, b in self._buckets.items() if not b.is_full(now_s)}
        if len(self._buckets) >= ADDRESSES_MAX:
            self._buckets.clear()
