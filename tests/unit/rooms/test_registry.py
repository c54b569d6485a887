"""Rooms are opened once, saved before they are acknowledged, and lose nothing on the way out."""

import asyncio
from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from itertools import count
from typing import cast

import pytest
from pycrdt import Doc, Map, merge_updates

from collab.errors import LimitExceeded, RoomUnavailable, StoreUnavailable
from collab.history.compaction import CompactionLimits
from collab.ids import Epoch, RoomKey, RoomName, Sequence, SessionId, room_key
from collab.ports import UpdateLog
from collab.protocol.close_codes import CloseCode
from persistence.compaction import compact
from persistence.memory import MemoryStore
from tests.unit.rooms.rig import NAME, content, edit, rig


async def test_an_edit_is_echoed_to_its_sender_only_after_the_append() -> None:
    """ACK-1, ACK-5."""
    node = rig()
    runner, seat = await node.join("one")
    _, other = await node.join("two")
    gate = node.faults.gates["log.append"] = asyncio.Event()
    message = edit(Doc(client_id=7), "e1", 1)

    await runner.receive(SessionId("one"), message)
    await asyncio.sleep(0.02)
    assert len(other.updates()) == 1, "seen does not wait for saved"
    assert seat.updates() == []

    gate.set()
    await runner.drain()
    assert seat.updates() == other.updates()


async def test_updates_that_arrive_during_an_append_share_the_next_one() -> None:
    node = rig()
    runner, seat = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    gate = node.faults.gates["log.append"] = asyncio.Event()
    for number in range(5):
        await runner.receive(SessionId("one"), edit(doc, f"e{number}", number))
        await asyncio.sleep(0)
    gate.set()
    await runner.drain()

    assert node.faults.calls.count("log.append") == 2
    assert len(seat.updates()) == 5, "each update frame is echoed by itself"
    assert await node.stores.log.head(room_key(NAME)) == 5


async def test_a_failing_append_is_retried_and_nobody_is_disturbed() -> None:
    """ACK-6."""
    node = rig(attempts_max=3)
    runner, seat = await node.join("one")
    node.faults.fail("log.append", times=2)

    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    await runner.drain()

    assert len(seat.updates()) == 1
    assert seat.closed == []
    assert await node.stores.log.head(room_key(NAME)) == 1


async def test_an_append_whose_answer_was_lost_is_not_written_twice() -> None:
    """ACK-6."""
    node = rig()
    runner, seat = await node.join("one")
    node.faults.fail("log.append", after=True)

    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    await runner.drain()

    assert len(seat.updates()) == 1
    assert await node.stores.log.head(room_key(NAME)) == 1


async def test_a_store_that_stays_down_discards_the_room_without_a_false_acknowledgement() -> None:
    """ACK-7."""
    node = rig(attempts_max=2)
    runner, seat = await node.join("one")
    node.faults.fail("log.append", times=100)

    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "lost", 1))
    await runner.drain()
    assert seat.updates() == []
    assert seat.closed == [CloseCode.INTERNAL_ERROR]

    node.faults.heal()
    again, _ = await node.join("back")
    assert again is not runner
    assert content(again.room.doc.full_update()) == {}


async def test_rows_of_another_writer_are_taken_in_before_ours_are_appended() -> None:
    """SYNC-12."""
    store = MemoryStore()
    one, two = rig(store=store), rig(store=store)
    runner_one, seat_one = await one.join("one")
    runner_two, _ = await two.join("two")

    await runner_one.receive(SessionId("one"), edit(Doc(client_id=7), "a", 1))
    await runner_one.drain()
    await runner_two.receive(SessionId("two"), edit(Doc(client_id=8), "b", 2))
    await runner_two.drain()
    await runner_one.receive(SessionId("one"), edit(Doc(client_id=9), "c", 3))
    await runner_one.drain()

    assert content(runner_two.room.doc.full_update()) == {"a": 1, "b": 2}
    assert content(runner_one.room.doc.full_update()) == {"a": 1, "b": 2, "c": 3}
    assert await one.stores.log.head(room_key(NAME)) == 3
    assert len(seat_one.updates()) == 3, "its own two, and the other writer's"


async def test_what_others_folded_away_before_it_was_read_is_taken_in_as_well() -> None:
    """SYNC-25: Rows behind our head may be in a snapshot by now, and deleted."""
    store = MemoryStore()
    one, two = rig(store=store), rig(store=store)
    runner_one, _ = await one.join("one")
    runner_two, _ = await two.join("two")
    theirs: Doc[Map[object]] = Doc(client_id=8)
    for number in range(4):
        await runner_two.receive(SessionId("two"), edit(theirs, f"b{number}", number))
        await runner_two.drain()
        if number < 3:
            await compact(two.stores, NAME, merged, limits=CompactionLimits(generations=2))
    tail = await two.stores.log.read(room_key(NAME), after=Sequence(0))
    assert len(tail.rows) < 4, "the first rows are gone"

    await runner_one.receive(SessionId("one"), edit(Doc(client_id=7), "a", 1))
    await runner_one.drain()
    expected = {"a": 1, **{f"b{number}": number for number in range(4)}}
    assert content(runner_one.room.doc.full_update()) == expected
    assert await one.stores.log.head(room_key(NAME)) == 5
    again, _ = await rig(store=store).join("later")
    assert content(again.room.doc.full_update()) == expected


async def merged(updates: Iterable[bytes]) -> bytes:
    """Merge at once."""
    return merge_updates(*updates)


async def test_all_who_ask_while_a_room_is_loading_share_one_load() -> None:
    """SYNC-4."""
    node = rig()
    gate = node.faults.gates["log.read"] = asyncio.Event()
    joins = [asyncio.create_task(node.join(f"s{number}")) for number in range(4)]
    await asyncio.sleep(0.01)
    gate.set()
    runners = {id(runner) for runner, _ in await asyncio.gather(*joins)}

    assert len(runners) == 1
    assert node.faults.calls.count("log.read") == 1


async def test_rooms_are_loaded_a_few_at_a_time_and_loaded_ones_do_not_wait() -> None:
    """ROOM-11: However many ask after a restart."""
    node = rig(loads_at_once_max=2)
    here, _ = await node.join("early", name=RoomName("here"))
    gate = node.faults.gates["log.read"] = asyncio.Event()
    before = node.faults.calls.count("log.read")
    joins = [
        asyncio.create_task(node.join("late", name=RoomName(f"other-{number}")))
        for number in range(5)
    ]
    again, _ = await node.join("again", name=RoomName("here"))
    await asyncio.sleep(0.01)
    assert again is here
    assert node.faults.calls.count("log.read") == before + 2
    gate.set()
    opened = await asyncio.gather(*joins)
    assert len({runner.name for runner, _ in opened}) == 5


async def test_one_impatient_joiner_does_not_cancel_the_load_of_the_others() -> None:
    """SYNC-4."""
    node = rig()
    gate = node.faults.gates["log.read"] = asyncio.Event()
    impatient = asyncio.create_task(node.join("impatient"))
    patient = asyncio.create_task(node.join("patient"))
    await asyncio.sleep(0.01)
    impatient.cancel()
    gate.set()

    runner, _ = await patient
    assert list(runner.seats) == ["patient"]


async def test_a_failed_load_is_not_an_empty_room() -> None:
    """ROOM-4."""
    store = MemoryStore()
    before = rig(store=store)
    runner, _ = await before.join("one")
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    await runner.drain()

    node = rig(store=store)
    node.faults.fail("log.read")
    with pytest.raises(StoreUnavailable):
        await node.join("two")
    again, _ = await node.join("two")
    assert content(again.room.doc.full_update()) == {"e1": 1}


async def test_a_room_is_not_unloaded_while_an_append_is_under_way() -> None:
    """ROOM-5."""
    node = rig(unload_after_ms=0)
    runner, _ = await node.join("one")
    gate = node.faults.gates["log.append"] = asyncio.Event()
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    runner.leave(SessionId("one"))
    node.registry.tick()
    assert node.registry.get(NAME) is runner

    gate.set()
    await runner.drain()
    node.registry.tick()
    assert node.registry.get(NAME) is None
    again, _ = await node.join("two")
    assert content(again.room.doc.full_update()) == {"e1": 1}


async def test_a_full_room_takes_nobody_more_and_keeps_those_it_has() -> None:
    """LIM-5."""
    node = rig(sessions_max=2)
    await node.join("one")
    await node.join("two")
    with pytest.raises(LimitExceeded) as caught:
        await node.join("three")
    assert caught.value.limit == "sessions_per_room_max"
    runner = node.registry.get(NAME)
    assert runner is not None
    assert list(runner.seats) == ["one", "two"]


async def test_draining_saves_closes_retryably_and_opens_nothing_more() -> None:
    """OPS-2."""
    node = rig()
    runner, seat = await node.join("one")
    gate = node.faults.gates["log.append"] = asyncio.Event()
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    draining = asyncio.create_task(node.registry.drain(5.0))
    await asyncio.sleep(0.01)
    with pytest.raises(RoomUnavailable):
        await node.join("late")
    assert seat.closed == []
    gate.set()

    assert await draining
    assert seat.closed == [CloseCode.SERVICE_RESTART]
    assert len(seat.updates()) == 1
    assert await node.stores.log.head(room_key(NAME)) == 1


async def test_draining_waits_for_what_is_taken_while_it_waits() -> None:
    """OPS-2: A request that was under way may bring more when all that was there is in flight."""
    node = rig()
    runner, seat = await node.join("one")
    draining = asyncio.create_task(node.registry.drain(5.0))
    while not seat.closed:  # noqa: ASYNC110 - a seat without a socket tells nobody
        await asyncio.sleep(0)
    gates = asyncio.Event(), asyncio.Event()
    doc: Doc[Map[object]] = Doc(client_id=7)
    appending: list[asyncio.Task[Sequence]] = []
    for number, gate in enumerate(gates):
        node.faults.gates["log.append"] = gate
        appending.append(asyncio.create_task(runner.append(edit(doc, "e", number).update)))
        await asyncio.sleep(0.05)
    gates[0].set()
    await appending[0]
    too_early, _ = await asyncio.wait([draining], timeout=0.05)
    assert not too_early
    gates[1].set()

    assert await draining
    assert await appending[1] == 2


async def test_a_drain_that_cannot_save_says_so_in_time() -> None:
    """OPS-3."""
    node = rig()
    runner, _ = await node.join("one")
    node.faults.gates["log.append"] = asyncio.Event()
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    assert not await node.registry.drain(0.05)


async def test_a_sender_is_held_back_while_too_much_is_unsaved() -> None:
    """ACK-11."""
    node = rig(unsaved_bytes_max=1)
    runner, _ = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    gate = node.faults.gates["log.append"] = asyncio.Event()
    await runner.receive(SessionId("one"), edit(doc, "e1", 1))
    second = asyncio.create_task(runner.receive(SessionId("one"), edit(doc, "e2", 2)))
    await asyncio.sleep(0.02)
    assert not second.done()
    gate.set()
    await second
    await runner.drain()
    assert await node.stores.log.head(room_key(NAME)) == 2


async def test_a_tail_that_passed_its_bound_is_compacted_once() -> None:
    node = rig(tail_updates=3)
    runner, _ = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    for number in range(2):
        await runner.receive(SessionId("one"), edit(doc, f"e{number}", number))
    await runner.drain()
    node.registry.tick()
    await asyncio.sleep(0)
    assert node.compacted == []

    await runner.receive(SessionId("one"), edit(doc, "e3", 3))
    await runner.drain()
    node.registry.tick()
    node.registry.tick()
    await asyncio.sleep(0)
    assert node.compacted == [NAME]


async def test_a_large_update_is_applied_in_pieces_and_stored_as_it_came() -> None:
    """SYNC-9."""
    node = rig()
    runner, seat = await node.join("one")
    _, other = await node.join("two")
    doc: Doc[Map[object]] = Doc(client_id=7)
    message = edit(doc, "big", "x" * 200_000)
    later = edit(doc, "small", 1)

    await runner.receive(SessionId("one"), message)
    await runner.receive(SessionId("one"), later)
    await runner.drain()

    tail = await node.stores.log.read(room_key(NAME), after=0)  # type: ignore[arg-type] # the beginning
    assert [row.update for row in tail.rows] == [message.update, later.update]
    assert seat.updates() == other.updates()
    assert content(runner.room.doc.full_update()) == {"big": "x" * 200_000, "small": 1}


async def test_an_edit_through_the_api_returns_once_it_is_durable_and_reaches_sessions() -> None:
    """ACK-9."""
    node = rig()
    runner, seat = await node.join("one")
    sequence = await runner.append(edit(Doc(client_id=7), "e1", 1).update)
    assert sequence == 1
    assert len(seat.updates()) == 1
    assert await runner.append(edit(Doc(client_id=7), "e1", 1).update) == 1, "adds nothing"


async def test_rooms_do_not_hear_each_other() -> None:
    """SYNC-10."""
    node = rig()
    runner, _ = await node.join("one")
    _, elsewhere = await node.join("two", name=RoomName("duet"))
    await runner.receive(SessionId("one"), edit(Doc(client_id=7), "e1", 1))
    await runner.drain()
    assert elsewhere.updates() == []


class Broken:
    """A log whose next append fails in a way that no store should."""

    def __init__(self, log: UpdateLog) -> None:
        self._log = log

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        raise MemoryError

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)


async def test_whatever_breaks_an_append_nothing_after_it_is_acknowledged() -> None:
    """ACK-6: The room is discarded, as when the store fails; clients bring back what is lost."""
    node = rig()
    runner, seat = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)
    runner.appender.stores = replace(node.stores, log=cast("UpdateLog", Broken(node.stores.log)))
    await runner.receive(SessionId("one"), edit(doc, "lost", 1))
    await runner.drain()
    await runner.receive(SessionId("one"), edit(doc, "next", 2))
    await runner.drain()
    assert seat.closed == [CloseCode.INTERNAL_ERROR]
    assert seat.updates() == []
    assert await node.stores.log.head(room_key(NAME)) == 0


async def test_a_busy_room_drains_while_people_go_on_writing() -> None:
    """OPS-10: Only what was there when it was asked for is waited for."""
    node = rig()
    runner, _ = await node.join("one")
    doc: Doc[Map[object]] = Doc(client_id=7)

    async def write_for_ever() -> None:
        for number in count():
            await runner.receive(SessionId("one"), edit(doc, "e", number))
            await asyncio.sleep(0)

    writing = asyncio.create_task(write_for_ever())
    await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        await runner.drain()
    writing.cancel()
