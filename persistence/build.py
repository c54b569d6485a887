"""The one place that names a concrete store."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from collab.errors import SettingsError
from collab.ports import BlobStore
from persistence.blob_snapshots import BlobSnapshots, MovingSnapshots
from persistence.encryption.build import encrypted, open_key_ring
from persistence.encryption.key_ring import KeySettings
from persistence.failpoints import Failpoints
from persistence.files import FileBlobs, ReadingFileBlobs
from persistence.guarded_blobs import GuardedPlace
from persistence.memory import MemoryStore
from persistence.read_only_blobs import ReadOnlyPlace
from persistence.sqlite import SqliteReading, SqliteStore
from persistence.store_urls import masked
from persistence.stores import (
    BlobGate,
    BlobPlace,
    JoinedBackend,
    MongoLimits,
    S3Limits,
    S3Place,
    Stores,
    StoreUsage,
)

__all__ = [
    "KeySettings",
    "MongoLimits",
    "S3Limits",
    "StoreSettings",
    "StoreUsage",
    "Stores",
    "open_archive",
    "open_raw_stores",
    "open_stores",
]

BLOBS_FOLDER: Final = "blobs"
_S3: Final = re.compile(r"//([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/([A-Za-z0-9._/-]*))?")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Which store to open, and where.

    Attributes:
        url: ``sqlite:`` for the data folder, ``sqlite:<folder>`` for another one,
            ``mongodb://`` or ``mongodb+srv://`` for a database that many nodes share, or
            ``memory://`` for a store that is gone with the process.
        data_folder: made when it is missing.
        mongodb: how long MongoDB is waited for.
        failpoints: where to fail on purpose; none in production.
        blobs_url: ``file:`` for the folder `blobs` beside the database, ``file:<folder>``,
            ``s3://<bucket>/<prefix>``, or empty for what the store itself has: that folder for
            SQLite, MongoDB for MongoDB.
        s3: how a bucket is reached.
        read_only: open it beside whoever uses it, and refuse every write.
        shared: let other processes of this machine that do so as well use the same folders.
        encryption: where the master keys are.
    """

    url: str = field(default="sqlite:", repr=False)
    data_folder: Path = Path("data")
    failpoints: Failpoints = field(default_factory=Failpoints)
    mongodb: MongoLimits = field(default_factory=MongoLimits)
    blobs_url: str = ""
    s3: S3Limits = field(default_factory=S3Limits)
    read_only: bool = False
    shared: bool = False
    encryption: KeySettings = field(default_factory=KeySettings)

    @property
    def blobs_folder(self) -> Path:
        """Where the blobs of a ``file:`` URL are kept."""
        _, _, place = self.blobs_url.partition(":")
        return Path(place).expanduser() if place else self.sqlite_folder / BLOBS_FOLDER

    @property
    def sqlite_folder(self) -> Path:
        """Where the database of a ``sqlite:`` URL is kept; of another one, its few files."""
        scheme, _, place = self.url.partition(":")
        is_elsewhere = scheme == "sqlite" and place
        return Path(place).expanduser() if is_elsewhere else self.data_folder


async def open_stores(settings: StoreSettings) -> Stores:
    """Open the store that the settings name, on the running loop, and its encryption.

    Returns:
        The ports; an async context manager that closes them.

    Raises:
        SettingsError: a URL that names no store, a folder or a master key that cannot be used.
        MasterKeyMissing: the store is encrypted under a key that the settings do not name.
        DecryptionFailed: they name another key than before.
        StoreUnavailable: the store is in use by another process, newer than this program, cannot
            be reached, or cannot be read.
    """
    stores = await open_raw_stores(settings)
    try:
        ring = await open_key_ring(stores, settings.encryption, reads_only=settings.read_only)
    except BaseException:
        await stores.close()
        raise
    return stores if ring is None else encrypted(stores, ring)


async def open_raw_stores(settings: StoreSettings) -> Stores:
    """Open the store without its encryption: what is sealed is read, and copied, as it is.

    Raises:
        SettingsError: as `open_stores`.
        StoreUnavailable: as `open_stores`.
    """
    match settings.url.partition(":"):
        case "memory", ":", "//":
            return MemoryStore().stores()
        case "sqlite", ":", _ if settings.read_only:
            reading = await SqliteReading.open(settings.sqlite_folder)
            try:
                place = await _open_blobs(settings)
            except BaseException:
                await reading.close()
                raise
            stores = reading.stores(place.blobs)
            return replace(stores, backend=JoinedBackend(stores.backend, place))
        case "sqlite", ":", _:
            # First the database: it names whoever has the data folder in use.
            store = await SqliteStore.open(
                settings.sqlite_folder, settings.failpoints, shared=settings.shared
            )
            gate = BlobGate()
            try:
                place = GuardedPlace(await _open_blobs(settings), gate)
                return replace(store.stores(place), gate=gate)
            except BaseException:
                await store.close()
                raise
        case "mongodb" | "mongodb+srv", ":", _:
            # Its driver takes a tenth of a second to import, which others need not wait for.
            from persistence.mongo import MongoStore  # noqa: PLC0415

            mongo = await MongoStore.open(
                settings.url,
                settings.mongodb,
                settings.failpoints,
                read_only=settings.read_only,
            )
            if not settings.blobs_url:
                return mongo.stores()
            try:
                return _with_blobs_elsewhere(mongo.stores(), await _open_blobs(settings))
            except BaseException:
                await mongo.close()
                raise
        case _:
            raise SettingsError(
                f"no store is called {masked(settings.url)!r}: use sqlite:, sqlite:<folder>, "
                "mongodb://<hosts>/<database>, mongodb+srv://<host>/<database> or memory://"
            )


async def _open_blobs(settings: StoreSettings) -> BlobPlace:
    match settings.blobs_url.partition(":"):
        case ("", "", "") | ("file", ":", _) if settings.read_only:
            return ReadingFileBlobs(settings.blobs_folder)
        case ("", "", "") | ("file", ":", _):
            return await asyncio.to_thread(
                FileBlobs, settings.blobs_folder, settings.failpoints, shared=settings.shared
            )
        case "s3", ":", place:
            # Its library takes half a second to import, which others need not wait for.
            from persistence.s3 import S3Blobs  # noqa: PLC0415

            bucket = await S3Blobs.open(_s3_place(place), settings.s3)
            return ReadOnlyPlace(bucket) if settings.read_only else bucket
        case _:
            raise SettingsError(
                f"no place for blobs is called {masked(settings.blobs_url)!r}: use file:, "
                "file:<folder> or s3://<bucket>/<prefix>"
            )


@asynccontextmanager
async def open_archive(
    place: str, *, read_only: bool, s3: S3Limits | None = None
) -> AsyncIterator[BlobStore]:
    """Open the place that backups are kept in, for the time of a block.

    Args:
        place: a folder, or ``s3://<bucket>/<prefix>``.
        read_only: it is only read, beside whoever writes to it.
        s3: how a bucket is reached.

    Raises:
        SettingsError: it cannot be used.
    """
    if not place.startswith("s3:"):
        files = await asyncio.to_thread(_archive_folder, place, read_only=read_only)
        try:
            yield files
        finally:
            await files.close()
        return
    settings = StoreSettings(blobs_url=place, s3=s3 or S3Limits(), read_only=read_only)
    bucket = await _open_blobs(settings)
    try:
        yield bucket.blobs
    finally:
        await bucket.close()


def _archive_folder(place: str, *, read_only: bool) -> FileBlobs:
    folder = Path(place.removeprefix("file:")).expanduser()
    if read_only and not folder.is_dir():
        raise SettingsError(f"there is no folder {folder} with backups")
    return ReadingFileBlobs(folder) if read_only else FileBlobs(folder)


def _s3_place(text: str) -> S3Place:
    found = _S3.fullmatch(text)
    if found is None:
        raise SettingsError(
            "a bucket is written s3://<bucket>/<prefix>; credentials come from the environment"
        )
    bucket, _, prefix = found.groups()
    return S3Place(bucket, f"{prefix.rstrip('/')}/" if prefix else "")


def _with_blobs_elsewhere(stores: Stores, place: BlobPlace) -> Stores:
    """A store whose whole files go to another place; snapshots that it has already are read."""
    gate = BlobGate()
    place = GuardedPlace(place, gate)
    return replace(
        stores,
        gate=gate,
        blobs=place.blobs,
        snapshots=MovingSnapshots(BlobSnapshots(place.blobs, stores.failpoints), stores.snapshots),
        description=f"{stores.description}, {place.description}",
        backend=JoinedBackend(stores.backend, place),
        unfinished=place.clear_unfinished,
    )
