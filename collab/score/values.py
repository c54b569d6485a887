"""Written note values: which durations have a name, and how others are cut into those that have."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_TYPES: Final = {
    "maxima": Fraction(32),
    "long": Fraction(16),
    "breve": Fraction(8),
    "whole": Fraction(4),
    "half": Fraction(2),
    "quarter": Fraction(1),
    "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4),
    "32nd": Fraction(1, 8),
    "64th": Fraction(1, 16),
    "128th": Fraction(1, 32),
    "256th": Fraction(1, 64),
    "512th": Fraction(1, 128),
    "1024th": Fraction(1, 256),
}
_DOTS_MAX: Final = 3
_WRITTEN: Final = {
    value * (2 - Fraction(1, 2**dots)): (name, dots)
    for dots in range(_DOTS_MAX + 1)
    for name, value in _TYPES.items()
}
_PIECES: Final = sorted((value for value, (_, dots) in _WRITTEN.items() if dots <= 1), reverse=True)


def written_value(duration: Fraction) -> tuple[str, int] | None:
    """Name the type, and count the dots, of a duration in quarter notes; None if it has none."""
    return _WRITTEN.get(duration)


def nominal_duration(name: str, dots: int) -> Fraction | None:
    """Say what a written value lasts outside tuplets, in quarter notes."""
    return _TYPES[name] * (2 - Fraction(1, 2**dots)) if name in _TYPES else None


def cut(duration: Fraction) -> list[Fraction]:
    """Cut a duration into the fewest written values, longest first.

    Returns:
        The duration alone where it cannot be cut so, as in a tuplet.
    """
    pieces: list[Fraction] = []
    rest = duration
    for value in _PIECES:
        if value <= rest:
            pieces.append(value)
            rest -= value
        if not rest:
            return pieces
    return [duration]
