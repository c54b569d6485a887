"""Numbers from runs: percentiles of one, median and spread of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latencies:
    """Percentiles of one run, in milliseconds; all zero when there was no sample."""

    samples: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latencies:
        """Percentiles of latencies given in seconds."""
        ordered = sorted(seconds)
        if not ordered:
            return cls(0, 0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = (_milli(ordered[_rank(len(ordered), each)]) for each in (50, 95, 99))
        return cls(len(ordered), p50, p95, p99, _milli(ordered[-1]))


def _rank(count: int, percent: int) -> int:
    """Nearest rank: the smallest value that at least `percent` of all do not exceed."""
    return max(0, -(-count * percent // 100) - 1)


def _milli(seconds: float) -> float:
    return round(seconds * 1000, 3)


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over several runs."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Median (the lower one of an even number) and range.

        Raises:
            ValueError: there are no values.
        """
        ordered = sorted(values)
        if not ordered:
            raise ValueError("a spread needs at least one run")
        return cls(ordered[(len(ordered) - 1) // 2], ordered[0], ordered[-1])

    def scaled(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(self.median * factor, self.lowest * factor, self.highest * factor)

    def text(self, digits: int) -> str:
        """The median, and in brackets the lowest and highest where they differ."""
        median, low, high = (f"{each:,.{digits}f}" for each in self._values())
        return median if low == high else f"{median} ({low}-{high})"

    def _values(self) -> tuple[float, float, float]:
        return self.median, self.lowest, self.highest
