"""A bus within one process: envelopes travel as signed bytes, and may be lost or come twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from collab.cluster.bus import BusListener
from collab.cluster.envelope import Content, Envelope, Sender
from collab.cluster.envelope_codec import decode_envelope, encode_envelope, sender_tag
from collab.ids import NO_ROOM, RoomKey

KEY = b"a key of a bus within one process, long enough"


@dataclass(slots=True, eq=False)
class Hub:
    """What the nodes of one process share.

    Attributes:
        ends: of the nodes.
        sent: all that was published, in order, lost or not.
        losing: whether what is published reaches nobody.
        copies: how often each envelope arrives.
    """

    ends: list[LocalBus] = field(default_factory=list)
    sent: list[Envelope] = field(default_factory=list)
    losing: bool = False
    copies: int = 1

    def contents(self, kind: type[Content]) -> list[Envelope]:
        """What was published of a kind."""
        return [envelope for envelope in self.sent if isinstance(envelope.content, kind)]

    def interrupt(self) -> None:
        """Let the bus go down for everybody."""
        for end in self.ends:
            end.is_up = False
            end.listener.interrupted()

    def resume(self) -> None:
        """Let it come up again, everybody's subscriptions anew."""
        for end in self.ends:
            end.is_up = True
        for end in self.ends:
            for room in sorted(end.rooms):
                end.listener.listening(room)


@dataclass(slots=True, eq=False)
class LocalBus:
    """One node's end; a ``Bus``."""

    hub: Hub
    sender: Sender
    listener: BusListener
    is_up: bool = True
    delay_ms: float | None = None
    rooms: set[RoomKey] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hub.ends.append(self)

    def publish(self, envelope: Envelope) -> None:
        """See ``Bus``."""
        self.hub.sent.append(envelope)
        if not self.is_up or self.hub.losing:
            return
        frame = encode_envelope(envelope, KEY, sender_tag(self.sender))
        for end in self.hub.ends:
            if end is not self and (envelope.room in end.rooms or envelope.room == NO_ROOM):
                for _ in range(self.hub.copies):
                    arrived = decode_envelope(frame, KEY, envelope.room)
                    asyncio.get_running_loop().call_soon(end.listener.delivered, arrived)

    def subscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self.rooms.add(room)
        if self.is_up:
            asyncio.get_running_loop().call_soon(self.listener.listening, room)

    def unsubscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self.rooms.discard(room)
