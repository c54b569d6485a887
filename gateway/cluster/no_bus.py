"""No bus at all: nodes meet through the log alone."""

from __future__ import annotations

from collab.cluster.envelope import Envelope
from collab.ids import RoomKey


class NoBus:
    """A ``Bus`` that carries nothing and is never up."""

    is_up = False
    delay_ms = None

    def publish(self, envelope: Envelope) -> None:
        """See ``Bus``."""

    def subscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""

    def unsubscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""

    async def run(self) -> None:
        """There is nothing to run."""
