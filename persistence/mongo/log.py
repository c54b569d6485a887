"""The update log in MongoDB."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from collab.cluster.heads import LogPlace
from collab.errors import EpochMoved, HeadMoved, InvariantViolated, StoreReadOnly, StoreUnavailable
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, Sequence, UnixSeconds
from collab.limits import MIB
from collab.ports import LogRow, LogTail
from persistence.checksums import row_checksum
from persistence.log_reading import NO_LOG, Found, Range, found_in
from persistence.mongo.committer import Committer, Place
from persistence.mongo.link import Document, MongoLink, Session
from persistence.mongo.parts import Parts
from persistence.mongo.schema import QUARANTINED_UPDATES, ROOMS, UPDATES

_log = structlog.stdlib.get_logger(__name__)

ROW_BYTES_MAX: Final = 1 * MIB
"""A larger update is kept in parts, which are stored before its row: a document of MongoDB has 16
MiB at most, and a transaction should fit into a small cache."""

TRIM_ROWS: Final = 1_000
"""Sequences deleted at a time."""

READS_MAX: Final = 5
"""A row that fails its checksum is read again after it was moved aside; so is a log that another
node trimmed in between."""


class MongoLog:
    """The update log.

    Args:
        link: the database.
        committer: appends.
        parts: where large updates are.
    """

    def __init__(self, link: MongoLink, committer: Committer, parts: Parts) -> None:
        self._link = link
        self._committer = committer
        self._parts = parts
        self._rooms = link.collection(ROOMS)
        self._updates = link.collection(UPDATES)
        self._quarantined = link.collection(QUARANTINED_UPDATES)

    async def append(
        self,
        room: RoomKey,
        *,
        epoch: Epoch,
        after: Sequence,
        updates: SequenceOf[bytes],
    ) -> Sequence:
        """Append updates; see `UpdateLog.append`."""
        if not updates or not all(updates):
            raise InvariantViolated("an append holds at least one update, and no empty one")
        rows, parts_ids = [], []
        for number, update in enumerate(updates, start=after + 1):
            row = _row(room, Sequence(number), update)
            if len(update) > ROW_BYTES_MAX:
                row["parts_id"] = await self._parts.store(update)
                parts_ids.append(row["parts_id"])
            else:
                row["bytes"] = update
            rows.append(row)
        try:
            return await self._committer.append(room, Place(after, epoch), rows, parts_ids)
        except (EpochMoved, HeadMoved):
            await self._parts.remove(parts_ids)
            raise

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        """Read rows; see `UpdateLog.read`."""
        for _ in range(READS_MAX):
            found = await self._link.call(partial(self._read, room, after))
            if not found.damaged:
                return found.tail
            try:
                moved = await self._link.transact(partial(self._move_aside, room, found.damaged))
            except StoreReadOnly:
                aside = sorted({*found.tail.quarantined, *found.damaged})
                return replace(found.tail, quarantined=tuple(aside))
            if moved:
                _log.error("store.rows_quarantined", room=room[:12], sequences=moved)
        raise StoreUnavailable("rows fail their checksum when read, but not when read again")

    async def head(self, room: RoomKey) -> Sequence:
        """The head; see `UpdateLog.head`."""
        place = await self._link.call(lambda: self._rooms.find_one({"_id": room}, {"head": 1}))
        return NO_SEQUENCE if place is None else Sequence(place["head"])

    async def places(self, rooms: SequenceOf[RoomKey]) -> dict[RoomKey, LogPlace]:
        """Where they stand; see `LogHeads.places`."""

        async def found() -> dict[RoomKey, LogPlace]:
            lines = self._rooms.find({"_id": {"$in": list(rooms)}}, {"head": 1, "epoch": 1})
            return {
                RoomKey(line["_id"]): LogPlace(
                    Epoch(line.get("epoch", FIRST_EPOCH)), Sequence(line["head"])
                )
                async for line in lines
            }

        return await self._link.call(found)

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        """Delete merged rows; see `UpdateLog.trim`."""
        through = min(through, await self.head(room))
        if through == NO_SEQUENCE:
            return 0
        await self._link.hit("trim.before_commit")
        await self._link.call(
            lambda: self._rooms.update_one({"_id": room}, {"$max": {"trimmed_through": through}})
        )
        await self._link.hit("trim.after_commit")
        deleted = 0
        while oldest := await self._link.call(
            lambda: self._updates.find_one(
                {"room": room, "sequence": {"$lte": through}}, {"sequence": 1}, sort=["sequence"]
            )
        ):
            last = min(through, oldest["sequence"] + TRIM_ROWS - 1)
            deleted += await self._delete_rows(room, Sequence(last))
        return deleted

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        """Begin a new epoch; see `UpdateLog.begin_epoch`."""
        parts_ids = await self._link.transact(
            partial(self._begin_epoch, room, of, epoch, after), kind="epoch"
        )
        await self._link.hit("epoch.after_commit")
        await self._parts.remove(parts_ids)

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        """Let the log go on later; see `UpdateLog.skip_to`."""
        parts_ids = await self._link.transact(
            partial(self._skip_to, room, epoch, after, head), kind="epoch"
        )
        await self._link.hit("epoch.after_commit")
        await self._parts.remove(parts_ids)

    async def _read(self, room: RoomKey, after: Sequence) -> Found:
        place = await self._rooms.find_one({"_id": room})
        if place is None:
            return NO_LOG
        head = Sequence(place["head"])
        after = max(after, Sequence(place["trimmed_through"]))
        # What was appended since the head was read is left for the next read.
        within = {"room": room, "sequence": {"$gt": after, "$lte": head}}
        rows: list[LogRow] = []
        damaged: list[Sequence] = []
        async for document in self._updates.find(within).sort("sequence"):
            sequence = Sequence(document["sequence"])
            update = await self._bytes_of(document)
            if document["checksum"] == row_checksum(room, sequence, update):
                stored_at = UnixSeconds(document.get("stored_at_unix_s", 0))
                rows.append(LogRow(sequence, update, stored_at))
            else:
                damaged.append(sequence)
        quarantined: tuple[Sequence, ...] = ()
        if place.get("has_quarantined"):
            aside = self._quarantined.find(within, {"sequence": 1}).sort("sequence")
            quarantined = tuple([Sequence(document["sequence"]) async for document in aside])
        part = Range(after, head, Epoch(place["epoch"]))
        return found_in(part, rows, damaged, quarantined)

    async def _bytes_of(self, document: Document) -> bytes:
        if "parts_id" in document:
            return await self._parts.load(document["parts_id"])
        update: bytes = document["bytes"]
        return update

    async def _move_aside(
        self, room: RoomKey, sequences: SequenceOf[Sequence], session: Session
    ) -> list[Sequence]:
        """Move aside those rows that are still there and still damaged, or still missing."""
        place = await self._rooms.find_one({"_id": room}, session=session)
        if place is None:
            return []
        there = {
            document["sequence"]: document
            async for document in self._updates.find(
                {"room": room, "sequence": {"$in": list(sequences)}}, session=session
            )
        }
        moved: list[Document] = []
        for sequence in sequences:
            document = there.get(sequence)
            if sequence <= place["trimmed_through"] or (
                document is not None
                and document["checksum"]
                == row_checksum(room, sequence, await self._bytes_of(document))
            ):
                continue
            moved.append(_aside(room, sequence, document))
        if moved:
            numbers = [document["sequence"] for document in moved]
            await self._rooms.update_one(
                {"_id": room}, {"$set": {"has_quarantined": True}}, session=session
            )
            await self._quarantined.insert_many(moved, session=session)
            await self._updates.delete_many(
                {"room": room, "sequence": {"$in": numbers}}, session=session
            )
        return [document["sequence"] for document in moved]

    async def _delete_rows(self, room: RoomKey, through: Sequence) -> int:
        """Delete rows that are trimmed already, and with them their parts."""

        async def delete(session: Session) -> tuple[int, list[str]]:
            doomed: Document = {"room": room, "sequence": {"$lte": through}}
            parts_ids = await _parts_of(self._updates.find(_in_parts(doomed), session=session))
            await self._parts.unsettle(parts_ids, session)
            return (await self._updates.delete_many(doomed, session=session)).deleted_count, (
                parts_ids
            )

        count, parts_ids = await self._link.transact(delete)
        await self._parts.remove(parts_ids)
        return count

    async def _begin_epoch(
        self, room: RoomKey, of: Epoch, epoch: Epoch, after: Sequence, session: Session
    ) -> list[str]:
        head, now = await self._place(room, session)
        if now != of or epoch <= of:
            raise EpochMoved(expected=of, actual=now)
        if head != after:
            raise HeadMoved(expected=after, actual=head)
        return await self._empty(room, epoch, head, session)

    async def _skip_to(
        self, room: RoomKey, epoch: Epoch, after: Sequence, head: Sequence, session: Session
    ) -> list[str]:
        found, now = await self._place(room, session)
        if now > epoch:
            raise EpochMoved(expected=epoch, actual=now)
        if found != after:
            raise HeadMoved(expected=after, actual=found)
        return await self._empty(room, epoch, head, session)

    async def _place(self, room: RoomKey, session: Session) -> tuple[Sequence, Epoch]:
        place = await self._rooms.find_one({"_id": room}, session=session)
        if place is None:
            return NO_SEQUENCE, FIRST_EPOCH
        return Sequence(place["head"]), Epoch(place["epoch"])

    async def _empty(
        self, room: RoomKey, epoch: Epoch, head: Sequence, session: Session
    ) -> list[str]:
        """Delete every row; the log goes on behind the head, in the epoch. Returns their parts."""
        await self._rooms.update_one(
            {"_id": room},
            {
                "$set": {"epoch": epoch, "head": head, "trimmed_through": head},
                "$unset": {"has_quarantined": True},
            },
            upsert=True,
            session=session,
        )
        parts_ids = []
        for rows in (self._updates, self._quarantined):
            parts_ids += await _parts_of(rows.find(_in_parts({"room": room}), session=session))
            await rows.delete_many({"room": room}, session=session)
        await self._parts.unsettle(parts_ids, session)
        return parts_ids


def _row(room: RoomKey, sequence: Sequence, update: bytes) -> Document:
    return {
        "room": room,
        "sequence": sequence,
        "checksum": row_checksum(room, sequence, update),
        "stored_at_unix_s": int(time.time()),
    }


def _aside(room: RoomKey, sequence: Sequence, document: Document | None) -> Document:
    """What is kept of a damaged row, or of the fact that it had vanished."""
    kept = {} if document is None else {k: v for k, v in document.items() if k != "_id"}
    reason = "missing" if document is None else "checksum"
    place = {"room": room, "sequence": sequence}
    return {**kept, **place, "reason": reason, "quarantined_at_unix_s": int(time.time())}


def _in_parts(rows: Document) -> Document:
    return {**rows, "parts_id": {"$exists": True}}


async def _parts_of(found: AsyncIterable[Document]) -> list[str]:
    return [document["parts_id"] async for document in found]
