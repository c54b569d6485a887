"""How the generator keeps its own doings out of what it measures."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collector() -> Iterator[None]:
    """No garbage collection inside: its pauses would be taken for the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def sleep_until(at_s: float) -> None:
    """Wait for a moment (`perf_counter`); what is due already goes on at once."""
    wait_s = at_s - time.perf_counter()
    if wait_s > 0:
        await asyncio.sleep(wait_s)
