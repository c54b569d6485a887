"""Keys by which a request that is sent again is known."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from starlette.requests import Request

from collab.access import Claims
from collab.limits import IDEMPOTENCY_KEY_CHARS_MAX
from gateway.api.endpoints import Parameter
from gateway.api.problems import Problem, ProblemError
from gateway.api.terms import IDEMPOTENCY_KEY_HEADER

_PATTERN: Final = rf"^[!-~]{{1,{IDEMPOTENCY_KEY_CHARS_MAX}}}$"
KEY_HEADER: Final = Parameter(
    IDEMPOTENCY_KEY_HEADER,
    "A text of your choice, such as a UUID: a request that is sent again with its key is carried "
    "out once.",
    {"type": "string", "pattern": _PATTERN},
)


def key_of(request: Request) -> str | None:
    """The request's key; None where it has none.

    Raises:
        ProblemError: it can be none.
    """
    keys = request.headers.getlist(IDEMPOTENCY_KEY_HEADER)
    if not keys:
        return None
    if len(keys) > 1 or re.fullmatch(_PATTERN, keys[0]) is None:
        raise ProblemError(
            Problem.MALFORMED_REQUEST,
            f"an {IDEMPOTENCY_KEY_HEADER} is 1 to {IDEMPOTENCY_KEY_CHARS_MAX} printable characters",
        )
    return keys[0]


def digest_of(told: bytes, claims: Claims, key: str | None) -> str:
    """What a repeated request is known by: who sent it, its key, and all that it asks for.

    The key is in it, so that nobody who reads the digest finds out by trial what was asked for.

    Args:
        told: the request, the same bytes each time.
        claims: of who sent it.
        key: the request's; None where it has none.

    Returns:
        64 hex digits; empty without a key.
    """
    if key is None:
        return ""
    digest = hashlib.sha256(f"{claims.subject}\n{key}\n".encode())
    digest.update(told)
    return digest.hexdigest()
