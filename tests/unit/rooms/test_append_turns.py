"""Two nodes that write the same room at the same time."""

import asyncio
from itertools import count

from pycrdt import Doc, Map

from collab.ids import SessionId
from tests.unit.rooms.rig import edit
from tests.unit.rooms.test_cluster import Node, settled, two, until


async def test_a_node_that_always_has_something_to_append_leaves_others_their_turn() -> None:
    """BUS-13: it moves the head all the time, and what another expects is never where it is."""
    ann, bob, _ = await two()
    for each in (ann, bob):
        each.rig.faults.delays_s["log.append"] = 0.02
    await gets_its_turn(ann, bob, appends_max=100)


async def test_others_get_their_turn_also_where_the_store_is_slow() -> None:
    """BUS-13: who comes too late reads as long as the other one waits, if that knows a limit."""
    ann, bob, hub = await two()
    await ann.write(Doc(), "known")
    await bob.write(Doc(), "known, too")
    hub.losing = True
    for each in (ann, bob):
        each.rig.faults.delays_s = {"log.append": 0.25, "log.read": 0.25}
    await gets_its_turn(ann, bob, appends_max=8)


async def gets_its_turn(busy: Node, other: Node, *, appends_max: int) -> None:
    """While one writes all the time, the other one writes once."""
    doc: Doc[Map[object]] = Doc()
    calls = busy.rig.faults.calls

    async def always_write() -> None:
        for number in count():
            await busy.runner.receive(SessionId("at ann"), edit(doc, f"a{number}", 1))
            await asyncio.sleep(0.005)

    writing = asyncio.create_task(always_write())
    before = calls.count("log.append")
    await until(lambda: calls.count("log.append") > before + 3)
    before = calls.count("log.append")
    written = asyncio.create_task(other.write(Doc(), "b"))
    await until(lambda: written.done() or calls.count("log.append") > before + appends_max)
    writing.cancel()
    assert written.done(), "the other one won every race"
    await written


async def test_who_came_too_late_does_not_read_what_the_bus_has_brought() -> None:
    """BUS-13: it would only come later still."""
    ann, bob, _ = await two()
    gate = bob.rig.faults.gates["log.append"] = asyncio.Event()
    writing = asyncio.create_task(bob.write(Doc(), "b"))
    await settled()
    await ann.write(Doc(), "a")
    await settled()
    assert bob.head == 1
    bob.rig.faults.calls.clear()
    gate.set()
    await writing
    assert "log.read" not in bob.rig.faults.calls
    assert bob.content() == {"a": 1, "b": 1}
