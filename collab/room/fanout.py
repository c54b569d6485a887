"""When a room's updates go out, and which of them travel together.

The first update after a quiet spell goes out at once. Where sending to everybody each time would
take a notable part of a processor, what arrives within a window then travels together, merged into
one update where that is safe, so that everybody is sent one frame for all of it.

======= ====================================== ======= ===========================================
state   event                                  next    what is sent
======= ====================================== ======= ===========================================
quiet   update, the load asks for no window    quiet   the update
quiet   update, the load asks for a window     hot     the update; a window begins
hot     update                                 hot     nothing: it waits
hot     update, too much waits, or the window  hot     all that waits; the next window begins
        should have ended
hot     the window ends, something waits       hot     all that waits; the next window begins
hot     the window ends, nothing waits         quiet   nothing
any     a message that builds on what waits    same    all that waits, before that message
======= ====================================== ======= ===========================================

Every session is sent each update once, in order, but never its own. Who joined in the middle of a
window, or was sent a state that holds all that waits, is sent only what came after that.

Pure: the caller tells the time and carries the rounds out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pycrdt import merge_updates

from collab.ids import SessionId
from collab.limits import (
    FANOUT_WINDOW_BYTES_MAX,
    FANOUT_WINDOW_MS_MAX,
    FANOUT_WINDOW_UPDATES_MAX,
    MERGE_STRUCTS_MAX,
    MERGE_UPDATE_BYTES_MAX,
    MERGE_UPDATE_STRUCTS_MAX,
)
from collab.protocol import y_sync
from collab.protocol.update_scan import ScannedUpdate
from collab.room.applied import Applied
from collab.room.effects import Broadcast, Effect, Joint
from collab.room.replica import is_library_failure

SEND_US: Final = 5.0
"""What one send to one socket costs, about: 3.6 us when hot to 7 us at low rates."""

_WINDOW_MS_MIN: Final = 1.0  # timers are no finer
_RATE_SPAN_MS: Final = 250.0  # over about which the rate is taken
# The window is this many times what sending to everybody takes, for each part of a processor that
# sending every update at once would need: sends alone come to 1/40 of it, whatever the load.
_PATIENCE: Final = 40.0


def broadcast_of(outcome: Applied, scanned: ScannedUpdate, *, skip: SessionId | None) -> Broadcast:
    """Tell others the news of an update.

    Args:
        outcome: what applying it did; with news.
        scanned: its scan.
        skip: its sender.
    """
    update, news, rewind = outcome.update, outcome.news, outcome.rewind
    assert news is not None
    joint = None
    structs = scanned.struct_count + len(scanned.deletes)
    if (
        news is update
        and structs <= MERGE_UPDATE_STRUCTS_MAX
        and len(update) <= MERGE_UPDATE_BYTES_MAX
        and all(rewind.get(client) == start for client, start, _ in scanned.ranges)
    ):
        joint = Joint(update, scanned.ranges, structs)
    return Broadcast(y_sync.encode_update(news), skip, rewind, joint)


def news_of_peer(outcome: Applied, scanned: ScannedUpdate) -> list[Effect]:
    """Tell everybody the news of another writer's update, if there are any."""
    return [] if outcome.news is None else [broadcast_of(outcome, scanned, skip=None)]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What some sessions are sent: frames' bodies, in order, and the updates that are in them."""

    bodies: tuple[bytes, ...]
    updates: tuple[Broadcast, ...]

    @property
    def rewind(self) -> dict[int, int]:
        """The clocks before, of the clients that moved; for a session that cannot take it."""
        return _rewind(self.updates)


NOTHING: Final = Parcel((), ())


@dataclass(frozen=True, slots=True)
class Round:
    """One round of sending.

    Attributes:
        common: for everybody who is not in `own`; the same bytes.
        own: what single sessions are sent instead.
    """

    common: Parcel
    own: dict[SessionId, Parcel] = field(default_factory=dict)

    def parcel_of(self, session_id: SessionId) -> Parcel:
        """What a session is sent."""
        return self.own.get(session_id, self.common)


class Fanout:
    """What waits to be sent to one room's sessions.

    Args:
        send_us: what one send is taken to cost, in microseconds.

    Attributes:
        due_ms: when the window ends: call :meth:`end_window` then; None while it is quiet.
    """

    def __init__(self, send_us: float = SEND_US) -> None:
        self.due_ms: float | None = None
        self._begun_ms = 0.0
        self._send_us = send_us
        self._waiting: list[Broadcast] = []
        self._waiting_bytes = 0
        # For sessions that have some of what waits: how much of it, from its beginning.
        self._held: dict[SessionId, int] = {}
        self._recent = 0.0
        self._counted_ms = 0.0

    def take(self, update: Broadcast, receivers: int, now_ms: float) -> Round | None:
        """Take an update: send it at once, with all that waits, or let it wait.

        Args:
            update: a document update.
            receivers: how many sessions it has to reach.
            now_ms: the caller's monotonic clock, in milliseconds.

        Returns:
            What to send now.
        """
        self._count(now_ms)
        if receivers <= 0 and not self._waiting:
            return None
        if not self._waiting and (self.due_ms is None or now_ms >= self.due_ms):
            self._begin_window(receivers, now_ms)
            own = {} if update.skip is None else {update.skip: NOTHING}
            return Round(Parcel((update.body,), (update,)), own)
        self._waiting.append(update)
        self._waiting_bytes += len(update.body)
        is_over = self.due_ms is None or now_ms >= self.due_ms
        if (
            is_over
            or len(self._waiting) >= FANOUT_WINDOW_UPDATES_MAX
            or self._waiting_bytes >= FANOUT_WINDOW_BYTES_MAX
        ):
            return self.end_window(receivers, now_ms)
        return None

    def end_window(self, receivers: int, now_ms: float) -> Round | None:
        """Send what waits, if anything does; without that it is quiet again."""
        if not self._waiting:
            self.due_ms = None
            return None
        self._begin_window(receivers, now_ms)
        return self.flush()

    def sent(self, now_ms: float) -> None:
        """The round has been carried out: only now does the window begin, if there is to be one.

        It lasts at least as long as that took: whatever sending costs, it leaves time for the rest.
        """
        if self.due_ms is not None:
            took_ms = min(now_ms - self._begun_ms, FANOUT_WINDOW_MS_MAX)
            self.due_ms = now_ms + max(self.due_ms - self._begun_ms, took_ms)

    def flush(self) -> Round | None:
        """Send what waits before its time: something that builds on it is about to be sent."""
        waiting, self._waiting = self._waiting, []
        held, self._held = self._held, {}
        self._waiting_bytes = 0
        return _round(waiting, held) if waiting else None

    def holds_all(self, session_id: SessionId) -> None:
        """A session is being sent, or needs to be sent, nothing of what waits by now."""
        if self._waiting:
            self._held[session_id] = len(self._waiting)

    def left(self, session_id: SessionId) -> None:
        """A session is gone."""
        self._held.pop(session_id, None)

    def rewind_of(self, session_id: SessionId) -> dict[int, int]:
        """The clocks before what a session has still to be sent, of the clients that moved."""
        since = self._held.get(session_id, 0)
        return _rewind(each for each in self._waiting[since:] if each.skip != session_id)

    def clear(self) -> None:
        """Forget what waits: there is nobody left to send it to."""
        self.due_ms = None
        self.flush()

    # Inside -----------------------------------------------------------------------------------

    def _count(self, now_ms: float) -> None:
        faded = math.exp(min(0.0, self._counted_ms - now_ms) / _RATE_SPAN_MS)
        self._recent = self._recent * faded + 1.0
        self._counted_ms = now_ms

    def _begin_window(self, receivers: int, now_ms: float) -> None:
        self._begun_ms = now_ms
        window_ms = self._window_ms(receivers)
        self.due_ms = now_ms + window_ms if window_ms else None

    def _window_ms(self, receivers: int) -> float:
        """How long to collect, from what sending every update at once would cost."""
        round_ms = receivers * self._send_us / 1000
        load = round_ms * self._recent / _RATE_SPAN_MS  # in processors
        window_ms = min(_PATIENCE * round_ms * load, FANOUT_WINDOW_MS_MAX)
        return window_ms if window_ms >= _WINDOW_MS_MIN else 0.0


def _rewind(updates: Iterable[Broadcast]) -> dict[int, int]:
    rewind: dict[int, int] = {}
    for update in updates:
        for client, clock in update.rewind.items():
            rewind.setdefault(client, clock)
    return rewind


def _round(waiting: Sequence[Broadcast], held: dict[SessionId, int]) -> Round:
    composer = _Composer()
    common = composer.compose(waiting)
    single = {update.skip for update in waiting if update.skip is not None}
    own = {}
    for session_id in single.union(held):
        since = held.get(session_id, 0)
        parts = [update for update in waiting[since:] if update.skip != session_id]
        own[session_id] = composer.compose(parts)
    return Round(common, own)


class _Composer:
    """Merges the updates of one round; what it may cost in all is bounded."""

    def __init__(self) -> None:
        self._structs_left = MERGE_STRUCTS_MAX

    def compose(self, updates: Sequence[Broadcast]) -> Parcel:
        """Make one parcel of updates that are to be sent in this order.

        Runs of updates that can be merged are. A merge must have no gaps: clients would drop, or
        keep waiting, what comes behind one.
        """
        bodies: list[bytes] = []
        run: list[bytes] = []
        ends: dict[int, int] = {}
        for update in updates:
            joint = update.joint
            if joint is None or joint.structs > self._structs_left:
                bodies += (*_merged(run), update.body)
                run, ends = [], {}
                continue
            self._structs_left -= joint.structs
            for client, start, _ in joint.spans:
                if ends.get(client, start) != start:
                    bodies += _merged(run)
                    run, ends = [], {}
                    break
            run.append(joint.update)
            for client, _, end in joint.spans:
                ends[client] = end
        bodies += _merged(run)
        return Parcel(tuple(bodies), tuple(updates))


def _merged(run: Sequence[bytes]) -> list[bytes]:
    if len(run) > 1:
        try:
            run = [merge_updates(*run)]
        except BaseException as error:
            if not is_library_failure(error):
                raise
    return [y_sync.encode_update(update) for update in run]
