"""Trying out whether blobs can be kept as their port promises, for `bandpro doctor`."""

from __future__ import annotations

import secrets
from typing import Final

from collab.errors import BlobMoved, OperatingError
from collab.ids import BlobTag
from collab.ports import BlobStore
from persistence.blob_keys import blob_key

FOLDER: Final = "probes"


async def probe_blobs(blobs: BlobStore) -> list[str]:
    """Make, read, replace, list and delete a blob; what is wrong, each as a sentence.

    Conditions are tried as well: some services that speak S3 take them and do not heed them, and
    two servers would then replace each other's files.
    """
    key = blob_key(FOLDER, secrets.token_hex(16))
    problems = []
    try:
        tag = await blobs.create(key, b"first")
        try:
            await blobs.create(key, b"second")
            problems.append("a blob was made twice: conditional writes are not honoured")
        except BlobMoved:
            pass
        tag = await blobs.replace(key, b"third", tag=tag)
        try:
            await blobs.replace(key, b"fourth", tag=BlobTag('"0"'))
            problems.append("a stale replacement went through: conditional writes are not honoured")
        except BlobMoved:
            pass
        found = await blobs.read(key)
        if found is None or found.data != b"third":
            problems.append("a blob does not read back as it was written")
        if not await blobs.list(f"{FOLDER}/", after=None, limit=1):
            problems.append("a blob that was made is not listed")
        await blobs.delete(key)
        if await blobs.read(key) is not None:
            problems.append("a blob that was deleted is still there")
    except BlobMoved:
        problems.append("a blob nobody else knows of was said to have changed")
    except OperatingError as error:
        problems.append(str(error))
    return problems
