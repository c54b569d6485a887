"""What stock clients keep for undo, and send once they are back, is taken."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, Final

import pytest
from pycrdt import Doc, Map

from collab.protocol.state_vector import decode_state_vector
from collab.protocol.update_scan import scan_update
from collab.room.applied import Applied, finish
from collab.room.doc import RoomDoc
from tests.interop.node_processes import Conversation, lent
from tests.interop.stock import ALL_CLIENTS, Edit, stock
from tests.support.counts import repeats
from tests.support.server import Server
from workers.merge import merge

_SEED: Final = Random().randrange(2**32)
_WRITERS: Final = ("ann", "bob", "cy")
_PATHS: Final[tuple[list[str], ...]] = ([], ["a"], ["a"], ["a", "b"], ["b"])


@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_a_key_of_a_map_within_a_map_may_be_changed_again_and_again_while_away(
    server: Server, room: str, kind: str
) -> None:
    """SCAN-17: Yjs makes one struct of what was overwritten there and is kept for undo."""
    async with stock(server, kind, room) as writer, stock(server, kind, room) as other:
        await writer.until_synced()
        await writer.do("nest", key="inner")
        await writer.do("setIn", outer="inner", key="k", value="before")
        await other.until("inner", equals={"k": "before"})
        await writer.do("keepForUndo")
        await writer.go_offline()
        for key in ("k", "new"):
            for number in range(5):
                await writer.do("setIn", outer="inner", key=key, value=number)
        # A new provider sends what the server lacks at once; some send their queue one by one.
        await writer.do("reopen", room=room)
        await other.until("inner", equals={"k": 4, "new": 4})
        await writer.do("undo")
        await other.until("inner", equals={"k": 4, "new": 3})
        async with stock(server, kind, room) as newcomer:
            await newcomer.until("inner", equals={"k": 4, "new": 3})
        assert not await other.part("closes")
        assert 4400 not in [close["code"] for close in await writer.part("closes")]


class Place:
    """A room's document with its log, and editors who can undo and come and go.

    Attributes:
        log: what is stored.
        news: what others are sent.
        rewritten: how many updates are not stored as they came.
        waited: how many lacked something when they came.
    """

    def __init__(self, random: Random, call: Callable[..., Any]) -> None:
        self.random = random
        self.call = call
        self.doc = RoomDoc()
        self.log: list[bytes] = []
        self.news: list[bytes] = []
        self.rewritten = 0
        self.waited = 0
        # State vectors of the room and of each writer, as they once were.
        self.past: dict[str, list[bytes]] = {"room": [b"\x00"]}
        self.sent: list[bytes] = []

    async def open(self) -> None:
        """Let the writers begin, on the same two maps."""
        for number, name in enumerate(_WRITERS):
            await self.call("open", doc=name, clientId=number + 10)
            self.past[name] = [b"\x00"]
        first = [{"op": "nest", "path": [], "key": "a"}, {"op": "nest", "path": ["a"], "key": "b"}]
        await self.call("edits", doc=_WRITERS[0], edits=first)
        for name in _WRITERS:
            await self.meet(name)

    async def step(self) -> None:
        """One of the writers edits, sends or asks."""
        random = self.random
        name = random.choice(_WRITERS)
        kind = random.random()
        if kind < 0.55:
            await self.call("edits", doc=name, edits=self.draw())
        elif kind < 0.7:
            await self.send(name, self.doc.state_vector())
        elif kind < 0.8:
            await self.send(name, random.choice(self.past["room"]))
        elif kind < 0.87:
            # Where that lacks something, it waits.
            await self.send(name, random.choice(self.past[name]))
        elif kind < 0.92 and self.sent:
            parts = random.choices(self.sent, k=random.randint(1, 3))
            told = [b64encode(part).decode() for part in parts]
            self.take(b64decode(await self.call("merge", updates=told)))
        else:
            await self.hear(name)
        self.past[name].append(b64decode(await self.call("stateVector", doc=name)))

    def draw(self) -> list[Edit]:
        """A few edits; most of them change one thing again and again."""
        random = self.random
        kind = random.random()
        if kind < 0.2:
            return [{"op": random.choice(("undo", "undo", "redo"))}] * random.randint(1, 3)
        where = {"path": random.choice(_PATHS), "key": random.choice("abkl")}
        count, value = random.randint(2, 5), random.randrange(1000)
        if kind < 0.3:
            return [{"op": random.choice(("nest", "remove")), **where}]
        if kind < 0.4:
            op = random.choice(("element", "element", "removeElement"))
            return [{"op": op, "value": value, "index": value}]
        if kind < 0.6:
            at = {"index": value, "key": where["key"]}
            return [{"op": "attribute", "value": value + add, **at} for add in range(count)]
        where["key"] = random.choice("kl")
        return [{"op": "set", "value": value + add, **where} for add in range(count)]

    async def send(self, name: str, state_vector: bytes) -> None:
        """A writer sends what a room with this state vector would lack."""
        told = b64encode(state_vector).decode()
        update = b64decode(await self.call("difference", doc=name, stateVector=told))
        self.sent.append(update)
        self.take(update)

    async def hear(self, name: str) -> None:
        """A writer is sent what it lacks."""
        lacking = self.doc.difference(b64decode(await self.call("stateVector", doc=name)))
        await self.call("apply", doc=name, update=b64encode(lacking).decode())

    async def meet(self, name: str) -> None:
        """A writer and the room tell each other everything."""
        await self.send(name, self.doc.state_vector())
        await self.hear(name)

    def take(self, update: bytes) -> None:
        """The room is sent an update."""
        scanned = scan_update(update)
        if not self.doc.adds(scanned):
            return
        outcome = self._apply(update)
        self.log.append(outcome.update)
        self.rewritten += outcome.update != update
        self.waited += outcome.incomplete
        if outcome.news is not None:
            self.news.append(outcome.news)
        self.past["room"].append(self.doc.state_vector())

    def _apply(self, update: bytes) -> Applied:
        scanned = scan_update(update)
        if self.random.random() < 0.5:
            return self.doc.apply(update, scanned)
        return finish(self.doc.apply_in_steps(update, scanned))


async def read(talk: Conversation, *updates: bytes) -> dict[str, Any]:
    """What a new Yjs document has that is given these updates."""
    told = [b64encode(update).decode() for update in updates]
    found: dict[str, Any] = await talk.call("read", updates=told)
    return found


def reloaded(rows: list[bytes]) -> RoomDoc:
    """A room's document, read back from what was stored."""
    doc = RoomDoc()
    for row in rows:
        doc.apply(row, scan_update(row, stored=True), stored=True)
    return doc


@pytest.fixture
async def talk() -> AsyncIterator[Conversation]:
    """With a Node process that holds Yjs documents."""
    async with lent("undoing", "undoing.mjs") as conversation:
        yield conversation


@pytest.mark.prove
@pytest.mark.timeout(3600)
async def test_edits_kept_for_undo_come_together_as_yjs_merges_them(
    talk: Conversation, record_property: Callable[[str, object], None]
) -> None:
    """SCAN-17: Maps in maps, attributes, undo; what is sent overlaps, comes late or again."""
    rewritten = waited = 0
    rounds = repeats(15, proof=1500)
    for number in range(rounds):
        seed = _SEED + number
        place = Place(Random(seed), talk.call)
        await place.open()
        for _ in range(60):
            await place.step()
        for name in (*_WRITERS, *_WRITERS):
            await place.meet(name)
        truth = await talk.call("truth")
        for name in _WRITERS:
            assert await talk.call("state", doc=name) == truth, f"seed {seed}: {name}"
        whole = place.doc.full_update()
        held = {
            "a newcomer": (whole,),
            "who was there": tuple(place.news),
            "the log": tuple(place.log),
            "the log, merged": (merge(place.log),),
            "a room loaded from it": (reloaded(place.log).full_update(),),
            "a room loaded from what was merged": (reloaded([merge(place.log)]).full_update(),),
        }
        for whose, updates in held.items():
            assert await read(talk, *updates) == truth, f"seed {seed}: {whose}"
        told: Doc[Any] = Doc()
        for update in place.news:
            told.apply_update(update)
        assert told.get("map", type=Map).to_py() == truth["map"], f"seed {seed}"
        assert decode_state_vector(told.get_state()) == dict(place.doc.clocks)
        rewritten += place.rewritten
        waited += place.waited
        await talk.call("reset")
    assert rewritten > rounds
    assert waited > 0
    record_property("rounds", rounds)
    record_property("updates rewritten", rewritten)
    record_property("updates that waited", waited)
