"""A client that comes back by itself, as stock providers do, and keeps its document meanwhile.

It edits all the time, connected or not. What it was told is saved is remembered with the time, so
that a test can say for how long it was kept from editing.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from contextlib import AsyncExitStack, suppress
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

from pycrdt import Doc, Map
from websockets.exceptions import WebSocketException

from tests.support import wire
from tests.support.closes import Closed
from tests.support.load_balancers import NODE_HEADER
from tests.support.wire import State
from tests.support.ws_client import (
    HocuspocusMember,
    Member,
    YWebsocketMember,
    open_socket,
    room_url,
)

PAUSES_S: Final = (0.05, 0.1, 0.2)
# As y-websocket does it: 100 ms, doubled up to 2.5 s.
BACKOFF_S: Final = 0.1
BACKOFF_S_MAX: Final = 2.5
# Stock providers give up a connection on which nothing came for 30 s. That would only be waited for
# here, and says nothing about the server, which has no other way to tell them.
SILENCE_S_MAX: Final = 6.0
RENEW_S: Final = 2.0
OPEN_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.01


class Saved(NamedTuple):
    """An edit that was acknowledged: when it was made and when that came, by the loop's clock."""

    made_s: float
    acknowledged_s: float


class LastingClient:
    """One client of one room, for the time of an `async with` block.

    Args:
        url: the root of the websocket addresses, such as ``ws://127.0.0.1:80``.
        protocol: ``y-websocket`` or ``hocuspocus``.
        room: the room's name.
        name: what its keys begin with, and what its presence says.
        draw: how long it waits between edits and before it comes back.
        comes_back: whether it connects again after the first connection over which it edited.

    Attributes:
        doc: its document.
        made: every key that it has set.
        acknowledged: those of which it was told that they are saved.
        saved: the same with times, in order.
        closes: how its connections ended.
        node: the label of the node to which its last connection led, as the load balancer says.
        states: the awareness states of others that it knows, by client id.
        is_writing: whether it edits.
    """

    def __init__(
        self,
        url: str,
        protocol: str,
        room: str,
        name: str,
        draw: random.Random,
        *,
        comes_back: bool = True,
    ) -> None:
        self.name = name
        self.room = room
        self.doc: Doc[Any] = Doc()
        self.made: set[str] = set()
        self.acknowledged: set[str] = set()
        self.saved: list[Saved] = []
        self.closes: list[Closed] = []
        self.node = ""
        self.is_writing = True
        self._url = url
        self._protocol = protocol
        self._draw = draw
        self._comes_back = comes_back
        self._sent: dict[bytes, tuple[str, float]] = {}
        self._counted = 0
        self._clock = 0
        self._is_greeting = False
        self._member: Member | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"{self.name} in {self.room}"

    @property
    def keys(self) -> set[str]:
        """Of the root map, as this client shows it."""
        entries: Map[Any] = self.doc.get("map", type=Map)
        return set(entries.keys())

    @property
    def is_connected(self) -> bool:
        """Whether it is in a room, and in sync with it."""
        return self._member is not None and self._member.synced

    @property
    def has_all_saved(self) -> bool:
        """Whether nothing that was sent waits to be acknowledged."""
        return self._member is not None and not self._member.unacknowledged

    def present(self) -> set[str]:
        """The names in the presence that it sees; of nobody while it is not connected."""
        if self._member is None:
            return set()
        return {
            state["name"]
            for state in self._member.present().values()
            if isinstance(state, dict) and "name" in state
        }

    async def resumed(self, since_s: float) -> float:
        """Wait until an edit made after a time was acknowledged; how long after it, in seconds."""
        while True:
            first = bisect_right(self.saved, since_s, key=lambda each: each.acknowledged_s)
            for each in self.saved[first:]:
                if each.made_s > since_s:
                    return each.acknowledged_s - since_s
            await asyncio.sleep(_POLL_S)

    def longest_gap(self, since_s: float) -> float:
        """The longest time from one acknowledgement to the next since then, in seconds."""
        times = [since_s, *(each.acknowledged_s for each in self.saved)]
        later = sorted(at_s for at_s in times if at_s >= since_s)
        return max((after - before for before, after in pairwise(later)), default=0.0)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._stay()), asyncio.create_task(self._write())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for found in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(found, Exception):
                raise found
        self._collect()

    # Coming and going -----------------------------------------------------------------------------

    async def _stay(self) -> None:
        """Connect, and again whenever the connection ends."""
        backoff_s = BACKOFF_S
        while self._comes_back or not self._sent:
            was_synced = False
            with suppress(OSError, TimeoutError, WebSocketException):
                async with AsyncExitStack() as stack:
                    member = await self._enter(stack)
                    await self._serve(member)
                    was_synced = member.synced
            if was_synced:
                backoff_s = BACKOFF_S
            await asyncio.sleep(backoff_s * self._draw.uniform(0.5, 1.0))
            backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)

    async def _enter(self, stack: AsyncExitStack) -> Member:
        """Open a connection and ask for what the room has.

        Raises:
            OSError, TimeoutError, WebSocketException: it cannot be reached.
        """
        is_y = self._protocol == "y-websocket"
        root = f"{self._url}/{'collab' if is_y else 'hocuspocus'}"
        async with asyncio.timeout(OPEN_WITHIN_S):
            opening = open_socket(room_url(root, self.room) if is_y else root)
            socket = await stack.enter_async_context(opening)
        response = socket.connection.response
        assert response is not None
        self.node = response.headers.get(NODE_HEADER, "")
        member = YWebsocketMember(socket) if is_y else HocuspocusMember(socket, self.room)
        member.doc = self.doc
        # What is edited after this was sent and before the server asks is in the answer to that.
        self._is_greeting = True
        try:
            await stack.enter_async_context(member)
        finally:
            self._is_greeting = False
        return member

    async def _serve(self, member: Member) -> None:
        """Take part until the connection ends, or gives no sign of life."""
        loop = asyncio.get_running_loop()
        self._member = member
        seen, heard_s, renewed_s = member.frames_seen, loop.time(), 0.0
        try:
            while member.ended is None:
                now_s = loop.time()
                if member.frames_seen != seen:
                    seen, heard_s = member.frames_seen, now_s
                elif now_s - heard_s > SILENCE_S_MAX:
                    await member.socket.drop()
                    return
                if now_s - renewed_s > RENEW_S:
                    renewed_s = now_s
                    await self._show(member)
                self._collect()
                await asyncio.sleep(_POLL_S)
            self.closes.append(member.ended)
        finally:
            self._collect()
            self._counted = 0
            self._member = None

    async def _show(self, member: Member) -> None:
        self._clock += 1
        state = State(self.doc.client_id, self._clock, {"name": self.name})
        await member.send(wire.awareness([state]))

    # Editing --------------------------------------------------------------------------------------

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(self._draw.choice(PAUSES_S))
            if self.is_writing and not self._is_greeting:
                await self._edit()

    async def _edit(self) -> None:
        key = f"{self.name}-{len(self.made)}"
        value = len(self.made)
        self.made.add(key)
        made_s = asyncio.get_running_loop().time()
        member = self._member
        if member is None:
            self.doc.get("map", type=Map)[key] = value
            return

        def change(to: Member) -> None:
            to.map[key] = value

        self._sent[await member.edit(change)] = (key, made_s)

    def _collect(self) -> None:
        """Take note of what was acknowledged since the last time."""
        member = self._member
        if member is None:
            return
        now_s = asyncio.get_running_loop().time()
        fresh, self._counted = member.acknowledged[self._counted :], len(member.acknowledged)
        for update in fresh:
            # The answer to the server's first question is acknowledged too, and is no edit.
            if update in self._sent:
                key, made_s = self._sent[update]
                self.acknowledged.add(key)
                self.saved.append(Saved(made_s, now_s))
