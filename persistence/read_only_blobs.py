"""Blobs that are read beside whoever writes them."""

from __future__ import annotations

from collab.errors import StoreReadOnly
from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo, BlobStore
from persistence.stores import BlobPlace

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


class ReadOnlyPlace:
    """A place whose blobs are read only.

    Args:
        place: what is read; closed along.
    """

    def __init__(self, place: BlobPlace) -> None:
        self._place = place
        self.blobs: BlobStore = ReadOnlyBlobs(place.blobs)

    @property
    def description(self) -> str:
        """For people."""
        return self._place.description

    async def check(self) -> list[str]:
        """What is wrong with it."""
        return await self._place.check()

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del before
        raise StoreReadOnly(_REASON)

    async def close(self) -> None:
        """Let go of everything."""
        await self._place.close()
