"""Conversions as jobs: what comes is put beside the store's other files, and so is what is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import orjson

from collab.errors import BlobMoved, ToolFailed
from collab.ids import BlobKey, RoomName, Subject
from collab.ports import BlobStore
from persistence.blob_keys import EXPORTS, blob_key
from workers.convert import Converter
from workers.formats import MEDIA_TYPES, Format, suffix_of
from workers.jobs.inputs import order_with_input, read_input, require_input
from workers.jobs.job import Job, JobId, JobOrder, Priority
from workers.jobs.ports import JobBook
from workers.jobs.runner import Telling
from workers.tools.options import ToolOptions

KIND: Final = "convert"
NOWHERE: Final = (EXPORTS,)
"""Folder of the files that are no room's."""


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """A score that is to be converted.

    Attributes:
        subject: on whose behalf.
        data: the score's bytes.
        source: their format.
        target: the format that is wanted.
        options: of the conversion.
        name: of the files made, without a suffix.
        state: says what `data` was made of, such as a room, an epoch and a sequence, where that is
            known: it is the same conversion then even if the bytes differ. Otherwise the bytes do.
        room: that the score is of, if it is of one: what is told about the job goes by it.
        folder: segments of the blobs' keys. Those of a room are kept, sealed and erased with it if
            they are ``rooms/<room key>/<epoch>/exports``.
        priority: who goes first.
    """

    subject: Subject
    data: bytes = field(repr=False)
    source: Format
    target: Format
    options: ToolOptions = field(default_factory=ToolOptions)
    name: str = "score"
    state: str = ""
    room: RoomName | None = None
    folder: tuple[str, ...] = NOWHERE
    priority: Priority = Priority.NORMAL

    @property
    def key(self) -> str:
        """What the conversion amounts to."""
        state = self.state or hashlib.sha256(self.data).hexdigest()
        options = orjson.dumps(asdict(self.options)).decode()
        return "\0".join((*self.folder, state, self.source, self.target, options))

    @property
    def job_id(self) -> JobId:
        """What its job is called."""
        return JobOrder(KIND, self.key, self.subject).job_id


async def order_conversion(book: JobBook, blobs: BlobStore, request: ConversionRequest) -> Job:
    """Have a score converted; the same one is converted once.

    Args:
        book: takes the job.
        blobs: keeps the score until then.
        request: what is wanted.

    Raises:
        LimitExceeded: the subject has too many jobs that wait.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    payload = {
        "folder": list(request.folder),
        "source": request.source,
        "target": request.target,
        "options": asdict(request.options),
        "name": request.name,
        "room": request.room,
    }
    order = JobOrder(KIND, request.key, request.subject, payload, request.priority)
    return await order_with_input(book, blobs, order, request.folder, request.data)


class ConversionHandler:
    """Does jobs of this kind.

    Args:
        converter: has the tool processes.
        blobs: of the store.
        soundfont: file with the instruments of this machine; None for one that is found.
    """

    def __init__(
        self, converter: Converter, blobs: BlobStore, soundfont: str | None = None
    ) -> None:
        self._converter = converter
        self._blobs = blobs
        self._soundfont = soundfont

    async def __call__(self, job: Job, tell: Telling) -> Mapping[str, Any]:
        """Convert; the result names the files made.

        Raises:
            WorkerFailed: it could not be converted.
            StoreUnavailable: a file could not be read or written.
        """
        payload = job.payload
        data = await read_input(self._blobs, payload)
        target = Format(payload["target"])
        options = replace(ToolOptions(**payload["options"]), soundfont=self._soundfont)
        made = await self._converter.convert(
            data, Format(payload["source"]), target, options, hear=tell
        )
        suffix = suffix_of(target)
        files = []
        for number, data in enumerate(made, start=1):
            key = blob_key(*payload["folder"], f"{job.job_id}-{number}{suffix}")
            with suppress(BlobMoved):  # an earlier attempt had made the same
                await self._blobs.create(key, data)
            page = f"-{number}" if len(made) > 1 else ""
            files.append(
                {
                    "key": key,
                    "name": f"{payload['name']}{page}{suffix}",
                    "media_type": MEDIA_TYPES[target],
                    "size_bytes": len(data),
                }
            )
        try:
            await require_input(self._blobs, payload)
        except ToolFailed:  # nothing of an erased room may come back with the files
            for file in files:
                await self._blobs.delete(BlobKey(str(file["key"])))
            raise
        return {"files": files}
