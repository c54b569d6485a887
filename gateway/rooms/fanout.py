"""Carries what a room tells everybody to its seats, when it is time.

:mod:`collab.room.fanout` and :mod:`collab.room.presence` say when that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from collab.ids import SessionId, UnixSeconds
from collab.protocol.close_codes import CloseCode
from collab.protocol.websocket_frames import Frame
from collab.room.effects import Announce, Broadcast, Pending, Send
from collab.room.fanout import Fanout, Parcel, Round
from collab.room.presence import Presence
from collab.room.room import Room
from gateway.lines import Line, send_all
from gateway.observe.metrics import Metrics
from gateway.observe.traffic import Traffic
from gateway.rooms.joins import LARGE_ANSWER_BYTES


class Seat(Protocol):
    """Where a session's messages go: its end of a connection."""

    prefix: bytes
    joined_at: UnixSeconds

    def push(self, frame: bytes) -> None:
        """Queue a frame that must arrive."""

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Queue what is left of a broadcast, or say that the reader is too slow for it.

        Args:
            frame: the broadcast.
            taken: bytes of it that its line has taken already.
        """

    def line(self) -> tuple[Line, Traffic] | None:
        """The way straight to its socket, and where frames are counted; None where there is none.

        The same for as long as it sits.
        """

    def unread_bytes(self) -> int:
        """Bytes queued on its connection that the system has not taken yet."""

    def close(self, code: CloseCode, detail: str) -> None:
        """End the session, and with it (except for a terminal code in Hocuspocus) the socket."""


class Post:
    """The way from a room to its seats.

    Args:
        room: told of sessions that cannot keep up.
        seats: of the sessions; only read here.
        metrics: what is counted.
    """

    def __init__(self, room: Room, seats: Mapping[SessionId, Seat], metrics: Metrics) -> None:
        self._room = room
        self._seats = seats
        self._metrics = metrics
        self._fanout = Fanout()
        self._presence = Presence()
        self._window = _Alarm(self._end_window)
        self._tick = _Alarm(self._end_tick)
        # Who waits for the whole document, and so for no part of it.
        self._expecting: set[SessionId] | None = None
        self._large: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        # Made anew for the first broadcast after somebody came or went.
        self._audiences: list[_Audience] | None = None

    def joined(self, session_id: SessionId) -> None:
        """A session has a seat from now on; what is older it asks for."""
        self._audiences = None
        self._fanout.holds_all(session_id)

    def left(self, session_id: SessionId) -> None:
        """A session has no seat any more."""
        self._audiences = None
        self._fanout.left(session_id)
        if not self._seats:
            self.stop()

    def stop(self) -> None:
        """Forget what waits, for nobody is there to be sent it; nothing is carried after that."""
        self._fanout.clear()
        self._presence.clear()
        self._window.end()
        self._tick.end()

    def carry(self, effect: Send | Broadcast | Announce) -> None:
        """Carry out an effect that concerns seats."""
        match effect:
            case Send():
                self.send(effect)
            case Broadcast():
                self.broadcast(effect)
            case Announce():
                self.announce(effect)

    def send(self, effect: Send) -> None:
        """Send one session what must arrive."""
        if effect.pending is Pending.FIRST:
            self._carry(self._fanout.flush())
        elif effect.pending is Pending.HELD:
            self._fanout.holds_all(effect.session_id)
        seat = self._seats.get(effect.session_id)
        if seat is not None:
            seat.push(self._frame(seat.prefix, effect.body))

    def hold(self, session_id: SessionId) -> None:
        """A session is about to be sent the whole document: send it no part of it before."""
        if self._expecting is None:
            self._expecting = set()
        self._expecting.add(session_id)

    def forget_unused(self) -> None:
        """Drop the frame that is kept for the next newcomer."""
        self._large = (b"", b"", b"")

    def release(self, session_id: SessionId) -> None:
        """It was sent the document, or has gone."""
        if self._expecting is not None:
            self._expecting.discard(session_id)

    def broadcast(self, effect: Broadcast) -> None:
        """Send everybody an update, now or at the end of the window."""
        receivers = len(self._seats) - (effect.skip in self._seats)
        self._deliver(self._fanout.take(effect, receivers, _now_ms()))

    def announce(self, effect: Announce) -> None:
        """Send everybody changed states, now or at the end of the tick."""
        self._metrics.awareness.inc()
        self._tell(self._presence.note(effect, len(self._seats), _now_ms()))

    # Inside -----------------------------------------------------------------------------------

    def _end_window(self) -> None:
        self._deliver(self._fanout.end_window(len(self._seats), _now_ms()))

    def _deliver(self, updates: Round | None) -> None:
        if updates is not None:
            self._metrics.broadcasts.inc()
            self._carry(updates)
            self._fanout.sent(_now_ms())
        self._window.set(self._fanout.due_ms)

    def _end_tick(self) -> None:
        self._tell(self._presence.end_tick(len(self._seats), _now_ms()))

    def _tell(self, states: Round | None) -> None:
        if states is not None:
            self._carry(states)
            self._presence.sent(_now_ms())
        self._tick.set(self._presence.due_ms)

    def _carry(self, sent: Round | None) -> None:
        if sent is None:
            return
        expecting = (self._expecting if sent.common.updates else None) or ()
        for session_id, parcel in sent.own.items():
            seat = self._seats.get(session_id)
            if seat is not None and parcel.bodies and session_id not in expecting:
                self._offer(session_id, seat, parcel, _framed(seat.prefix, parcel))
        if not sent.common.bodies:
            return
        if self._audiences is None:
            self._audiences = _audiences(self._seats)
        apart = sent.own.keys() | expecting if expecting else sent.own.keys()
        for audience in self._audiences:
            self._tell_all(audience, sent.common, apart)

    def _tell_all(self, audience: _Audience, parcel: Parcel, apart: AbstractSet[SessionId]) -> None:
        """Send an audience a parcel, but for some; who has nothing waiting gets it directly."""
        frames = _framed(audience.prefix, parcel)
        if audience.traffic is None:
            for session_id, seat in audience.members:
                if session_id not in apart:
                    self._offer(session_id, seat, parcel, frames)
            return
        but = {audience.line_of[each] for each in apart if each in audience.line_of}
        for frame in frames:
            sent, left = send_all(audience.lines, frame.framed, but)
            audience.traffic.frames_out += sent
            audience.traffic.bytes_out += sent * len(frame.payload)
            for at, taken in left:
                session_id, seat = audience.members[at]
                if not self._offer(session_id, seat, parcel, (frame,), taken):
                    but.add(audience.lines[at])

    def _frame(self, prefix: bytes, body: bytes) -> bytes:
        """A body behind a prefix; who is sent the same large one next shares the bytes."""
        if not prefix or len(body) <= LARGE_ANSWER_BYTES:
            return prefix + body
        if self._large[0] is not body or self._large[1] != prefix:
            self._large = (body, prefix, prefix + body)
        return self._large[2]

    def _offer(
        self,
        session_id: SessionId,
        seat: Seat,
        parcel: Parcel,
        frames: Iterable[Frame],
        taken: int = 0,
    ) -> bool:
        for frame in frames:
            if not seat.offer(frame, taken):
                # Where states were refused, updates may still be waiting for this session.
                rewind = {**self._fanout.rewind_of(session_id), **parcel.rewind}
                self._room.fell_behind(session_id, rewind)
                self._metrics.fell_behind.inc()
                return False
        return True


@dataclass(slots=True)
class _Audience:
    """Seats that are sent the same bytes.

    Attributes:
        prefix: goes before every body.
        traffic: where frames over lines are counted; None where no seat has a line.
        members: in the order in which they came.
        lines: theirs, in the same order.
        line_of: the same by session.
    """

    prefix: bytes
    traffic: Traffic | None
    members: list[tuple[SessionId, Seat]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    line_of: dict[SessionId, Line] = field(default_factory=dict)


def _audiences(seats: Mapping[SessionId, Seat]) -> list[_Audience]:
    found: dict[tuple[bytes, int], _Audience] = {}
    for session_id, seat in seats.items():
        line, traffic = seat.line() or (None, None)
        key = (seat.prefix, id(traffic))
        audience = found.get(key)
        if audience is None:
            audience = found[key] = _Audience(seat.prefix, traffic)
        audience.members.append((session_id, seat))
        if line is not None:
            audience.lines.append(line)
            audience.line_of[session_id] = line
    return list(found.values())


class _Alarm:
    """One timer of the loop, which can be put off and taken back.

    Args:
        ring: called when it is time.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring: Callable[[], None] | None = ring
        self._due_ms: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due_ms: float | None) -> None:
        """Ring at this time of the loop, or not at all; replaces what was set."""
        if due_ms == self._due_ms:
            return
        self._due_ms = due_ms
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_ms is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(due_ms / 1000, self._rings)

    def end(self) -> None:
        """Never ring again, and let go of who was to be told."""
        self.set(None)
        self._ring = None

    def _rings(self) -> None:
        self._due_ms = self._timer = None
        if self._ring is not None:
            self._ring()


def _framed(prefix: bytes, parcel: Parcel) -> list[Frame]:
    return [Frame(prefix + body) for body in parcel.bodies]


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1000
