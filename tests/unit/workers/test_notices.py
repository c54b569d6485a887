"""Causes and what follows from them: crashes, refusals, trouble, over a real store in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from collab.errors import RoomQuarantined, RoomUnavailable, StateConflict
from collab.ids import NO_ROOM, Subject, room_name
from collab.ports import RecordKind
from persistence.capture import room_records
from persistence.memory import MemoryStore
from persistence.stores import Stores
from workers.notices.events import Cause, Event, EventId, EventKind
from workers.notices.outbox import Outbox
from workers.notices.relay import GIVEN_UP_S, PATIENCE_S, Announcer, Fate, Relay

ANN, BOB = Subject("ann"), Subject("bob")


@dataclass
class World:
    """What happened, and who was told; sinks remember ids, as jobs do by their keys."""

    stores: Stores = field(default_factory=lambda: MemoryStore().stores())
    now: float = 1_000.0
    deeds: dict[str, Fate] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    told: dict[EventId, Event] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)

    def cause(self, name: str) -> Cause:
        return Cause(name, EventKind.COMMENT, room_name("r"), ANN, None, self.now, {"of": name})

    @property
    def announcer(self) -> Announcer:
        return Announcer(Outbox(self.stores.records))

    async def tried(
        self,
        name: str,
        error: Exception,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
        *,
        is_done: bool = False,
    ) -> None:
        """Announce a deed that ends with an error, whether it was done or not."""
        async with self.announcer(self.cause(name)):
            if is_done:
                self.deeds[name] = Fate.NOT_YET
            if meanwhile is not None:
                await meanwhile()
            raise error

    async def look(self) -> None:
        """As a node does that was just started."""
        await self.relay().look()

    def relay(self) -> Relay:
        async def witness(cause: Cause) -> tuple[Event, ...] | Fate:
            if cause.cause_id in self.broken:
                raise RoomQuarantined("for now")
            found = self.deeds.get(cause.cause_id, Fate.NOT_YET)
            done = cause.event(EventKind.COMMENT, (ANN, BOB, BOB), {"of": cause.cause_id})
            return (done,) if found is Fate.NOT_YET and cause.cause_id in self.deeds else found

        async def sink(event: Event) -> None:
            self.told[event.event_id] = event

        due, sinks = asyncio.Event(), [sink]
        witnesses = {EventKind.COMMENT: witness}
        outbox = Outbox(self.stores.records)
        return Relay(
            outbox,
            due,
            witnesses,
            sinks,
            lambda _, how: self.outcomes.append(how),
            lambda: self.now,
        )

    async def left(self) -> list[str]:
        return [each.cause_id for each in await Outbox(self.stores.records).list(after=None)]

    def names(self) -> list[str]:
        return sorted(str(each.data["of"]) for each in self.told.values())


async def test_what_happened_is_told_by_whoever_looks_later_and_what_did_not_is_not() -> None:
    """NOTE-2, NOTE-6: A crash before the deed, after it, and while it was told."""
    world = World()
    with pytest.raises(RoomUnavailable):  # it may have been stored all the same
        await world.tried("after", RoomUnavailable("its node died here"), is_done=True)
    with pytest.raises(RoomUnavailable):
        await world.tried("before", RoomUnavailable("its node died here"))
    async with world.announcer(world.cause("under way")):
        world.deeds["under way"] = Fate.WAITING
    again = await Outbox(world.stores.records).list(after=None)
    await world.look()
    (told,) = world.told.values()
    assert (told.data["of"], told.recipients) == ("after", (BOB,))
    for cause in again:  # the node died before it had struck them
        await Outbox(world.stores.records).add(cause)
    world.now += PATIENCE_S + 1
    await world.look()
    assert (world.names(), await world.left()) == (["after"], ["under way"])
    world.deeds["under way"] = Fate.NEVER
    await world.look()
    assert (world.names(), await world.left()) == (["after"], [])


async def test_a_refusal_forgets_its_own_cause_and_no_other_requests() -> None:
    """NOTE-6: Two requests with one key: the refused one does not silence the other."""
    world = World()
    with pytest.raises(StateConflict):
        await world.tried("refused", StateConflict("no"))
    assert await world.left() == []

    async def meanwhile() -> None:
        async with world.announcer(world.cause("twice")):
            world.deeds["twice"] = Fate.NOT_YET

    with pytest.raises(StateConflict):
        await world.tried("twice", StateConflict("no"), meanwhile)
    await world.look()
    assert world.names() == ["twice"]


async def test_a_room_in_trouble_keeps_nobody_elses_from_being_told() -> None:
    """NOTE-2: It is told when the room is well again; after a week it is given up, and counted."""
    world = World()
    for name in ("ill", "lost", "well"):
        async with world.announcer(world.cause(name)):
            world.deeds[name] = Fate.NOT_YET
    world.broken = {"ill", "lost"}
    await world.look()
    assert world.names() == ["well"]
    world.broken = {"lost"}
    world.now += GIVEN_UP_S
    await world.look()
    assert (world.names(), await world.left()) == (["ill", "well"], [])
    assert sorted(world.outcomes) == ["given-up", "handed-on", "handed-on"]


async def test_a_copy_of_a_store_tells_nobody_again() -> None:
    """NOTE-2: Backups and migrations leave the outbox out."""
    world = World()
    async with world.announcer(world.cause("any")):
        pass
    assert await world.left() == ["any"]
    kinds = [kind async for kind, _ in room_records(world.stores, NO_ROOM)]
    assert RecordKind.OUTBOX not in kinds
