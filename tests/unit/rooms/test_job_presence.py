"""Jobs as they are shown to the people in their room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence as SequenceOf
from typing import Any

from collab.ids import Sequence, SessionId, Subject
from collab.limits import AWARENESS_EXPIRY_MS
from collab.protocol.messages import AwarenessEntry
from gateway.rooms.job_presence import RENEW_MS, JobPresence
from gateway.rooms.runner import RoomRunner
from tests.support.wire import AWARENESS, Reader, State, read_states
from tests.unit.rooms.rig import NAME, Rig, Seat, rig
from workers.jobs.job import Job, JobOrder
from workers.jobs.ledger import JobLedger
from workers.jobs.ports import Done


class Overheard:
    """What other nodes would be told of the room."""

    is_shared = True

    def __init__(self) -> None:
        self.entries: list[AwarenessEntry] = []

    def appended(self, first: Sequence, updates: SequenceOf[bytes]) -> None:
        pass

    def announced(self, entries: SequenceOf[AwarenessEntry]) -> None:
        self.entries += entries


async def never() -> None:
    await asyncio.Event().wait()


def shown(runner: RoomRunner) -> list[dict[str, Any]]:
    """The states of the room."""
    return [json.loads(entry.state or "null") for entry in runner.room.awareness.current()]


async def begun(ledger: JobLedger, key: str = "a", room: str | None = NAME) -> Job:
    payload = {"room": room, "source": "musicxml", "target": "pdf"}
    return await ledger.submit(JobOrder("convert", key, Subject("ann"), payload))


def presence_of(one: Rig, ledger: JobLedger) -> JobPresence:
    return JobPresence(one.registry.live, ledger, never, never, is_alone=True)


async def test_a_job_is_shown_to_who_is_in_its_room_and_to_no_other_node() -> None:
    """JOB-17: As it goes on; taken back at its end, and when everybody has left."""
    one = rig(unload_after_ms=60_000)
    ledger = JobLedger(one.stores.records, one.stores.blobs)
    presence = presence_of(one, ledger)
    runner, _ = await one.join("s1")
    other, _ = await one.join("s2", name=type(NAME)("another"))
    overheard = runner.link = Overheard()
    assert not await presence.look()
    job = await begun(ledger)
    await begun(ledger, "b", room=None)
    assert await presence.look()
    told = {"kind": "export", "format": "pdf", "state": "waiting", "progress": None}
    assert shown(runner) == [{"jobs": {job.job_id: told}}]
    assert shown(other) == []
    claim = await ledger.claim()
    assert claim is not None
    claim = await ledger.renew(claim, (2, 5))
    await presence.look()
    progress = {"state": "running", "progress": {"done": 2, "total": 5}}
    assert shown(runner) == [{"jobs": {job.job_id: told | progress}}]
    runner.leave(SessionId("s1"))
    await presence.look()
    assert shown(runner) == []
    runner, _ = await one.join("s3")
    await presence.look()
    assert shown(runner) == [{"jobs": {job.job_id: told | progress}}]
    await ledger.settle(claim, Done({"files": []}))
    await presence.look()
    assert shown(runner) == []
    assert overheard.entries == []
    assert runner.room.awareness.of_this_node() == []


async def test_what_is_shown_is_renewed_before_it_expires_and_not_repeated() -> None:
    """JOB-17: One message for each change; and one now and then, as clients ask for it."""
    one = rig()
    ledger = JobLedger(one.stores.records, one.stores.blobs)
    presence = presence_of(one, ledger)
    runner, seat = await one.join("s1")
    await begun(ledger)
    for _ in range(3):
        await presence.look()
    (first,) = runner.room.awareness.current()
    assert first.clock == 0
    assert [entry.clock for entry in await heard(seat, 1)] == [0]
    assert 2 * RENEW_MS < AWARENESS_EXPIRY_MS
    (record,) = presence._shown.values()
    record.at_ms = type(record.at_ms)(record.at_ms - RENEW_MS)
    await presence.look()
    (second,) = runner.room.awareness.current()
    assert (second.client_id, second.clock, second.state) == (first.client_id, 1, first.state)
    assert [entry.clock for entry in await heard(seat, 2)] == [0, 1]


async def heard(seat: Seat, count: int) -> list[State]:
    """The awareness states that somebody was sent, as soon as there are so many."""
    async with asyncio.timeout(10):
        while True:
            seat.told.clear()
            frames = [frame for frame in seat.frames if frame[0] == AWARENESS]
            found = [entry for frame in frames for entry in read_states(Reader(frame[1:]).blob())]
            if len(found) >= count:
                return found
            await seat.told.wait()
