"""The event loop's clock, as rooms are told the time."""

from __future__ import annotations

import asyncio

from collab.ids import Milliseconds


def now_ms() -> Milliseconds:
    """Milliseconds on the running loop's clock."""
    return Milliseconds(int(asyncio.get_running_loop().time() * 1000))
