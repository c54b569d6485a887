"""What was sent into a room, who has received it, and how long that took.

Each update has a number in its room. A delivery is recognised by its bytes, or, where a server
has merged updates, by the client ids and clocks inside; so what counts is that the edit arrived,
not in which wrapping. Every receiver has a mark for every update: a missing, repeated or unknown
one is seen.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from benchmarks.wires import Dialect, Wire
from collab.protocol.update_scan import scan_update

_REMEMBERED: Final = 256


@dataclass(slots=True)
class Tally:
    """What all rooms of one run have in common.

    Attributes:
        measured_from_s: updates sent before this belong to the warm-up and are only counted.
        outstanding: deliveries and acknowledgements that are still to come.
        sent: updates that were written.
        delivered: edits that reached another session.
        saved: durable acknowledgements.
        duplicates: edits that reached the same session again.
        unknown: edits that nobody sent.
        refused: messages and connections that the server refused.
        edit_s: latencies from sender to other session.
        saved_s: latencies from sender to durable acknowledgement.
        idle: set while nothing is outstanding.
    """

    measured_from_s: float = 0.0
    outstanding: int = 0
    sent: int = 0
    delivered: int = 0
    saved: int = 0
    duplicates: int = 0
    unknown: int = 0
    refused: int = 0
    edit_s: array[float] = field(default_factory=lambda: array("d"))
    saved_s: array[float] = field(default_factory=lambda: array("d"))
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, count: int) -> None:
        """So many more deliveries or acknowledgements are to come."""
        self.outstanding += count
        self.idle.clear()

    def settle(self, count: int = 1) -> None:
        """So many of them came."""
        self.outstanding -= count
        if not self.outstanding:
            self.idle.set()


@dataclass(slots=True)
class RoomLedger:
    """The updates of one room.

    Args:
        dialect: how they are framed.
        tally: where everything is counted.
        by_writer: the updates of each writer, in order, by client id.
        receivers: how many sessions the room has, writers included.

    Attributes:
        sent_s: when each update was written, by its number.
    """

    dialect: Dialect
    tally: Tally
    by_writer: dict[int, list[bytes]]
    receivers: int
    sent_s: array[float] = field(init=False)
    _numbers: dict[bytes, int] = field(init=False)
    _first: dict[int, tuple[int, int]] = field(init=False)
    _remembered: dict[bytes, list[range]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        updates = [update for each in self.by_writer.values() for update in each]
        self._numbers = {self.dialect.update(each): at for at, each in enumerate(updates)}
        assert len(self._numbers) == len(updates), "updates must be distinct"
        self.sent_s = array("d", bytes(8 * len(updates)))
        self._first = {}
        first = 0
        for client_id, own in self.by_writer.items():
            self._first[client_id] = (first, len(own))
            first += len(own)

    def numbers_of(self, client_id: int) -> range:
        """The numbers of a writer's updates."""
        first, count = self._first[client_id]
        return range(first, first + count)

    def number(self, message: bytes) -> int | None:
        """The number of the update that a whole message holds, if it is one as it was sent."""
        return self._numbers.get(message)

    def runs_in(self, update: bytes, *, may_hold_more: bool = False) -> list[range]:
        """The numbers of all updates of this room that a merged update holds, in runs.

        Args:
            update: as it came.
            may_hold_more: whether it may hold what was there before; else that is unknown.
        """
        found = []
        for item in scan_update(update).ranges:
            first, count = self._first.get(item.client, (0, 0))
            known_end = min(item.end, count)
            if item.start < known_end:
                found.append(range(first + item.start, first + known_end))
            if may_hold_more:
                continue
            self.tally.unknown += max(0, item.end - max(item.start, count))
        return found

    def remember(self, message: bytes, runs: list[range]) -> None:
        """Keep what a whole message holds: the same bytes go to many sessions."""
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[message] = runs

    def remembered(self, message: bytes) -> list[range] | None:
        """What was remembered of a whole message, if anything was."""
        return self._remembered.get(message)

    def sent(self, number: int, at_s: float) -> None:
        """An update is being written: the others are to get it, its sender to hear of it."""
        self.sent_s[number] = at_s
        self.tally.sent += 1
        self.tally.expect(self.receivers)


@dataclass(slots=True)
class Marks:
    """What one session has received.

    Args:
        ledger: its room's.
        own: the numbers of the updates that it sends itself; empty for a reader.
    """

    ledger: RoomLedger
    own: range = range(0)
    _seen: bytearray = field(init=False)
    _unacknowledged: deque[int] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._seen = bytearray(len(self.ledger.sent_s))

    def sent(self, number: int, at_s: float) -> None:
        """This session writes an update."""
        self._unacknowledged.append(number)
        self.ledger.sent(number, at_s)

    def arrived(self, number: int, at_s: float) -> None:
        """An update reached this session; its own one says that it is saved."""
        tally = self.ledger.tally
        sent_s = self.ledger.sent_s[number]
        if self._seen[number]:
            tally.duplicates += 1
            return
        if not sent_s:
            tally.unknown += 1
            return
        self._seen[number] = 1
        if number in self.own:
            # Hocuspocus acknowledges by SyncStatus; that it sends an edit back says nothing.
            if self.ledger.dialect.wire is Wire.Y_WEBSOCKET:
                self._acknowledged(sent_s, at_s)
            return
        tally.delivered += 1
        if sent_s >= tally.measured_from_s:
            tally.edit_s.append(at_s - sent_s)
        tally.settle()

    def arrived_together(self, run: range, at_s: float) -> None:
        """Consecutive updates of one writer reached this session in one message."""
        tally = self.ledger.tally
        sent_s = self.ledger.sent_s
        first, end = run.start, run.stop
        is_plain = (
            first not in self.own
            and sent_s[end - 1]
            and sent_s[first] >= tally.measured_from_s
            and self._seen.find(1, first, end) < 0
        )
        if not is_plain:
            for number in run:
                self.arrived(number, at_s)
            return
        count = end - first
        self._seen[first:end] = b"\x01" * count
        tally.delivered += count
        tally.edit_s.extend(map(at_s.__sub__, sent_s[first:end]))
        tally.settle(count)

    def saved_next(self, at_s: float) -> None:
        """The oldest update that was not acknowledged yet is saved."""
        if not self._unacknowledged:
            self.ledger.tally.unknown += 1
            return
        number = self._unacknowledged.popleft()
        self._acknowledged(self.ledger.sent_s[number], at_s)

    def _acknowledged(self, sent_s: float, at_s: float) -> None:
        tally = self.ledger.tally
        tally.saved += 1
        if sent_s >= tally.measured_from_s:
            tally.saved_s.append(at_s - sent_s)
        tally.settle()
