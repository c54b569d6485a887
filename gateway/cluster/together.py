"""Running some things side by side, so that being cancelled is always told apart from a failure.

``asyncio.TaskGroup`` tells of the failure alone where something fails as the group is cancelled,
and before Python 3.13 the cancellation is lost with that: who tries anew after each failure goes on
for ever. And before Python 3.12 ``asyncio.wait_for``, which the client of Redis sends through,
misses being cancelled where what it waits for ends in that moment, as after a pause of the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final

_CANCEL_AGAIN_S: Final = 0.1
"""Who has missed being cancelled is cancelled again after this time."""


async def together(*work: Coroutine[None, None, None]) -> None:
    """Run all until one ends or the caller is cancelled; the others are cancelled then.

    Raises:
        Exception: what the first that failed raised.
        CancelledError: the caller was cancelled, whatever failed with that.
    """
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left = set(tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
