"""Snapshots, packed and then sealed; size and checksum are those of the sealed bytes."""

from __future__ import annotations

import asyncio
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collab.ids import Epoch, RoomKey, Sequence
from collab.limits import KIB
from collab.ports import SnapshotRef, SnapshotStore
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.envelope import (
    holds_packed,
    is_sealed,
    place_of,
    seal,
    sealed_epoch,
    unseal,
)
from persistence.packing import pack, packed_size, unpack

INLINE_BYTES_MAX: Final = 256 * KIB
"""Larger ones are packed and encrypted in a thread: 256 KiB take some 1 ms."""

_KIND: Final = "snapshot"


class EncryptedSnapshots:
    """The snapshots.

    Args:
        snapshots: where sealed ones are kept.
        keys: the documents' keys.
    """

    def __init__(self, snapshots: SnapshotStore, keys: DataKeys) -> None:
        self._snapshots = snapshots
        self._keys = keys

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        """Store a sealed snapshot; see `SnapshotStore.put`."""
        cipher = await self._keys.for_writing(room, epoch)
        place = place_of(room, epoch, _KIND, sequence)
        if len(update) <= INLINE_BYTES_MAX:
            sealed = _sealed(cipher, epoch, place, update)
        else:
            sealed = await asyncio.to_thread(_sealed, cipher, epoch, place, update)
        return await self._snapshots.put(room, epoch=epoch, sequence=sequence, update=sealed)

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read and open a snapshot; see `SnapshotStore.get`."""
        stored = await self._snapshots.get(room, ref)
        if stored is None or not is_sealed(stored):
            return stored
        epoch = sealed_epoch(stored)
        cipher = await self._keys.for_reading(room, epoch)
        place = place_of(room, epoch, _KIND, ref.sequence)
        if len(stored) <= INLINE_BYTES_MAX:
            return _unsealed(cipher, place, stored)
        return await asyncio.to_thread(_unsealed, cipher, place, stored)

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """All snapshots of a room; see `SnapshotStore.list`."""
        return await self._snapshots.list(room)

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete a snapshot; see `SnapshotStore.delete`."""
        await self._snapshots.delete(room, ref)


def _sealed(cipher: AESGCM, epoch: Epoch, place: bytes, update: bytes) -> bytes:
    packed = pack(update)  # first: nothing shrinks any more once it is encrypted
    if len(packed) < len(update):
        return seal(cipher, epoch, place, packed, is_packed=True)
    return seal(cipher, epoch, place, update)


def _unsealed(cipher: AESGCM, place: bytes, stored: bytes) -> bytes:
    content = unseal(cipher, place, stored)
    return unpack(content, packed_size(content)) if holds_packed(stored) else content
