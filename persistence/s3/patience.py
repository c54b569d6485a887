"""How often a request to a bucket is made again, and for how long in all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from persistence.s3.client import may_pass
from persistence.stores import S3Limits

_Result = TypeVar("_Result")

PAUSE_FIRST_MS: Final = 100
PAUSE_MAX_MS: Final = 3_000


class Patience:
    """Repeats requests within bounds.

    Args:
        limits: the bounds.
    """

    def __init__(self, limits: S3Limits) -> None:
        self._limits = limits

    def within(self, size_bytes: int) -> asyncio.Timeout:
        """A block that ends with TimeoutError when it takes too long for what it carries."""
        loads = 1 + size_bytes / self._limits.multipart_bytes_min
        return asyncio.timeout(self._limits.operation_timeout_ms / 1000 * loads)

    async def call(
        self, request: Callable[[], Awaitable[_Result]], *, size_bytes: int = 0
    ) -> _Result:
        """Make a request, again where it may pass the next time, within the time allowed.

        Args:
            request: makes it; repeating it must be harmless.
            size_bytes: what it carries; large ones have more time.

        Raises:
            TimeoutError: the time is used up.
            Exception: what the last attempt failed with.
        """
        async with self.within(size_bytes):
            attempt = 1
            while True:
                try:
                    return await request()
                except Exception as error:
                    if attempt >= self._limits.attempts_max or not may_pass(error):
                        raise
                # Spread out, so that nodes that failed together do not come back together.
                pause_ms = min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (attempt - 1))
                await asyncio.sleep(pause_ms / 1000 * (0.5 + random.random()))  # noqa: S311
                attempt += 1
