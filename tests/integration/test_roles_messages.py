"""Every role by every message over both protocols: what others see, what is stored and said."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from tests.support import wire
from tests.support.access import mint, ticket
from tests.support.http import stored_update
from tests.support.oracle import keys_of
from tests.support.server import Server, serving
from tests.support.wire import State, string, uint
from tests.support.ws_client import (
    PROTOCOLS,
    HocuspocusMember,
    Member,
    hocuspocus,
    open_socket,
    y_websocket,
)

EDITORS: Final = ("owner", "editor")
READERS: Final = ("commenter", "viewer")
ROLES: Final = EDITORS + READERS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for tokens."""
    with serving(tmp_path_factory.mktemp("roles"), auth="token") as running:
        yield running


@dataclass(frozen=True, slots=True)
class Stage:
    """Somebody of the role under test, and an editor who watches."""

    server: Server
    room: str
    actor: Member
    witness: Member
    witness_token: str

    async def stored_keys(self) -> set[str]:
        """The keys of the room's map, as stored."""
        return keys_of(await stored_update(self.server, self.room, token=self.witness_token))

    async def everything_sent_was_handled(self) -> None:
        """Wait until both have been answered to something sent after all else."""
        for member in (self.actor, self.witness):
            await member.set_state({"done": True})
        for member in (self.actor, self.witness):
            for who in (self.actor, self.witness):
                await member.until(lambda m=member, w=who: m.present().get(w.doc.client_id)  # type: ignore[misc]
                                   is not None)  # fmt: skip


@asynccontextmanager
async def sign_in(server: Server, protocol: str, room: str, token: str) -> AsyncIterator[Member]:
    """Join with a token, or with a ticket bought with it."""
    if protocol == "hocuspocus":
        async with hocuspocus(server.hocuspocus_url, room, token=token) as member:
            await member.until(lambda: member.synced)
            yield member
    else:
        spent = await ticket(server, room, token)
        async with y_websocket(server.collab_url, room, ticket=spent) as other:
            await other.until(lambda: other.synced)
            yield other


@asynccontextmanager
async def stage(server: Server, protocol: str, role: str, room: str) -> AsyncIterator[Stage]:
    """Set the scene in a room that holds one key."""
    witness_token = mint(server, {room: "editor"}, subject="u-witness", name="Witness")
    actor_token = mint(server, {room: role}, subject="u-actor", name="Actor")
    async with sign_in(server, "hocuspocus", room, witness_token) as witness:
        await witness.edit(lambda m: m.map.update({"first": 1}))
        await witness.until_saved()
        async with sign_in(server, protocol, room, actor_token) as actor:
            yield Stage(server, room, actor, witness, witness_token)


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room of this test's own."""
    name: str = request.node.name
    return "".join(letter if letter.isalnum() else "-" for letter in name)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_role_reads(server: Server, room: str, protocol: str, role: str) -> None:
    """ACC-2: Step 1 is answered, later edits arrive, and queries for who is here are answered."""
    async with stage(server, protocol, role, room) as scene:
        await scene.actor.until(lambda: "first" in scene.actor.map)
        await scene.witness.edit(lambda m: m.map.update({"second": 2}))
        await scene.actor.until(lambda: "second" in scene.actor.map)
        await scene.witness.set_state({"here": 1})
        await scene.actor.until(lambda: scene.witness.doc.client_id in scene.actor.present())
        scene.actor.states.clear()
        await scene.actor.send(uint(wire.QUERY_AWARENESS))
        await scene.actor.until(lambda: scene.witness.doc.client_id in scene.actor.present())
        scene.actor.synced = False
        await scene.actor.send(wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
        await scene.actor.until(lambda: scene.actor.synced)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_role_is_seen(server: Server, room: str, protocol: str, role: str) -> None:
    """Awareness is for everybody, under the token's name."""
    async with stage(server, protocol, role, room) as scene:
        await scene.actor.set_state({"user": {"name": "Somebody else"}})
        client = scene.actor.doc.client_id
        await scene.witness.until(lambda: client in scene.witness.present())
        assert scene.witness.present()[client] == {"user": {"id": "u-actor", "name": "Actor"}}
        await scene.actor.set_state(None)
        await scene.witness.until(lambda: client not in scene.witness.present())


@pytest.mark.parametrize("role", EDITORS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("message", ["update", "step 2"])
async def test_editors_edit(
    server: Server, room: str, protocol: str, role: str, message: str
) -> None:
    """ACC-2: Updates, and answers to a step 1, reach others and the store."""
    async with stage(server, protocol, role, room) as scene:
        await send_edit(scene.actor, message)
        await scene.witness.until(lambda: "actor" in scene.witness.map)
        if message == "update":
            await scene.actor.until_saved()
        await scene.everything_sent_was_handled()
        assert await scene.stored_keys() == {"first", "actor"}


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("message", ["update", "step 2"])
async def test_readers_do_not_edit(
    server: Server, room: str, protocol: str, role: str, message: str
) -> None:
    """ACC-4: A reader's update or step 2 reaches nobody; the reader is told and stays connected."""
    async with stage(server, protocol, role, room) as scene:
        # The answer to the server's first question may still be under way.
        await scene.actor.until_saved()
        acknowledged = len(scene.actor.acknowledged)
        await send_edit(scene.actor, message)
        await scene.everything_sent_was_handled()
        assert "actor" not in scene.witness.map
        assert await scene.stored_keys() == {"first"}
        assert len(scene.actor.acknowledged) == acknowledged
        assert scene.actor.ended is None
        if isinstance(scene.actor, HocuspocusMember):
            assert scene.actor.scope == "readonly"
            if message == "update":
                assert scene.actor.refused == 1
        else:
            assert scene.actor.denied


async def send_edit(actor: Member, message: str) -> None:
    """Send one edit as an update of its own or in a step 2."""
    before = actor.doc.get_state()
    actor.map["actor"] = 1
    update = actor.doc.get_update(before)
    if message == "update":
        await actor.send_update(update)
    else:
        await actor.send(wire.sync(wire.STEP_2, update))


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_readers_are_not_blamed_for_what_adds_nothing(
    server: Server, room: str, protocol: str, role: str
) -> None:
    """ACK-8: A reader that answers step 1 with what everybody has is neither refused nor closed."""
    async with stage(server, protocol, role, room) as scene:
        await scene.actor.until(lambda: "first" in scene.actor.map)
        await scene.actor.send(wire.sync(wire.STEP_2, scene.actor.doc.get_update()))
        await scene.actor.send(wire.sync(wire.STEP_2, wire.EMPTY_UPDATE))
        await scene.everything_sent_was_handled()
        assert scene.actor.denied == []
        assert scene.actor.ended is None
        if isinstance(scene.actor, HocuspocusMember):
            assert scene.actor.refused == 0
            assert scene.actor.unacknowledged == []


@pytest.mark.parametrize("role", ROLES)
async def test_messages_outside_the_document_do_nothing(
    server: Server, room: str, role: str
) -> None:
    """SYNC-13: Stateless messages reach nobody; pings are answered; leaving leaves."""
    async with stage(server, "hocuspocus", role, room) as scene:
        frames = scene.witness.frames_seen
        await scene.actor.send(uint(wire.STATELESS) + string("hello"))
        await scene.everything_sent_was_handled()
        assert scene.witness.frames_seen - frames <= 4
        client = scene.actor.doc.client_id
        assert client in scene.witness.present()
        assert isinstance(scene.actor, HocuspocusMember)
        await scene.actor.leave()
        await scene.witness.until(lambda: client not in scene.witness.present())


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_strangers_get_nothing(server: Server, room: str, protocol: str) -> None:
    """ACC-1: A token for other rooms opens none of this one's doors."""
    token = mint(server, {room: "owner"})
    async with sign_in(server, protocol, room, token) as owner:
        await owner.edit(lambda m: m.map.update({"secret": 1}))
        await owner.until_saved()
        stranger = mint(server, {f"{room}/*": "owner", "other": "owner"}, subject="u-stranger")
        if protocol == "y-websocket":
            with pytest.raises(AssertionError, match="no ticket: 403"):
                await ticket(server, room, stranger)
            return
        async with open_socket(server.hocuspocus_url) as socket:
            await socket.send(string(room) + wire.token(stranger))
            await socket.send(string(room) + wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
            await socket.send(string(room) + wire.awareness([State(1, 1, {"spy": 1})]))
            frame = await socket.receive()
            assert frame.startswith(string(room) + uint(wire.AUTH) + uint(wire.DENIED))
        await owner.set_state({"after": 1})
        await owner.until(lambda: owner.doc.client_id in owner.present())
        assert set(owner.present()) == {owner.doc.client_id}
