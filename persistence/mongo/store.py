"""Opening, checking, measuring and closing the store in MongoDB as one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final, Self

from collab.errors import StoreUnavailable
from collab.ids import RoomKey
from collab.limits import MIB
from persistence.failpoints import Failpoints
from persistence.mongo.blobs import MongoBlobs
from persistence.mongo.committer import Committer
from persistence.mongo.leases import MongoLeases
from persistence.mongo.link import MongoLink
from persistence.mongo.log import MongoLog
from persistence.mongo.manifests import MongoManifests
from persistence.mongo.parts import Parts
from persistence.mongo.reading import ReadingLink, require_current
from persistence.mongo.records import MongoRecords
from persistence.mongo.schema import (
    META,
    QUARANTINED_SNAPSHOTS,
    QUARANTINED_UPDATES,
    prepare,
)
from persistence.mongo.snapshots import MongoSnapshots
from persistence.stores import MongoLimits, Stores, StoreUsage

CHECK_TIMEOUT_S: Final = 5.0
FREE_BYTES_MIN: Final = 64 * MIB
SPACE_LOOK_S: Final = 60.0
"""How long what is known of MongoDB's space is good for: some servers count for seconds."""
_PROBE: Final = "probe"


class MongoStore:
    """One database, opened by `MongoStore.open`; any number of processes may have it open."""

    def __init__(self, link: MongoLink, version: str, failpoints: Failpoints) -> None:
        self._link = link
        self._version = version
        self._failpoints = failpoints
        self._parts = Parts(link)
        self._committer = Committer(link, self._parts)
        self._is_closed = False
        self._free_bytes: int | None = None
        self._looked_at_s = -SPACE_LOOK_S
        self._look: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, url: str, limits: MongoLimits, failpoints: Failpoints, *, read_only: bool = False
    ) -> Self:
        """Connect, make or migrate the database, and remove what nodes left that ended long ago.

        Args:
            url: where it is.
            limits: bounds on waiting.
            failpoints: where to fail on purpose.
            read_only: connect only, and refuse every write.

        Raises:
            SettingsError: the URL cannot be understood, or there is nothing to read.
            StoreUnavailable: MongoDB cannot be reached, has no replica set, or the database cannot
                be used.
        """
        link = (ReadingLink if read_only else MongoLink)(url, limits, failpoints)
        try:
            if read_only:
                return cls(link, await require_current(link), failpoints)
            store = cls(link, await prepare(link), failpoints)
            await store._parts.remove_abandoned()
            await link.call(link.sessions.forget_old)
        except BaseException:
            await link.close()
            raise
        return store

    def stores(self) -> Stores:
        """The bundle that the rest of the program works with."""
        log = MongoLog(self._link, self._committer, self._parts)
        return Stores(
            log=log,
            heads=log,
            snapshots=MongoSnapshots(self._link, self._parts),
            manifests=MongoManifests(self._link),
            records=MongoRecords(self._link),
            leases=MongoLeases(self._link),
            blobs=MongoBlobs(self._link, self._parts),
            description=f"MongoDB {self._version} at {self._link.place}",
            backend=self,
            failpoints=self._failpoints,
            unfinished=self._parts.remove_abandoned,
        )

    async def scrub(self, room: RoomKey) -> None:
        """Delete what was moved aside of a room; MongoDB reuses the space by itself."""
        aside = self._link.collection(QUARANTINED_SNAPSHOTS)

        async def found() -> list[str]:
            return [line["_id"] async for line in aside.find({"room": room})]

        parts_ids = await self._link.call(found)
        await self._parts.remove(parts_ids)
        await self._link.call(lambda: aside.delete_many({"room": room}))
        updates = self._link.collection(QUARANTINED_UPDATES)
        await self._link.call(lambda: updates.delete_many({"room": room}))

    async def check(self) -> list[str]:
        """Write a beat with a majority, and tell when the space left was too little when last seen.

        The space is looked at meanwhile and never waited for, nor does a failing look matter: a
        store that saves is ready.
        """
        if self._is_closed:
            return ["the store is closed"]
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                meta = self._link.collection(META)
                await self._link.call(
                    lambda: meta.update_one({"_id": _PROBE}, {"$inc": {"beat": 1}}, upsert=True)
                )
        except StoreUnavailable as error:
            return [str(error)]
        except TimeoutError:
            return [f"MongoDB did not confirm a write within {CHECK_TIMEOUT_S:g} s"]
        self._look_at_space()
        if self._free_bytes is not None and self._free_bytes < FREE_BYTES_MIN:
            return [f"only {self._free_bytes // MIB} MiB are free on the disk of MongoDB"]
        return []

    def _look_at_space(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_at_s < SPACE_LOOK_S or self._look is not None:
            return
        self._looked_at_s = now_s
        self._look = asyncio.create_task(self._see_space())

    async def _see_space(self) -> None:
        try:
            with contextlib.suppress(StoreUnavailable):
                await self.usage()
        finally:
            self._look = None

    async def usage(self) -> StoreUsage:
        """Bytes of the database with its indexes, and bytes free on the disk of the primary."""
        found: dict[str, Any] = await self._link.call(
            lambda: self._link.database.command("dbStats")
        )
        self._looked_at_s = time.monotonic()
        self._free_bytes = None
        if "fsTotalSize" in found:
            self._free_bytes = int(found["fsTotalSize"] - found["fsUsedSize"])
        return StoreUsage(int(found["storageSize"] + found["indexSize"]), self._free_bytes)

    async def close(self) -> None:
        """Commit what was accepted, then let go of all connections."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._look is not None:
            self._look.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._look
        await self._committer.close()
        await self._link.close()
