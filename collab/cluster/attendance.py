"""Which members were heard of when, and who is a member no more.

A member renews its lease once a second and says something new each time. Who was killed is silent
for as long as its lease lasts before it is a member no more; who ends in good order gives the lease
back, and so is gone within a beat of its last word. That is how the two are told apart.

Pure: the caller passes the time. A node that has not looked itself for some time knows nothing of
the others' silence meanwhile, so everybody is then heard anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from collab.cluster.envelope import NodeId
from collab.cluster.members import Members, NodeReport
from collab.limits import (
    GONE_NODE_MS_MAX,
    GONE_NODES_MAX,
    MEMBER_BEAT_MS,
    MEMBER_BEATS_MISSED_MAX,
)

SILENT_MS: Final = MEMBER_BEAT_MS * MEMBER_BEATS_MISSED_MAX
"""A member of whom nothing new was heard for longer has most likely stopped."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A node that is a member no more.

    Attributes:
        report: what it said last.
        heard_ms: when that was.
        has_left: it ended in good order, as far as can be told.
    """

    report: NodeReport
    heard_ms: float
    has_left: bool


class Roll(NamedTuple):
    """The cluster at one moment, as one node knows it.

    Attributes:
        members: who is in it, and what is wished.
        here: what this node says of itself now.
        age_ms: how long ago it was last looked.
        silent_ms: for how long nothing new had been heard of members by then.
        gone: who was a member before; the last to be heard first.
        now_ms: the moment, on the same clock as `Gone.heard_ms`.
    """

    members: Members
    here: NodeReport
    age_ms: float = 0.0
    silent_ms: Mapping[NodeId, float] = {}
    gone: tuple[Gone, ...] = ()
    now_ms: float = 0.0


class _Heard(NamedTuple):
    report: NodeReport
    at_ms: float


class Attendance:
    """What one node has heard of the members."""

    def __init__(self) -> None:
        self._heard: dict[NodeId, _Heard] = {}
        self._gone: dict[NodeId, Gone] = {}
        self._looked_ms: float | None = None

    def take(self, reports: Iterable[NodeReport], now_ms: float) -> None:
        """These are the members now."""
        is_late = self._looked_ms is not None and now_ms - self._looked_ms > SILENT_MS
        self._looked_ms = now_ms
        earlier, self._heard = self._heard, {}
        for report in reports:
            before = earlier.pop(report.node, None)
            if before is None or is_late or _says_more(report, before.report):
                before = _Heard(report, now_ms)
            self._heard[report.node] = _Heard(report, before.at_ms)
            self._gone.pop(report.node, None)
        for node, last in earlier.items():
            has_left = not is_late and now_ms - last.at_ms <= SILENT_MS
            self._gone[node] = Gone(last.report, last.at_ms, has_left)
        for each in self._forgettable(now_ms):
            del self._gone[each.report.node]

    def roll(self, members: Members, here: NodeReport, now_ms: float) -> Roll:
        """What there is to tell of it at a moment."""
        looked_ms = now_ms if self._looked_ms is None else self._looked_ms
        silent_ms = {node: looked_ms - heard.at_ms for node, heard in self._heard.items()}
        gone = tuple(self._newest_first())
        return Roll(members, here, now_ms - looked_ms, silent_ms, gone, now_ms)

    def _newest_first(self) -> list[Gone]:
        return sorted(self._gone.values(), key=lambda gone: gone.heard_ms, reverse=True)

    def _forgettable(self, now_ms: float) -> list[Gone]:
        return [
            gone
            for place, gone in enumerate(self._newest_first())
            if place >= GONE_NODES_MAX or now_ms - gone.heard_ms > GONE_NODE_MS_MAX
        ]


def _says_more(report: NodeReport, before: NodeReport) -> bool:
    """Whether it was renewed; a version that does not tell is taken at its lease."""
    return (
        report.uptime_ms == 0
        or report.sender != before.sender
        or report.uptime_ms != before.uptime_ms
    )
