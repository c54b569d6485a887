"""What a room asks of its surroundings, as plain values, in the order they must happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from collab.ids import SessionId
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import AwarenessEntry
from collab.protocol.scanned import ClockRange


class Pending(Enum):
    """What becomes of broadcast updates that were not sent to a session yet when it is sent more.

    LATER: they are sent in their own time; the message does not touch them.
    FIRST: they are sent before the message, which builds on them.
    HELD: the message holds them all, so they are not sent to this session any more.
    """

    LATER = "later"
    FIRST = "first"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Send:
    """Send a body to one session (the transport puts the session's prefix before it)."""

    session_id: SessionId
    body: bytes
    pending: Pending = Pending.LATER


@dataclass(frozen=True, slots=True)
class Joint:
    """An update that was integrated whole and goes on exactly where its clients stood before.

    Such updates may be merged with what came before them and after them.

    Attributes:
        update: its bytes.
        spans: the clocks that it brings.
        structs: how many structs and delete ranges it has.
    """

    update: bytes
    spans: Sequence[ClockRange]
    structs: int


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send a document update to every session of the room but one.

    Attributes:
        body: the same bytes for everybody.
        skip: the session that must not get it, or None.
        rewind: the clocks as they were before it, by client id; a session that could not take it
            is later caught up from there.
        joint: where it may be merged with its neighbours, what that takes.
    """

    body: bytes
    skip: SessionId | None
    rewind: dict[int, int]
    joint: Joint | None = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell every session of changed awareness states; newer ones of the same ids replace them.

    Attributes:
        entries: the states.
        own: what single sessions are told instead of the entries of the same client ids: other
            clocks of the same states.
    """

    entries: Sequence[AwarenessEntry]
    own: Mapping[SessionId, Sequence[AwarenessEntry]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Persist:
    """Append these bytes to the room's log; tickets are given in the order of these effects."""

    update: bytes
    ticket: int


@dataclass(frozen=True, slots=True)
class Close:
    """End a session's connection with a catalogued code; the session has left the room."""

    session_id: SessionId
    code: CloseCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message was refused without closing; for metrics.

    Attributes:
        session_id: whose message.
        reason: a short word from a fixed set.
    """

    session_id: SessionId
    reason: str


def announced(entries: tuple[AwarenessEntry, ...]) -> list[Effect]:
    """The effect of changed states, if any.

    The sender gets its own back: y-websocket takes 30 s of silence for a dead connection.
    """
    return [Announce(entries)] if entries else []


Effect = Send | Broadcast | Announce | Persist | Close | Refused
