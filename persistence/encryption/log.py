"""The update log, its rows sealed."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from typing import Final

from collab.errors import DataKeyDestroyed, EpochMoved
from collab.ids import Epoch, RoomKey, Sequence
from collab.ports import LogRow, LogTail, UpdateLog
from persistence.encryption.data_keys import DataKeys
from persistence.encryption.envelope import is_sealed, place_of, seal, sealed_epoch, unseal

_KIND: Final = "row"


class EncryptedLog:
    """The log.

    Args:
        log: where sealed rows are kept.
        keys: the documents' keys.
    """

    def __init__(self, log: UpdateLog, keys: DataKeys) -> None:
        self._log = log
        self._keys = keys

    async def append(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, updates: SequenceOf[bytes]
    ) -> Sequence:
        """Append sealed updates; see `UpdateLog.append`."""
        try:
            cipher = await self._keys.for_writing(room, epoch)
        except DataKeyDestroyed:
            tail = await self._log.read(room, after=after)
            if tail.epoch == epoch:
                raise
            raise EpochMoved(expected=epoch, actual=tail.epoch) from None
        sealed = [
            seal(cipher, epoch, place_of(room, epoch, _KIND, sequence), update) if update else b""
            for sequence, update in enumerate(updates, start=after + 1)
        ]
        return await self._log.append(room, epoch=epoch, after=after, updates=sealed)

    async def begin_epoch(self, room: RoomKey, *, of: Epoch, epoch: Epoch, after: Sequence) -> None:
        """Begin a new epoch; see `UpdateLog.begin_epoch`."""
        await self._log.begin_epoch(room, of=of, epoch=epoch, after=after)

    async def skip_to(
        self, room: RoomKey, *, epoch: Epoch, after: Sequence, head: Sequence
    ) -> None:
        """Go on after a head; see `UpdateLog.skip_to`."""
        await self._log.skip_to(room, epoch=epoch, after=after, head=head)

    async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
        """Read and open rows; see `UpdateLog.read`."""
        tail = await self._log.read(room, after=after)
        rows = tuple([await self._opened(room, row) for row in tail.rows])
        return LogTail(rows, tail.head, tail.epoch, tail.quarantined)

    async def head(self, room: RoomKey) -> Sequence:
        """The head; see `UpdateLog.head`."""
        return await self._log.head(room)

    async def trim(self, room: RoomKey, *, through: Sequence) -> int:
        """Delete merged rows; see `UpdateLog.trim`."""
        return await self._log.trim(room, through=through)

    async def _opened(self, room: RoomKey, row: LogRow) -> LogRow:
        if not is_sealed(row.update):
            return row
        epoch = sealed_epoch(row.update)
        cipher = await self._keys.for_reading(room, epoch)
        place = place_of(room, epoch, _KIND, row.sequence)
        return replace(row, update=unseal(cipher, place, row.update))
