"""What runs side by side ends as one: by a failure, or by being cancelled."""

import asyncio

import pytest

from gateway.cluster.together import together

WITHIN_S = 5.0


async def test_cancelled_stays_cancelled_also_where_something_fails_with_it() -> None:
    """OPS-10: what a node runs ends when it is told to stop, in whatever moment."""
    began = asyncio.Event()

    async def fail_when_cancelled() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("found dead in the same moment")

    running = asyncio.create_task(together(fail_when_cancelled(), asyncio.sleep(60)))
    await asyncio.wait_for(began.wait(), WITHIN_S)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, WITHIN_S)


async def test_a_failure_ends_the_others_and_is_told() -> None:
    """The caller is not cancelled by that, and may try anew."""
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(together(wait(), fail()), WITHIN_S)
    assert ended.is_set()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
