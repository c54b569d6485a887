"""Large documents on their way to newcomers: in turns, encoded elsewhere, nothing in between."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from pycrdt import Doc, Text, merge_updates

from collab.access import ANYBODY
from collab.errors import WorkerFailed
from collab.ids import SessionId
from collab.protocol.messages import AwarenessEntry, AwarenessUpdate, SyncStep1, SyncUpdate
from collab.protocol.websocket_frames import Frame
from collab.room.session import Session, Wire
from gateway.rooms.joins import JoinBucket
from gateway.rooms.services import RoomServices
from tests.support import wire
from tests.support.updates import STRING, Block, after, text, update
from tests.support.wire import State, string
from tests.unit.rooms.rig import NAME, Rig, Seat, rig

ANN, BEN, CY = SessionId("ann"), SessionId("ben"), SessionId("cy")
STEP_1 = SyncStep1(wire.EMPTY_STATE_VECTOR)
MIB = 2**20


def written(letters: int) -> SyncUpdate:
    """A large text."""
    return SyncUpdate(update([Block(7, 0, [text("x" * letters)])]))


def behind(clock: int, more: str) -> SyncUpdate:
    """More of it."""
    return SyncUpdate(
        update([Block(7, clock, [after(STRING, string(more), origin=(7, clock - 1))])])
    )


def shown_by(seat: Seat) -> str:
    """The text of a replica given the updates that a seat was sent, in order."""
    doc: Doc[Text] = Doc()
    for frame in seat.frames:
        reader = wire.Reader(frame)
        if reader.uint() == wire.SYNC and reader.uint() != wire.STEP_1:
            doc.apply_update(reader.blob())
    return str(doc.get("text", type=Text))


def states_told(seat: Seat) -> list[State]:
    """The states that a seat was sent, in order."""
    readers = [wire.Reader(frame) for frame in seat.frames]
    told = [reader for reader in readers if reader.uint() == wire.AWARENESS]
    return [state for reader in told for state in wire.read_states(reader.blob())]


@dataclass(slots=True)
class Full(Seat):
    """The seat of a client that does not read: it takes no broadcasts."""

    refused: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Refuse, and say so."""
        del frame
        self.refused.set()
        return False


class Turns:
    """Readers that take a turn each and note in which order."""

    def __init__(self, bytes_max: int) -> None:
        self.bucket = JoinBucket(bytes_max)
        self.order: list[str] = []
        self.seats: dict[str, Seat] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str, size_bytes: int, *, reads: bool = True) -> None:
        """Somebody asks for so many bytes."""
        seat = self.seats[name] = Seat()

        async def take() -> None:
            async with self.bucket.turn(size_bytes, seat):
                self.order.append(name)
                seat.unread = 0 if reads else size_bytes

        self.tasks[name] = asyncio.create_task(take())


async def test_the_cheapest_come_first_and_equals_in_order() -> None:
    """LIM-17: Large answers share one bucket of bytes."""
    turns = Turns(10 * MIB)
    turns.begin("first", 9 * MIB, reads=False)
    await asyncio.sleep(0)
    turns.begin("huge", 40 * MIB)
    turns.begin("small", 2 * MIB)
    turns.begin("another", 2 * MIB)
    await asyncio.sleep(0)
    assert turns.order == ["first"]
    turns.seats["first"].unread = 0
    await asyncio.gather(*turns.tasks.values())
    assert turns.order == ["first", "small", "another", "huge"]


async def test_one_large_answer_begins_in_each_turn_of_the_loop() -> None:
    """LIM-17: Even where all fit, and are taken by the system at once: others come in between."""
    turns = Turns(10 * MIB)
    for name in ("first", "second", "third"):
        turns.begin(name, 1 * MIB)
    seen: list[int] = []
    while len(turns.order) < 3:
        await asyncio.sleep(0)
        seen.append(len(turns.order))
    assert {1, 2} <= set(seen)


async def test_what_was_read_makes_room_for_the_next() -> None:
    """LIM-17: A part is enough."""
    turns = Turns(10 * MIB)
    turns.begin("first", 8 * MIB, reads=False)
    turns.begin("second", 6 * MIB)
    await turns.tasks["first"]
    assert turns.order == ["first"]
    turns.seats["first"].unread = 4 * MIB
    await turns.tasks["second"]
    assert turns.order == ["first", "second"]


async def test_a_reader_that_does_not_read_holds_nobody_up_for_long() -> None:
    """LIM-17: Its answer ceases to count."""
    turns = Turns(1 * MIB)
    turns.begin("stalled", 1 * MIB, reads=False)
    turns.begin("next", 1 * MIB)
    await asyncio.wait_for(turns.tasks["next"], 20)
    assert turns.order == ["stalled", "next"]


async def test_who_goes_while_waiting_leaves_the_others_their_turns() -> None:
    """A connection may break at any time."""
    turns = Turns(1 * MIB)
    turns.begin("first", 1 * MIB, reads=False)
    turns.begin("gone", 1 * MIB)
    turns.begin("last", 1 * MIB)
    await asyncio.sleep(0)
    turns.tasks["gone"].cancel()
    await asyncio.wait([turns.tasks["gone"]])
    turns.seats["first"].unread = 0
    await turns.tasks["last"]
    assert turns.order == ["first", "last"]


async def test_who_waits_for_the_document_is_sent_no_part_of_it_before() -> None:
    """SYNC-23: Clients keep what lacks its base, and some of them not well."""
    node = rig(join_bytes_in_flight_max=1 * MIB)
    runner, _ = await node.join(ANN)
    await runner.receive(ANN, written(900_000))
    slow, waits = (await node.join(BEN))[1], (await node.join(CY))[1]
    slow.unread = 900_000
    await runner.receive(BEN, STEP_1)
    waiting = asyncio.create_task(runner.receive(CY, STEP_1))
    await asyncio.sleep(0)
    await runner.receive(ANN, behind(900_000, "!"))
    assert not waits.updates()
    assert slow.updates()[-1].endswith(b"!\x00")
    slow.unread = 0
    await waiting
    assert shown_by(waits) == "x" * 900_000 + "!" == shown_by(slow)


async def test_who_falls_behind_while_waiting_for_the_document_hears_of_who_left() -> None:
    """SYNC-18: The answer to the step 1 comes before there is room for broadcasts again."""
    node = rig(join_bytes_in_flight_max=1 * MIB)
    runner, _ = await node.join(ANN)
    await runner.receive(ANN, written(900_000))
    await runner.receive(ANN, AwarenessUpdate((AwarenessEntry(7, 1, "{}"),)))
    slow, waits = (await node.join(BEN))[1], Full()
    runner.join(Session(CY, ANYBODY, Wire.Y_WEBSOCKET), waits)
    assert states_told(waits) == [State(7, 1, {})]
    slow.unread = 900_000
    await runner.receive(BEN, STEP_1)
    waiting = asyncio.create_task(runner.receive(CY, STEP_1))
    await asyncio.sleep(0)
    runner.leave(ANN)
    await waits.refused.wait()
    slow.unread = 0
    await waiting
    runner.caught_up(CY)
    assert states_told(waits)[1:] == [State(7, 2, None)]


@pytest.mark.parametrize(("letters", "is_at_once"), [(1_000, True), (1_000_000, False)])
async def test_only_a_large_answer_has_to_wait_for_its_turn(
    letters: int, *, is_at_once: bool
) -> None:
    """SYNC-22: What is refused here has done nothing, and is answered by the way that waits."""
    node = rig()
    runner, _ = await node.join(ANN)
    await runner.receive(ANN, written(letters))
    _, ben = await node.join(BEN)
    greeting = list(ben.frames)
    assert runner.try_receive(BEN, STEP_1) is is_at_once
    if not is_at_once:
        assert ben.frames == greeting
        await runner.receive(BEN, STEP_1)
    assert shown_by(ben) == "x" * letters


@pytest.mark.parametrize("stored_only", [True, False])
async def test_a_very_large_document_is_encoded_elsewhere_once_for_all(stored_only: bool) -> None:  # noqa: FBT001
    """SYNC-22: From what is stored, or from what was encoded before and came since."""
    calls: list[int] = []
    release = asyncio.Event()

    async def merge(updates: Sequence[bytes]) -> bytes:
        calls.append(len(updates))
        await release.wait()
        return merge_updates(*updates)

    node, letters = await very_large(merge)
    runner = node.registry.live()[0]
    if not stored_only:
        release.set()
        await runner.receive(ANN, STEP_1)
        await runner.receive(ANN, behind(letters, "y" * 3_000_000))
        letters += 3_000_000
        release.clear()
        calls.clear()
    seats = [(await node.join(name))[1] for name in (BEN, CY)]
    answers = [asyncio.create_task(runner.receive(name, STEP_1)) for name in (BEN, CY)]
    while not calls:  # noqa: ASYNC110 -- it reads the store first
        await asyncio.sleep(0.01)
    await runner.receive(ANN, behind(letters, "!"))
    release.set()
    await asyncio.gather(*answers)
    assert len(calls) == 1
    for seat in seats:
        assert shown_by(seat) == "x" * 9_000_000 + "y" * (letters - 9_000_000) + "!"
    (one, other) = (max(seat.frames, key=len) for seat in seats)
    assert one is other


async def test_a_very_large_document_is_read_from_a_worker() -> None:
    """API-10: With all that was integrated by then; who lacks little is given only that."""
    calls: list[int] = []

    async def merge(updates: Sequence[bytes]) -> bytes:
        calls.append(len(updates))
        return merge_updates(*updates)

    node, letters = await very_large(merge)
    runner = node.registry.live()[0]
    await runner.drain()
    services = RoomServices(node.registry, MIB)
    assert text_of(await services.document(NAME, state_vector=None)) == "x" * letters
    assert calls == [1]
    before = await services.state_vector(NAME)
    await runner.receive(ANN, behind(letters, "!"))
    whole = await services.document(NAME, state_vector=wire.EMPTY_STATE_VECTOR)
    assert text_of(whole) == "x" * letters + "!"
    assert calls == [1, 2]
    lacking = await services.document(NAME, state_vector=before)
    assert len(lacking or b"") < 100
    assert text_of(whole, lacking) == "x" * letters + "!"
    assert calls == [1, 2]


async def test_without_a_worker_a_very_large_document_is_read_all_the_same() -> None:
    """API-10."""

    async def fail(_: Sequence[bytes]) -> bytes:
        raise WorkerFailed("none")

    node, letters = await very_large(fail)
    services = RoomServices(node.registry, MIB)
    assert text_of(await services.document(NAME, state_vector=None)) == "x" * letters


async def test_without_a_worker_a_very_large_document_is_sent_all_the_same() -> None:
    """Late is better than never."""

    async def fail(_: Sequence[bytes]) -> bytes:
        raise WorkerFailed("none")

    node, letters = await very_large(fail)
    runner, ben = await node.join(BEN)
    await runner.receive(BEN, STEP_1)
    await runner.receive(ANN, behind(letters, "!"))
    assert shown_by(ben) == "x" * 9_000_000 + "!"


def text_of(*updates: bytes | None) -> str:
    """The text of a replica given updates in order."""
    doc: Doc[Text] = Doc()
    for each in updates:
        assert each is not None
        doc.apply_update(each)
    return str(doc.get("text", type=Text))


async def very_large(merge: object) -> tuple[Rig, int]:
    """A room in which Ann has written nine million letters; and how many those are."""
    node = rig(merge=merge, unsaved_bytes_max=64 * MIB)  # type: ignore[arg-type]
    runner, _ = await node.join(ANN)
    await runner.receive(ANN, written(9_000_000))
    return node, 9_000_000
