"""Scores that begin: what is written first in a room in which nothing was ever written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, replace
from typing import Any, Final, Protocol

import structlog

from collab.errors import EpochMoved, HeadMoved, InvalidScore, LimitExceeded, StateConflict
from collab.ids import NO_SEQUENCE, RoomName, Sequence, Subject, UnixSeconds, room_key
from collab.limits import SCORE_TEXT_CHARS_MAX
from gateway.api.score_services import EMPTY, Finding, NewScore
from gateway.rooms.refusals import accepted
from persistence.manifests import ensure_manifest, read_manifest
from persistence.offload import Offload
from persistence.score_record import ScoreRecord, change_score_record, read_score_record
from persistence.stores import Stores
from workers.jobs.job import JobId

FIRST_SEQUENCE: Final = Sequence(1)
NOT_NEW: Final = "there is something in the room already"
_log = structlog.stdlib.get_logger(__name__)


class LiveRooms(Protocol):
    """The rooms that are live in this process."""

    def holds_edits(self, name: RoomName) -> bool:
        """Whether anything was accepted in a room that is live here."""

    def closed(self, name: RoomName) -> AbstractAsyncContextManager[None]:
        """Close a room, all that it accepted being stored, and let nobody open it meanwhile."""


class NoLiveRooms:
    """Of a process that serves nobody."""

    def holds_edits(self, _name: RoomName) -> bool:
        """Nothing is live here."""
        return False

    @asynccontextmanager
    async def closed(self, _name: RoomName) -> AsyncIterator[None]:
        """Nothing to close."""
        yield


class NewScores:
    """Makes scores.

    Args:
        stores: where they are kept.
        rooms: those that are live here.
        offload: where content is read.
        wall: the wall clock, in seconds.
        document_bytes_max: the largest document.
    """

    def __init__(
        self,
        stores: Stores,
        rooms: LiveRooms,
        offload: Offload,
        wall: Callable[[], UnixSeconds],
        document_bytes_max: int,
    ) -> None:
        self._stores = stores
        self._rooms = rooms
        self._offload = offload
        self._wall = wall
        self._document_bytes_max = document_bytes_max

    async def create(self, name: RoomName, new: NewScore, by: Subject) -> ScoreRecord:
        """Make a score; see ``RoomScores``."""
        known = await read_score_record(self._stores, name)
        if new.request and known.request == new.request:
            return known
        update = await self._seed(new)
        await self._begin(name, update, may_be_there=bool(new.request) and not known.revision)
        return await self._made(name, new, by)

    async def import_file(
        self, name: RoomName, file: bytes, request: str, by: Subject
    ) -> tuple[ScoreRecord, tuple[Finding, ...]]:
        """Make a score of a file; see ``RoomScores``."""
        known = await read_score_record(self._stores, name)
        epoch = (await read_manifest(self._stores, name)).epoch
        told, update = await self._offload.import_score(file, name, epoch)
        body = accepted(told)
        findings = tuple(Finding(each["line"], each["message"]) for each in body["findings"])
        if request and known.request == request:
            return known, findings
        self._check_size(update)
        is_unmade = not known.revision or known.origin == EMPTY
        await self._begin(name, update, may_be_there=bool(request) and is_unmade, may_fill=True)
        new = NewScore({}, body["title"], "musicxml", request)
        return await self._made(name, new, by), findings

    async def import_job(
        self, room: RoomName, file: bytes, job_id: JobId, subject: Subject
    ) -> Mapping[str, Any]:
        """Make a score as a job asks for it; see ``ScoreMaker``."""
        _, findings = await self.import_file(room, file, job_id, subject)
        return {"findings": [asdict(each) for each in findings]}

    async def begins_at(self, name: RoomName, *, may_fill: bool) -> Sequence | None:
        """Where the log of a room stands that may begin as a score; None for no such room.

        Args:
            name: the room.
            may_fill: whether a score will do that was made empty and is so still.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        if self._rooms.holds_edits(name):
            return None
        head = await self._stores.log.head(room_key(name))
        if not head:
            return NO_SEQUENCE
        if not may_fill or head != FIRST_SEQUENCE:
            return None
        return head if (await read_score_record(self._stores, name)).origin == EMPTY else None

    async def _seed(self, new: NewScore) -> bytes:
        told, update = await self._offload.seed_score(json.dumps(new.facets).encode())
        problems = json.loads(told)["problems"]
        if problems:
            first = problems[0]
            raise InvalidScore(f"{first['facet']}: {first['key']}: {first['detail']}")
        self._check_size(update)
        return update

    def _check_size(self, update: bytes) -> None:
        if len(update) > self._document_bytes_max:
            raise LimitExceeded(
                f"the document may have at most {self._document_bytes_max} bytes",
                limit="document_bytes_max",
            )

    async def _begin(
        self, name: RoomName, update: bytes, *, may_be_there: bool, may_fill: bool = False
    ) -> None:
        """Write the first update of a score, or nothing where there is something.

        The store decides: it appends only where the log stands as it was seen, whoever else tries.

        Args:
            name: the room.
            update: its first.
            may_be_there: whether this very update may have been written by the same request,
                which then died before it could say so.
            may_fill: whether a score will do that was made empty and is so still.

        Raises:
            StateConflict: something was written in the room.
        """
        key = room_key(name)
        head = await self.begins_at(name, may_fill=may_fill)
        if head is not None:
            async with self._rooms.closed(name):
                manifest = await ensure_manifest(self._stores, name)
                try:
                    await self._stores.log.append(
                        key, epoch=manifest.epoch, after=head, updates=[update]
                    )
                    return
                except (HeadMoved, EpochMoved):
                    pass
        if may_be_there:
            rows = (await self._stores.log.read(key, after=NO_SEQUENCE)).rows
            if any(row.update == update for row in rows[: FIRST_SEQUENCE + 1]):
                return
        raise StateConflict(NOT_NEW)

    async def _made(self, name: RoomName, new: NewScore, by: Subject) -> ScoreRecord:
        """Keep what is told about a score that was just made."""
        made = ScoreRecord(
            title=new.title[:SCORE_TEXT_CHARS_MAX],
            created_at=self._wall(),
            created_by=by,
            origin=new.origin,
            request=new.request,
        )
        _log.info("score.made", room=room_key(name)[:12], origin=new.origin)
        return await record_new_score(self._stores, name, made)


async def record_new_score(stores: Stores, name: RoomName, made: ScoreRecord) -> ScoreRecord:
    """Keep what is told about a new score; a title stays if there is no new one, and an archiving.

    Raises:
        StoreUnavailable: the outcome is unknown, or others kept changing it.
    """
    return await change_score_record(
        stores,
        name,
        lambda known: replace(
            made,
            title=made.title or known.title,
            archived_at=known.archived_at,
            revision=known.revision,
        ),
    )
