"""What a node is called."""

from __future__ import annotations

import secrets
import socket
from typing import Final

from gateway.settings import Settings

_HOST_CHARS: Final = 44
"""What is left of `NODE_ID_CHARS_MAX` beside a random part and the number of a worker."""


def node_name(settings: Settings) -> str:
    """The name that was given, otherwise one that is made up anew at each call."""
    return settings.node or f"{socket.gethostname()[:_HOST_CHARS]}-{secrets.token_hex(4)}"
