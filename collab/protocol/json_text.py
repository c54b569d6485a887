"""Checks a JSON text inside an update: well formed, shallow, and readable by every replica.

Formats and embeds travel as JSON text. It must mean the same to JavaScript's ``JSON.parse`` and to
the parser of the Rust replicas, which refuses lone surrogates, numbers beyond a double, and whole
numbers between 2^63 and 2^64.
"""

from __future__ import annotations

import json
import math
from typing import Final, Never

from collab.errors import LimitExceeded, MalformedUpdate
from collab.limits import ANY_DEPTH_MAX, JSON_TEXT_BYTES_MAX

_INT64_END: Final = 2**63
_UINT64_END: Final = 2**64
_PLAIN: Final = frozenset({"null", "true", "false", '""', "{}", "[]"})
_DIGITS_OF_INT64: Final = 18  # as many always fit
_DIGITS_OF_UINT64: Final = 20  # more never fit

# Python's parser stops at its recursion limit without harm.
_UNREADABLE: Final = (ValueError, RecursionError)


def check_json_text(encoded: bytes) -> None:
    """Refuse a JSON text that some replica could not read, or only with a deep stack.

    Args:
        encoded: the text's bytes.

    Raises:
        LimitExceeded: longer than JSON_TEXT_BYTES_MAX.
        MalformedUpdate: no UTF-8, no JSON, nested deeper than ANY_DEPTH_MAX, or with a number or
            a text that not every replica can read.
    """
    if len(encoded) > JSON_TEXT_BYTES_MAX:
        raise LimitExceeded(
            f"a JSON text of {len(encoded)} bytes; {JSON_TEXT_BYTES_MAX} are allowed",
            limit="json_text_bytes_max",
        )
    try:
        text = encoded.decode()
        if text in _PLAIN:
            return
        value = json.loads(
            text, parse_int=_whole_number, parse_float=_number, parse_constant=refuse_constant
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except _UNREADABLE as error:
        raise MalformedUpdate("a format or embed is no JSON text that all can read") from error
    if text.count("[") + text.count("{") > ANY_DEPTH_MAX and is_deep(value):
        raise MalformedUpdate(f"a JSON text is nested deeper than {ANY_DEPTH_MAX}")


def is_deep(value: object) -> bool:
    """Whether a parsed JSON value is nested deeper than ANY_DEPTH_MAX; asked without recursion."""
    level: list[object] = [value]
    for _ in range(ANY_DEPTH_MAX):
        level = [
            child
            for item in level
            if isinstance(item, (list, dict))
            for child in (item if isinstance(item, list) else item.values())
            if isinstance(child, (list, dict))
        ]
    return bool(level)


def refuse_constant(name: str) -> Never:
    """For ``json.loads``: NaN and Infinity are no JSON, and make every browser's parser throw."""
    raise ValueError(f"{name} is not JSON")


def _whole_number(digits: str) -> int:
    if len(digits) > _DIGITS_OF_INT64:
        _number(digits)
        if len(digits) <= _DIGITS_OF_UINT64 and _INT64_END <= int(digits) < _UINT64_END:
            raise ValueError("a whole number between 2^63 and 2^64")
    return 0


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("a number beyond a double")
    return value
