"""The bus over Redis: one channel for each room, and one that all nodes hear."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from redis.exceptions import RedisError

from collab.cluster.bus import BusListener
from collab.cluster.envelope import Envelope, Sender
from collab.cluster.envelope_codec import decode_envelope, encode_envelope, is_from, sender_tag
from collab.errors import EnvelopeRefused
from collab.ids import NO_ROOM, RoomKey
from collab.limits import BUS_QUEUE_BYTES_MAX
from gateway.cluster.bus_url import Address
from gateway.cluster.echo import Echo
from gateway.cluster.redis_lane import Heard, Lane
from gateway.cluster.redis_places import FIND_TIMEOUT_S, Places
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
        self._has_been_up = False
        self._echo = Echo()

    @property
    def delay_ms(self) -> float | None:
        """See ``Bus``."""
        return self._echo.delay_ms(time.monotonic())

    def publish(self, envelope: Envelope) -> None:
        """See ``Bus``."""
        kind = type(envelope.content).__name__.lower()
        lane = self._lane(envelope.room) if self.is_up else None
        if lane is None:
            self._metrics.bus_dropped.labels(reason="down").inc()
            return
        frame = encode_envelope(envelope, self._key, self._tag)
        queued_bytes = sum(lane.queued_bytes for lane in self._lanes.values())
        if queued_bytes + len(frame) > BUS_QUEUE_BYTES_MAX:
            self._metrics.bus_dropped.labels(reason="queue").inc()
            return
        lane.say(self._channel(envelope.room), frame)
        if envelope.room == NO_ROOM:
            self._echo.said(time.monotonic())  # every node hears that channel, its own word as well
        self._metrics.bus_sent.labels(kind=kind).inc()

    def subscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self._rooms.add(room)
        self._subscribe(room)

    def unsubscribe(self, room: RoomKey) -> None:
        """See ``Bus``."""
        self._rooms.discard(room)
        lane = self._lane(room)
        if lane is not None:
            lane.unsubscribe(self._channel(room))

    async def run(self) -> None:
        """Keep the bus up, until cancelled; failures of Redis are only logged."""
        pause_s = _PAUSE_S_MIN
        told = ""
        task = asyncio.current_task()
        assert task is not None
        while True:
            self._has_been_up = False  # in this generation
            try:
                await self._serve()
            except Exception as error:
                if task.cancelling():
                    # It failed as it was cancelled, and that is the one of the two that came out.
                    raise asyncio.CancelledError from error
                reason = _reason(error)
                if self._has_been_up:
                    pause_s = _PAUSE_S_MIN
                if self._has_been_up or reason != told:
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
        async with asyncio.timeout(FIND_TIMEOUT_S):
            addresses = await self._places.find()
        heard = Heard(self._subscribed, self._received)
        self._lanes = {
            address: Lane(self._places, address, self._metrics, heard) for address in addresses
        }
        try:
            # All or none. Not in a group: while it connects, the library may miss being cancelled.
            lanes = self._lanes.values()
            met = await asyncio.gather(*(lane.connect() for lane in lanes), return_exceptions=True)
            for failure in met:
                if failure is not None:
                    raise failure
            if self._lane(NO_ROOM) is None:
                raise RedisError("a part of the cluster's slots is served by nobody")
            for room in (NO_ROOM, *self._rooms):
                self._subscribe(room)
            await together(*(lane.run() for lane in lanes))
        finally:
            await self._leave()

    async def _leave(self) -> None:
        """Let go of a generation."""
        lanes, self._lanes = self._lanes, {}
        self._early = []
        self._echo.forget()
        self._end()
        unsaid = sum(lane.unsaid for lane in lanes.values())
        self._metrics.bus_dropped.labels(reason="unsent").inc(unsaid)
        for lane in lanes.values():
            await lane.close()

    def _end(self) -> None:
        if self.is_up:
            self.is_up = False
            self._metrics.bus_interruptions.inc()
            self._listener.interrupted()

    def _subscribed(self, channel: str) -> None:
        if not self._lanes:
            return  # said as the bus went down
        room = RoomKey(channel[-_KEY_CHARS:])
        if room != NO_ROOM:
            self._early.append(room)
        elif not self.is_up:
            self.is_up = self._has_been_up = True
            _log.info("bus.up", servers=len(self._lanes), rooms=len(self._rooms))
        if self.is_up:
            early, self._early = self._early, []
            for each in early:
                if each in self._rooms:
                    self._listener.listening(each)

    def _received(self, channel: str, frame: bytes) -> None:
        if is_from(frame, self._tag):
            if channel.endswith(NO_ROOM):
                self._echo.heard(time.monotonic())
            return
        try:
            envelope = decode_envelope(frame, self._key, RoomKey(channel[-_KEY_CHARS:]))
        except EnvelopeRefused as error:
            self._metrics.bus_dropped.labels(reason=error.reason.value).inc()
            return
        self._metrics.bus_received.labels(kind=type(envelope.content).__name__.lower()).inc()
        self._listener.delivered(envelope)

    def _subscribe(self, room: RoomKey) -> None:
        lane = self._lane(room)
        if lane is not None:
            lane.subscribe(self._channel(room))

    def _lane(self, room: RoomKey) -> Lane | None:
        """The way to the server of a room's channel; None where there is none now."""
        if not self._lanes:
            return None
        place = self._places.place_of(self._channel(room))
        return None if place is None else self._lanes.get(place)

    def _channel(self, room: RoomKey) -> str:
        return self._prefix + room


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
