"""An id for each request and each websocket, theirs if it is a sensible one."""

from __future__ import annotations

import re
import secrets
from typing import Final

REQUEST_ID_HEADER: Final = "X-Request-ID"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(offered: str) -> str:
    """The id under which a request is logged.

    Args:
        offered: what stands in its header; empty where there is none.
    """
    return offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(8)
