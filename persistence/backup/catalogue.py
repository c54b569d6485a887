"""Which backups a destination holds, and what each says of itself."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NewType

import orjson

from collab.errors import ArchiveUnreadable
from collab.ids import BlobKey, Epoch, Sequence, UnixSeconds
from collab.ports import BlobStore
from persistence.backup.sealing import Sealer
from persistence.blob_keys import blob_key

BackupId = NewType("BackupId", str)
"""When it was begun, in UTC, and six digits of chance: ids sort in the order of beginning."""

PREFIX: Final = "backups/"
FORMAT: Final = 1
ROOT: Final = "backups"
MANIFEST: Final = "manifest"
BEGUN: Final = "begun"

_PAGE: Final = 1_000
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ID: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A blob of a backup, as its manifest names it.

    Attributes:
        sha256: of the blob as stored, hex.
        size_bytes: as stored.
    """

    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, packed: bytes) -> PartInfo:
        """What a manifest says of a blob with these bytes."""
        return cls(hashlib.sha256(packed).hexdigest(), len(packed))


@dataclass(frozen=True, slots=True)
class BlobLine:
    """A blob of a room, and the backup of the chain that holds its bytes."""

    key: str
    size_bytes: int
    modified_at: UnixSeconds
    held_by: BackupId


@dataclass(frozen=True, slots=True)
class RoomLine:
    """What a backup says of one room: a line of its index.

    Attributes:
        name: the room; empty for what belongs to the whole store.
        epoch: of its log.
        head: the newest sequence taken.
        base: the log begins anew here, with a snapshot up to this sequence (0: with its first
            row); None when it goes on from the parent.
        captured_at: when the room was read; `head` was its head then.
        status: as in the room's manifest.
        status_reason: the same.
        anchor: tells the row at the head, so that the next backup knows that it is still there.
        records: digest of the room's records.
        records_in: the backup of the chain that holds them.
        blobs: its blobs.
        chunks: first and last chunk with something of the room; None when nothing changed.
        lost: sequences that the store itself had lost.
    """

    name: str = field(repr=False)
    epoch: Epoch
    head: Sequence
    base: Sequence | None
    captured_at: UnixSeconds
    status: str
    status_reason: str
    anchor: str
    records: str
    records_in: BackupId
    blobs: tuple[BlobLine, ...]
    chunks: tuple[int, int] | None
    lost: tuple[Sequence, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """What a backup was begun as; an interrupted one is gone on with by this.

    Attributes:
        begun_at: everything acknowledged before is in the backup.
        parent: what it is incremental to; None for a full one.
        parent_sha256: of the parent's manifest, as stored.
    """

    begun_at: UnixSeconds
    parent: BackupId | None
    parent_sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a whole backup consists of.

    Attributes:
        backup_id: its own.
        begun: what it was begun as.
        ended_at: when it was complete.
        rooms: how many rooms are in it.
        rows: how many rows it holds itself.
        chunks: its chunks, in order.
        index: the parts of its index, in order.
    """

    backup_id: BackupId
    begun: Begun
    ended_at: UnixSeconds
    rooms: int
    rows: int
    chunks: tuple[PartInfo, ...] = field(repr=False)
    index: tuple[PartInfo, ...] = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """What it takes, its parents not counted."""
        return sum(part.size_bytes for part in (*self.chunks, *self.index))


def new_backup_id(now: UnixSeconds, newest: BackupId | None) -> BackupId:
    """An id for a backup begun now.

    Args:
        now: the time.
        newest: the last id that the destination has. The new one sorts after it, although both may
            be begun in one second and a clock may go back: it then bears the second after it.
    """
    moment = datetime.fromtimestamp(now, UTC)
    if newest is not None:
        begun = datetime.strptime(newest.partition("-")[0], _STAMP).replace(tzinfo=UTC)
        moment = max(moment, begun + timedelta(seconds=1))
    return BackupId(f"{moment.strftime(_STAMP)}-{secrets.token_hex(3)}")


def part_key(backup: BackupId, kind: str, number: int) -> BlobKey:
    """Where a chunk or a part of the index is."""
    return blob_key(ROOT, backup, kind, f"{number:08d}")


def own_key(backup: BackupId, name: str) -> BlobKey:
    """Where a backup's manifest, or what it was begun as, is."""
    return blob_key(ROOT, backup, name)


def encode_line(line: RoomLine) -> bytes:
    """A line of the index as JSON."""
    return orjson.dumps(asdict(line))


def decode_line(text: bytes) -> RoomLine:
    """Read a line back."""
    fields: dict[str, Any] = orjson.loads(text)
    fields["blobs"] = tuple(BlobLine(**blob) for blob in fields["blobs"])
    fields["chunks"] = None if fields["chunks"] is None else tuple(fields["chunks"])
    fields["lost"] = tuple(fields["lost"])
    return RoomLine(**fields)


def encode_begun(begun: Begun) -> bytes:
    """What a backup was begun as, as JSON."""
    return orjson.dumps(asdict(begun) | {"format": FORMAT})


def encode_manifest(manifest: BackupManifest) -> bytes:
    """A manifest as JSON."""
    return orjson.dumps(asdict(manifest) | {"format": FORMAT})


def decode_begun(place: BlobKey, text: bytes) -> Begun:
    """Read what a backup was begun as.

    Raises:
        ArchiveUnreadable: it is of another format.
    """
    return Begun(**_fields(place, text))


def decode_manifest(place: BlobKey, text: bytes) -> BackupManifest:
    """Read a manifest.

    Raises:
        ArchiveUnreadable: it is of another format.
    """
    fields = _fields(place, text)
    fields["begun"] = Begun(**fields["begun"])
    for parts in ("chunks", "index"):
        fields[parts] = tuple(PartInfo(**part) for part in fields[parts])
    return BackupManifest(**fields)


async def backup_ids(blobs: BlobStore) -> tuple[list[BackupId], list[BackupId]]:
    """The backups of a destination, oldest first: the whole ones, and those without a manifest.

    Raises:
        StoreUnavailable: the destination cannot be read.
    """
    whole: list[BackupId] = []
    parts: list[BackupId] = []
    after: BlobKey | None = BlobKey(PREFIX)
    while page := await blobs.list(PREFIX, after=after, limit=2):
        segments = page[0].key.split("/")
        backup = BackupId(segments[1])
        after = BlobKey(f"{PREFIX}{backup}/~")  # past everything of this one
        if _ID.fullmatch(backup) is None:
            continue
        found = await blobs.list(own_key(backup, MANIFEST), after=None, limit=1)
        is_whole = bool(found) and found[0].key == own_key(backup, MANIFEST)
        (whole if is_whole else parts).append(backup)
    return whole, parts


async def read_manifest(
    blobs: BlobStore, sealer: Sealer, backup: BackupId
) -> tuple[BackupManifest, str]:
    """A backup's manifest, and the SHA-256 of it as stored.

    Raises:
        ArchiveUnreadable: there is none, it is damaged, or the key is another one.
        StoreUnavailable: the destination cannot be read.
    """
    place = own_key(backup, MANIFEST)
    blob = await blobs.read(place)
    if blob is None:
        raise ArchiveUnreadable(f"there is no whole backup {backup}")
    manifest = decode_manifest(place, await sealer.unpack(place, blob.data))
    return manifest, PartInfo.of(blob.data).sha256


async def parts_of(blobs: BlobStore, backup: BackupId) -> list[BlobKey]:
    """The keys of everything that a backup consists of, in order."""
    keys: list[BlobKey] = []
    prefix = f"{PREFIX}{backup}/"
    after: BlobKey | None = None
    while page := await blobs.list(prefix, after=after, limit=_PAGE):
        keys += (info.key for info in page)
        after = page[-1].key
    return keys


def _fields(place: BlobKey, text: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(text)
    found = fields.pop("format", None)
    if found != FORMAT:
        raise ArchiveUnreadable(f"{place} has format {found}, this version reads {FORMAT}")
    return fields
