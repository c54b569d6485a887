"""Which updates reached whom, read from what sessions have kept, whatever the wrapping.

Each writer's update n covers the same number of clocks from n times that on; so an update is
recognised by the clocks in a message, merged with others or as part of a whole state.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.stress.session import Messages, Session, updates_in
from benchmarks.wires import Dialect
from collab.protocol.update_scan import scan_update

_LOOK_AGAIN_S: Final = 0.05


class Written:
    """The updates of one room.

    Args:
        dialect: how the room is spoken of.
        messages: what its sessions have heard.
        counts: how many updates each writer has, by client id.
        clocks_each: how many clocks each update covers.

    Attributes:
        total: of all writers.
        sent_s: when each was written, by number; 0 before that.
    """

    def __init__(
        self, dialect: Dialect, messages: Messages, counts: Mapping[int, int], clocks_each: int
    ) -> None:
        self.total = sum(counts.values())
        self.sent_s = array("d", bytes(8 * self.total))
        self._dialect = dialect
        self._messages = messages
        self._clocks = clocks_each
        self._known: dict[int, tuple[int, ...]] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        first = 0
        for client_id, count in counts.items():
            self._spans[client_id] = (first, count)
            first += count

    def of(self, client_id: int) -> range:
        """The numbers of a writer's updates."""
        first, count = self._spans[client_id]
        return range(first, first + count)

    def numbers(self, heard: int) -> tuple[int, ...]:
        """The numbers of the updates that a message brings whole."""
        found = self._known.get(heard)
        if found is None:
            message = self._messages.kept[heard]
            found = tuple(
                number
                for update in updates_in(self._dialect, message)
                for number in self._numbers_in(update)
            )
            self._known[heard] = found
        return found

    def _numbers_in(self, update: bytes) -> list[int]:
        found: list[int] = []
        for item in scan_update(update).ranges:
            first, count = self._spans.get(item.client, (0, 0))
            begin = -(-item.start // self._clocks)
            end = min(item.end // self._clocks, count)
            found += range(first + begin, first + end)
        return found


class Seen:
    """What one session has received of a room's updates.

    Args:
        session: whose.
        written: the updates.
        own: the numbers of those that it writes itself; not every server sends them back.

    Attributes:
        at_s: when each update of the others came first, by its number; 0 before that.
        expected: how many are to come.
        missing: how many have not come yet.
    """

    def __init__(self, session: Session, written: Written, own: range = range(0)) -> None:
        self.session = session
        self.at_s = array("d", bytes(8 * written.total))
        self.expected = self.missing = written.total - len(own)
        self._own = own
        self._written = written
        self._read = 0

    def read(self) -> int:
        """Take in what has come since the last call; returns how many updates are missing."""
        heard, heard_s = self.session.heard, self.session.heard_s
        for at in range(self._read, len(heard)):
            for number in self._written.numbers(heard[at]):
                if not self.at_s[number] and number not in self._own:
                    self.at_s[number] = heard_s[at]
                    self.missing -= 1
        self._read = len(heard)
        return self.missing

    def latencies_s(self, begin_s: float, end_s: float) -> list[float]:
        """Of what was written in that span and has come here."""
        return [
            at_s - sent_s
            for at_s, sent_s in zip(self.at_s, self._written.sent_s, strict=True)
            if at_s and begin_s <= sent_s < end_s
        ]


async def all_arrived(seen: Sequence[Seen], within_s: float) -> bool:
    """Wait until nothing is missing anywhere any more, a while at most."""
    give_up_s = time.perf_counter() + within_s
    left = [each for each in seen if each.read()]
    while left and time.perf_counter() < give_up_s:
        await asyncio.sleep(_LOOK_AGAIN_S)
        left = [each for each in left if each.session.is_connected and each.read()]
    return not any(each.read() for each in seen)
