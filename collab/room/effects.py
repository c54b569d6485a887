"""What a room asks of its surroundings, as plain values, in the order they must happen."""

from __future__ import annotations

from dataclasses import dataclass

from collab.ids import SessionId
from collab.protocol.close_codes import CloseCode


@dataclass(frozen=True, slots=True)
class Send:
    """Send a body to one session (the transport puts the session's prefix before it)."""

    session_id: SessionId
    body: bytes


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send a body to every session of the room but one.

    Attributes:
        body: the same bytes for everybody.
        skip: the session that must not get it, or None.
        rewind: for a document update, the clocks as they were before it, by client id; a session
            that could not take it is later caught up from there. None for awareness, which is
            simply replaced by newer states.
    """

    body: bytes
    skip: SessionId | None
    rewind: dict[int, int] | None = None


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


Effect = Send | Broadcast | Persist | Close | Refused
