"""What runs side by side ends as one: by a failure, or by being cancelled."""

import asyncio
import contextlib

import pytest

from gateway.cluster.together import together

WITHIN_S = 5.0


async def fail() -> None:
    """One of those that run side by side."""
    await asyncio.sleep(0)
    raise ConnectionError("cut")


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

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(together(wait(), fail()), WITHIN_S)
    assert ended.is_set()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.timeout(20)
@pytest.mark.parametrize("missed", [1, 3])
async def test_who_misses_being_cancelled_is_cancelled_again(missed: int) -> None:
    """BUS-14: as ``asyncio.wait_for`` of Python 3.11 does when what it waits for ends just then."""
    ended = asyncio.Event()

    async def miss() -> None:
        for _ in range(missed):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ConnectionError):
        await together(miss(), fail())
    assert ended.is_set()
