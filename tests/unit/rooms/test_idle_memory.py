"""What a room keeps when everybody has left."""

import gc
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from pycrdt import Doc, Text

from collab.ids import RoomName, SessionId
from collab.limits import KIB
from collab.protocol.messages import SyncStep1
from tests.unit.rooms.rig import Rig, rig, typed

ROOMS = 100
STORE = tracemalloc.Filter(False, "*/persistence/memory/*")  # noqa: FBT003
TEST = tracemalloc.Filter(False, "*/tests/*")  # noqa: FBT003
EMPTY = b"\x00"


@pytest.fixture
async def traced() -> AsyncIterator[None]:
    """Allocations are counted."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def test_a_room_that_everybody_left_keeps_less_than_four_kibibytes(traced: None) -> None:
    """MEM-1: of Python objects; the CRDT library's own memory for the text is not among them."""
    node = rig(unload_after_ms=10**9)
    await _visit(node, "warm", 0)
    before = _kept_bytes()
    for number in range(ROOMS):
        await _visit(node, f"room/{number}", number)
    for runner in node.registry.live():
        runner.forget_unused()
        runner.forget_unused()

    assert len(node.registry.live()) == ROOMS + 1
    assert (_kept_bytes() - before) / ROOMS < 4 * KIB


async def test_a_room_serves_whoever_comes_back_to_it() -> None:
    """MEM-1: what an idle room gives up is made again."""
    node = rig(unload_after_ms=10**9)
    await _visit(node, "room", 1)
    for runner in node.registry.live():
        runner.forget_unused()
        runner.forget_unused()

    runner, seat = await node.join("back", name=RoomName("room"))
    _, other = await node.join("other", name=RoomName("room"))
    await runner.receive(SessionId("back"), SyncStep1(EMPTY))
    doc: Doc[Text] = Doc(client_id=9)
    await runner.receive(SessionId("back"), typed(doc, "more"))
    await runner.drain()

    read: Doc[Text] = Doc()
    for frame in seat.frames:
        if frame[:2] == b"\x00\x01":
            read.apply_update(frame[3:] if frame[2] < 128 else frame[4:])
    assert str(read.get("t", type=Text)) == "a" * 200
    assert len(other.updates()) == 1
    assert len(seat.updates()) == 1, "acknowledged"


async def _visit(node: Rig, name: str, number: int) -> None:
    """Somebody opens a room, writes, sees it saved, and leaves."""
    session = SessionId(f"session-{number}")
    runner, _ = await node.join(session, name=RoomName(name))
    await runner.receive(session, SyncStep1(EMPTY))
    doc: Doc[Text] = Doc()
    await runner.receive(session, typed(doc, "a" * 200))
    await runner.drain()
    runner.leave(session)


def _kept_bytes() -> int:
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces((STORE, TEST))
    return sum(trace.size for trace in snapshot.traces)
