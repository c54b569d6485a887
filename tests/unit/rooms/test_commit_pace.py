"""When rooms append: the first at once, what comes while the node is busy in one moment."""

import asyncio

from pycrdt import Doc, Map

from collab.ids import SessionId, room_key, room_name
from gateway.rooms.commit_pace import CommitPace
from tests.unit.rooms.rig import NAME, edit, rig

INTERVAL_MS = 300
OTHER = room_name("another")


async def test_the_first_append_after_a_rest_goes_at_once_and_the_rest_together() -> None:
    """ACK-16: Two rooms' later edits are one append each, and none is lost or repeated."""
    node = rig(pace=CommitPace(INTERVAL_MS))
    (one, seat), (other, other_seat) = [await node.join("s", name=name) for name in (NAME, OTHER)]
    doc: Doc[Map[object]] = Doc(client_id=7)
    await one.receive(SessionId("s"), edit(doc, "first", 0))
    async with asyncio.timeout(INTERVAL_MS / 1000 / 2):
        await one.drain()
    for number in range(5):
        for runner in (one, other):
            await runner.receive(SessionId("s"), edit(doc, f"e{number}", number))
            await asyncio.sleep(0)
    assert node.faults.calls.count("log.append") == 1
    await asyncio.gather(one.drain(), other.drain())
    assert node.faults.calls.count("log.append") == 3
    assert await node.stores.log.head(room_key(NAME)) == 6
    assert len(seat.updates()) + len(other_seat.updates()) == 11


async def test_a_discarded_room_does_not_hold_up_the_others() -> None:
    """ACK-16: Who is stopped while waiting for the moment takes nobody along."""
    pace = CommitPace(INTERVAL_MS)
    node = rig(pace=pace)
    (one, _), (other, seat) = [await node.join("s", name=name) for name in (NAME, OTHER)]
    await pace.turn()
    await one.receive(SessionId("s"), edit(Doc(client_id=7), "a", 1))
    await other.receive(SessionId("s"), edit(Doc(client_id=8), "b", 1))
    await asyncio.sleep(0)
    one.appender.stop()
    await other.drain()
    assert len(seat.updates()) == 1


async def test_without_an_interval_nobody_waits() -> None:
    """With 0 each append goes when the one before it has ended."""
    pace = CommitPace(0)
    async with asyncio.timeout(5):
        for _ in range(1000):
            await pace.turn()
