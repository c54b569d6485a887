"""Fractional indexes for a fresh list, as the usual libraries number one."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def order_key(index: int) -> str:
    """Write a place in a list, so that keys compare byte by byte as their places do.

    Args:
        index: from 0.

    Returns:
        ``a0`` to ``az``, then ``b00`` to ``bzz``, ``c000`` ...
    """
    for digits, letter in enumerate(_LETTERS, start=1):
        if index < len(_DIGITS) ** digits:
            places = (index // len(_DIGITS) ** place for place in range(digits - 1, -1, -1))
            return letter + "".join(_DIGITS[place % len(_DIGITS)] for place in places)
        index -= len(_DIGITS) ** digits
    raise ValueError("too many places for one list")
