"""Jobs on scores: the protocol of ``gateway/api/job_services.py``."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Final

from collab.access import Claims
from collab.errors import RoomUnavailable, StateConflict
from collab.ids import RoomName, room_key
from gateway.api.job_services import Export
from gateway.api.score_services import RoomScores
from gateway.jobs import Jobs
from gateway.rooms.new_scores import NOT_NEW, NewScores
from gateway.rooms.witnesses import export_cause
from persistence.blob_keys import EXPORTS, ROOMS
from persistence.manifests import ensure_manifest, read_manifest
from persistence.stores import Stores
from workers.formats import Format
from workers.jobs.conversions import ConversionRequest, order_conversion
from workers.jobs.imports import ImportRequest, order_import
from workers.jobs.job import Job, JobState, Priority
from workers.jobs.links import Link, LinkSigner
from workers.jobs.ports import JobBook
from workers.notices.relay import Announced, untold
from workers.tools.options import ToolOptions

_NAME_CHARS_MAX: Final = 100
_BEGUN_ANEW: Final = frozenset({JobState.FAILED, JobState.CANCELLED})


class ScoreJobs:
    """Jobs on the scores of one node.

    Args:
        jobs: of the node.
        stores: where rooms and files are.
        scores: what is read.
        maker: makes new ones.
        is_ending: whether the node is shut down.
        announced: where deeds are announced of which others are to know.
    """

    def __init__(
        self,
        jobs: Jobs,
        stores: Stores,
        scores: RoomScores,
        maker: NewScores,
        is_ending: Callable[[], bool],
        announced: Announced = untold,
    ) -> None:
        self._jobs = jobs
        self._stores = stores
        self._scores = scores
        self._maker = maker
        self._is_ending = is_ending
        self._announced = announced

    @property
    def book(self) -> JobBook:
        """All jobs."""
        return self._jobs.ledger

    @property
    def links(self) -> LinkSigner:
        """Makes links to results."""
        return self._jobs.links

    @property
    def is_ending(self) -> bool:
        """Whether the node is shut down."""
        return self._is_ending()

    async def export(self, name: RoomName, wanted: Export, claims: Claims) -> Job | None:
        """Have a score made into files; see ``RoomJobs``."""
        epoch = (await read_manifest(self._stores, name)).epoch
        file = await self._scores.export(name, wanted.part, wanted.transposition)
        if file is None:
            return None
        if (await read_manifest(self._stores, name)).epoch != epoch:
            # Below the old epoch the next erasure would not find what is made of the new document.
            raise RoomUnavailable("the room began anew while it was read")
        # The music itself says what it is: an edit and its undoing are the same export again, and
        # so is whatever else is written in the room that is not part of the music.
        digest = await asyncio.to_thread(lambda: hashlib.sha256(file).hexdigest())
        request = ConversionRequest(
            subject=claims.subject,
            data=file,
            source=Format.MUSICXML,
            target=wanted.target,
            options=ToolOptions(page=wanted.page, dots_per_inch=wanted.dots_per_inch),
            name=_file_name(name, wanted.part),
            state=digest,
            room=name,
            folder=(ROOMS, room_key(name), str(epoch), EXPORTS),
            priority=Priority.HIGH,
        )
        known = await self.book.get(request.job_id)
        is_made = known is not None and known.state is JobState.DONE
        cause = None if is_made else export_cause(name, claims, request.job_id, time.time())
        async with self._announced(cause):
            return await self._begun(await order_conversion(self.book, self._stores.blobs, request))

    async def import_file(self, name: RoomName, source: Format, file: bytes, claims: Claims) -> Job:
        """Have a file made the first content of a room; see ``RoomJobs``."""
        epoch = (await read_manifest(self._stores, name)).epoch
        request = ImportRequest(claims.subject, name, epoch, source, file)
        order = await asyncio.to_thread(lambda: request.order)
        if await self.book.get(order.job_id) is None:
            if await self._maker.begins_at(name, may_fill=True) is None:
                raise StateConflict(NOT_NEW)
            # The file lies below the room: it is sealed and erased with it.
            await ensure_manifest(self._stores, name)
        return await self._begun(await order_import(self.book, self._stores.blobs, request))

    async def pause(self) -> None:
        """Wait until it is time to look at a job again; see ``RoomJobs``."""
        await self._jobs.pause()

    async def file(self, link: Link) -> bytes | None:
        """What a link is good for; see ``RoomJobs``."""
        blob = await self._stores.blobs.read(link.key)
        return None if blob is None else blob.data

    async def _begun(self, job: Job) -> Job:
        """A job that is to be done now, also if it was given up before."""
        if job.state in _BEGUN_ANEW:
            try:
                job = await self.book.revive(job.job_id) or job
            except StateConflict:  # somebody else has just asked for the same
                job = await self.book.get(job.job_id) or job
        await self._jobs.tell()
        return job


def _file_name(name: RoomName, part: str | None) -> str:
    last = name.rpartition("/")[2][:_NAME_CHARS_MAX]
    return last if part is None else f"{last}-{part[:_NAME_CHARS_MAX]}"
