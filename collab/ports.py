"""What the core's surroundings must provide, with the guarantees that the design rests on.

One suite of contract tests runs against every implementation (``tests/contract``).
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from collab.ids import (
    BlobKey,
    BlobTag,
    Epoch,
    RecordId,
    RoomKey,
    RoomName,
    Sequence,
    UnixSeconds,
)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One stored update.

    Attributes:
        sequence: its position in the room's log, from 1.
        update: the bytes as they were received.
        stored_at: when they were stored, by the clock of whoever stored them; 0 for rows of
            before times were kept.
    """

    sequence: Sequence
    update: bytes = field(repr=False)
    stored_at: UnixSeconds = field(default=UnixSeconds(0), compare=False)


@dataclass(frozen=True, slots=True)
class LogTail:
    """The readable rows after some sequence.

    Attributes:
        rows: in order of sequence, checksum verified.
        head: the room's highest sequence when the rows were read (0 for an empty log).
        epoch: the log's epoch when the rows were read.
        quarantined: sequences of rows in the range whose checksum failed, now or earlier; they
            are out of `rows`, kept aside for an operator, and still count as taken.
    """

    rows: tuple[LogRow, ...]
    head: Sequence
    epoch: Epoch
    quarantined: tuple[Sequence, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """Where a snapshot is kept.

    Attributes:
        snapshot_id: opaque, unique within the room, never used twice.
        sequence: the snapshot holds all updates up to and with this one.
        size_bytes: of the merged update as stored.
        checksum: SHA-256 of the same, hex.
    """

    snapshot_id: str
    sequence: Sequence
    size_bytes: int
    checksum: str


class RoomStatus(StrEnum):
    """Whether a stored room may be opened."""

    ACTIVE = "active"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a room is made of; replaced as a whole by compare-and-set.

    Attributes:
        name: the room's name, in clear.
        epoch: the incarnation of the log.
        revision: grows by one with every change; 0 means "not stored yet".
        snapshots: generations kept, newest first.
        status: whether it may be opened.
        status_reason: for operators, when not active.
        open_attempts: opens begun since the last one that succeeded.
        trimmed_through: rows up to this sequence were merged into every kept snapshot and
            deleted.
    """

    name: RoomName = field(repr=False)
    epoch: Epoch
    revision: int
    snapshots: tuple[SnapshotRef, ...] = ()
    status: RoomStatus = RoomStatus.ACTIVE
    status_reason: str = ""
    open_attempts: int = 0
    trimmed_through: Sequence = Sequence(0)


class RecordKind(StrEnum):
    """What a record is about."""

    VERSION = "version"
    SCORE = "score"  # of a room: who made it, of what, and whether it is archived
    FILLING = "filling"  # a restore or a migration into this store has not ended
    ERASURE = "erasure"  # of a room: what completes its last one, and who must reload
    DATA_KEY = "data-key"  # of a document's epoch, wrapped; of the whole store
    MASTER_KEY = "master-key"  # that wraps data keys: its id, and a check; of the whole store
    STORE_ID = "store-id"  # what the store calls itself; of the whole store
    CLUSTER = "cluster"  # what operators wish of the nodes; of the whole store
    REVOCATION = "revocation"  # what was decided about a subject; of the whole store
    BLOB_OWNER = "blob-owner"  # the mark that the place for blobs must bear; of the whole store
    JOB = "job"  # what became of a job of the workers; of the whole store
    JOB_TURN = "job-turn"  # its place among those that wait, until it has ended
    JOB_SUBJECT = "job-subject"  # the last place that a subject was given
    LINK_KEY = "link-key"  # what links to results are signed with; of the whole store
    OUTBOX = "outbox"  # something that was begun, and of which people are to be told
    WEBHOOK = "webhook"  # of a room or of the whole store: who is told of events there
    PREFERENCES = "preferences"  # of a subject: where and of what they are told by mail
    DIGEST = "digest"  # of a subject: what they will be told of in one mail


@dataclass(frozen=True, slots=True)
class Record:
    """A small piece of durable metadata; replaced as a whole by compare-and-set.

    Attributes:
        record_id: unique within its kind and room.
        revision: grows by one with every change; 0 means "not stored yet".
        value: up to `RECORD_BYTES_MAX` bytes, whose meaning is the kind's own.
    """

    record_id: RecordId
    revision: int
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blob:
    """What is stored under a blob key.

    Attributes:
        data: the whole content.
        tag: names this content, for `BlobStore.replace`.
    """

    data: bytes = field(repr=False)
    tag: BlobTag


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A line of a listing.

    Attributes:
        key: where it is.
        size_bytes: of its content as stored.
        modified_at: when it was made or last replaced, by the store's clock.
    """

    key: BlobKey
    size_bytes: int
    modified_at: UnixSeconds


class UpdateLog(Protocol):
    """The append-only record of every room's updates.

    A log is in one epoch at a time, in `FIRST_EPOCH` until `begin_epoch`.
    """

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        """Append updates at ``after + 1`` and onward, all or none, and make them durable.

        At least one update, each of one byte or more. When this returns, the rows survive the
        death of the process and of the machine, and every later read sees them, in order and
        without a gap.

        Returns:
            The new head: ``after + len(updates)``.

        Raises:
            EpochMoved: the log is in another epoch, whatever its head; nothing was written.
            HeadMoved: the head was not `after`; nothing was written.
            StoreUnavailable: the outcome is unknown or the write failed; the caller may repeat
                the call, and then meets HeadMoved if the first one had succeeded.
        """

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        """Delete all rows and begin a new epoch, as one durable step; sequences go on.

        When this returns, no row that was appended before can be read any more, quarantined ones
        included, the head is still `after`, and appends of earlier epochs are refused. A room that
        has no log gets an empty one.

        Args:
            room: whose log.
            of: what the caller takes for the log's epoch.
            epoch: a later one.
            after: what the caller takes for the head.

        Raises:
            EpochMoved: the log's epoch was not `of`, or `epoch` is no later one; nothing was
                changed.
            HeadMoved: the head was not `after`; nothing was changed.
            StoreUnavailable: the outcome is unknown or the write failed; the caller may repeat
                the call, and then meets EpochMoved if the first one had succeeded.
        """

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        """Delete all rows and let the log go on after `head`, as one durable step.

        For a log that is a copy of another one, whose earlier rows are gone there too.

        Args:
            room: whose log.
            epoch: the log's, or a later one that it is in from now on.
            after: what the caller takes for the head.
            head: the new one, not before `after`.

        Raises:
            EpochMoved: the log is in a later epoch; nothing was changed.
            HeadMoved: the head was not `after`; nothing was changed.
            StoreUnavailable: the outcome is unknown or the write failed.
        """

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        """Read all rows after a sequence, verifying each checksum.

        A row whose checksum fails is moved aside (quarantined), durably, and named in the answer;
        so is a sequence whose row is missing although it was never trimmed.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def head(self, room: RoomKey) -> Sequence:
        """The highest sequence ever given in this room (0 for none), trimmed rows included.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        """Delete rows up to and with `through`; return how many. The head stays what it was.

        Only ever called with the sequence of the oldest snapshot generation kept, after the
        manifest naming it is stored. Never reaches past the head.

        Raises:
            StoreUnavailable: the outcome is unknown or the write failed; repeating is safe.
        """


class SnapshotStore(Protocol):
    """Merged updates, written once and never changed."""

    async def put(
        self, room: RoomKey, *, epoch: Epoch, sequence: Sequence, update: bytes
    ) -> SnapshotRef:
        """Store a snapshot durably under a new id, make sure that it reads back, and say where.

        Args:
            room: whose it is.
            epoch: the incarnation of the log that it was made from.
            sequence: it holds all updates up to and with this one.
            update: the merged update.

        Raises:
            StoreUnavailable: the outcome is unknown or the write failed; repeating is safe, and
                leaves at worst a snapshot that no manifest names.
        """

    async def get(self, room: RoomKey, ref: SnapshotRef) -> bytes | None:
        """Read a snapshot and verify it.

        Returns:
            The merged update; None when it is missing or its checksum fails (then it is moved
            aside, durably, and reported in the log).

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def list(self, room: RoomKey) -> tuple[SnapshotRef, ...]:
        """Every snapshot kept for a room, newest sequence first, named by a manifest or not.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def delete(self, room: RoomKey, ref: SnapshotRef) -> None:
        """Delete a snapshot that no manifest names any more; deleting twice is no error."""


class RoomManifests(Protocol):
    """The one mutable record of each room."""

    async def get(self, room: RoomKey) -> Manifest | None:
        """The current manifest, or None for a room that was never stored.

        A stored manifest whose checksum fails is returned with the status QUARANTINED, and that as
        the reason.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """

    async def compare_and_set(self, room: RoomKey, *, manifest: Manifest) -> Manifest:
        """Replace the manifest if the stored revision is still ``manifest.revision``.

        Args:
            room: the room's key.
            manifest: what to store; `revision` is the revision it was derived from, 0 to create.

        Returns:
            The stored manifest, its revision one higher.

        Raises:
            ManifestMoved: somebody else changed it first; nothing was written.
            StoreUnavailable: the outcome is unknown or the write failed; the caller may repeat
                the call, and then meets ManifestMoved if the first one had succeeded.
        """

    async def list(self, *, after: RoomName | None, limit: int) -> tuple[Manifest, ...]:
        """Manifests in order of name (by code point), strictly after a name, `limit` at most."""


class RecordStore(Protocol):
    """Small records beside the log: what rooms have besides their document."""

    async def get(self, kind: RecordKind, room: RoomKey, record_id: RecordId) -> Record | None:
        """The current record, or None where there is none.

        Raises:
            RecordDamaged: the record fails its checksum.
            StoreUnavailable: the store cannot be read now.
        """

    async def compare_and_set(self, kind: RecordKind, room: RoomKey, record: Record) -> Record:
        """Make or replace a record, durably, if its stored revision is still ``record.revision``.

        Args:
            kind: what it is about.
            room: whose it is; `NO_ROOM` for what belongs to the whole store.
            record: what to store; `revision` is the one it was derived from, 0 to create.

        Returns:
            The stored record, its revision one higher.

        Raises:
            RecordMoved: somebody else changed, made or deleted it first; nothing was written.
            StoreUnavailable: the outcome is unknown or the write failed; the caller may repeat
                the call, and then meets RecordMoved if the first one had succeeded.
        """

    async def delete(
        self,
        kind: RecordKind,
        room: RoomKey,
        record_id: RecordId,
        *,
        revision: int | None = None,
    ) -> None:
        """Delete a record, durably; deleting twice is no error.

        Args:
            kind: what it is about.
            room: whose it is.
            record_id: which one.
            revision: delete it only while it has this one; None for whatever it has.

        Raises:
            RecordMoved: it was changed or deleted since it had that revision.
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """

    async def list(
        self, kind: RecordKind, room: RoomKey, *, after: RecordId | None, limit: int
    ) -> tuple[Record, ...]:
        """Records of a kind and room in order of id (by code point), strictly after an id.

        Raises:
            RecordDamaged: a record fails its checksum; nothing is returned.
            StoreUnavailable: the store cannot be read now.
        """


class BlobStore(Protocol):
    """Whole files under keys: snapshots, versions, exports, archives."""

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Store a new blob durably; it appears whole or not at all.

        Raises:
            BlobMoved: there is one under this key; it stays as it is.
            StoreUnavailable: the outcome is unknown or the write failed; repeating is safe, and
                meets BlobMoved if the first call had succeeded.
        """

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace a blob durably if its content is still the one that `tag` names.

        Raises:
            BlobMoved: it was replaced or deleted meanwhile; nothing was written.
            StoreUnavailable: the outcome is unknown or the write failed.
        """

    async def read(self, key: BlobKey) -> Blob | None:
        """Read a blob whole; None where there is none.

        Raises:
            StoreUnavailable: it cannot be read now.
        """

    async def delete(self, key: BlobKey) -> None:
        """Delete a blob, durably; deleting twice is no error.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs whose key begins with a prefix, in order of key (by code point), after a key.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
