"""Where logs stand, asked of many rooms at once."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import Final, NamedTuple, Protocol

from collab.ids import FIRST_EPOCH, NO_SEQUENCE, Epoch, RoomKey, Sequence


class LogPlace(NamedTuple):
    """Where a log stands.

    Attributes:
        epoch: the log's.
        head: the highest sequence ever given.
    """

    epoch: Epoch
    head: Sequence


NO_LOG: Final = LogPlace(FIRST_EPOCH, NO_SEQUENCE)
"""Of a room that has no log yet."""


class LogHeads(Protocol):
    """Compares many logs with what is known of them, at the price of one question."""

    async def places(self, rooms: SequenceOf[RoomKey]) -> dict[RoomKey, LogPlace]:
        """Where the logs of some rooms stand, those left out that have none.

        What was committed before the call is seen, whoever committed it. Ask of some hundred rooms
        at most.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
