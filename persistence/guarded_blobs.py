"""Blobs behind a gate that is shut while their place is not known to be the store's.

A write is refused then in a way that is worth another try. What is there is read as before, for
whoever asks for it checks what it is. The mark of the place stays within reach, for by it all is
decided.
"""

from __future__ import annotations

from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo, BlobStore
from persistence.blob_keys import OWNER
from persistence.stores import BlobGate, BlobPlace


class GuardedBlobs:
    """The same blobs, as far as the gate lets one through.

    Args:
        blobs: what is behind it.
        gate: shut by whoever looks after the place.
    """

    def __init__(self, blobs: BlobStore, gate: BlobGate) -> None:
        self._blobs = blobs
        self._gate = gate

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Make one; see `BlobStore.create`."""
        self._pass(key)
        return await self._blobs.create(key, data)

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace one; see `BlobStore.replace`."""
        self._pass(key)
        return await self._blobs.replace(key, data, tag=tag)

    async def read(self, key: BlobKey) -> Blob | None:
        """Read one; see `BlobStore.read`."""
        return await self._blobs.read(key)

    async def delete(self, key: BlobKey) -> None:
        """Delete one; see `BlobStore.delete`."""
        self._pass(key)
        await self._blobs.delete(key)

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        return await self._blobs.list(prefix, after=after, limit=limit)

    def _pass(self, key: BlobKey) -> None:
        if key != OWNER:
            self._gate.require_open()


class GuardedPlace:
    """A place whose blobs are behind a gate.

    Args:
        place: what is behind it; closed along.
        gate: shut by whoever looks after the place.
    """

    def __init__(self, place: BlobPlace, gate: BlobGate) -> None:
        self._place = place
        self._gate = gate
        self.blobs: BlobStore = GuardedBlobs(place.blobs, gate)

    @property
    def description(self) -> str:
        """For people."""
        return self._place.description

    async def check(self) -> list[str]:
        """What is wrong with it; not tried while it is not the store's."""
        return [self._gate.reason] if self._gate.reason else await self._place.check()

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Remove what uploads have left; see `BlobPlace.clear_unfinished`.

        Raises:
            StoreUnavailable: the gate is shut, or the place does not answer.
        """
        self._gate.require_open()
        return await self._place.clear_unfinished(before)

    async def close(self) -> None:
        """Let go of everything."""
        await self._place.close()
