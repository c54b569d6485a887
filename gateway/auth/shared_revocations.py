"""The revocations of many nodes: numbered records in the store, which every node reads on from.

A record is made under the next free number by compare-and-set, so numbers have no gaps and no node
misses one. Old ones are deleted from the front; the newest stays, for it holds the number.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Final

import structlog

from collab.errors import BandProError, RecordMoved, StoreUnavailable
from collab.ids import NO_ROOM, RecordId, UnixSeconds
from collab.ports import Record, RecordKind, RecordStore
from gateway.auth.revocation_file import Revocation, decode_revocation, encode_revocation
from gateway.auth.revocations import Revocations

_log = structlog.stdlib.get_logger(__name__)
FOLLOW_S: Final = 2.0
"""How often the store is asked for new ones; a bus tells at once."""

_KIND: Final = RecordKind.REVOCATION
_PAGE: Final = 500
_LOOKS_TO_FORGET: Final = 1_000
_RIVALS_MAX: Final = 1_000


class SharedRevocations:
    """The revocations in a store, as far as one node has read them.

    Args:
        records: where they are.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._last = 0

    async def read_on(self) -> list[Revocation]:
        """Those that were added since the last call, in order.

        Raises:
            StoreUnavailable: they cannot be read now, or one is damaged.
        """
        found: list[Revocation] = []
        while True:
            after = _record_id(self._last) if self._last else None
            page = await self._records.list(_KIND, NO_ROOM, after=after, limit=_PAGE)
            for record in page:
                found.append(_decoded(record))
                self._last = max(self._last, int(record.record_id))
            if len(page) < _PAGE:
                return found

    async def append(self, revocation: Revocation) -> list[Revocation]:
        """Store one more, durably.

        Returns:
            Those of others that were read on the way to its number.

        Raises:
            StoreUnavailable: it may not be stored; to repeat the call is safe.
        """
        others: list[Revocation] = []
        for _ in range(_RIVALS_MAX):
            number = self._last + 1
            record = Record(_record_id(number), 0, encode_revocation(revocation))
            try:
                await self._records.compare_and_set(_KIND, NO_ROOM, record)
            except RecordMoved:
                others += await self.read_on()
            else:
                self._last = max(self._last, number)
                return others
        raise StoreUnavailable("others were faster at every attempt to store a revocation")

    async def forget(self, before: UnixSeconds) -> None:
        """Delete those of before a time; the newest record stays.

        Raises:
            StoreUnavailable: some may be left.
        """
        after: RecordId | None = None
        while page := await self._records.list(_KIND, NO_ROOM, after=after, limit=_PAGE):
            for record in page:
                is_newest = int(record.record_id) >= self._last
                if is_newest or _decoded(record).revoked_at >= before:
                    return
                await self._records.delete(_KIND, NO_ROOM, record.record_id)
            after = page[-1].record_id


class RevocationFollower:
    """Keeps a node's revocations at what the store says.

    Args:
        revocations: those in force on this node.
        shared: those of all nodes.
        wall: the wall clock.
        expired_before: which of them matter no more; None to leave them to another node.
    """

    def __init__(
        self,
        revocations: Revocations,
        shared: SharedRevocations,
        wall: Callable[[], UnixSeconds],
        expired_before: Callable[[], UnixSeconds | None],
    ) -> None:
        self._revocations = revocations
        self._shared = shared
        self._wall = wall
        self._expired_before = expired_before
        self._due = asyncio.Event()

    def look_soon(self) -> None:
        """Another node says that there may be new ones."""
        self._due.set()

    async def run(self) -> None:
        """Read on every two seconds, and when told to, until cancelled."""
        for look in itertools.count():
            try:
                await self._revocations.read_on(now=self._wall())
                before = None if look % _LOOKS_TO_FORGET else self._expired_before()
                if before is not None:
                    await self._shared.forget(before)
            except BandProError as error:
                _log.warning("revocations.not_read", error=str(error))
            except Exception:  # noqa: BLE001 - our own defect must not end this for good
                _log.exception("revocations.broke")
            try:
                async with asyncio.timeout(FOLLOW_S):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()


def _record_id(number: int) -> RecordId:
    return RecordId(f"{number:016d}")


def _decoded(record: Record) -> Revocation:
    try:
        return decode_revocation(record.value)
    except (ValueError, KeyError, TypeError, AttributeError, BandProError) as error:
        raise StoreUnavailable(f"the revocation {record.record_id} is damaged") from error
