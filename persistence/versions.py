"""Where versions are kept: the content as a blob, and what is told about it as a record.

The blob is stored before the record that names it and deleted after it, so that a crash at any
step leaves at worst a blob that no record names, which the collection of orphans finds by its age.

The content is the integrated document as one update, what a newcomer would be sent: deleted
content is blanked, and updates that wait for others are not in it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field, replace
from typing import Final

from collab.errors import RecordMoved, RoomUnavailable, StoreUnavailable
from collab.history.versions import Version, VersionKind, VersionSource
from collab.ids import (
    BlobKey,
    Epoch,
    RecordId,
    RoomName,
    Sequence,
    Subject,
    UnixSeconds,
    VersionId,
    room_key,
)
from collab.ports import RecordKind
from persistence.blob_keys import ROOMS, blob_key
from persistence.checksums import snapshot_checksum
from persistence.loading import load_room
from persistence.manifests import read_manifest
from persistence.packing import pack, unpack
from persistence.stores import Stores
from persistence.version_codec import decode_version, encode_version

Stateful = Callable[[SequenceOf[bytes]], Awaitable[bytes]]
"""Makes updates one update of what is integrated, off the loop (`persistence.offload`)."""

CHANGES_MAX: Final = 8
FOLDER: Final = "versions"
_PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class Content:
    """A document at one moment.

    Attributes:
        epoch: the incarnation of the log.
        sequence: it holds all updates up to and with this one; 0 for a room without any.
        update: the integrated document as one update; empty for a room without any.
    """

    epoch: Epoch
    sequence: Sequence
    update: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Label:
    """What a new version is to be known by; see `Version`."""

    kind: VersionKind
    created_at: UnixSeconds
    name: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    author: Subject | None = None
    author_name: str | None = field(default=None, repr=False)
    source: VersionSource | None = None


async def take_content(stores: Stores, name: RoomName, stateful: Stateful) -> Content:
    """Read a room's document as it is stored now, without opening the room.

    Raises:
        RoomQuarantined: the room is out of service.
        WorkerFailed: its updates could not be merged.
        StoreUnavailable: the store cannot be read now.
    """
    loaded = await load_room(stores, name)
    update = await stateful(loaded.updates) if loaded.updates else b""
    return Content(loaded.manifest.epoch, loaded.head, update)


async def add_version(
    stores: Stores,
    name: RoomName,
    content: Content,
    label: Label,
    version_id: VersionId | None = None,
) -> Version:
    """Keep a version, durably, under a new id.

    Args:
        stores: the store.
        name: the room.
        content: of the version.
        label: what is told about it.
        version_id: the new id; None for any.

    Raises:
        RoomUnavailable: the room's content was erased meanwhile; nothing is kept.
        StoreUnavailable: the outcome is unknown or the write failed; repeating may keep a second.
    """
    version = Version(
        version_id=version_id or new_version_id(label.created_at, content.sequence),
        kind=label.kind,
        epoch=content.epoch,
        sequence=content.sequence,
        created_at=label.created_at,
        size_bytes=len(content.update),
        checksum=await asyncio.to_thread(snapshot_checksum, content.update),
        name=label.name,
        message=label.message,
        author=label.author,
        author_name=label.author_name,
        source=label.source,
    )
    packed = await asyncio.to_thread(pack, content.update)
    await stores.blobs.create(_key(name, version), packed)
    stores.failpoints.hit("version.after_blob")
    await stores.records.compare_and_set(
        RecordKind.VERSION, room_key(name), encode_version(version)
    )
    stores.failpoints.hit("version.after_record")
    if (await read_manifest(stores, name)).epoch != content.epoch:
        # Whoever begins an epoch deletes what is there; this may have come too late for that.
        await delete_version(stores, name, version)
        raise RoomUnavailable("the room began anew while a version of it was made")
    return version


async def list_versions(stores: Stores, name: RoomName) -> tuple[Version, ...]:
    """All versions of a room, newest first.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    found: list[Version] = []
    after: RecordId | None = None
    while True:
        page = await stores.records.list(
            RecordKind.VERSION, room_key(name), after=after, limit=_PAGE
        )
        found += map(decode_version, page)
        if len(page) < _PAGE:
            return tuple(reversed(found))
        after = page[-1].record_id


async def get_version(stores: Stores, name: RoomName, version_id: VersionId) -> Version | None:
    """One version, or None where there is none of this id.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    record = await stores.records.get(RecordKind.VERSION, room_key(name), RecordId(version_id))
    return None if record is None else decode_version(record)


async def read_version(stores: Stores, name: RoomName, version: Version) -> bytes:
    """The content of a version, as one update.

    Raises:
        StoreUnavailable: the store cannot be read now, or the content is gone or damaged.
    """
    blob = await stores.blobs.read(_key(name, version))
    if blob is None:
        raise StoreUnavailable("the content of a version is missing")
    return await version_content(version, blob.data)


async def version_content(version: Version, stored: bytes) -> bytes:
    """What is in a version's blob.

    Raises:
        StoreUnavailable: it is damaged.
    """
    try:
        update = await asyncio.to_thread(unpack, stored, version.size_bytes)
    except StoreUnavailable as error:
        raise StoreUnavailable("the content of a version is damaged") from error
    if await asyncio.to_thread(snapshot_checksum, update) != version.checksum:
        raise StoreUnavailable("the content of a version fails its checksum")
    return update


async def name_version(
    stores: Stores, name: RoomName, version_id: VersionId, *, title: str | None, message: str | None
) -> Version | None:
    """Change a version's name or message; one that gets a name is a named one from then on.

    Args:
        stores: the store.
        name: the room.
        version_id: which version.
        title: the new name; None to leave it.
        message: the new message; None to leave it.

    Returns:
        The version as it is now, or None where there is none of this id.

    Raises:
        StoreUnavailable: the outcome is unknown, or others kept changing it.
    """
    key = room_key(name)
    for _ in range(CHANGES_MAX):
        record = await stores.records.get(RecordKind.VERSION, key, RecordId(version_id))
        if record is None:
            return None
        version = decode_version(record)
        if title is not None:
            version = replace(version, kind=VersionKind.NAMED, name=title)
        if message is not None:
            version = replace(version, message=message)
        try:
            await stores.records.compare_and_set(
                RecordKind.VERSION, key, encode_version(version, revision=record.revision)
            )
        except RecordMoved:
            continue
        return version
    raise StoreUnavailable(f"the version was changed by others {CHANGES_MAX} times in a row")


async def delete_version(stores: Stores, name: RoomName, version: Version) -> None:
    """Delete a version, durably; deleting twice is no error.

    Raises:
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    # The record first: a blob without a record is an orphan, a record without its blob a lie.
    record_id = RecordId(version.version_id)
    await stores.records.delete(RecordKind.VERSION, room_key(name), record_id)
    await stores.blobs.delete(_key(name, version))


async def delete_unnamed_version(stores: Stores, name: RoomName, version: Version) -> bool:
    """Delete an automatic version, durably, unless it was given a name since it was listed.

    Returns:
        Whether it was deleted.

    Raises:
        StoreUnavailable: the outcome is unknown; repeating is safe.
    """
    key, record_id = room_key(name), RecordId(version.version_id)
    record = await stores.records.get(RecordKind.VERSION, key, record_id)
    if record is None or decode_version(record).kind is not VersionKind.AUTOMATIC:
        return False
    try:
        await stores.records.delete(RecordKind.VERSION, key, record_id, revision=record.revision)
    except RecordMoved:
        return False
    await stores.blobs.delete(_key(name, version))
    return True


def new_version_id(created_at: UnixSeconds, sequence: Sequence) -> VersionId:
    """An id that sorts by time, then by sequence."""
    return VersionId(f"{created_at:09x}-{sequence:010x}-{secrets.token_hex(4)}")


def _key(name: RoomName, version: Version) -> BlobKey:
    epoch = str(version.epoch)
    return blob_key(ROOMS, room_key(name), epoch, FOLDER, version.version_id)
