"""A node among others: which rooms hear the bus, which nodes live, and when logs are looked at."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from itertools import islice
from typing import Final

import structlog

from collab.cluster.bus import Bus
from collab.cluster.envelope import Beat, BootEpoch, Content, Envelope, News, Sender
from collab.cluster.heads import NO_LOG, LogHeads
from collab.cluster.members import BusReport
from collab.cluster.peers import Peers
from collab.errors import StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_ROOM, NO_SEQUENCE, Epoch, Milliseconds, RoomKey, Sequence
from collab.limits import (
    BUS_BEAT_MS,
    FOLLOW_ALONE_MS,
    FOLLOW_AT_ONCE_MAX,
    FOLLOW_MS,
    HEADS_AT_ONCE_MAX,
)
from gateway.cluster.room_link import Look, RoomLink
from gateway.observe.metrics import Metrics
from gateway.rooms.clock import now_ms
from gateway.rooms.runner import RoomRunner

_log = structlog.stdlib.get_logger(__name__)
_TICK_S: Final = 0.2
STALL_MS: Final = BUS_BEAT_MS * 2
"""A loop that comes round so late has missed beats, its own among them."""

_SLACK_MS: Final = 300  # a tick, and the look itself


class Cluster:
    """Joins a node's live rooms to those of other nodes; ``Neighbours`` and ``BusListener``.

    Args:
        sender: this node and its run.
        metrics: what is counted.
        heads: where logs stand.
        chance: numbers from 0 to 1, by which looks are spread over time.

    Attributes:
        on_news: called when another node says that something has changed for all.
        bus: to the other nodes; set before anything happens, for it wants to know its listener.
        looks: held by who reads a log because of the cluster.
    """

    bus: Bus

    def __init__(
        self,
        sender: Sender,
        metrics: Metrics,
        heads: LogHeads,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.sender = sender
        self.metrics = metrics
        self.looks = asyncio.Semaphore(FOLLOW_AT_ONCE_MAX)
        self._heads = heads
        self._chance = chance
        self._asked: dict[RoomLink, Look] = {}
        self._asking: asyncio.Task[None] | None = None
        self._links: dict[RoomKey, RoomLink] = {}
        self.on_news: Callable[[], None] = _nothing
        self._marked: dict[RoomLink, None] = {}
        self._peers = Peers()
        self._number = 0
        self._gaps = self._interruptions = 0
        self._namesake_boot = BootEpoch(-1)  # the latest run of another node of the same name
        self._beat_due_ms = 0
        self._was_up = False
        self._ticked_ms = now_ms()

    # Rooms ----------------------------------------------------------------------------------------

    def opened(self, runner: RoomRunner) -> None:
        """See ``Neighbours``."""
        earlier = self._links.get(runner.key)
        if earlier is not None:
            earlier.close()
        link = self._links[runner.key] = RoomLink(runner, self)
        runner.link = runner.appender.link = link
        link.look_due_ms = now_ms() + self._pause_ms()
        if earlier is None:
            self.bus.subscribe(runner.key)
        elif self.bus.is_up:
            link.listening()

    def closed(self, runner: RoomRunner) -> None:
        """See ``Neighbours``."""
        link = self._links.get(runner.key)
        if link is None or runner.link is not link:
            return
        del self._links[runner.key]
        link.close()
        self.bus.unsubscribe(runner.key)

    # What rooms ask of it -------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """See ``Office``."""
        return self.bus.is_up

    def looked(self, why: Look) -> None:
        """See ``Office``."""
        self.metrics.log_looks.labels(reason=why.value).inc()
        # What was missed while a room was not heard yet, or no more, is no fault of the bus.
        self._gaps += self.bus.is_up and why is not Look.LISTENING

    def mark(self, link: RoomLink) -> None:
        """See ``Office``."""
        if not self._marked:
            asyncio.get_running_loop().call_soon(self._send_marked)
        self._marked[link] = None

    def ask(self, link: RoomLink, why: Look) -> None:
        """See ``Office``."""
        self._asked.setdefault(link, why)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        """Ask the store about all rooms that want to know, many at once."""
        try:
            while self._asked:
                await asyncio.sleep(0)  # those of one turn are asked together
                links = list(islice(self._asked, HEADS_AT_ONCE_MAX))
                places = await self._heads.places([link.key for link in links])
                self.metrics.heads_compared.inc(len(links))
                for link in links:
                    link.compare(places.get(link.key, NO_LOG), self._asked.pop(link))
        except StoreUnavailable as error:
            _log.warning("store.heads_not_read", error=str(error))
            self._asked.clear()  # their turn comes again
        finally:
            self._asking = None

    def publish(
        self, room: RoomKey, content: Content, epoch: Epoch, first: Sequence, last: Sequence
    ) -> None:
        """See ``Office``."""
        self._number += 1
        self.bus.publish(Envelope(self.sender, self._number, room, content, epoch, first, last))

    def tell_news(self) -> None:
        """Have all other nodes look into the store at once, as far as they can be reached."""
        if self.bus.is_up:
            self.publish(NO_ROOM, News(), FIRST_EPOCH, NO_SEQUENCE, NO_SEQUENCE)

    def _send_marked(self) -> None:
        marked, self._marked = self._marked, {}
        for link in marked:
            link.send()

    # What the bus tells ---------------------------------------------------------------------------

    def delivered(self, envelope: Envelope) -> None:
        """See ``BusListener``."""
        sender = envelope.sender
        if sender.node == self.sender.node:
            if sender.boot > self._namesake_boot:
                self._namesake_boot = sender.boot
                _log.error("node.name_taken", node=sender.node)
            return
        heard = self._peers.heard(sender, now_ms())
        if heard.is_stale:
            self.metrics.bus_dropped.labels(reason="stale").inc()
            return
        if heard.gone is not None:
            self._gone(heard.gone)
        if isinstance(envelope.content, News):
            self.on_news()
            return
        link = self._links.get(envelope.room)
        if link is not None:
            link.delivered(envelope)

    def listening(self, room: RoomKey) -> None:
        """See ``BusListener``."""
        link = self._links.get(room)
        if link is not None:
            link.listening()

    def interrupted(self) -> None:
        """See ``BusListener``."""
        self._interruptions += 1
        # What happens from now on is found in the log, so look sooner, but not all at once.
        latest_ms = now_ms() + self._pause_ms()
        for link in self._links.values():
            link.look_due_ms = min(link.look_due_ms, latest_ms)

    def report(self, kind: str) -> BusReport:
        """How this node hears of the others.

        Args:
            kind: as `BusReport` names it.
        """
        bus = self.bus
        return BusReport(
            kind,
            bus.is_up,
            bus.delay_ms if bus.is_up else None,
            len(self._peers) if bus.is_up else 0,
            self._gaps,
            self._interruptions,
        )

    def _gone(self, sender: Sender) -> None:
        _log.info("peer.gone", node=sender.node, boot=sender.boot)
        for link in self._links.values():
            link.gone(sender)

    # Time -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Beat, watch the others, and look at logs, until cancelled."""
        while True:
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - one bad tick must not be the last
                _log.exception("cluster.tick_broke")
            await asyncio.sleep(_TICK_S)

    def tick(self) -> None:
        """Do what is due."""
        at_ms = now_ms()
        is_up = self.bus.is_up
        self.metrics.bus_up.set(is_up)
        if at_ms - self._ticked_ms > STALL_MS:
            self._was_stopped(at_ms)
        self._ticked_ms = at_ms
        if is_up:
            if not self._was_up:
                self._peers.hear_again(at_ms)
            if at_ms >= self._beat_due_ms:
                self._beat_due_ms = at_ms + BUS_BEAT_MS
                self.publish(NO_ROOM, Beat(), FIRST_EPOCH, NO_SEQUENCE, NO_SEQUENCE)
            for sender in self._peers.expire(at_ms):
                self._gone(sender)
        self._was_up = is_up
        self.metrics.peers.set(len(self._peers))
        for link in self._links.values():
            if at_ms >= link.look_due_ms:
                link.look_due_ms = at_ms + self._pause_ms()
                self.ask(link, Look.TIMER)

    def _was_stopped(self, at_ms: Milliseconds) -> None:
        """The process stood still: others may have taken it for dead, and it hears late of them."""
        self._peers.hear_again(at_ms)
        if self.bus.is_up:
            for link in self._links.values():
                link.listening()

    def _pause_ms(self) -> float:
        """Until a room's next look, so that all of a node's rooms are spread over the time."""
        most_ms = (FOLLOW_MS if self.bus.is_up else FOLLOW_ALONE_MS) - _SLACK_MS
        return most_ms * (0.7 + 0.3 * self._chance())


def _nothing() -> None:
    """Nobody wants to know."""
