"""The states of a room; the table of what leads from one to the next is in `collab.room.room`."""

from __future__ import annotations

from enum import Enum


class RoomState(Enum):
    """Where a room is in its life."""

    LOADING = "loading"
    LIVE = "live"
    CLOSED = "closed"
