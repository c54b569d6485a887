"""The blobs in MongoDB, for deployments without a blob store of their own."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from pymongo.errors import DuplicateKeyError

from collab.errors import BlobMoved, StoreUnavailable
from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo
from persistence.mongo.link import Document, MongoLink, Session
from persistence.mongo.parts import Parts
from persistence.mongo.schema import BLOBS

READS_MAX: Final = 5
"""How often a blob is read again because it was replaced in between."""


class MongoBlobs:
    """The blobs.

    Args:
        link: the database.
        parts: where their bytes are; a blob's tag is the id of its parts.
    """

    def __init__(self, link: MongoLink, parts: Parts) -> None:
        self._link = link
        self._parts = parts
        self._blobs = link.collection(BLOBS)

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Store a new blob; see `BlobStore.create`."""
        if await self._found(key) is not None:
            raise BlobMoved("there is a blob under this key")
        return await self._put(key, data, None)

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace it; see `BlobStore.replace`."""
        return await self._put(key, data, tag)

    async def read(self, key: BlobKey) -> Blob | None:
        """Read it; see `BlobStore.read`."""
        for _ in range(READS_MAX):
            found = await self._found(key)
            if found is None:
                return None
            data = await self._parts.load(found["tag"])
            if len(data) == found["size_bytes"]:
                return Blob(data, BlobTag(found["tag"]))
        raise StoreUnavailable("parts of a blob are missing")

    async def delete(self, key: BlobKey) -> None:
        """Delete it; see `BlobStore.delete`."""

        async def unname(session: Session) -> list[str]:
            gone = await self._blobs.find_one_and_delete({"_id": key}, session=session)
            tags = [] if gone is None else [gone["tag"]]
            await self._parts.unsettle(tags, session)
            return tags

        await self._parts.remove(await self._link.transact(unname))

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        wanted: Document = {"$regex": f"^{re.escape(prefix)}"} if prefix else {"$gte": ""}
        if after is not None:
            wanted["$gt"] = after

        async def page() -> list[Document]:
            found = self._blobs.find({"_id": wanted}).sort("_id").limit(limit)
            return [document async for document in found]

        return tuple(
            BlobInfo(found["_id"], found["size_bytes"], UnixSeconds(found["modified_at_unix_s"]))
            for found in await self._link.call(page)
        )

    async def _found(self, key: BlobKey) -> Document | None:
        return await self._link.call(lambda: self._blobs.find_one({"_id": key}))

    async def _put(self, key: BlobKey, data: bytes, tag: BlobTag | None) -> BlobTag:
        """Store the parts, then name them."""
        parts_id = await self._parts.store(data)
        line = {
            "tag": parts_id,
            "size_bytes": len(data),
            "modified_at_unix_s": await self._link.now(),
        }
        try:
            await self._link.transact(partial(self._name, key, line, tag))
        except BlobMoved:
            await self._parts.remove([parts_id])
            raise
        if tag is not None:
            await self._parts.remove([tag])
        return BlobTag(parts_id)

    async def _name(
        self, key: BlobKey, line: Document, tag: BlobTag | None, session: Session
    ) -> None:
        if tag is None:
            try:
                await self._blobs.insert_one({"_id": key, **line}, session=session)
            except DuplicateKeyError as error:
                raise BlobMoved("there is a blob under this key") from error
        else:
            done = await self._blobs.update_one(
                {"_id": key, "tag": tag}, {"$set": line}, session=session
            )
            if not done.matched_count:
                raise BlobMoved("the blob was changed meanwhile")
            await self._parts.unsettle([tag], session)
        await self._parts.settle([line["tag"]], session)
