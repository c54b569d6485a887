"""The way between nodes: fast, and never relied on."""

from __future__ import annotations

from typing import Protocol

from collab.cluster.envelope import Envelope
from collab.ids import RoomKey


class Bus(Protocol):
    """Carries envelopes to the nodes that listen, at most once.

    An envelope may be lost, at any time and without a sign. Those of one sender about one room
    arrive in the order of their numbers, or not at all, unless the way was interrupted. Nothing
    here waits, raises or blocks the event loop: a slow or dead service costs envelopes, not time.
    """

    @property
    def is_up(self) -> bool:
        """Whether envelopes are likely to arrive, in both directions, as far as is known."""

    @property
    def delay_ms(self) -> float | None:
        """How long what is said to all takes, as last measured; None where that is not known."""

    def publish(self, envelope: Envelope) -> None:
        """Send an envelope to all other nodes that listen to its room; it may be dropped.

        To be called only after what it speaks of is durable.
        """

    def subscribe(self, room: RoomKey) -> None:
        """Listen to a room; ``BusListener.listening`` tells when that has begun.

        Nodes hear `NO_ROOM` without asking.
        """

    def unsubscribe(self, room: RoomKey) -> None:
        """Listen no more; what is under way may still arrive."""


class BusListener(Protocol):
    """Who is told what arrives; called on the event loop, and must not take long or raise."""

    def delivered(self, envelope: Envelope) -> None:
        """Another node's envelope, its signature checked; never one's own."""

    def listening(self, room: RoomKey) -> None:
        """From now on envelopes about the room arrive; what was sent before may be missed.

        Told again each time that the way was interrupted and stands again.
        """

    def interrupted(self) -> None:
        """Nothing arrives from now on; `listening` is told for each room once it does again."""
