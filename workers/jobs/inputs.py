"""What a job works on: a file beside the store's others, there before the job is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from collab.errors import BlobMoved, LimitExceeded, ToolFailed
from collab.ids import BlobKey
from collab.ports import BlobStore
from persistence.blob_keys import blob_key
from workers.jobs.job import Job, JobOrder
from workers.jobs.ports import JobBook

_GONE = "the score to be worked on is gone"


async def order_with_input(
    book: JobBook, blobs: BlobStore, order: JobOrder, folder: tuple[str, ...], data: bytes
) -> Job:
    """Ask for a job on a file; for one that is known nothing is written.

    Args:
        book: takes the job.
        blobs: keeps the file until the job is forgotten.
        order: what is wanted, without the file.
        folder: segments of the file's key.
        data: of the file.

    Raises:
        LimitExceeded: the subject has too many jobs that wait.
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    if await book.get(order.job_id) is not None:
        return await book.submit(order)
    kept_at = blob_key(*folder, f"{order.job_id}.in")
    with suppress(BlobMoved):  # an earlier call had come as far
        await blobs.create(kept_at, data)
    try:
        return await book.submit(replace(order, payload={**order.payload, "input": kept_at}))
    except LimitExceeded:
        if await book.get(order.job_id) is None:  # nothing would ever delete it
            await blobs.delete(kept_at)
        raise


async def read_input(blobs: BlobStore, payload: Mapping[str, Any]) -> bytes:
    """The file that a job works on.

    Raises:
        ToolFailed: it is gone.
        StoreUnavailable: it cannot be read now.
    """
    blob = await blobs.read(BlobKey(payload["input"]))
    if blob is None:
        raise ToolFailed(_GONE)
    return blob.data


async def require_input(blobs: BlobStore, payload: Mapping[str, Any]) -> None:
    """Refuse to go on when the file is gone: its room was erased.

    Raises:
        ToolFailed: it is gone.
        StoreUnavailable: that cannot be told now.
    """
    key = BlobKey(payload["input"])
    if not any(found.key == key for found in await blobs.list(key, after=None, limit=1)):
        raise ToolFailed(_GONE)
