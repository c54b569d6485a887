"""How newcomers come to a large document without others noticing.

What is too large to be encoded on the event loop is encoded in a worker process, once for all who
wait. A large answer takes its size out of a bucket that all rooms of the node share, and it flows
back as its reader takes it: so what is buffered for joins stays bounded, the loop comes round
between them, and when many wait, the cheapest come first. A reader that does not read gives its
share back after a while; what it costs is bounded by its own connection. Only one large answer
begins in each turn of the event loop: the system may take it whole, which is to copy it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from collab.errors import BandProError, RoomUnavailable
from collab.ids import RoomName
from collab.limits import DIFFERENCE_BYTES_MAX, ENCODE_INLINE_BYTES_MAX, KIB
from collab.room.room import Room, RoomState
from gateway.rooms.applying import Slices
from persistence.loading import load_room
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)
LARGE_ANSWER_BYTES: Final = 256 * KIB
READER_PATIENCE_S: Final = 1.0
"""How long an answer that is not read takes its share."""

_LOOK_S: Final = 0.002  # between looks at what was read
_DURABLE_LOOK_S: Final = 0.01

Merge = Callable[[SequenceOf[bytes]], Awaitable[bytes]]


class Reader(Protocol):
    """The end of a connection, as far as it tells how much waits there."""

    def unread_bytes(self) -> int:
        """Bytes queued for it that the system has not taken yet."""


@dataclass(order=True, slots=True)
class _Turn:
    """One large answer, waiting for its turn or on its way."""

    size_class: int
    number: int
    size_bytes: int = field(compare=False)
    reader: Reader = field(compare=False)
    begun: asyncio.Future[None] = field(compare=False)
    until_s: float = field(compare=False, default=0.0)


class JoinBucket:
    """Bytes that may be on their way to newcomers at the same time, on the whole node.

    Args:
        bytes_max: how many; an answer that is larger goes alone.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._sending: list[_Turn] = []
        self._waiting: list[_Turn] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._has_begun_one = False  # in this turn of the loop

    @asynccontextmanager
    async def turn(self, size_bytes: int, reader: Reader) -> AsyncIterator[None]:
        """Wait for the turn to queue an answer; the cheapest come first, equals in order.

        Its bytes count until its reader has taken them.

        Args:
            size_bytes: of the answer.
            reader: who is sent it within the context.
        """
        loop = asyncio.get_running_loop()
        self._count += 1
        turn = _Turn(size_bytes.bit_length(), self._count, size_bytes, reader, loop.create_future())
        heapq.heappush(self._waiting, turn)
        self._begin_next()
        try:
            await turn.begun
            yield
        finally:
            if turn in self._sending:
                turn.until_s = loop.time() + READER_PATIENCE_S
            else:
                self._waiting.remove(turn)
                heapq.heapify(self._waiting)
            self._look_later()

    def _begin_next(self) -> None:
        """Let the cheapest begin if there is room; only one in each turn of the loop."""
        if self._has_begun_one or not self._waiting:
            return
        taken = sum(self._taken(turn) for turn in self._sending)
        if taken and taken + self._waiting[0].size_bytes > self._bytes_max:
            return
        turn = heapq.heappop(self._waiting)
        self._sending.append(turn)
        if not turn.begun.done():
            turn.begun.set_result(None)
        self._has_begun_one = True
        asyncio.get_running_loop().call_soon(self._begin_another)

    def _begin_another(self) -> None:
        """The loop has come round."""
        self._has_begun_one = False
        self._begin_next()

    def _taken(self, turn: _Turn) -> int:
        if not turn.until_s:
            return turn.size_bytes  # it is about to be queued
        return min(turn.size_bytes, turn.reader.unread_bytes())

    def _look_later(self) -> None:
        if self._timer is None and (self._sending or self._waiting):
            self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """Take back what was read meanwhile."""
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        self._sending = [
            turn
            for turn in self._sending
            if not turn.until_s or (now_s < turn.until_s and turn.reader.unread_bytes())
        ]
        self._begin_next()
        self._look_later()


class Joins:
    """What the rooms of a node share, so that nobody waits for newcomers or large updates.

    Args:
        stores: where rooms are kept.
        merge: merges updates in a worker process; None where there is none.
        bytes_in_flight_max: of large answers, on the whole node.
        slices: the line in which large work of all rooms waits.

    Attributes:
        bucket: of those bytes.
        slices: as given.
    """

    def __init__(
        self, stores: Stores, merge: Merge | None, bytes_in_flight_max: int, slices: Slices
    ) -> None:
        self.bucket = JoinBucket(bytes_in_flight_max)
        self.slices = slices
        self._stores = stores
        self._merge = merge
        self._encoding: dict[RoomName, asyncio.Task[None]] = {}

    async def encode(self, room: Room) -> None:
        """Have a document encoded elsewhere, once for all who wait; failures are only logged."""
        if self._merge is None:
            return
        task = self._encoding.get(room.name)
        if task is None:
            task = self._encoding[room.name] = asyncio.create_task(self._encode(room, self._merge))
            task.add_done_callback(lambda _: self._encoding.pop(room.name, None))
        await asyncio.shield(task)

    async def read(self, room: Room, state_vector: bytes) -> bytes:
        """A document, or what it has beyond a (checked) state vector; a large one made elsewhere.

        Who lacks much of a document that is too large to be encoded here is given all of it.
        """
        doc = room.doc
        is_large = doc.size_bytes > ENCODE_INLINE_BYTES_MAX
        if not is_large or doc.lacking_bytes(state_vector) <= DIFFERENCE_BYTES_MAX:
            return doc.difference(state_vector)
        if doc.answers.needs_encoding:
            await self.encode(room)
        # Taken now, they hold all that has been integrated, whenever the encoding had begun.
        parts = doc.answers.parts()
        if len(parts) == 1:
            return parts[0]
        if parts and self._merge is not None:
            try:
                return await self._merge(parts)
            except BandProError as error:
                _log.warning("room.encoding_failed", error=f"{type(error).__name__}: {error}")
        return doc.difference(state_vector)

    async def _encode(self, room: Room, merge: Merge) -> None:
        answers = room.doc.answers
        while room.doc.is_applying:  # noqa: ASYNC110 - rare, and no event tells of it
            # What is applied in part is not in the store yet.
            await asyncio.sleep(_DURABLE_LOOK_S)
        answers.record()
        try:
            state = await merge(answers.parts() or await self._stored(room))
        except BandProError as error:
            answers.stop_recording()
            _log.warning("room.encoding_failed", error=f"{type(error).__name__}: {error}")
            return
        if room.doc.is_whole:
            answers.adopt(state)
        else:
            answers.stop_recording()

    async def _stored(self, room: Room) -> SequenceOf[bytes]:
        """The updates that make up the document as it is now, from the store."""
        ticket = room.last_ticket
        while room.durable_ticket < ticket:
            if room.state is not RoomState.LIVE:
                raise RoomUnavailable("the room was closed")
            await asyncio.sleep(_DURABLE_LOOK_S)
        loaded = await load_room(self._stores, room.name)
        if loaded.problems:
            raise RoomUnavailable("not all of the document can be read")
        return loaded.updates
