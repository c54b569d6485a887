"""Large updates are applied in steps: by one sender at a time, and to their end."""

import asyncio
import time
from collections.abc import Callable, Generator

import pytest

from collab.errors import LimitExceeded
from collab.ids import SessionId
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import SyncUpdate
from gateway.rooms.applying import ApplyLimits, Slices
from gateway.transport.refusals import close_code_for
from persistence.memory import MemoryStore
from tests.support.updates import GC, STRING, Block, after, filler, text, update
from tests.support.wire import string
from tests.unit.rooms.rig import NAME, rig

LARGE = update([Block(7, 0, [text("x" * 100), *[filler(GC, 1)] * 20_000])])
BUILT_ON = update([Block(8, 0, [after(STRING, string("!"), origin=(7, 20_099))])])
OTHER = update([Block(8, 0, [text("?")])])
LARGE_AS_WELL = update([Block(9, 0, [text("x" * 100), *[filler(GC, 1)] * 20_000])])
ANN, BEN = SessionId("ann"), SessionId("ben")


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until something holds."""
    while not condition():  # noqa: ASYNC110 -- no event tells of steps; each turn is one
        await asyncio.sleep(0)


async def test_a_large_update_goes_to_its_end_when_its_sender_goes() -> None:
    """Else the document would hold what the log does not, and call it known when it comes again."""
    store = MemoryStore()
    node = rig(store=store)
    runner, _ = await node.join(ANN)
    _, ben = await node.join(BEN)
    sending = asyncio.create_task(runner.receive(ANN, SyncUpdate(LARGE)))
    await until(lambda: runner.busy > 0)
    await asyncio.sleep(0)
    sending.cancel()
    runner.leave(ANN)
    await asyncio.wait([sending])
    assert sending.cancelled()
    await until(lambda: runner.busy == 0)
    await runner.drain()
    assert len(ben.updates()) == 1
    again = await rig(store=store).registry.open(NAME)
    assert dict(again.room.doc.clocks) == {7: 20_100}


async def test_what_builds_on_a_large_update_is_stored_after_it() -> None:
    """Whoever sees part of it in the meantime may already write behind it."""
    store = MemoryStore()
    node = rig(store=store)
    runner, _ = await node.join(ANN)
    await node.join(BEN)
    async with asyncio.TaskGroup() as both:
        both.create_task(runner.receive(ANN, SyncUpdate(LARGE)))
        await until(lambda: runner.busy > 0)
        both.create_task(runner.receive(BEN, SyncUpdate(BUILT_ON)))
    await runner.drain()
    tail = await node.stores.log.read(runner.key, after=0)  # type: ignore[arg-type]
    assert [row.update for row in tail.rows] == [LARGE, BUILT_ON]
    assert not runner.room.doc.is_incomplete


async def test_who_has_overdrawn_a_budget_holds_up_nobody_before_a_large_update() -> None:
    """LIM-22."""
    node = rig(apply=ApplyLimits(0, sender_ms_per_s=1, room_ms_per_s=1))
    runner, _ = await node.join(ANN)
    _, ben = await node.join(BEN)

    def busy() -> Generator[None, float | None]:
        until_s = time.perf_counter() + 0.1
        while time.perf_counter() < until_s:
            pass
        yield from ()

    await node.registry.joins.slices.run(busy(), sender=ANN)
    waiting = asyncio.create_task(runner.receive(ANN, SyncUpdate(LARGE)))
    await until(lambda: runner.busy > 0)
    async with asyncio.timeout(10):
        await runner.receive(BEN, SyncUpdate(OTHER))
        await runner.drain()
    assert len(ben.updates()) == 1, "it is acknowledged"
    assert not waiting.done()


async def test_who_keeps_sending_large_updates_is_ended_and_keeps_what_was_accepted() -> None:
    """LIM-24."""
    clock_s = [0.0]
    node = rig()
    limits = ApplyLimits(0, sender_ms_per_s=1_000, room_ms_per_s=1_000, held_ms_max=0)
    node.registry.joins.slices = Slices(limits, lambda: clock_s[0])
    runner, ann = await node.join(ANN)
    await node.join(BEN)
    await runner.receive(ANN, SyncUpdate(LARGE))
    with pytest.raises(LimitExceeded) as refused:
        await runner.receive(ANN, SyncUpdate(LARGE_AS_WELL))
    assert close_code_for(refused.value) is CloseCode.RATE_LIMITED
    await runner.receive(ANN, SyncUpdate(BUILT_ON))
    clock_s[0] += 60.0
    await runner.receive(ANN, SyncUpdate(LARGE_AS_WELL))
    await runner.drain()
    tail = await node.stores.log.read(runner.key, after=0)  # type: ignore[arg-type]
    assert [row.update for row in tail.rows] == [LARGE, BUILT_ON, LARGE_AS_WELL]
    assert len(ann.updates()) == 3, "each is acknowledged"
