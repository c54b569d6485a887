"""The outbox: causes that were written down and whose events are not all handed on.

The ports of the store know no transaction over several keys, and comments lie in a document's log,
versions in records, exports in jobs. So a cause is written down before the deed, and what became of
it is looked up afterwards where the deed itself is stored. A crash in between leaves a cause, which
is looked up later: nothing that happened is forgotten, and what did not happen is not told.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from collab.errors import RecordMoved
from collab.ids import NO_ROOM, RecordId
from collab.ports import Record, RecordKind, RecordStore
from workers.notices.events import Cause, event_id_of

PAGE: Final = 100


class Outbox:
    """Causes in the records of a store.

    Args:
        records: of the store.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    async def add(self, cause: Cause) -> Cause:
        """Write a cause down, durably; one that is there already is begun anew.

        Returns:
            The cause as it is stored, to be struck unless somebody else begins it anew.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        while True:
            known = await self._records.get(RecordKind.OUTBOX, NO_ROOM, _place(cause))
            first = replace(cause, revision=0)
            if known is not None:
                first = Cause.decode(known.value, known.revision)
            wanted = replace(first, tried_at=cause.at)
            record = Record(_place(cause), first.revision, wanted.encode())
            try:
                stored = await self._records.compare_and_set(RecordKind.OUTBOX, NO_ROOM, record)
            except RecordMoved:
                continue
            return replace(wanted, revision=stored.revision)

    async def strike(self, cause: Cause) -> None:
        """Forget a cause: nothing follows from it any more. One begun anew since stays.

        Raises:
            StoreUnavailable: the outcome is unknown; repeating is safe.
        """
        with suppress(RecordMoved):
            await self._records.delete(
                RecordKind.OUTBOX, NO_ROOM, _place(cause), revision=cause.revision
            )

    async def list(self, *, after: Cause | None) -> tuple[Cause, ...]:
        """A page of causes; an empty one after the last.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        start = None if after is None else _place(after)
        found = await self._records.list(RecordKind.OUTBOX, NO_ROOM, after=start, limit=PAGE)
        return tuple(Cause.decode(record.value, record.revision) for record in found)


def _place(cause: Cause) -> RecordId:
    return RecordId(event_id_of(cause.kind, cause.room, cause.cause_id))
