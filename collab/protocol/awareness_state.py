"""The JSON of an awareness state: checked, and stamped with who it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from collab.errors import LimitExceeded, ProtocolError
from collab.limits import ANY_DEPTH_MAX
from collab.protocol.json_text import is_deep, refuse_constant

_DEPTH_ERRORS: Final = (ValueError, RecursionError)


def checked_state(state: str, stamp: Mapping[str, str] | None, state_bytes_max: int) -> str:
    """Check a state's JSON and stamp it with the token's user where there is one.

    Raises:
        ProtocolError: not a JSON object.
        LimitExceeded: larger than `state_bytes_max` bytes of UTF-8.
    """
    if len(state) > state_bytes_max or len(state.encode("utf-8", "replace")) > state_bytes_max:
        raise LimitExceeded(
            f"an awareness state has at most {state_bytes_max} bytes",
            limit="awareness_state_bytes_max",
        )
    try:
        value = json.loads(state, parse_constant=refuse_constant)
    except _DEPTH_ERRORS as error:
        raise ProtocolError("an awareness state is not valid JSON") from error
    if not isinstance(value, dict):
        raise ProtocolError("an awareness state is not a JSON object")
    if state.count("[") + state.count("{") > ANY_DEPTH_MAX and is_deep(value):
        raise ProtocolError(f"an awareness state is nested deeper than {ANY_DEPTH_MAX}")
    if stamp is None:
        return state
    user = value.get("user")
    value["user"] = {**user, **stamp} if isinstance(user, dict) else stamp
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except _DEPTH_ERRORS as error:
        raise ProtocolError("an awareness state has numbers that are not JSON") from error
