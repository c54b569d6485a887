"""Running some things side by side, so that being cancelled is always told apart from a failure.

``asyncio.TaskGroup`` tells of the failure alone where something fails as the group is cancelled,
and before Python 3.13 the cancellation is lost with that: who tries anew after each failure goes on
for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


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
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
