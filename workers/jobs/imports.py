"""Imports as jobs: a file becomes the first content of a room, which was empty until then."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from collab.ids import Epoch, RoomName, Subject, room_key
from collab.ports import BlobStore
from persistence.blob_keys import EXPORTS, ROOMS
from workers.convert import Converter
from workers.formats import Format
from workers.jobs.inputs import order_with_input, read_input
from workers.jobs.job import Job, JobId, JobOrder, Priority
from workers.jobs.ports import JobBook
from workers.jobs.runner import Telling
from workers.tools.options import ToolOptions

KIND: Final = "import"
_READ_AS_THEY_ARE: Final = frozenset({Format.MUSICXML, Format.MXL})
_STEPS: Final = 2  # made MusicXML, put into the room


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A file that a room is to begin with.

    Attributes:
        subject: on whose behalf.
        room: the room.
        epoch: of its log.
        source: the file's format.
        data: its bytes.
    """

    subject: Subject
    room: RoomName
    epoch: Epoch
    source: Format
    data: bytes = field(repr=False)

    @property
    def order(self) -> JobOrder:
        """What the import amounts to: the same file in the same room is the same job."""
        digest = hashlib.sha256(self.data).hexdigest()
        key = "\0".join((self.room, str(self.epoch), self.source, digest))
        payload = {"room": self.room, "source": self.source}
        return JobOrder(KIND, key, self.subject, payload, Priority.HIGH)


class ScoreMaker(Protocol):
    """Makes scores of MusicXML files."""

    async def import_job(
        self, room: RoomName, file: bytes, job_id: JobId, subject: Subject
    ) -> Mapping[str, Any]:
        """Make a score in a room that is empty; once, however often the same job asks.

        Returns:
            As JSON, what is to be told about it.

        Raises:
            PeerError: the file is no score, or there is something in the room.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """


async def order_import(book: JobBook, blobs: BlobStore, request: ImportRequest) -> Job:
    """Have a file imported; the same one into the same room is imported once.

    Raises:
        LimitExceeded: the subject has too many jobs that wait.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    folder = (ROOMS, room_key(request.room), str(request.epoch), EXPORTS)
    order = await asyncio.to_thread(lambda: request.order)  # 32 MiB take 30 ms to digest
    return await order_with_input(book, blobs, order, folder, request.data)


class ImportHandler:
    """Does jobs of this kind.

    Args:
        converter: has the tool processes, for what is no MusicXML.
        blobs: of the store.
        maker: puts scores into rooms.
    """

    def __init__(self, converter: Converter, blobs: BlobStore, maker: ScoreMaker) -> None:
        self._converter = converter
        self._blobs = blobs
        self._maker = maker

    async def __call__(self, job: Job, tell: Telling) -> Mapping[str, Any]:
        """Import; the result is what the maker tells.

        Raises:
            PeerError: the file is no score, or there is something in the room.
            WorkerFailed: it could not be read.
            StoreUnavailable: the file could not be read, or the score not be written.
        """
        file = await read_input(self._blobs, job.payload)
        source = Format(job.payload["source"])
        if source not in _READ_AS_THEY_ARE:
            (file,) = await self._converter.convert(file, source, Format.MUSICXML, ToolOptions())
        tell(1, _STEPS)
        return await self._maker.import_job(
            RoomName(job.payload["room"]), file, job.job_id, job.subject
        )
