"""What becomes of a room that is no longer needed in memory."""

import asyncio

from pycrdt import Doc, Text

from collab.ids import SessionId
from collab.limits import DISSOLVE_BYTES_MIN
from collab.protocol.state_vector import encode_state_vector
from collab.room.doc import RoomDoc
from tests.unit.rooms.rig import content, edit, rig, typed


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
