"""Writers that remember what they were told is saved, for tests that kill the server."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from pycrdt import Doc, Map

from tests.support.http import stored_update
from tests.support.server import Server
from tests.support.ws_client import PROTOCOLS, Closed, Member, join

ROOMS: Final = ("oracle/one", "oracle/two")


class Writer:
    """Sets one new key after another in a room's map, without waiting to be told.

    Args:
        member: its place in the room.
        room: the room's name.
        prefix: what its keys begin with.
        draw: how long it waits between edits.
    """

    def __init__(self, member: Member, room: str, prefix: str, draw: random.Random) -> None:
        self.member = member
        self.room = room
        self.sent: dict[bytes, str] = {}
        self._prefix = prefix
        self._draw = draw

    async def run(self) -> None:
        """Write until the connection ends."""
        while self.member.ended is None:
            await self.write()
            await asyncio.sleep(self._draw.choice([0, 0, 0.001, 0.01]))

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
async def writers(server: Server, label: str, seed: int) -> AsyncIterator[list[Writer]]:
    """A writer of each protocol in each room."""
    async with AsyncExitStack() as stack:
        made = []
        for room in ROOMS:
            for protocol in PROTOCOLS:
                member = await stack.enter_async_context(join(server, protocol, room))
                prefix = f"{label}-{protocol}"
                made.append(Writer(member, room, prefix, random.Random(f"{seed}{prefix}{room}")))
        yield made


class Oracle:
    """What must be in the rooms, whatever happened to the server.

    Attributes:
        saved: the keys that were acknowledged, by room.
        sent: how many edits were made in all.
    """

    def __init__(self) -> None:
        self.saved: dict[str, set[str]] = {room: set() for room in ROOMS}
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
        for writer in made:
            self.saved[writer.room] |= writer.saved()
            self.sent += len(writer.sent)
        return closes

    async def lost(self, server: Server) -> dict[str, set[str]]:
        """Acknowledged keys that a newcomer or the HTTP API does not find."""
        missing: dict[str, set[str]] = {}
        for room, expected in self.saved.items():
            async with join(server, "y-websocket", room) as newcomer:
                seen = set(newcomer.map.keys())
            fetched = keys_of(await stored_update(server, room)) if expected else set()
            if gone := (expected - seen) | (expected - fetched):
                missing[room] = gone
        return missing


def keys_of(update: bytes) -> set[str]:
    """The keys of the root map of a document."""
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    entries: Map[Any] = doc.get("map", type=Map)
    return set(entries.keys())
