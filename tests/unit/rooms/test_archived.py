"""Which live rooms are archived, as looks at their records tell."""

import asyncio
from dataclasses import replace

from collab.ids import SessionId, UnixSeconds
from gateway.rooms.archived import ArchivedRooms
from persistence.score_record import change_score_record
from tests.support.store_passage import Gate, PassedRecords
from tests.unit.rooms.rig import NAME, rig


async def test_a_look_that_comes_back_late_does_not_bring_back_what_was_taken_back() -> None:
    """SCO-7: Two looks at once, as where a score is archived on one node and not on another."""
    node = rig()
    runner, _ = await node.join("one")
    gate = Gate("records.list", is_shut=True)
    rooms = ArchivedRooms(replace(node.stores, records=PassedRecords(node.stores.records, gate)))
    at = UnixSeconds(1_800_000_000)
    await change_score_record(node.stores, NAME, lambda known: replace(known, archived_at=at))
    late = asyncio.create_task(rooms.look(runner))
    await gate.reached.wait()
    await change_score_record(node.stores, NAME, lambda known: replace(known, archived_at=None))
    await rooms.look(runner)
    gate.opens.set()
    await late
    rooms.check(runner)
    assert rooms.capped(runner, runner.room.sessions[SessionId("one")].claims).rulings == ()
