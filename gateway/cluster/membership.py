"""Which nodes live: each holds a lease in the store that says who it is, and reads all others'.

The store alone is enough, so a cluster without a bus, or one whose Redis is down, knows its members
within a beat. A bus only tells sooner that something has changed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from collab.cluster.attendance import Attendance, Roll
from collab.cluster.envelope import Sender
from collab.cluster.leases import Lease, LeaseHolder, LeaseName
from collab.cluster.members import (
    Members,
    NodeReport,
    Wishes,
    decode_report,
    decode_wishes,
    encode_report,
    encode_wishes,
)
from collab.errors import BandProError, LeaseLost, RecordMoved, StoreUnavailable
from collab.ids import NO_ROOM, RecordId
from collab.limits import LEASE_MS, MEMBER_BEAT_MS
from collab.ports import Record, RecordKind
from gateway.observe.metrics import Metrics
from gateway.rooms.clock import now_ms
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)
_PREFIX: Final = "node/"
_WISHES: Final = RecordId("wishes")
_CHANGES_MAX: Final = 20

Watcher = Callable[[Members], None]


class Membership:
    """One node's place in the cluster, and what it knows of the others.

    Args:
        stores: where the leases are.
        sender: this node and its run.
        describe: what it says of itself.
        metrics: what is counted.

    Attributes:
        sender: this node and its run.
        holder: the same, as leases name it.
        members: as last read; empty before.
        describe: tells what this node says of itself.
    """

    def __init__(
        self, stores: Stores, sender: Sender, describe: Callable[[], NodeReport], metrics: Metrics
    ) -> None:
        self.sender = sender
        self.holder = LeaseHolder(str(sender))
        self.members = Members()
        self._stores = stores
        self.describe = describe
        self._metrics = metrics
        self._attendance = Attendance()
        self._watchers: list[Watcher] = []
        self._lease: Lease | None = None
        self._ends_at_s = 0.0
        self._is_leaving = False
        self._was_refused = False
        self._beating = asyncio.Lock()
        self._due = asyncio.Event()

    def watch(self, watcher: Watcher) -> None:
        """Have a function called with what is known, after each look; it must not take long."""
        self._watchers.append(watcher)

    @property
    def is_member(self) -> bool:
        """Whether the others count on this node, as far as it can know.

        The time is counted from before the store was asked, so the lease ends there no sooner.
        """
        return asyncio.get_running_loop().time() < self._ends_at_s

    def look_soon(self) -> None:
        """Something may have changed: look at once instead of with the next beat."""
        self._due.set()

    async def run(self) -> None:
        """Renew the lease and look at the others, once a second, until cancelled."""
        while True:
            try:
                await self.beat()
            except BandProError as error:
                _log.warning("node.not_heard", error=str(error))
            except Exception:  # noqa: BLE001 - our own defect must not end the beats for good
                _log.exception("node.beat_broke")
            pause_s = MEMBER_BEAT_MS / 1000 * random.uniform(0.8, 1.0)  # noqa: S311 - spreads
            try:
                async with asyncio.timeout(pause_s):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()

    async def beat(self) -> None:
        """Say what this node is like, and look at the others.

        Raises:
            StoreUnavailable: this is not known now; what was known before stays.
        """
        async with self._beating:
            if not self._is_leaving:
                await self._say()
            held = await self._stores.leases.held(_PREFIX)
            found = (decode_report(lease.value) for lease in held)
            reports = [report for report in found if report is not None]
            members = Members(reports, (await self._wishes())[0])
        if not members.same_homes(self.members):
            _log.info("nodes.changed", nodes=len(reports))
        self.members = members.keeping(self.members)
        self._attendance.take(reports, now_ms())
        self._metrics.nodes.set(len(reports))
        for watcher in self._watchers:
            watcher(self.members)

    def roll(self) -> Roll:
        """The cluster as far as it is known now."""
        return self._attendance.roll(self.members, self.describe(), now_ms())

    async def leave(self) -> None:
        """Be a member no more: others take over at once."""
        self._is_leaving = True
        self._ends_at_s = 0.0
        async with self._beating:
            lease, self._lease = self._lease, None
            if lease is not None:
                try:
                    await self._stores.leases.release(lease)
                except StoreUnavailable as error:
                    _log.warning("node.leaves_unheard", error=str(error))

    async def wish(self, change: Callable[[Wishes], Wishes]) -> Wishes:
        """Change what operators wish of the nodes, and look at once.

        Raises:
            StoreUnavailable: the outcome is unknown.
        """
        for _ in range(_CHANGES_MAX):
            wishes, revision = await self._wishes()
            wishes = change(wishes)
            record = Record(_WISHES, revision, encode_wishes(wishes))
            try:
                await self._stores.records.compare_and_set(RecordKind.CLUSTER, NO_ROOM, record)
            except RecordMoved:
                continue
            await self.beat()
            return wishes
        raise StoreUnavailable(f"the wishes were changed by others {_CHANGES_MAX} times in a row")

    async def _say(self) -> None:
        asked_s = asyncio.get_running_loop().time()
        value = encode_report(self.describe())
        leases = self._stores.leases
        if self._lease is not None:
            try:
                self._lease = await leases.renew(self._lease, ttl_ms=LEASE_MS, value=value)
            except LeaseLost:
                self._lease = None
                _log.warning("node.lease_lost")
        if self._lease is None:
            name = LeaseName(_PREFIX + self.sender.node)
            self._lease = await leases.acquire(name, self.holder, ttl_ms=LEASE_MS, value=value)
        if self._lease is not None:
            self._ends_at_s = asked_s + LEASE_MS / 1000
        elif not self._was_refused:
            # An earlier run that was killed, for some seconds, or another node of the same name.
            _log.warning("node.name_held", node=self.sender.node)
        self._was_refused = self._lease is None

    async def _wishes(self) -> tuple[Wishes, int]:
        """What operators wish, and the revision of the record that says so."""
        record = await self._stores.records.get(RecordKind.CLUSTER, NO_ROOM, _WISHES)
        if record is None:
            return Wishes(), 0
        try:
            return decode_wishes(record.value), record.revision
        except (ValueError, KeyError, TypeError):
            _log.exception("nodes.wishes_damaged")
            return Wishes(), record.revision
