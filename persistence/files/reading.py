"""The blobs of a folder that another process may own: read, and never changed."""

from __future__ import annotations

from pathlib import Path

from collab.errors import StoreReadOnly
from collab.ids import BlobKey, BlobTag, UnixSeconds
from persistence.files.blobs import FileBlobs


class ReadingFileBlobs(FileBlobs):
    """The blobs of one folder, for reading.

    Args:
        folder: a missing one is an empty one.
    """

    def __init__(self, folder: Path) -> None:  # does not claim the folder as its base does
        self.folder = folder
        self._lock = None
        self._turns = None

    async def check(self) -> list[str]:
        """Whoever owns the folder checks it."""
        return []

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del before
        raise StoreReadOnly("the blobs were opened for reading")

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del key, data
        raise StoreReadOnly("the blobs were opened for reading")

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del key, data, tag
        raise StoreReadOnly("the blobs were opened for reading")

    async def delete(self, key: BlobKey) -> None:
        """Refuse.

        Raises:
            StoreReadOnly: always.
        """
        del key
        raise StoreReadOnly("the blobs were opened for reading")
