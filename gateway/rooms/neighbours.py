"""What a room knows of other nodes: somebody to tell. A node of its own has nobody."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import TYPE_CHECKING, Protocol

from collab.ids import Sequence
from collab.protocol.messages import AwarenessEntry

if TYPE_CHECKING:
    from gateway.rooms.runner import RoomRunner


class PeerLink(Protocol):
    """One live room's way to the same room on other nodes; nothing here waits or raises."""

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may append to the room, as far as this one knows."""

    def appended(self, first: Sequence, updates: SequenceOf[bytes]) -> None:
        """Updates of this node are durable.

        Args:
            first: the sequence of the first of them; 0 where only the log knows.
            updates: the rows.
        """

    def announced(self, entries: SequenceOf[AwarenessEntry]) -> None:
        """Awareness states have changed here."""


class Neighbours(Protocol):
    """Who is told which rooms are live."""

    def opened(self, runner: RoomRunner) -> None:
        """A room is live here from now on; replaces one of the same name."""

    def closed(self, runner: RoomRunner) -> None:
        """It is not any more."""
