"""Blobs that are read beside whoever writes them."""

from __future__ import annotations

from collab.errors import StoreReadOnly
from collab.ids import BlobKey, BlobTag
from collab.ports import Blob, BlobInfo, BlobStore

_REASON = "the blobs were opened for reading"


class ReadOnlyBlobs:
    """The same blobs, without the ways to change them.

    Args:
        blobs: what is read.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del key, data
        raise StoreReadOnly(_REASON)

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del key, data, tag
        raise StoreReadOnly(_REASON)

    async def read(self, key: BlobKey) -> Blob | None:
        """Read it; see `BlobStore.read`."""
        return await self._blobs.read(key)

    async def delete(self, key: BlobKey) -> None:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del key
        raise StoreReadOnly(_REASON)

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        return await self._blobs.list(prefix, after=after, limit=limit)
