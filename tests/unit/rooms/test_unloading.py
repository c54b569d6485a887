"""What becomes of a room that is no longer needed in memory."""

import asyncio
import gc
import weakref

from pycrdt import Doc, Text

from collab.ids import SessionId
from collab.limits import DISSOLVE_BYTES_MIN
from collab.protocol.state_vector import encode_state_vector
from collab.room.doc import RoomDoc
from tests.unit.rooms.rig import NAME, content, edit, rig, typed


async def test_an_unloaded_room_is_freed_without_a_search_for_garbage() -> None:
    """MEM-2."""
    node = rig(unload_after_ms=0)
    runner, _ = await node.join("one")
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    await runner.drain()
    runner.leave(SessionId("one"))
    kept = weakref.ref(runner)
    await asyncio.sleep(0)
    gc.disable()
    try:
        del runner, _
        node.registry.tick()
        await asyncio.sleep(0)
        assert node.registry.live() == []
        assert kept() is None
    finally:
        gc.enable()


async def test_a_room_that_is_replaced_is_freed_without_a_search_for_garbage() -> None:
    """MEM-2."""
    node = rig()
    runner, _ = await node.join("one")
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    kept = weakref.ref(runner)
    gc.disable()
    try:
        del runner, _
        async with node.registry.closed(NAME):
            pass
        await asyncio.sleep(0)
        assert kept() is None
    finally:
        gc.enable()


async def test_a_large_document_is_taken_apart_once_nobody_holds_its_room() -> None:
    """MEM-3."""
    node = rig(unload_after_ms=0)
    runner, _ = await node.join("one")
    text = "ab\N{MUSICAL SYMBOL G CLEF}" * (DISSOLVE_BYTES_MIN // 6)
    await runner.receive(SessionId("one"), typed(Doc(client_id=7), text))
    await runner.receive(SessionId("one"), edit(Doc(client_id=8), "e1", 1))
    await runner.drain()
    runner.leave(SessionId("one"))
    doc = runner.room.doc
    node.registry.tick()
    await asyncio.sleep(0)
    node.registry.tick()
    await asyncio.sleep(0.01)
    assert node.registry.live() == []
    assert _held(doc) == (text, {"e1": 1}), "a request may still read it"

    del runner, _
    node.registry.tick()
    async with asyncio.timeout(30):
        while _held(doc) != ("", {}):  # noqa: ASYNC110 - the document tells nobody
            await asyncio.sleep(0)
    again, _ = await node.join("two")
    assert _held(again.room.doc) == (text, {"e1": 1})


def _held(doc: RoomDoc) -> tuple[str, dict[str, object]]:
    """What the CRDT library holds of a document, not what was encoded of it before."""
    update = doc.difference(encode_state_vector({99: 0}))
    replica: Doc[Text] = Doc()
    replica.apply_update(update)
    return str(replica.get("t", type=Text)), content(update)
