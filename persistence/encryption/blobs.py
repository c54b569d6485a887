"""Blobs that hold something of a document, sealed: those of rooms, and of jobs without a room.

The latter are sealed with a data key that belongs to no room, and so is never destroyed.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Final

from collab.ids import FIRST_EPOCH, NO_ROOM, BlobKey, BlobTag, Epoch, RoomKey
from collab.ports import Blob, BlobInfo, BlobStore
from persistence.blob_keys import EXPORTS
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.envelope import is_sealed, place_of, seal, sealed_epoch, unseal

_ROOM_KEY: Final = re.compile(r"rooms/([0-9a-f]{64})/([1-9][0-9]{0,9})/.+")
_KIND: Final = "blob"


class EncryptedBlobs:
    """The blobs.

    Args:
        blobs: where sealed ones are kept.
        keys: the documents' keys.
    """

    def __init__(self, blobs: BlobStore, keys: DataKeys) -> None:
        self._blobs = blobs
        self._keys = keys

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Store a new blob; see `BlobStore.create`."""
        return await self._blobs.create(key, await self._sealed(key, data))

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace it; see `BlobStore.replace`."""
        return await self._blobs.replace(key, await self._sealed(key, data), tag=tag)

    async def read(self, key: BlobKey) -> Blob | None:
        """Read it; see `BlobStore.read`."""
        blob = await self._blobs.read(key)
        owner = _owner_of(key)
        if blob is None or owner is None or not is_sealed(blob.data):
            return blob
        epoch = sealed_epoch(blob.data)
        cipher = await self._keys.for_reading(owner[0], epoch)
        place = place_of(owner[0], epoch, _KIND, key)
        return replace(blob, data=await asyncio.to_thread(unseal, cipher, place, blob.data))

    async def delete(self, key: BlobKey) -> None:
        """Delete it; see `BlobStore.delete`."""
        await self._blobs.delete(key)

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        return await self._blobs.list(prefix, after=after, limit=limit)

    async def _sealed(self, key: BlobKey, data: bytes) -> bytes:
        owner = _owner_of(key)
        if owner is None:
            return data
        room, epoch = owner
        cipher = await self._keys.for_writing(room, epoch)
        place = place_of(room, epoch, _KIND, key)
        return await asyncio.to_thread(seal, cipher, epoch, place, data)


def _owner_of(key: BlobKey) -> tuple[RoomKey, Epoch] | None:
    """Whose key seals a blob: everything of a room is below ``rooms/<room key>/<epoch>/``."""
    if key.startswith(f"{EXPORTS}/"):
        return NO_ROOM, FIRST_EPOCH
    match = _ROOM_KEY.fullmatch(key)
    return None if match is None else (RoomKey(match[1]), Epoch(int(match[2])))
