"""When changes of awareness go out: the newest state of each client id, once for everybody.

======= ============================ ======= =======================================================
state   event                        next    what is sent
======= ============================ ======= =======================================================
quiet   a change                     ticking the change; the tick begins
ticking a change                     ticking nothing: it waits, and replaces what waits for its id
ticking the tick ends, some wait     ticking one message with all of them; the next tick begins
ticking the tick ends, none waits    quiet   nothing
======= ============================ ======= =======================================================

The larger the room and its messages, the longer the tick, so that the sending of states stays
within its share of a processor: in a room where everybody moves, each member is sent one message
for each tick, whatever the number of members. A session is sent its own states with the clocks
that it gave them (see :mod:`collab.awareness`).

Pure: the caller tells the time and carries the rounds out.
"""

from __future__ import annotations

from typing import Final

from collab.ids import SessionId
from collab.limits import AWARENESS_TICK_MS_MAX, AWARENESS_TICK_MS_MIN
from collab.protocol import y_sync
from collab.protocol.messages import AwarenessEntry
from collab.room.effects import Announce
from collab.room.fanout import SEND_US, Parcel, Round

_SEND_US_PER_BYTE: Final = 0.0005
_PATIENCE: Final = 12.0  # sending takes at most one part in so many of a processor


class Presence:
    """The changes of awareness that wait to be sent to one room's sessions.

    Attributes:
        due_ms: when the tick ends: call :meth:`end_tick` then; None while it is quiet.
    """

    def __init__(self) -> None:
        self.due_ms: float | None = None
        self._begun_ms = 0.0
        self._waiting: dict[int, AwarenessEntry] = {}
        # By client id: sessions that have to hear another entry of it, and that.
        self._echoes: dict[int, dict[SessionId, AwarenessEntry]] = {}

    def note(self, change: Announce, receivers: int, now_ms: float) -> Round | None:
        """Take changed states; the newest one of a client id counts.

        Args:
            change: what changed.
            receivers: how many sessions are in the room.
            now_ms: the caller's monotonic clock, in milliseconds.

        Returns:
            What to send now.
        """
        is_due = self.due_ms is None or now_ms >= self.due_ms
        for entry in change.entries:
            self._waiting[entry.client_id] = entry
            if self._echoes:
                self._echoes.pop(entry.client_id, None)
        for session_id, echoes in change.own.items():
            for echo in echoes:
                self._echoes.setdefault(echo.client_id, {})[session_id] = echo
        return self.end_tick(receivers, now_ms) if is_due else None

    def end_tick(self, receivers: int, now_ms: float) -> Round | None:
        """Send what waits, if anything does; without that it is quiet again."""
        waiting, self._waiting = self._waiting, {}
        echoes, self._echoes = self._echoes, {}
        if not waiting or receivers <= 0:
            self.due_ms = None
            return None
        encoded = {
            client_id: y_sync.encode_awareness_entry(entry) for client_id, entry in waiting.items()
        }
        body = y_sync.join_awareness(encoded.values())
        self._begun_ms = now_ms
        self.due_ms = now_ms + tick_ms(receivers, len(body))
        return Round(Parcel((body,), ()), _own(encoded, echoes))

    def sent(self, now_ms: float) -> None:
        """The round has been carried out: only now does the tick begin."""
        if self.due_ms is not None:
            self.due_ms += now_ms - self._begun_ms

    def clear(self) -> None:
        """Forget what waits: there is nobody left to send it to."""
        self.due_ms = None
        self._waiting.clear()
        self._echoes.clear()


def tick_ms(receivers: int, message_bytes: int) -> float:
    """How long to collect after a message of this size has gone to so many sessions."""
    round_ms = receivers * (SEND_US + message_bytes * _SEND_US_PER_BYTE) / 1000
    return min(max(_PATIENCE * round_ms, AWARENESS_TICK_MS_MIN), AWARENESS_TICK_MS_MAX)


def _own(
    encoded: dict[int, bytes], echoes: dict[int, dict[SessionId, AwarenessEntry]]
) -> dict[SessionId, Parcel]:
    """What the sessions are sent that have to hear other clocks than the others.

    Where all come back at once these are all, and each is sent what all have shown: nothing is
    encoded for one of them but its own states.
    """
    heard: dict[SessionId, dict[int, bytes]] = {}
    for client_id, told in echoes.items():
        for session_id, echo in told.items():
            entries = heard.get(session_id)
            if entries is None:
                entries = heard[session_id] = encoded.copy()
            entries[client_id] = y_sync.encode_awareness_entry(echo)
    return {
        session_id: Parcel((y_sync.join_awareness(entries.values()),), ())
        for session_id, entries in heard.items()
    }
