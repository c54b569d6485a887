"""A room whose log was begun anew under it stores nothing of what it holds."""

import pytest
from pycrdt import Doc, Map

from collab.errors import EpochMoved
from collab.ids import FIRST_EPOCH, Epoch, Sequence, SessionId, room_key
from collab.protocol.close_codes import CloseCode
from persistence.memory import MemoryStore
from tests.unit.rooms.rig import NAME, content, edit, rig


async def test_a_room_whose_log_was_begun_anew_stores_nothing_and_is_to_be_reloaded() -> None:
    """STO-20."""
    node = rig(attempts_max=3)
    runner, seat = await node.join("one")
    _, reader = await node.join("two")
    doc: Doc[Map[object]] = Doc(client_id=7)
    await runner.receive(SessionId("one"), edit(doc, "old", 1))
    await runner.drain()
    second = Epoch(FIRST_EPOCH + 1)
    await node.stores.log.begin_epoch(
        room_key(NAME), of=FIRST_EPOCH, epoch=second, after=Sequence(1)
    )

    await runner.receive(SessionId("one"), edit(doc, "stale", 2))
    await runner.drain()
    assert seat.closed == reader.closed == [CloseCode.RELOAD]
    assert len(seat.updates()) == 1, "the second edit was not acknowledged"
    assert node.faults.calls.count("log.append") == 2, "nothing was tried again"
    tail = await node.stores.log.read(room_key(NAME), after=Sequence(0))
    assert (tail.rows, tail.head) == ((), 1)


async def test_what_others_wrote_in_another_epoch_is_not_mixed_into_the_old_document() -> None:
    """STO-20."""
    store = MemoryStore()
    node, other = rig(store=store), rig(store=store)
    runner, seat = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    await runner.receive(SessionId("one"), edit(doc, "old", 1))
    await runner.drain()
    key, second = room_key(NAME), Epoch(FIRST_EPOCH + 1)
    await other.stores.log.begin_epoch(key, of=FIRST_EPOCH, epoch=second, after=Sequence(1))
    new = edit(Doc(client_id=8), "new", 2).update
    await other.stores.log.append(key, epoch=second, after=Sequence(1), updates=[new])

    with pytest.raises(EpochMoved):
        await runner.appender.read_peer_updates()
    assert content(runner.room.doc.full_update()) == {"old": 1}
    await runner.receive(SessionId("one"), edit(doc, "stale", 3))
    await runner.drain()
    assert seat.closed == [CloseCode.RELOAD]
    tail = await node.stores.log.read(key, after=Sequence(0))
    assert [row.update for row in tail.rows] == [new]
