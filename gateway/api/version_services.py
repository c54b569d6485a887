"""What the HTTP API asks of versions; implemented beside the rooms."""

from __future__ import annotations

from typing import Protocol

from collab.access import Claims
from collab.history.versions import Version
from collab.ids import RoomName, VersionId


class RoomVersions(Protocol):
    """The versions of the rooms' documents. All may raise StoreUnavailable."""

    async def exists(self, name: RoomName) -> bool:
        """Whether the room is live or stored. Opens nothing."""

    async def list(self, name: RoomName) -> tuple[Version, ...]:
        """All versions of a room, newest first; none for a room that does not exist."""

    async def get(self, name: RoomName, version_id: VersionId) -> Version | None:
        """One version, or None where there is none of this id."""

    async def read(self, name: RoomName, version: Version) -> bytes:
        """The content of a version as one update, which loads into an empty document."""

    async def create(self, name: RoomName, title: str, message: str, claims: Claims) -> Version:
        """Keep the present state of an existing room as a named version.

        All that was accepted before is in it. The author is who the claims say.

        Raises:
            StateConflict: nothing was ever written in the room.
            LimitExceeded: it has as many named versions as it may have.
            RoomQuarantined: the room is out of service.
            WorkerFailed: its content could not be read.
        """

    async def change(
        self, name: RoomName, version_id: VersionId, *, title: str | None, message: str | None
    ) -> Version | None:
        """Change a version's name or message, each left as it is where None.

        An automatic version that is given a name is a named one from then on.

        Returns:
            The version as it is now, or None where there is none of this id.

        Raises:
            LimitExceeded: the room has as many named versions as it may have.
        """

    async def delete(self, name: RoomName, version: Version) -> None:
        """Delete a version for good; deleting twice is no error."""
