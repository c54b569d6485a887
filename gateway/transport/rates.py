"""Token buckets: how fast one peer may go, with a burst on top."""

from __future__ import annotations

from dataclasses import dataclass


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

    def take(self, units: float, now_s: float) -> bool:
        """Take units out, or leave the bucket as it is and say False."""
        self.level = min(self.burst, self.level + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        if units > self.level:
            return False
        self.level -= units
        return True

    def is_full(self, now_s: float) -> bool:
        """Whether nothing was taken for so long that the bucket can be forgotten."""
        return self.level + (now_s - self.at_s) * self.per_s >= self.burst
