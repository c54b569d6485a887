"""Deletes blobs that nothing names, once they are old.

Whatever names a blob is stored after the blob, and deleted before it: so a crash in between leaves
a blob without a name. Whether one is such an orphan can be told by its age alone: what is being
made looks the same for some seconds.

====================  =============================================================
blob                  is named by
====================  =============================================================
a room's snapshot     the room's manifest, or the record of an erasure
a room's version      the record of the version
retired client ids    the record of an erasure
a file of a job       the job, whose id its name begins with
a probe               nothing
====================  =============================================================

The order makes it safe beside other nodes: first a page of blobs is listed, then the names are
read, then what is old and was not named is deleted. A blob would have to be named for the first
time more than `ORPHAN_AGE_S_MIN` after it was made; every way to make one gives up long before.
What has another form than those above is left alone, and so are quarantined rooms, and rooms that
this store does not know: they may be another store's, which was given the same place by mistake.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from collab.errors import BlobsNotOwned
from collab.ids import NO_ROOM, BlobKey, RecordId, RoomKey, UnixSeconds
from collab.ports import BlobInfo, RecordKind, RoomStatus
from persistence.blob_keys import EXPORTS, ROOMS
from persistence.blob_owner import claim_if_free, ownership
from persistence.blob_probe import FOLDER as PROBES
from persistence.blob_snapshots import FOLDER as SNAPSHOTS
from persistence.blob_snapshots import snapshot_key
from persistence.erasure import RETIRED
from persistence.erasure_record import list_erasures
from persistence.stores import Stores
from persistence.versions import FOLDER as VERSIONS

KINDS: Final = {SNAPSHOTS: "snapshot", VERSIONS: "version", RETIRED: "retired"}
EXPORT: Final = "export"
PROBE: Final = "probe"
UNFINISHED: Final = "unfinished"

Rest = Callable[[], Awaitable[None]]
"""Called after each page and each room: waits for as long as others shall go first."""

_PAGE: Final = 1_000
_ROOM_BLOB: Final = re.compile(
    rf"{ROOMS}/(?P<room>[0-9a-f]{{64}})/[0-9]{{1,10}}/(?P<folder>[a-z-]+)/(?P<name>[^/]+)"
)
_EXPORT: Final = re.compile(rf"(?:.+/)?{EXPORTS}/(?P<job>[0-9a-f]{{40}})[.-][^/]+")
_PROBE: Final = re.compile(rf"{PROBES}/[0-9a-f]{{32}}")


@dataclass(slots=True)
class Harvest:
    """What a look at all blobs found.

    Attributes:
        blobs: how many there are.
        orphans: how many of them are orphans, by kind; and uploads that nobody finished.
        orphan_bytes: of those, uploads not counted.
        unknown_rooms: rooms that have blobs, and of which the store knows nothing.
    """

    blobs: int = 0
    orphans: Counter[str] = field(default_factory=Counter)
    orphan_bytes: int = 0
    unknown_rooms: int = 0


@dataclass(frozen=True, slots=True)
class _Names:
    """What names blobs of one room.

    Attributes:
        is_known: whether the store has heard of the room.
        is_left_alone: an operator is to look at it first, or it may be another store's.
        keys: the blobs that are named.
        versions: ids of its versions, which name theirs by these.
    """

    is_known: bool
    is_left_alone: bool
    keys: frozenset[BlobKey]
    versions: frozenset[str]

    def orphans(self, infos: Iterable[BlobInfo]) -> dict[BlobInfo, str]:
        """Those of the room's blobs that are of a known form and not named, with their kind."""
        found = {}
        for info in infos if not self.is_left_alone else ():
            folder, name = info.key.split("/")[3:]
            is_named = info.key in self.keys or (folder == VERSIONS and name in self.versions)
            if folder in KINDS and not is_named:
                found[info] = KINDS[folder]
        return found


async def claim_place(stores: Stores, rest: Rest) -> bool:
    """Make a place for blobs that nobody owns this store's, if all in it is of rooms it knows.

    Returns:
        False where another node was faster.

    Raises:
        BlobsNotOwned: there are blobs of other rooms.
        StoreUnavailable: the store or the place does not answer.
    """
    harvest = await find_orphans(stores, UnixSeconds(0), rest)
    if harvest.unknown_rooms:
        raise BlobsNotOwned(
            f"the place for blobs has those of {harvest.unknown_rooms} rooms that this store does "
            "not know: if no other store uses it, run `bandpro orphans --claim`"
        )
    return await claim_if_free(stores)


async def find_orphans(stores: Stores, before: UnixSeconds, rest: Rest) -> Harvest:
    """Count blobs that nothing names, and were made before a time; nothing is changed.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    return await _walk(stores, before, rest, deletes=False)


async def collect_orphans(stores: Stores, before: UnixSeconds, rest: Rest) -> Harvest:
    """Delete blobs that nothing names, and what uploads left, both if begun before a time.

    Args:
        stores: the store, which must own its place for blobs (`persistence.blob_owner`).
        before: by the clock of that place; `ORPHAN_AGE_S_MIN` ago or earlier where others may
            write.
        rest: paces it.

    Raises:
        BlobsNotOwned: the place became another store's meanwhile, or is disputed.
        StoreUnavailable: the store failed; what is left is found the next time.
    """
    harvest = await _walk(stores, before, rest, deletes=True)
    unfinished = await stores.unfinished(before)
    if unfinished:
        harvest.orphans[UNFINISHED] += unfinished
    return harvest


async def _walk(stores: Stores, before: UnixSeconds, rest: Rest, *, deletes: bool) -> Harvest:
    harvest = Harvest()
    last: RoomKey | None = None
    async for page in _pages(stores, harvest):
        for room, infos in groupby(page, key=_room_of):
            old = [info for info in infos if info.modified_at < before]
            if room is None:
                orphans = {info: PROBE for info in old if _PROBE.fullmatch(info.key)}
            else:
                names = await _names(stores, room)
                harvest.unknown_rooms += not names.is_known and room != last
                last = room
                orphans = names.orphans(old)
                if names.is_left_alone:
                    old = []
            orphans |= {info: EXPORT for info in old if await _is_of_no_job(stores, info)}
            if orphans and deletes:
                await ownership(stores)  # it may have been claimed, or be disputed, since
            for info, kind in orphans.items():
                if deletes:
                    await stores.raw.blobs.delete(info.key)
                harvest.orphans[kind] += 1
                harvest.orphan_bytes += info.size_bytes
            await rest()
    return harvest


async def _pages(stores: Stores, harvest: Harvest) -> AsyncIterator[SequenceOf[BlobInfo]]:
    """All blobs that may be orphans, those of one room together."""
    for folder in (PROBES, EXPORTS, ROOMS):
        after: BlobKey | None = None
        while page := await stores.raw.blobs.list(f"{folder}/", after=after, limit=_PAGE):
            harvest.blobs += len(page)
            yield page
            after = page[-1].key


def _room_of(info: BlobInfo) -> RoomKey | None:
    found = _ROOM_BLOB.fullmatch(info.key)
    return None if found is None else RoomKey(found["room"])


async def _is_of_no_job(stores: Stores, info: BlobInfo) -> bool:
    """Whether a blob is the file of a job that is not there, or no longer."""
    found = _EXPORT.fullmatch(info.key)
    if found is None:
        return False
    job = await stores.raw.records.get(RecordKind.JOB, NO_ROOM, RecordId(found["job"]))
    return job is None


async def _names(stores: Stores, room: RoomKey) -> _Names:
    """Read what names blobs of a room, now."""
    manifest = await stores.manifests.get(room)
    erasures = await list_erasures(stores, room)
    keys: set[BlobKey | None] = set()
    if manifest is not None:
        keys |= {snapshot_key(room, ref) for ref in manifest.snapshots}
    for erasure in erasures:
        # Also of one that is done: the manifest may have been read before it took over.
        keys.add(erasure.retired)
        if erasure.snapshot is not None:
            keys.add(snapshot_key(room, erasure.snapshot))
    versions = await _version_ids(stores, room)
    is_known = (
        manifest is not None or bool(erasures) or bool(versions) or await stores.log.head(room) > 0
    )
    is_quarantined = manifest is not None and manifest.status is RoomStatus.QUARANTINED
    return _Names(
        is_known=is_known,
        is_left_alone=is_quarantined or not is_known,
        keys=frozenset(key for key in keys if key is not None),
        versions=versions,
    )


async def _version_ids(stores: Stores, room: RoomKey) -> frozenset[str]:
    # Beneath the encryption: ids are plain, and a record whose key is gone still names its blob.
    ids: list[RecordId] = []
    after: RecordId | None = None
    while page := await stores.raw.records.list(RecordKind.VERSION, room, after=after, limit=_PAGE):
        ids += (record.record_id for record in page)
        after = page[-1].record_id
    return frozenset(ids)
