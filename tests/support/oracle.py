"""Writers that remember what they were told is saved, for tests that kill the server."""

import asyncio
import random
from collections.abc import AsyncIterator
from collections.abc import Sequence as SequenceOf
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from pycrdt import Doc, Map

from collab.protocol.close_codes import is_terminal
from tests.support.closes import Closed, ClosedBeforeError
from tests.support.http import stored_update
from tests.support.server import Server
from tests.support.ws_client import PROTOCOLS, Member, join

DAMAGE: Final = (
    "store.rows_quarantined",
    "store.snapshot_quarantined",
    "room.damaged",
    "RoomQuarantined",
    "Traceback",
    "never retrieved",
)
# The client of S3 has a task that nobody asks how it ended when its connection is cut.
FORGIVEN: Final = "aiohttp/client_reqrep.py"
ROOMS: Final = ("oracle/one", "oracle/two")
PAUSES_S: Final = (0, 0, 0.001, 0.01)
REJOINED_WITHIN_S: Final = 30


class Writer:
    """Sets one new key after another in a room's map, without waiting to be told.

    Args:
        member: its place in the room.
        room: the room's name.
        prefix: what its keys begin with.
        draw: how long it waits between edits.
        pauses_s: of which it draws.
    """

    def __init__(
        self,
        member: Member,
        room: str,
        prefix: str,
        draw: random.Random,
        pauses_s: SequenceOf[float] = PAUSES_S,
    ) -> None:
        self.member = member
        self.room = room
        self.sent: dict[bytes, str] = {}
        self.is_stopping = False
        self._prefix = prefix
        self._draw = draw
        self._pauses_s = pauses_s

    async def run(self) -> None:
        """Write until told to stop, or until the connection ends."""
        while self.member.ended is None and not self.is_stopping:
            await self.write()
            await asyncio.sleep(self._draw.choice(self._pauses_s))

    async def write(self) -> None:
        """Make one edit."""
        key = f"{self._prefix}-{len(self.sent)}"

        def change(member: Member) -> None:
            member.map[key] = len(self.sent)

        self.sent[await self.member.edit(change)] = key

    def saved(self) -> set[str]:
        """The keys whose edits were acknowledged."""
        # The answer to the server's first question is acknowledged too, and is no edit.
        return {self.sent[update] for update in self.member.acknowledged if update in self.sent}


@asynccontextmanager
async def writers(
    server: Server,
    label: str,
    seed: int,
    *,
    rooms: SequenceOf[str] = ROOMS,
    pauses_s: SequenceOf[float] = PAUSES_S,
) -> AsyncIterator[list[Writer]]:
    """A writer of each protocol in each room."""
    async with AsyncExitStack() as stack:
        made = []
        for room in rooms:
            for protocol in PROTOCOLS:
                member = await stack.enter_async_context(join(server, protocol, room))
                prefix = f"{label}-{protocol}"
                draw = random.Random(f"{seed}{prefix}{room}")
                made.append(Writer(member, room, prefix, draw, pauses_s))
        yield made


class Oracle:
    """What must be in the rooms, whatever happened to the server.

    Attributes:
        saved: the keys that were acknowledged, by room.
        sent: how many edits were made in all.
    """

    def __init__(self) -> None:
        self.saved: dict[str, set[str]] = {}
        self.sent = 0

    @property
    def acknowledged(self) -> int:
        """How many edits were acknowledged in all."""
        return sum(map(len, self.saved.values()))

    async def watch(self, made: list[Writer], end: "asyncio.Future[None]") -> list[Closed]:
        """Let writers write until `end` is done and their connections have ended."""
        writing = [asyncio.create_task(writer.run()) for writer in made]
        await end
        closes = [await writer.member.until_closed() for writer in made]
        await asyncio.gather(*writing)
        self._remember(made)
        return closes

    async def watch_on(self, made: list[Writer], end: "asyncio.Future[Any]") -> None:
        """Let writers write until `end` is done, and wait until all that they wrote is saved."""
        await _write_until(end, made)
        for writer in made:
            await writer.member.until_saved()
        self._remember(made)

    async def watch_through(self, made: list[Writer], end: "asyncio.Future[Any]") -> None:
        """Let writers write until `end` is done, whatever becomes of the connections of some."""
        await _write_until(end, made)
        for writer in made:
            if writer.member.ended is None:
                await writer.member.until_saved()
        self._remember(made)

    def _remember(self, made: list[Writer]) -> None:
        for writer in made:
            self.saved.setdefault(writer.room, set()).update(writer.saved())
            self.sent += len(writer.sent)

    async def lost(
        self, server: Server, rooms: SequenceOf[str] | None = None
    ) -> dict[str, set[str]]:
        """Acknowledged keys that a newcomer or the HTTP API does not find, in all rooms or some."""
        missing: dict[str, set[str]] = {}
        for room in self.saved if rooms is None else rooms:
            expected = self.saved.get(room, set())
            seen = await _seen(server, room)
            fetched = keys_of(await stored_update(server, room)) if expected else set()
            if gone := (expected - seen) | (expected - fetched):
                missing[room] = gone
        return missing


async def _seen(server: Server, room: str) -> set[str]:
    """Keys that a newcomer finds, who comes back as clients do while it is told to."""
    async with asyncio.timeout(REJOINED_WITHIN_S):
        while True:
            try:
                async with join(server, "y-websocket", room) as newcomer:
                    return set(newcomer.map.keys())
            except ClosedBeforeError as error:
                if is_terminal(error.closed.code):
                    raise
                await asyncio.sleep(0.5)


async def _write_until(end: "asyncio.Future[Any]", made: list[Writer]) -> None:
    writing = [asyncio.create_task(writer.run()) for writer in made]
    await end
    for writer in made:
        writer.is_stopping = True
    await asyncio.gather(*writing)


def damage_in(server: Server) -> list[str]:
    """Lines of a server's log about something that no kill and no fault may leave behind."""
    return [
        line
        for line in server.log_text.splitlines()
        if any(word in line for word in DAMAGE) and FORGIVEN not in line
    ]


def keys_of(update: bytes) -> set[str]:
    """The keys of the root map of a document."""
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    entries: Map[Any] = doc.get("map", type=Map)
    return set(entries.keys())
