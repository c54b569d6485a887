"""The worker process: real merges, real crashes, and a server that does not notice either."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import psutil
import pycrdt
import pytest

from collab.errors import OperatingError, WorkerFailed
from collab.limits import MIB
from persistence.offload import Offload
from persistence.worker_pool import PoolLimits
from tests.contract.edits import text_of, typed
from tests.support.updates import nested_array, one_value

WORDS = [f"word {number} " for number in range(50)]


@pytest.fixture
async def offload() -> AsyncIterator[Offload]:
    pool = Offload(PoolLimits(wall_s=30))
    yield pool
    await pool.aclose()


def bomb(depth: int) -> bytes:
    """Nested arrays, two bytes each, that overflow the stack of the CRDT library."""
    return one_value(1, nested_array(depth))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; at most 10 s."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def test_merged_update_holds_every_edit(offload: Offload) -> None:
    updates = typed(WORDS)
    merged = await offload.merge(updates)
    assert text_of([merged]) == "".join(WORDS)
    assert await offload.state_vector(merged) == pycrdt.get_state(merged)


async def test_merge_keeps_what_waits_for_a_missing_predecessor(offload: Offload) -> None:
    updates = typed(WORDS)
    held_back = updates.pop(20)
    merged = await offload.merge(updates[::-1])
    assert text_of([merged]) == "".join(WORDS[:20])
    assert text_of([merged, held_back]) == "".join(WORDS)


async def test_worker_is_used_again(offload: Offload) -> None:
    updates = typed(WORDS)
    await offload.merge(updates)
    (pid,) = offload.worker_pids
    for _ in range(3):
        await offload.merge(updates)
    assert offload.worker_pids == (pid,)


async def test_worker_goes_behind_the_server_and_hears_no_interrupt_meant_for_it(
    offload: Offload,
) -> None:
    await offload.merge(typed(WORDS))
    (pid,) = offload.worker_pids
    assert os.getpriority(os.PRIO_PROCESS, pid) == 10
    assert os.getsid(pid) == os.getsid(0)
    assert os.getpgid(pid) == pid


async def test_stack_overflow_in_the_library_is_an_error_here_and_the_next_request_is_served(
    offload: Offload,
) -> None:
    """STO-9: The bomb is real: nothing but the end of the process answers it."""
    with pytest.raises(WorkerFailed, match="SIGSEGV") as caught:
        await offload.state_vector(bomb(200_000))
    assert isinstance(caught.value, OperatingError)
    assert text_of([await offload.merge(typed(WORDS))]) == "".join(WORDS)


@pytest.mark.parametrize("depth", [65, 26_000, 200_000])
async def test_nesting_bomb_is_refused_before_it_is_merged(offload: Offload, depth: int) -> None:
    with pytest.raises(WorkerFailed, match="refused: MalformedUpdate"):
        await offload.merge([bomb(depth), *typed(WORDS)])
    (pid,) = offload.worker_pids
    await offload.merge(typed(WORDS))
    assert offload.worker_pids == (pid,)


@pytest.mark.parametrize("junk", [b"", b"\x00", b"junk", b"\xff" * 100])
async def test_bytes_that_are_no_update_are_refused(offload: Offload, junk: bytes) -> None:
    with pytest.raises(WorkerFailed, match="refused"):
        await offload.merge([junk])


async def test_worker_that_is_killed_is_replaced(offload: Offload) -> None:
    await offload.merge(typed(WORDS))
    (pid,) = offload.worker_pids
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(pid))
    try:
        merged = await offload.merge(typed(WORDS))
    except WorkerFailed:  # the server had not heard of its death yet
        merged = await offload.merge(typed(WORDS))
    assert text_of([merged]) == "".join(WORDS)
    assert offload.worker_pids != (pid,)


async def test_request_that_takes_too_long_ends_with_its_worker(offload: Offload) -> None:
    await offload.merge(typed(WORDS))
    (pid,) = offload.worker_pids
    os.kill(pid, signal.SIGSTOP)
    offload._pool.limits = replace(offload._pool.limits, wall_s=0.2)
    with pytest.raises(WorkerFailed, match=r"took over 0\.2 s"):
        await offload.merge(typed(WORDS))
    await until(lambda: not psutil.pid_exists(pid))


async def test_processor_time_is_limited_for_each_request() -> None:
    pool = Offload(PoolLimits(cpu_s=1, wall_s=60))
    with pytest.raises(WorkerFailed, match="SIGXCPU"):
        await pool.merge(typed(WORDS) * 10_000)
    assert text_of([await pool.merge(typed(WORDS))]) == "".join(WORDS)
    await pool.aclose()


async def test_memory_is_limited() -> None:
    pool = Offload(PoolLimits(memory_bytes=256 * MIB))
    with pytest.raises(WorkerFailed):
        await pool.state_vector(bytes(300 * MIB))
    assert text_of([await pool.merge(typed(WORDS))]) == "".join(WORDS)
    await pool.aclose()


async def test_answer_that_is_too_large_is_refused() -> None:
    pool = Offload(PoolLimits(answer_bytes_max=100))
    with pytest.raises(WorkerFailed, match="100 may be"):
        await pool.merge(typed(WORDS))
    await pool.aclose()


async def test_no_more_workers_than_allowed_run_at_the_same_time() -> None:
    pool = Offload(PoolLimits(workers=2))
    updates = typed(WORDS)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, len(pool.worker_pids))
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    merged = await asyncio.gather(*(pool.merge(updates) for _ in range(20)))
    watching.cancel()
    assert {text_of([update]) for update in merged} == {"".join(WORDS)}
    assert most == 2
    await pool.aclose()


async def test_cancelled_request_ends_its_worker_and_frees_its_place(offload: Offload) -> None:
    await offload.merge(typed(WORDS))
    (pid,) = offload.worker_pids
    os.kill(pid, signal.SIGSTOP)
    task = asyncio.create_task(offload.merge(typed(WORDS)))
    for _ in range(10):  # now it waits for an answer that never comes
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert text_of([await offload.merge(typed(WORDS))]) == "".join(WORDS)
    assert pid not in offload.worker_pids


async def test_idle_worker_is_ended_after_a_while() -> None:
    pool = Offload(PoolLimits(idle_s=0.05))
    await pool.merge(typed(WORDS))
    (pid,) = pool.worker_pids
    await until(lambda: not psutil.pid_exists(pid))
    assert pool.worker_pids == ()
    assert text_of([await pool.merge(typed(WORDS))]) == "".join(WORDS)
    await pool.aclose()


async def test_workers_end_with_their_pool() -> None:
    pool = Offload()
    await pool.merge(typed(WORDS))
    (pid,) = pool.worker_pids
    await pool.aclose()
    await pool.aclose()
    assert not psutil.pid_exists(pid)
    with pytest.raises(WorkerFailed, match="shut down"):
        await pool.merge(typed(WORDS))


async def test_worker_holds_none_of_the_servers_secrets(
    offload: Offload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDPRO_SECRET", "s" * 32)
    await offload.merge(typed(WORDS))
    (pid,) = offload.worker_pids
    worker = psutil.Process(pid)
    assert not [name for name in worker.environ() if name.startswith("BANDPRO")]
    assert worker.open_files() == []
