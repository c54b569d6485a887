"""Compare-and-append for all rooms of this process, with one common transaction in flight.

Whatever is submitted meanwhile waits and becomes the next transaction. It moves the heads of its
rooms, each on the condition that the head and the epoch are as the caller thinks, then writes the
rows in one ordered insert, and commits; so a batch is there whole or not at all, and no row is ever
seen before the one in front of it. Heads are not read beforehand: mostly nobody else appends.

Where a condition fails, or another node's transaction touched the same room, each room of the batch
goes on by itself, so that nobody waits for a room that others write as well. There the heads are
read, appends that came too late are told so, and the rest begins anew. A room for which others came
first also then stays apart for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from collections.abc import Sequence as SequenceOf
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure

from collab.errors import BandProError, EpochMoved, HeadMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, Sequence
from collab.limits import MIB
from persistence.mongo.link import (
    OTHERS_FASTER,
    TRANSACTIONS_MAX,
    Conflict,
    Document,
    MongoLink,
    Session,
    unavailable,
)
from persistence.mongo.parts import Parts
from persistence.mongo.schema import ROOMS, UPDATES

BATCH_ROOMS_MAX: Final = 64
BATCH_BYTES_MAX: Final = 4 * MIB
"""More waits for the next transaction; a single append may be larger."""

APART_MAX: Final = 8
"""So many transactions of single rooms are in flight at most, besides the common one."""

APART_S: Final = 5.0
"""A room for which others came first is committed by itself for so long after."""

_DUPLICATE_KEY: Final = 11000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room's log stands."""

    head: Sequence
    epoch: Epoch


NEW_LOG: Final = Place(NO_SEQUENCE, FIRST_EPOCH)


@dataclass(frozen=True, slots=True, eq=False)
class Append:
    """One append that waits for its transaction.

    Attributes:
        room: whose.
        at: where the caller thinks that the log stands.
        rows: documents, from the sequence after the head.
        parts_ids: sets of parts that the rows name.
        size_bytes: about how much it writes.
        future: resolved after the commit.
    """

    room: RoomKey
    at: Place
    rows: SequenceOf[Document] = field(repr=False)
    parts_ids: SequenceOf[str]
    size_bytes: int
    future: asyncio.Future[Sequence]

    @property
    def after(self) -> Place:
        """Where the log will stand."""
        return Place(Sequence(self.at.head + len(self.rows)), self.at.epoch)


@dataclass(slots=True)
class Plan:
    """What one transaction does.

    Attributes:
        moves: for each room where its log stood, and where it will stand.
        winners: whose rows are written, in order.
        losers: what each of the others is told.
    """

    moves: dict[RoomKey, tuple[Place, Place]] = field(default_factory=dict)
    winners: list[Append] = field(default_factory=list)
    losers: list[tuple[Append, BandProError]] = field(default_factory=list)


class _HeadElsewhere(Exception):
    """A condition of a plan did not hold; nothing was written."""


class Committer:
    """Commits appends, those of each room in the order of their submission.

    Args:
        link: the database.
        parts: where large rows are.
    """

    def __init__(self, link: MongoLink, parts: Parts) -> None:
        self._link = link
        self._parts = parts
        self._rooms = link.collection(ROOMS)
        self._updates = link.collection(UPDATES)
        self._waiting: deque[Append] = deque()
        self._apart: dict[RoomKey, deque[Append]] = {}
        self._apart_until: dict[RoomKey, float] = {}
        self._apart_slots = asyncio.Semaphore(APART_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_running = False
        self._is_closed = False

    async def append(
        self, room: RoomKey, at: Place, rows: SequenceOf[Document], parts_ids: SequenceOf[str]
    ) -> Sequence:
        """Append rows with the next transaction and wait until it is committed.

        Cancelling the wait does not take the append back.

        Raises:
            EpochMoved: the log is in another epoch; nothing was written.
            HeadMoved: the log stands elsewhere; nothing was written.
            StoreUnavailable: the commit failed or its outcome is unknown, or the store is closed.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        size_bytes = sum(len(row.get("bytes", b"")) for row in rows)
        future: asyncio.Future[Sequence] = asyncio.get_running_loop().create_future()
        append = Append(room, at, rows, parts_ids, size_bytes, future)
        if room in self._apart or time.monotonic() < self._apart_until.get(room, 0.0):
            self._set_apart(room, [append])
        else:
            self._waiting.append(append)
            if not self._is_running:
                self._is_running = True
                self._begin(self._run())
        return await future

    async def close(self) -> None:
        """Commit what was submitted."""
        self._is_closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        # Not in the context of this call: a bound on its time is none on that of others' appends.
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._commit(_gather(self._waiting), self._write)
        finally:
            self._is_running = False

    async def _run_apart(self, room: RoomKey, waiting: deque[Append]) -> None:
        try:
            while waiting:
                async with self._apart_slots:
                    await self._commit(_gather(waiting), self._write_apart)
        finally:
            del self._apart[room]
            now_s = time.monotonic()
            for each in [each for each, until_s in self._apart_until.items() if until_s < now_s]:
                del self._apart_until[each]

    def _set_apart(self, room: RoomKey, appends: SequenceOf[Append]) -> None:
        if room not in self._apart:
            self._apart[room] = deque()
            self._begin(self._run_apart(room, self._apart[room]))
        self._apart[room].extend(appends)

    def _part(self, batch: SequenceOf[Append]) -> None:
        """Let each room of a batch go on by itself, with what waits of it behind that."""
        rooms = {append.room for append in batch}
        behind = [append for append in self._waiting if append.room in rooms]
        self._waiting = deque(append for append in self._waiting if append.room not in rooms)
        for append in (*batch, *behind):
            self._set_apart(append.room, [append])

    async def _commit(
        self, batch: list[Append], write: Callable[[list[Append]], Awaitable[Plan]]
    ) -> None:
        """Commit a batch; one append that cannot be stored takes no other along."""
        try:
            with self._link.bounded(spare=(OperationFailure,)):
                plan = await write(batch)
        except (Conflict, _HeadElsewhere):
            self._part(batch)
        except OperationFailure as error:
            if len(batch) == 1 or error.timeout:
                _fail(batch, unavailable(error))
                return
            for append in batch:
                await self._commit([append], write)
        except StoreUnavailable as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - our own defect fails its appends, not the next
            _fail(batch, error)
        else:
            _resolve(plan)

    async def _write(self, batch: list[Append]) -> Plan:
        """Bring a batch into the log, where nobody else is in its way.

        Raises:
            Conflict, _HeadElsewhere: somebody is; nothing was written.
            PyMongoError: an error before the commit; nothing was written.
            StoreUnavailable: MongoDB did not do it, or its outcome is unknown.
        """
        plan = plan_for(batch, _thought(batch))
        await self._link.transact_once(partial(self._do, plan), kind="append")
        await self._link.hit("append.after_commit")
        return plan

    async def _write_apart(self, batch: list[Append]) -> Plan:
        """Bring appends of one room into the log, as often as others come first.

        Raises:
            PyMongoError: an error before the commit; nothing was written.
            StoreUnavailable: MongoDB did not do it, or its outcome is unknown.
        """
        begun_s = time.monotonic()
        places = _thought(batch)
        for attempt in range(TRANSACTIONS_MAX):
            plan = plan_for(batch, places)
            if not plan.winners:
                return plan
            try:
                await self._link.transact_once(partial(self._do, plan), kind="append")
            except (Conflict, _HeadElsewhere):
                self._apart_until[batch[0].room] = time.monotonic() + APART_S
                await self._link.outpaced(attempt, begun_s)
                places = await self._places(list(places))
            else:
                await self._link.hit("append.after_commit")
                return plan
        await self._link.sessions.end_silent()
        raise StoreUnavailable(OTHERS_FASTER)

    async def _do(self, plan: Plan, session: Session) -> None:
        moves = [_move(room, *move) for room, move in plan.moves.items()]
        try:
            moved = await self._rooms.bulk_write(moves, session=session)
        except BulkWriteError as error:
            if _is_duplicate(error):  # somebody has made the room meanwhile
                raise _HeadElsewhere from error
            raise
        if moved.matched_count + moved.upserted_count != len(moves):
            raise _HeadElsewhere
        rows = [row for append in plan.winners for row in append.rows]
        await self._updates.insert_many(rows, session=session)
        parts_ids = [parts_id for append in plan.winners for parts_id in append.parts_ids]
        await self._parts.settle(parts_ids, session)

    async def _places(self, rooms: list[RoomKey]) -> dict[RoomKey, Place]:
        places = dict.fromkeys(rooms, NEW_LOG)
        async for found in self._rooms.find({"_id": {"$in": rooms}}):
            places[found["_id"]] = Place(found["head"], found["epoch"])
        return places


def _gather(waiting: deque[Append]) -> list[Append]:
    """Take what waits, up to what one transaction should carry."""
    batch = [waiting.popleft()]
    size_bytes = batch[0].size_bytes
    rooms = {batch[0].room}
    while waiting and size_bytes + waiting[0].size_bytes <= BATCH_BYTES_MAX:
        if len(rooms | {waiting[0].room}) > BATCH_ROOMS_MAX:
            break
        batch.append(waiting.popleft())
        rooms.add(batch[-1].room)
        size_bytes += batch[-1].size_bytes
    return batch


def _thought(batch: SequenceOf[Append]) -> dict[RoomKey, Place]:
    """Where the callers think that the logs stand."""
    return {append.room: append.at for append in reversed(batch)}


def plan_for(batch: SequenceOf[Append], places: Mapping[RoomKey, Place]) -> Plan:
    """Decide who appends, given where the logs stand; several may follow on each other in a room.

    Args:
        batch: in the order of their submission.
        places: of every room in the batch.
    """
    plan = Plan()
    now = dict(places)
    for append in batch:
        place = now[append.room]
        if append.at == place:
            now[append.room] = append.after
            plan.moves[append.room] = (places[append.room], append.after)
            plan.winners.append(append)
        else:
            plan.losers.append((append, _moved(append.at, place)))
    return plan


def _moved(expected: Place, actual: Place) -> BandProError:
    if expected.epoch != actual.epoch:
        return EpochMoved(expected=expected.epoch, actual=actual.epoch)
    return HeadMoved(expected=expected.head, actual=actual.head)


def _move(room: RoomKey, before: Place, after: Place) -> UpdateOne:
    return UpdateOne(
        {"_id": room, "head": before.head, "epoch": before.epoch},
        {"$set": {"head": after.head}, "$setOnInsert": {"trimmed_through": NO_SEQUENCE}},
        upsert=before == NEW_LOG,
    )


def _is_duplicate(error: BulkWriteError) -> bool:
    return any(found["code"] == _DUPLICATE_KEY for found in error.details["writeErrors"])


def _resolve(plan: Plan) -> None:
    for append in plan.winners:
        if not append.future.done():  # its caller was cancelled
            append.future.set_result(append.after.head)
    for append, lost in plan.losers:
        if not append.future.done():
            append.future.set_exception(lost)


def _fail(batch: SequenceOf[Append], error: Exception) -> None:
    for append in batch:
        if not append.future.done():
            append.future.set_exception(
                StoreUnavailable(str(error)) if isinstance(error, StoreUnavailable) else error
            )
