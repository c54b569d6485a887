"""Broadcasts of a busy room on their way to real seats, with the loop's own timers."""

import asyncio
from typing import Any

import pytest
import uvloop
from pycrdt import Doc, Text

from collab.ids import SessionId
from collab.limits import FANOUT_WINDOW_MS_MAX
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import SyncStep1
from gateway.rooms.runner import RoomRunner
from tests.support import wire
from tests.unit.rooms.rig import Seat, rig, typed

READERS = 200
BURST = 200


async def busy_room() -> tuple[RoomRunner, dict[SessionId, Seat]]:
    """A room full of readers."""
    node = rig(sessions_max=READERS + 2)
    seats = {}
    for number in range(READERS):
        runner, seat = await node.join(f"r{number}")
        seats[SessionId(f"r{number}")] = seat
    runner, seats[SessionId("w")] = await node.join("w")
    return runner, seats


async def burst(runner: RoomRunner, reader: Seat) -> int:
    """One member types faster than can be sent to everybody each time.

    Returns:
        How many letters; the last of them have not been sent yet.
    """
    doc: Doc[Text] = Doc(client_id=7)
    count = before = 0
    while count < BURST or len(reader.frames) > before:
        before = len(reader.frames)
        await runner.receive(SessionId("w"), typed(doc, "x"))
        count += 1
    return count


async def arrived(seat: Seat, count: int) -> None:
    """Until a seat was sent so many letters."""
    while len(text_of(seat)) < count:
        seat.told.clear()
        await seat.told.wait()


def text_of(seat: Seat) -> str:
    """What a replica shows after all updates and steps 2 that a seat was sent, in order."""
    doc: Doc[Any] = Doc()
    for frame in seat.frames:
        reader = wire.Reader(frame)
        if reader.uint() == wire.SYNC and reader.uint() != wire.STEP_1:
            doc.apply_update(reader.blob())
    return str(doc.get("t", type=Text))


async def test_a_busy_room_is_sent_fewer_frames_than_there_are_updates() -> None:
    """SYNC-20: All of it arrives, and the writer's own comes back only as it was sent."""
    runner, seats = await busy_room()
    count = await burst(runner, seats[SessionId("r0")])
    await runner.drain()
    await arrived(seats[SessionId("r0")], count)
    frames = {len(seat.updates()) for who, seat in seats.items() if who != "w"}
    assert len(frames) == 1
    assert frames.pop() < count / 2
    for who, seat in seats.items():
        assert text_of(seat) == "x" * count, who
    assert len(seats[SessionId("w")].updates()) == count


async def test_who_asks_while_something_waits_is_told_it_once() -> None:
    """SYNC-21: The answer holds it."""
    runner, seats = await busy_room()
    asking = seats[SessionId("r1")]
    count = await burst(runner, asking)
    await runner.receive(SessionId("r1"), SyncStep1(wire.EMPTY_STATE_VECTOR))
    asked = len(asking.frames)
    assert text_of(asking) == "x" * count
    await arrived(seats[SessionId("r0")], count)
    assert asking.frames[asked:] == []


async def test_a_discarded_room_sends_nothing_more() -> None:
    """Its sessions come back and bring, or are told, everything."""
    runner, seats = await busy_room()
    await burst(runner, seats[SessionId("r0")])
    before = {who: len(seat.frames) for who, seat in seats.items()}
    runner.discard(CloseCode.INTERNAL_ERROR)
    await asyncio.sleep(2 * FANOUT_WINDOW_MS_MAX / 1000)
    assert {who: len(seat.frames) for who, seat in seats.items()} == before


@pytest.mark.parametrize("leaver", ["w", "r0"])
async def test_who_leaves_while_something_waits_takes_nothing_from_the_others(leaver: str) -> None:
    """What was accepted is sent, though its writer is gone."""
    runner, seats = await busy_room()
    count = await burst(runner, seats[SessionId("r1")])
    runner.leave(SessionId(leaver))
    left = len(seats[SessionId(leaver)].frames)
    await arrived(seats[SessionId("r1")], count)
    assert len(seats[SessionId(leaver)].frames) == left


def test_windows_end_on_the_loop_that_the_server_runs_on() -> None:
    """Its timers differ from those of the standard library."""

    async def run() -> None:
        runner, seats = await busy_room()
        reader = seats[SessionId("r0")]
        reader.pause_s = 0.002  # a round takes longer than the window that was planned
        count = await burst(runner, reader)
        await arrived(reader, count)
        assert len(reader.updates()) < count / 2

    uvloop.run(run())
