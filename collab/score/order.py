"""Fractional indexes: orders for a fresh list, and orders between them that renumber nobody.

An order is a fraction written in base 62 without the leading ``0.``; they compare as texts do.
Those between others end in letters drawn from the element's id, so that two people who insert at
the same place at once get different ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from collab.errors import EditRefused
from collab.score.rules import ORDER_CHARS_MAX

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_DIGITS)
_SALT_CHARS: Final = 3
# At the ends of a score, orders keep this width and go up by this step: some 380,000 fit.
_OPEN_WIDTH: Final = 4
_OPEN_STEP: Final = 16


def order_key(index: int) -> str:
    """Write a place in a fresh list, as the usual libraries number one.

    Args:
        index: from 0.

    Returns:
        ``a0`` to ``az``, then ``b00`` to ``bzz``, ``c000`` ...
    """
    for digits, letter in enumerate(_LETTERS, start=1):
        if index < _BASE**digits:
            return letter + _text(index, digits)
        index -= _BASE**digits
    raise ValueError("too many places for one list")


def place_after(
    present: Sequence[tuple[str, str]], anchor: str | None, new: Sequence[str]
) -> Mapping[str, str]:
    """Find orders for elements that are put behind one another.

    Args:
        present: order and id of what is there, sorted.
        anchor: the id after which the new ones come; None puts them first.
        new: ids, in the order wanted.

    Returns:
        Order by id, for the new ones, and for those behind them that had the anchor's order.

    Raises:
        EditRefused: the anchor is not there, or orders there have no room between them.
    """
    position = 0
    before = ""
    if anchor is not None:
        position = 1 + next((at for at, (_, key) in enumerate(present) if key == anchor), -1)
        if position == 0:
            raise EditRefused(
                "There is nothing to insert after.", code="unknown-element", element_ids=(anchor,)
            )
        before = present[position - 1][0]
    tied = [key for order, key in present[position:] if order == before]
    rest = present[position + len(tied) :]
    ids = [*new, *tied]
    return dict(zip(ids, _spread(before, rest[0][0] if rest else None, ids), strict=True))


def _spread(before: str, after: str | None, ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    if after is None:
        orders: list[str] = []
        for key in ids:
            before = _between(before, None, key)
            orders.append(before)
        return orders
    middle = len(ids) // 2
    order = _between(before, after, ids[middle])
    return [
        *_spread(before, order, ids[:middle]),
        order,
        *_spread(order, after, ids[middle + 1 :]),
    ]


def _between(before: str, after: str | None, key: str) -> str:
    open_ended = after is None or not before
    for width in range(_OPEN_WIDTH if open_ended else 1, ORDER_CHARS_MAX - _SALT_CHARS + 1):
        low = _number(before, width)
        high = _BASE**width if after is None else _number(after, width)
        if high - low > 1:
            step = (high - low) // 2
            if before and after is None:
                step = min(step, _OPEN_STEP)
            elif after is not None and not before:
                step = max(step, high - low - _OPEN_STEP)
            return _text(low + step, width) + _salt(key)
    raise EditRefused("The orders there have no room between them.", code="no-room")


def _number(order: str, width: int) -> int:
    number = 0
    for digit in order[:width].ljust(width, "0"):
        value = _DIGITS.find(digit)
        if value < 0:
            raise EditRefused("An order there is none.", code="malformed")
        number = number * _BASE + value
    return number


def _text(number: int, width: int) -> str:
    digits: list[str] = []
    for _ in range(width):
        number, digit = divmod(number, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _salt(key: str) -> str:
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
    return _text(number % _BASE**_SALT_CHARS, _SALT_CHARS)
