"""Client ids under which this node edits documents on somebody's behalf."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from weakref import WeakKeyDictionary, WeakValueDictionary

from collab.history.retired import unused_client
from collab.ids import RoomName
from gateway.rooms.runner import RoomRunner


class EditAuthors:
    """A client id for as long as a room is live here: one for each edit would fill documents.

    Whoever uses it makes one edit after the other, each in its turn from all that went before.
    """

    def __init__(self) -> None:
        self._clients: WeakKeyDictionary[RoomRunner, int] = WeakKeyDictionary()
        self._turns: WeakValueDictionary[RoomName, asyncio.Lock] = WeakValueDictionary()

    def turn(self, name: RoomName) -> asyncio.Lock:
        """Held from before a room's state is read until the edit that is made of it is stored."""
        turn = self._turns.get(name)
        if turn is None:
            turn = self._turns[name] = asyncio.Lock()
        return turn

    def client(self, runner: RoomRunner) -> int:
        """The room's."""
        client = self._clients.get(runner)
        if client is None:
            client = self._clients[runner] = fresh_client(runner)
        return client

    def forget(self, runner: RoomRunner) -> None:
        """Let no further edit be the room's client's: what it wrote last may come back, or not."""
        self._clients.pop(runner, None)


def fresh_client(runner: RoomRunner, draw: Callable[[int], int] = secrets.randbelow) -> int:
    """A client id that nobody has used in a room, nor in one that was erased.

    Args:
        runner: the room.
        draw: any number below another one.
    """
    return unused_client(draw, runner.room.doc.clients(), runner.room.retired or ())
