"""Bytes of any size in parts that fit into documents, and how none are left behind.

A set of parts that nothing names is listed in `UNSETTLED`. It is listed before its first part is
stored, and struck from the list in the transaction that names it; it is listed again in the
transaction that stops naming it. So what is listed for a day belongs to a node that ended in the
middle, and is removed at the next start of any node, and by age.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence as SequenceOf
from typing import Final

from collab.ids import UnixSeconds
from collab.limits import MIB
from persistence.mongo.link import MongoLink, Session
from persistence.mongo.schema import PARTS, UNSETTLED

PART_BYTES: Final = 4 * MIB  # well below 8 MB, half of what a document of MongoDB may have
ABANDONED_AFTER_S: Final = 24 * 3600
"""No node takes as long to store a set, whatever its clock says."""


class Parts:
    """All sets of parts.

    Args:
        link: the database.
    """

    def __init__(self, link: MongoLink) -> None:
        self._link = link
        self._parts = link.collection(PARTS)
        self._unsettled = link.collection(UNSETTLED)

    async def store(self, data: bytes, *, prefix: str = "") -> str:
        """Store bytes as a new set that nothing names yet; return its id, a random one."""
        parts_id = prefix + secrets.token_hex(16)
        await self._link.call(lambda: self._unsettled.insert_one(_listed(parts_id)))
        for part, start in enumerate(range(0, max(1, len(data)), PART_BYTES)):
            piece = {"of": parts_id, "part": part, "bytes": data[start : start + PART_BYTES]}
            await self._link.call(lambda piece=piece: self._parts.insert_one(piece))  # type: ignore[misc]
        return parts_id

    async def load(self, parts_id: str) -> bytes:
        """The bytes of a set; fewer, or none, where parts are missing."""

        async def pieces() -> list[bytes]:
            found = self._parts.find({"of": parts_id}).sort("part")
            return [document["bytes"] async for document in found]

        return b"".join(await self._link.call(pieces))

    async def settle(self, parts_ids: SequenceOf[str], session: Session) -> None:
        """Strike sets from the list, in the transaction that names them."""
        if parts_ids:
            await self._unsettled.delete_many({"_id": {"$in": list(parts_ids)}}, session=session)

    async def unsettle(self, parts_ids: SequenceOf[str], session: Session) -> None:
        """List sets, in the transaction that stops naming them."""
        if parts_ids:
            await self._unsettled.insert_many(map(_listed, parts_ids), session=session)

    async def remove(self, parts_ids: SequenceOf[str]) -> None:
        """Delete listed sets; repeating is safe."""
        for parts_id in parts_ids:
            await self._link.call(lambda of=parts_id: self._parts.delete_many({"of": of}))  # type: ignore[misc]
            await self._link.call(lambda of=parts_id: self._unsettled.delete_one({"_id": of}))  # type: ignore[misc]

    async def remove_abandoned(self, before: UnixSeconds | None = None) -> int:
        """Delete what was listed so long ago that its node must have ended; return how many sets.

        Args:
            before: leave what is younger than that as well.
        """
        end = int(time.time()) - ABANDONED_AFTER_S
        listed_before = {"$lt": end if before is None else min(end, before)}

        async def found() -> list[str]:
            listed = self._unsettled.find({"since_unix_s": listed_before})
            return [document["_id"] async for document in listed]

        abandoned = await self._link.call(found)
        await self.remove(abandoned)
        return len(abandoned)


def _listed(parts_id: str) -> dict[str, object]:
    return {"_id": parts_id, "since_unix_s": int(time.time())}
