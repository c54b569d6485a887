"""The documents of one Hocuspocus socket, in each state that one can be in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from collab.ids import SessionId, UnixSeconds
from collab.protocol import hocuspocus
from collab.protocol.close_codes import CloseCode, is_retryable
from collab.protocol.messages import ChannelMessage
from gateway.rooms.runner import RoomRunner
from gateway.transport.connection import Connection
from gateway.transport.refusals import close_reason
from gateway.transport.seats import ConnectionSeat


@dataclass(slots=True)
class Waiting:
    """A document whose token has not come yet, and what came before it."""

    messages: list[ChannelMessage] = field(default_factory=list)
    queued_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """A document that may be joined another time; it is told so after a pause.

    Attributes:
        code: retryable.
        reason: for people.
    """

    code: CloseCode
    reason: str


@dataclass(slots=True)
class Joined(ConnectionSeat):
    """A document that is open on this socket; also the seat of its session.

    Attributes:
        prefix: goes before every body.
        connection: the shared socket.
        session_id: the membership.
        runner: the room's.
        joined_at: wall-clock second.
        forget: takes this document off the socket.
        expires_at: when its token ends, in wall-clock seconds; None for never.
        timers: what is due before and at the token's expiry.
    """

    prefix: bytes
    connection: Connection
    session_id: SessionId
    runner: RoomRunner
    joined_at: UnixSeconds
    forget: Callable[[bytes], None]
    expires_at: UnixSeconds | None = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def close(self, code: CloseCode, detail: str) -> None:
        """End this document; where a new connection helps, end the whole socket.

        Providers do not take a document up again on a socket that stays open.
        """
        if is_retryable(code):
            self.connection.close(code, detail)
            return
        reason = close_reason(code, detail)
        self.push(self.prefix + hocuspocus.encode_permission_denied(reason, code))
        self.push(self.prefix + hocuspocus.encode_close(reason, code))
        self.forget(self.prefix)

    def stop_timers(self) -> None:
        """Forget the expiry of a token that was replaced or is not needed any more."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


Document = Waiting | Refused | Joined


def outlives(other: Document, document: Joined) -> bool:
    """Whether another document stays open on the socket when one's token has ended."""
    if not isinstance(other, Joined) or document.expires_at is None:
        return False
    return other.expires_at is None or other.expires_at > document.expires_at
