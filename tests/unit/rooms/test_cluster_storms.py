"""Three nodes write at once over a bus that loses and doubles, and a store that fails: by seeds."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from pycrdt import Doc, Map

from collab.ids import Sequence
from persistence.memory import MemoryStore
from tests.support.local_bus import Hub
from tests.unit.rooms.test_cluster import KEY, Node, node, settled, until

EDITS = 12


@pytest.mark.parametrize("seed", range(12))
async def test_every_edit_is_stored_once_and_all_nodes_meet(seed: int) -> None:
    """BUS-3, BUS-5, ACK-6: whatever is lost, doubled, fails before its work or after it."""
    hub, store = Hub(), MemoryStore()
    # However slow the machine is: who gives up closes the room, as other tests show.
    nodes = [await node(name, hub, store, is_patient=True) for name in ("ann", "bob", "cec")]
    draws = [random.Random(f"{seed} {each.bus.sender.node}") for each in nodes]
    await asyncio.gather(*(write(*both, hub) for both in zip(nodes, draws, strict=True)))
    hub.losing = False
    hub.copies = 1
    for each in nodes:
        each.rig.faults.heal()
    assert not any(each.seat.closed for each in nodes)
    hub.interrupt()
    hub.resume()
    wanted = {f"{at}-{number}": number for at in range(len(nodes)) for number in range(EDITS)}
    await until(lambda: {each.head for each in nodes} == {len(wanted)})
    await settled()
    for each in nodes:
        assert each.content() == wanted
    tail = await nodes[0].rig.stores.log.read(KEY, after=Sequence(0))
    assert len({row.update for row in tail.rows}) == len(tail.rows) == len(wanted)


async def write(each: Node, draw: random.Random, hub: Hub) -> None:
    """Write at random moments, and let things go wrong in between."""
    at = ("ann", "bob", "cec").index(each.bus.sender.node)
    doc: Doc[Map[object]] = Doc()
    for number in range(EDITS):
        for call in faults(draw):
            each.rig.faults.fail(call, after=draw.random() < 0.5)
        hub.losing = draw.random() < 0.3
        hub.copies = draw.choice([1, 1, 2])
        if draw.random() < 0.1:
            hub.interrupt()
            hub.resume()
        await each.write(doc, f"{at}-{number}", number)
        await asyncio.sleep(draw.choice([0, 0, 0.002, 0.01]))


def faults(draw: random.Random) -> Iterator[str]:
    if draw.random() < 0.2:
        yield "log.append"
    if draw.random() < 0.1:
        yield "log.read"
