"""Which other nodes live, by what is heard of them.

======== ==================================== ======== ==========================================
state    event                                next     what it means
======== ==================================== ======== ==========================================
unknown  an envelope                          live     a node has come
live     an envelope of the same run          live     nothing
live     an envelope of a later run           live     the earlier run is gone
live     an envelope of an earlier run        live     nothing: it is late, or played back
live     nothing for `BUS_BEATS_MISSED_MAX`   unknown  it is gone
         beats, while the bus was up
======== ==================================== ======== ==========================================

While the bus is down nothing is heard of anybody, which says nothing about them: time stands still
here until it is up again. Pure: the caller passes the time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from collab.cluster.envelope import NodeId, Sender
from collab.ids import Milliseconds
from collab.limits import BUS_BEAT_MS, BUS_BEATS_MISSED_MAX

SILENCE_MS_MAX: Final = BUS_BEAT_MS * BUS_BEATS_MISSED_MAX


class Heard(NamedTuple):
    """What it means that something was heard of a node.

    Attributes:
        gone: the earlier run of it, which has ended.
        is_stale: it was said by an earlier run than the one that lives; to be passed over.
    """

    gone: Sender | None = None
    is_stale: bool = False


class Peers:
    """The runs of other nodes that live."""

    def __init__(self) -> None:
        self._heard_ms: dict[Sender, Milliseconds] = {}
        self._runs: dict[NodeId, Sender] = {}

    def __len__(self) -> int:
        return len(self._heard_ms)

    def heard(self, sender: Sender, now_ms: Milliseconds) -> Heard:
        """Something was heard of a node."""
        if sender in self._heard_ms:
            self._heard_ms[sender] = now_ms
            return Heard()
        other = self._runs.get(sender.node)
        if other is not None and other.boot > sender.boot:
            return Heard(is_stale=True)
        self._heard_ms[sender] = now_ms
        self._runs[sender.node] = sender
        if other is not None:
            del self._heard_ms[other]
        return Heard(gone=other)

    def expire(self, now_ms: Milliseconds) -> list[Sender]:
        """Take those for gone of whom nothing was heard for too long; returns them."""
        gone = [
            sender
            for sender, heard_ms in self._heard_ms.items()
            if now_ms - heard_ms > SILENCE_MS_MAX
        ]
        for sender in gone:
            del self._heard_ms[sender], self._runs[sender.node]
        return gone

    def hear_again(self, now_ms: Milliseconds) -> None:
        """The bus is up again: everybody has a whole time to be heard in."""
        for sender in self._heard_ms:
            self._heard_ms[sender] = now_ms
