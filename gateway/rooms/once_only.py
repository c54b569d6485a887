"""Work that is to be done once for a room, whichever nodes have it open; a node alone does all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from collab.ids import RoomKey

if TYPE_CHECKING:
    from gateway.rooms.runner import RoomRunner


class Turn(Protocol):
    """Held while once-only work is done."""

    def check(self) -> None:
        """Give up if it is not held any more, as after a long stop of the process.

        Raises:
            LeaseLost: somebody else may have it.
        """


class OnceOnly(Protocol):
    """Whose turn it is."""

    def patience_s(self, room: RoomKey) -> float:
        """How long what is due is left to others; 0 for the room's home, infinite for no member."""

    def turn(self, room: RoomKey) -> AbstractAsyncContextManager[Turn]:
        """Take the turn for the time of a block.

        Raises:
            LeaseHeld: somebody else has it.
            StoreUnavailable: it cannot be had now.
        """


class Alone:
    """There is nobody else: no store is asked, and nothing waits."""

    def patience_s(self, room: RoomKey) -> float:
        """See `OnceOnly`."""
        del room
        return 0.0

    @asynccontextmanager
    async def turn(self, room: RoomKey) -> AsyncIterator[Turn]:
        """See `OnceOnly`."""
        del room
        yield self

    def check(self) -> None:
        """See `Turn`."""


class Patience:
    """How long what is due in live rooms has been left to nearer nodes.

    Args:
        once_only: whose turn it is.
    """

    def __init__(self, once_only: OnceOnly) -> None:
        self._once_only = once_only
        self._due_since_s: WeakKeyDictionary[RoomRunner, float] = WeakKeyDictionary()

    def lasts(self, runner: RoomRunner, now_s: float) -> bool:
        """Whether a nearer node may still do what is due in a room."""
        patience_s = self._once_only.patience_s(runner.key)
        if not patience_s:
            return False
        return now_s - self._due_since_s.setdefault(runner, now_s) < patience_s

    def begin_anew(self, runner: RoomRunner) -> None:
        """It is looked into here; what is due after that is left to others for as long again."""
        self._due_since_s.pop(runner, None)
