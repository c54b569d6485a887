"""What the API tells of nodes, and asks of them; also for a node by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from heapq import nlargest
from typing import Final

from collab.cluster.attendance import Roll
from collab.cluster.envelope import NodeId, Sender
from collab.cluster.members import (
    Away,
    BusReport,
    BusyRoom,
    Members,
    NodeReport,
    Wishes,
    busiest_of,
)
from collab.errors import StateConflict
from collab.ids import RoomKey
from collab.limits import BUSIEST_ROOMS_MAX, MEMBER_BEAT_MS, STORE_PROBLEM_CHARS_MAX
from gateway.cluster.membership import Membership
from gateway.observe.health import STORE, Readiness
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner
from gateway.server_version import server_version

_SLICE_ROOMS: Final = 50
"""Each costs some microseconds for each node after a change of members, otherwise a look-up."""

_ALONE: Final = "this node is alone: start it with --bus, and others beside it"


class SelfPortrait:
    """What a node says of itself.

    Args:
        sender: this node and its run.
        address: where clients reach it; empty where nobody said so.
        weight: its share of rooms.
        load: how busy it is.
        clock_s: seconds that never jump.
        processor_s: processor time of this process, in seconds.

    Attributes:
        identity: who it is, how busy it is left out.
        members: the cluster, for what is away from home; set when there is one.
        is_draining: whether it is being emptied.
        is_drained: whether it is empty.
        bus: how it hears of the others.
        health: what is asked about the store, under the name `STORE`; nothing unless set.
    """

    def __init__(
        self,
        sender: Sender,
        address: str,
        weight: float,
        load: NodeLoad,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        processor_s: Callable[[], float] = time.process_time,
    ) -> None:
        self.identity = NodeReport(
            sender.node, sender.boot, address, weight, version=server_version()
        )
        self.members: Callable[[], Members] = Members
        self.is_draining: Callable[[], bool] = _never
        self.is_drained: Callable[[], bool] = _never
        self.bus: Callable[[], BusReport] = BusReport
        self.health = Readiness({})
        self._load = load
        self._registry: RoomRegistry | None = None
        self._clock_s = clock_s
        self._processor_s = processor_s
        self._begun_s = self._measured_s = clock_s()
        self._used_s = processor_s()
        self._cpu = 0.0
        self._away: dict[NodeId, Away] = {}
        self._busiest: tuple[BusyRoom, ...] = ()
        self._names_all = False
        self._store_problem = ""

    def of(self, registry: RoomRegistry) -> None:
        """These are its rooms."""
        self._registry = registry

    def __call__(self) -> NodeReport:
        """What there is to say now."""
        live = self._live()
        return replace(
            self.identity,
            is_draining=self.is_draining(),
            is_drained=self.is_drained(),
            rooms=len(live),
            sessions=sum(len(runner.seats) for runner in live),
            cpu=self._measured_cpu(),
            lag_ms=round(self._load.lag_ms, 1),
            away=self._away,
            uptime_ms=int((self._clock_s() - self._begun_s) * 1000) + 1,
            store_problem=self._store_problem,
            bus=self.bus(),
            busiest=self._busiest,
            names_all=self._names_all,
        )

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(MEMBER_BEAT_MS / 1000)

    async def look(self) -> None:
        """See which rooms are busy, which are away from home, and how the store is."""
        away: dict[NodeId, Away] = {}
        live = self._live()
        for number, runner in enumerate(live, start=1):
            home = self.members().home(runner.key)
            if home is not None and home.node != self.identity.node:
                rooms, sessions = away.get(home.node, Away(0, 0))
                away[home.node] = Away(rooms + 1, sessions + len(runner.seats))
            if number % _SLICE_ROOMS == 0:
                await asyncio.sleep(0)
        self._away = away
        most = nlargest(BUSIEST_ROOMS_MAX, live, key=lambda runner: len(runner.seats))
        self._busiest = busiest_of(BusyRoom(runner.name, len(runner.seats)) for runner in most)
        self._names_all = len(self._busiest) == len(live)
        problem = (await self.health.failures()).get(STORE, "")
        self._store_problem = problem[:STORE_PROBLEM_CHARS_MAX]

    def _live(self) -> list[RoomRunner]:
        return [] if self._registry is None else self._registry.live()

    def _measured_cpu(self) -> float:
        now_s, used_s = self._clock_s(), self._processor_s()
        if now_s - self._measured_s >= 0.5:  # noqa: PLR2004 - less says nothing
            self._cpu = round((used_s - self._used_s) / (now_s - self._measured_s), 3)
            self._measured_s, self._used_s = now_s, used_s
        return self._cpu


class OneNode:
    """The ``Nodes`` of a node by itself.

    Args:
        portrait: what it says of itself.
    """

    def __init__(self, portrait: SelfPortrait) -> None:
        self._portrait = portrait

    async def roll(self) -> Roll:
        """See `Nodes`; looked at when asked, for nobody else wants to know."""
        await self._portrait.look()
        here = self._portrait()
        return Roll(Members([here]), here)

    def home(self, room: RoomKey) -> NodeReport:
        """See `Nodes`."""
        del room
        return self._portrait.identity

    def is_here(self, report: NodeReport) -> bool:
        """See `Nodes`."""
        del report
        return True

    async def drain(self, node: NodeId, *, drains: bool) -> bool:
        """See `Nodes`."""
        del node, drains
        raise StateConflict(_ALONE)

    async def rebalance(self) -> None:
        """See `Nodes`."""
        raise StateConflict(_ALONE)


class ClusterNodes:
    """The ``Nodes`` of a node among others.

    Args:
        membership: what it knows of them.
        changed: told when other nodes should look at once.
    """

    def __init__(self, membership: Membership, changed: Callable[[], None]) -> None:
        self._membership = membership
        self._changed = changed

    async def roll(self) -> Roll:
        """See `Nodes`."""
        return self._membership.roll()

    def home(self, room: RoomKey) -> NodeReport | None:
        """See `Nodes`."""
        return self._membership.members.home(room)

    def is_here(self, report: NodeReport) -> bool:
        """See `Nodes`."""
        return report.node == self._membership.sender.node

    async def drain(self, node: NodeId, *, drains: bool) -> bool:
        """See `Nodes`."""
        await self._membership.beat()
        reports = self._membership.members.reports
        if node not in reports:
            return False
        members = self._membership.members
        others = (each for each in reports.values() if each.node != node)
        if drains and all(members.drains(each) for each in others):
            raise StateConflict("no other node serves: its clients would have nowhere to go")
        alive = [report.sender for report in reports.values()]
        sender = reports[node].sender
        await self._wish(lambda wishes: wishes.with_drain(sender, drains=drains, alive=alive))
        return True

    async def rebalance(self) -> None:
        """See `Nodes`."""
        await self._wish(lambda wishes: Wishes(wishes.draining, wishes.rebalance + 1))

    async def _wish(self, change: Callable[[Wishes], Wishes]) -> None:
        await self._membership.wish(change)
        self._changed()


def _never() -> bool:
    return False
