"""What a running process holds of its store, whichever one that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from collab.cluster.heads import LogHeads
from collab.cluster.leases import Leases
from collab.errors import StoreUnavailable
from collab.ids import RoomKey, UnixSeconds
from collab.limits import MIB
from collab.ports import BlobStore, RecordStore, RoomManifests, SnapshotStore, UpdateLog
from persistence.failpoints import Failpoints

if TYPE_CHECKING:
    from persistence.encryption.data_keys import DataKeys


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """Room taken and left.

    Attributes:
        used_bytes: what the store takes on disk (in memory, for the memory store).
        free_bytes: what its file system has left; None where that means nothing.
    """

    used_bytes: int
    free_bytes: int | None


@dataclass(frozen=True, slots=True)
class S3Place:
    """A part of a bucket.

    Attributes:
        bucket: its name.
        prefix: before every key; empty, or ends with a slash.
    """

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class S3Limits:
    """How a bucket is reached, and how long it is waited for.

    Attributes:
        endpoint: the URL of a service other than Amazon's; None for that.
        region: None for what the environment says.
        path_style: whether the bucket's name stands in the path instead of the host.
        timeout_ms: until an answer, or the next part of one, comes.
        operation_timeout_ms: one call of the store, with everything that is tried again in it,
            for each `multipart_bytes_min` that it carries.
        attempts_max: tries of one request.
        multipart_bytes_min: what is larger is uploaded in parts.
        part_bytes: of each part; S3 wants 5 MiB or more.
        tags: whether objects are tagged with their kind, for lifecycle rules.
    """

    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False
    timeout_ms: int = 10_000
    operation_timeout_ms: int = 30_000
    attempts_max: int = 4
    multipart_bytes_min: int = 16 * MIB
    part_bytes: int = 8 * MIB
    tags: bool = True


@dataclass(frozen=True, slots=True)
class MongoLimits:
    """How long MongoDB is waited for, and how many connections are held.

    Attributes:
        operation_timeout_ms: one call of the store, with everything that is tried again in it; the
            server is told what is left of it (`maxTimeMS`).
        selection_timeout_ms: until a primary is found.
        socket_timeout_ms: until a connection is made, or an answer comes on it.
        connections_max: to each member of the replica set.
    """

    operation_timeout_ms: int = 5_000
    selection_timeout_ms: int = 4_000
    socket_timeout_ms: int = 4_000
    connections_max: int = 64


class Backend(Protocol):
    """What runs behind the ports and must be looked after as one."""

    async def check(self) -> list[str]:
        """Write and read a probe; return what is wrong, each as a sentence, or nothing."""

    async def usage(self) -> StoreUsage:
        """Measure the space taken and left."""

    async def scrub(self, room: RoomKey) -> None:
        """Remove what was moved aside of a room, and what is deleted but still in the files.

        Raises:
            StoreUnavailable: it was not done, or not to its end; repeating is safe.
        """

    async def close(self) -> None:
        """Finish what was accepted, then let go of everything. Closing twice is no error."""


class BlobPlace(Protocol):
    """Where blobs are kept, and must be looked after: a folder, a bucket or memory."""

    @property
    def blobs(self) -> BlobStore:
        """The port."""

    @property
    def description(self) -> str:
        """For people, such as ``blobs in ./data/blobs``; without anything secret."""

    async def check(self) -> list[str]:
        """Try it cheaply; return what is wrong, each as a sentence, or nothing."""

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Remove what uploads that began before a time have left unfinished; return how many."""

    async def close(self) -> None:
        """Let go of everything. Closing twice is no error."""


class BlobGate:
    """Lets writes through to the place for blobs, or says why not now.

    Attributes:
        reason: why nothing may be written there, as a sentence; empty while it may.
    """

    def __init__(self) -> None:
        self.reason = ""

    def require_open(self) -> None:
        """Pass it.

        Raises:
            StoreUnavailable: it is shut.
        """
        if self.reason:
            raise StoreUnavailable(self.reason)


@dataclass(frozen=True, slots=True)
class JoinedBackend:
    """A store and the place of its blobs, looked after as one.

    Attributes:
        store: keeps everything but blobs.
        place: keeps these.
    """

    store: Backend
    place: BlobPlace

    async def check(self) -> list[str]:
        """What is wrong with either."""
        return [*await self.store.check(), *await self.place.check()]

    async def usage(self) -> StoreUsage:
        """What the store takes, without blobs."""
        return await self.store.usage()

    async def scrub(self, room: RoomKey) -> None:
        """What the store has; a place keeps nothing of what was deleted there."""
        await self.store.scrub(room)

    async def close(self) -> None:
        """Close both."""
        await self.store.close()
        await self.place.close()


async def nothing_unfinished(before: UnixSeconds) -> int:
    """What a place has to clear that leaves nothing behind."""
    del before
    return 0


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports of one opened store; an async context manager that closes it.

    Attributes:
        log: every room's updates.
        heads: where the logs of many rooms stand.
        snapshots: merged updates.
        manifests: the mutable record of each room.
        records: what rooms have besides, in small records.
        leases: which node does what is to be done once.
        blobs: whole files.
        description: for people, such as ``SQLite in ./data``.
        backend: what runs behind the ports.
        failpoints: the same as inside the backend; none in production.
        unfinished: removes what uploads that began before a time left behind.
        gate: before the blobs, where they are kept apart from the rest.
        beneath: the same ports without encryption, where that is on; see `raw`.
        data_keys: the documents' keys, where encryption is on.
    """

    log: UpdateLog
    heads: LogHeads
    snapshots: SnapshotStore
    manifests: RoomManifests
    records: RecordStore
    leases: Leases
    blobs: BlobStore
    description: str
    backend: Backend
    failpoints: Failpoints = field(default_factory=Failpoints)
    unfinished: Callable[[UnixSeconds], Awaitable[int]] = nothing_unfinished
    gate: BlobGate = field(default_factory=BlobGate)
    beneath: Stores | None = None
    data_keys: DataKeys | None = field(default=None, repr=False)

    @property
    def raw(self) -> Stores:
        """The ports as stored: what is encrypted stays so, as in a backup."""
        return self.beneath or self

    async def check(self) -> list[str]:
        """Write and read a probe; return what is wrong, each as a sentence, or nothing.

        Cheap: one commit, shared with whatever is being saved, and one read.
        """
        return await self.backend.check()

    async def usage(self) -> StoreUsage:
        """Measure the space taken and left."""
        return await self.backend.usage()

    async def close(self) -> None:
        """Save what was accepted, then close. Closing twice is no error."""
        await self.backend.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
