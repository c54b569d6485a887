"""Putting the wrappers around an opened store."""

from __future__ import annotations

from dataclasses import dataclass, replace

from collab.ids import RoomKey
from persistence.encryption.blobs import EncryptedBlobs
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.key_ring import KeyRing, KeySettings
from persistence.encryption.log import EncryptedLog
from persistence.encryption.records import EncryptedRecords
from persistence.encryption.rotation import check_master_keys, note_master_key
from persistence.encryption.snapshots import EncryptedSnapshots
from persistence.stores import Backend, Stores, StoreUsage


@dataclass(frozen=True, slots=True)
class _Encrypted:
    """The backend, and the master keys that must be let go of as well."""

    backend: Backend
    ring: KeyRing

    async def check(self) -> list[str]:
        return await self.backend.check()

    async def usage(self) -> StoreUsage:
        return await self.backend.usage()

    async def scrub(self, room: RoomKey) -> None:
        await self.backend.scrub(room)

    async def close(self) -> None:
        await self.backend.close()
        await self.ring.close()


async def open_key_ring(
    stores: Stores, settings: KeySettings, *, reads_only: bool = False
) -> KeyRing | None:
    """Read the master keys and hold them against what the store says is in use.

    Args:
        stores: as opened.
        settings: where the keys are.
        reads_only: nothing may be written, not even that a key is in use.

    Returns:
        The keys; None where encryption is off and nothing in the store is encrypted.

    Raises:
        SettingsError: a key cannot be read.
        MasterKeyMissing: one that is in use is not at hand.
        DecryptionFailed: a key is another one than before.
        StoreUnavailable: the store or a key's holder does not answer.
    """
    ring = KeyRing.read(settings) if settings.is_on else None
    try:
        await check_master_keys(stores.records, ring)
        if ring is not None and not reads_only:
            await note_master_key(stores.records, ring.current)
    except BaseException:
        if ring is not None:
            await ring.close()
        raise
    return ring


def encrypted(stores: Stores, ring: KeyRing) -> Stores:
    """The same ports, what they keep of documents sealed; `Stores.beneath` are those given."""
    keys = DataKeys(stores.records, ring)
    return replace(
        stores,
        log=EncryptedLog(stores.log, keys),
        snapshots=EncryptedSnapshots(stores.snapshots, keys),
        records=EncryptedRecords(stores.records, stores.manifests, keys),
        blobs=EncryptedBlobs(stores.blobs, keys),
        description=f"{stores.description}, encrypted",
        backend=_Encrypted(stores.backend, ring),
        beneath=stores,
        data_keys=keys,
    )
