"""The bus over Redis: one channel for each room, and one that all nodes hear."""

from __future__ import annotations

import asyncio
import hmac
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from collab.cluster.bus import BusListener
from collab.cluster.envelope import Envelope, Sender
from collab.cluster.envelope_codec import decode_envelope, encode_envelope, is_from, sender_tag
from collab.errors import EnvelopeRefused
from collab.ids import NO_ROOM, RoomKey
from collab.limits import BUS_QUEUE_BYTES_MAX
from gateway.cluster.bus_url import Address
from gateway.cluster.redis_lane import Heard, Lane
from gateway.cluster.redis_places import Places
from gateway.cluster.together import together
from gateway.observe.metrics import Metrics

_log = structlog.stdlib.get_logger(__name__)
_PAUSE_S_MIN: Final = 0.1
_PAUSE_S_MAX: Final = 1.0
_KEY_CHARS: Final = len(NO_ROOM)
_PREFIX_CHARS: Final = 12


class RedisBus:
    """A ``Bus``; does nothing before :meth:`run`.

    Everything that it has of Redis is one generation: the servers as they are now, with their
    connections. When any of it fails, all of it is made anew, and every room is told so.

    Args:
        places: where the servers are.
        key: the cluster's, to sign with.
        scope: tells what the nodes' store calls itself; others' envelopes are of no use.
        sender: this node and its run.
        metrics: what is counted.
        listener: told of what arrives.
    """

    def __init__(
        self,
        places: Places,
        key: bytes,
        scope: Callable[[], Awaitable[bytes]],
        sender: Sender,
        metrics: Metrics,
        listener: BusListener,
    ) -> None:
        self._places = places
        self._key = key
        self._tag = sender_tag(sender)
        self._metrics = metrics
        self._listener = listener
        self._scope = scope
        self._prefix = ""
        self._rooms: set[RoomKey] = set()
        self._early: list[RoomKey] = []  # heard before the bus is up as a whole
        self._lanes: dict[Address, Lane] = {}
        self.is_up = False

    def publish(self, envelope: Envelope) -> None:
        """See ``Bus``."""
        kind = type(envelope.content).__name__.lower()
        if not self.is_up:
            self._metrics.bus_dropped.labels(reason="down").inc()
            return
        frame = encode_envelope(envelope, self._key, self._tag)
        queued_bytes = sum(lane.queued_bytes for lane in self._lanes.values())
        if queued_bytes + len(frame) > BUS_QUEUE_BYTES_MAX:
            self._metrics.bus_dropped.labels(reason="queue").inc()
            return
        channel = self._channel(envelope.room)
        self._lanes[self._places.place_of(channel)].say(channel, frame)
        self._metrics.bus_sent.labels(kind=kind).inc()

    def subscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self._rooms.add(room)
        if self._lanes:
            channel = self._channel(room)
            self._lanes[self._places.place_of(channel)].subscribe(channel)

    def unsubscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self._rooms.discard(room)
        if self._lanes:
            channel = self._channel(room)
            self._lanes[self._places.place_of(channel)].unsubscribe(channel)

    async def run(self) -> None:
        """Keep the bus up, until cancelled; failures of Redis are only logged."""
        pause_s = _PAUSE_S_MIN
        told = ""
        while True:
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001 - whatever it was, the node goes on without
                reason = _reason(error)
                was_up = self.is_up
                self._end()
                if was_up:
                    pause_s = _PAUSE_S_MIN
                if was_up or reason != told:
                    _log.warning("bus.lost", reason=reason)
                told = reason
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load
            pause_s = min(2 * pause_s, _PAUSE_S_MAX)

    # A generation ---------------------------------------------------------------------------------

    async def _serve(self) -> None:
        if not self._prefix:
            # Clusters that share a Redis do not hear each other, nor do two that share a key.
            name = hmac.digest(self._key, b"channels" + await self._scope(), "sha256").hex()
            self._prefix = f"bandpro:{name[:_PREFIX_CHARS]}:"
        addresses = await self._places.find()
        heard = Heard(self._subscribed, self._received)
        self._lanes = {
            address: Lane(self._places, address, self._metrics, heard) for address in addresses
        }
        try:
            for room in (NO_ROOM, *self._rooms):
                channel = self._channel(room)
                self._lanes[self._places.place_of(channel)].subscribe(channel)
            await together(*(lane.run() for lane in self._lanes.values()))
        finally:
            unsaid = sum(lane.unsaid for lane in self._lanes.values())
            self._metrics.bus_dropped.labels(reason="unsent").inc(unsaid)
            self._lanes = {}
            self._early = []

    def _end(self) -> None:
        if self.is_up:
            self.is_up = False
            self._metrics.bus_interruptions.inc()
            self._listener.interrupted()

    def _subscribed(self, channel: str) -> None:
        room = RoomKey(channel[-_KEY_CHARS:])
        if room != NO_ROOM:
            self._early.append(room)
        elif not self.is_up:
            self.is_up = True
            _log.info("bus.up", servers=len(self._lanes), rooms=len(self._rooms))
        if self.is_up:
            early, self._early = self._early, []
            for each in early:
                if each in self._rooms:
                    self._listener.listening(each)

    def _received(self, channel: str, frame: bytes) -> None:
        if is_from(frame, self._tag):
            return
        try:
            envelope = decode_envelope(frame, self._key, RoomKey(channel[-_KEY_CHARS:]))
        except EnvelopeRefused as error:
            self._metrics.bus_dropped.labels(reason=error.reason.value).inc()
            return
        self._metrics.bus_received.labels(kind=type(envelope.content).__name__.lower()).inc()
        self._listener.delivered(envelope)

    def _channel(self, room: RoomKey) -> str:
        return self._prefix + room


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
