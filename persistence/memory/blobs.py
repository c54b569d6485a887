"""The blobs in memory."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from collab.errors import BlobMoved
from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo


class MemoryBlobs:
    """The blobs.

    Args:
        wall: the time, in seconds since 1970.

    Attributes:
        stored: content and time of change, by key.
        description: for people.
    """

    description = "blobs in memory"

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.stored: dict[BlobKey, tuple[Blob, UnixSeconds]] = {}

    @property
    def blobs(self) -> MemoryBlobs:
        """The port."""
        return self

    async def check(self) -> list[str]:
        """Nothing can be wrong with memory."""
        return []

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Nothing is ever unfinished."""
        del before
        return 0

    async def close(self) -> None:
        """Nothing to let go of; what was stored can be opened again."""

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Store a new blob; see `BlobStore.create`."""
        if key in self.stored:
            raise BlobMoved("there is a blob under this key")
        return self._put(key, data)

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace it; see `BlobStore.replace`."""
        found = self.stored.get(key)
        if found is None or found[0].tag != tag:
            raise BlobMoved("the blob was changed meanwhile")
        return self._put(key, data)

    async def read(self, key: BlobKey) -> Blob | None:
        """Read it; see `BlobStore.read`."""
        found = self.stored.get(key)
        return None if found is None else found[0]

    async def delete(self, key: BlobKey) -> None:
        """Delete it; see `BlobStore.delete`."""
        self.stored.pop(key, None)

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        keys = sorted(
            key for key in self.stored if key.startswith(prefix) and (after is None or key > after)
        )
        lines = ((key, *self.stored[key]) for key in keys[:limit])
        return tuple(BlobInfo(key, len(blob.data), changed_at) for key, blob, changed_at in lines)

    def _put(self, key: BlobKey, data: bytes) -> BlobTag:
        tag = BlobTag(hashlib.sha256(data).hexdigest())
        self.stored[key] = (Blob(bytes(data), tag), UnixSeconds(int(self._wall())))
        return tag
