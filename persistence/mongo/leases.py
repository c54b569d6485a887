"""The leases in MongoDB, by the clock of its primary: it reads ``$$NOW`` as it makes the change."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from collab.cluster.leases import FencingToken, Lease, LeaseHolder, LeaseName
from collab.errors import LeaseLost
from persistence.lease_rules import check_lease
from persistence.mongo.link import Document, MongoLink
from persistence.mongo.schema import LEASES

_NOW_MS: Final = {"$toLong": "$$NOW"}
_HELD: Final = {"$expr": {"$gt": ["$ends_at_unix_ms", _NOW_MS]}}


class MongoLeases:
    """The leases.

    Args:
        link: the database.
    """

    def __init__(self, link: MongoLink) -> None:
        self._link = link
        self._leases = link.collection(LEASES)

    async def acquire(
        self, name: LeaseName, holder: LeaseHolder, *, ttl_ms: int, value: bytes = b""
    ) -> Lease | None:
        """Take it; see `Leases.acquire`."""
        check_lease(name, value)
        # Of this call alone: the driver may repeat it, and must then find that it has succeeded.
        mark = secrets.token_bytes(12)
        change = _acquisition(holder, mark, ttl_ms, value)

        async def give() -> Document | None:
            found: Document | None = await self._leases.find_one_and_update(
                {"_id": name}, change, return_document=ReturnDocument.AFTER
            )
            return found

        found = await self._link.call(give)
        if found is None:
            await self._link.call(lambda: self._make(name))
            found = await self._link.call(give)
        if found is None or found["mark"] != mark:
            return None
        return Lease(name, holder, FencingToken(found["token"]), ttl_ms, value)

    async def renew(self, lease: Lease, *, ttl_ms: int, value: bytes = b"") -> Lease:
        """Hold it longer; see `Leases.renew`."""
        check_lease(lease.name, value)
        key = {"_id": lease.name, "token": lease.token, **_HELD}
        change = [{"$set": {"ends_at_unix_ms": _after(ttl_ms), "value": {"$literal": value}}}]
        done = await self._link.call(lambda: self._leases.update_one(key, change))
        if not done.matched_count:
            raise LeaseLost(f"the lease on {lease.name} is over")
        return replace(lease, left_ms=ttl_ms, value=value)

    async def release(self, lease: Lease) -> None:
        """Let others have it; see `Leases.release`."""
        key = {"_id": lease.name, "token": lease.token}
        over = {"$set": {"ends_at_unix_ms": 0}}
        await self._link.call(lambda: self._leases.update_one(key, over))

    async def held(self, prefix: str) -> tuple[Lease, ...]:
        """All that are held; see `Leases.held`."""
        names = {"_id": {"$gte": prefix, "$lt": prefix + "\x7f"}}
        left = {"$set": {"left_ms": {"$subtract": ["$ends_at_unix_ms", _NOW_MS]}}}
        stages: list[Document] = [{"$match": {**names, **_HELD}}, left, {"$sort": {"_id": 1}}]

        async def work() -> list[Document]:
            return [found async for found in await self._leases.aggregate(stages)]

        return tuple(
            Lease(
                LeaseName(found["_id"]),
                LeaseHolder(found["holder"]),
                FencingToken(found["token"]),
                found["left_ms"],
                found["value"],
            )
            for found in await self._link.call(work)
        )

    async def _make(self, name: LeaseName) -> None:
        """Make the document of a lease that nobody has had yet."""
        with contextlib.suppress(DuplicateKeyError):  # somebody else was faster
            await self._leases.insert_one({"_id": name, "token": 0, "ends_at_unix_ms": 0})


def _after(ttl_ms: int) -> Document:
    return {"$add": [_NOW_MS, ttl_ms]}


def _acquisition(holder: LeaseHolder, mark: bytes, ttl_ms: int, value: bytes) -> list[Document]:
    """Stages that give the lease away where it is free, and change nothing otherwise."""
    is_free = {"$lte": ["$ends_at_unix_ms", _NOW_MS]}
    is_done = {"$eq": ["$mark", {"$literal": mark}]}

    def given(new: object, old: str) -> Document:
        return {"$cond": [{"$or": [is_free, is_done]}, new, old]}

    # In one stage, whose expressions all see the document as it was before.
    return [
        {
            "$set": {
                "holder": given({"$literal": holder}, "$holder"),
                "mark": given({"$literal": mark}, "$mark"),
                "token": given({"$add": ["$token", 1]}, "$token"),
                "ends_at_unix_ms": given(_after(ttl_ms), "$ends_at_unix_ms"),
                "value": given({"$literal": value}, "$value"),
            }
        }
    ]
