"""Carries what a room tells everybody to its seats, when it is time.

:mod:`collab.room.fanout` and :mod:`collab.room.presence` say when that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from collab.ids import SessionId, UnixSeconds
from collab.protocol.close_codes import CloseCode
from collab.protocol.websocket_frames import Frame
from collab.room.effects import Announce, Broadcast, Pending, Send
from collab.room.fanout import Fanout, Parcel, Round
from collab.room.presence import Presence
from collab.room.room import Room
from gateway.observe.metrics import Metrics
from gateway.rooms.joins import LARGE_ANSWER_BYTES


class Seat(Protocol):
    """Where a session's messages go: its end of a connection."""

    prefix: bytes
    joined_at: UnixSeconds

    def push(self, frame: bytes) -> None:
        """Queue a frame that must arrive."""

    def offer(self, frame: Frame) -> bool:
        """Queue a broadcast, or say that the reader is too slow for it."""

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

    def joined(self, session_id: SessionId) -> None:
        """A session has a seat from now on; what is older it asks for."""
        self._fanout.holds_all(session_id)

    def left(self, session_id: SessionId) -> None:
        """A session has no seat any more."""
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
        frames: dict[bytes, list[Frame]] = {}
        expecting = self._expecting if sent.common.updates else None
        for session_id, seat in list(self._seats.items()):
            if expecting and session_id in expecting:
                continue
            parcel = sent.own.get(session_id)
            if parcel is not None:
                self._offer(session_id, seat, parcel, _framed(seat, parcel))
                continue
            shared = frames.get(seat.prefix)
            if shared is None:
                shared = frames[seat.prefix] = _framed(seat, sent.common)
            self._offer(session_id, seat, sent.common, shared)

    def _frame(self, prefix: bytes, body: bytes) -> bytes:
        """A body behind a prefix; who is sent the same large one next shares the bytes."""
        if not prefix or len(body) <= LARGE_ANSWER_BYTES:
            return prefix + body
        if self._large[0] is not body or self._large[1] != prefix:
            self._large = (body, prefix, prefix + body)
        return self._large[2]

    def _offer(
        self, session_id: SessionId, seat: Seat, parcel: Parcel, frames: list[Frame]
    ) -> None:
        for frame in frames:
            if not seat.offer(frame):
                # Where states were refused, updates may still be waiting for this session.
                rewind = {**self._fanout.rewind_of(session_id), **parcel.rewind}
                self._room.fell_behind(session_id, rewind)
                self._metrics.fell_behind.inc()
                return


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


def _framed(seat: Seat, parcel: Parcel) -> list[Frame]:
    return [Frame(seat.prefix + body) for body in parcel.bodies]


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1000
