"""What the HTTP API asks of versions; implemented beside the rooms."""

from __future__ import annotations

from typing import Protocol

from collab.access import Claims
from collab.history.versions import Restored, Version
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
        self,
        name: RoomName,
        version_id: VersionId,
        claims: Claims,
        *,
        title: str | None,
        message: str | None,
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

    async def describe(self, name: RoomName, version: Version) -> bytes:
        """The content of a version as JSON: its roots by name, each with type and value.

        Raises:
            WorkerFailed: it could not be read within the limits of a worker.
        """

    async def compare(
        self, name: RoomName, version: Version, other: Version | None, *, as_scores: bool
    ) -> bytes:
        """What differs from a version to another one, or to the present document, as JSON.

        Args:
            name: the room.
            version: the one.
            other: the other; None for the present document.
            as_scores: as a musician would say it, measure by measure.

        Raises:
            WorkerFailed: they could not be read within the limits of a worker.
        """

    async def restore(self, name: RoomName, version: Version, claims: Claims) -> Restored:
        """Make the document what it was, by an edit like any other, for everybody at once.

        The state before is kept as a version first. What others write meanwhile is merged.

        Raises:
            LimitExceeded: the document would be too large.
            WorkerFailed: the edit could not be made within the limits of a worker.
            RoomUnavailable: it could not be stored; repeating is safe.
        """

    async def fork(
        self, name: RoomName, version: Version, target: RoomName, claims: Claims
    ) -> Version:
        """Begin another room with a version's content.

        Returns:
            The first version of the new room, which tells where it came from.

        Raises:
            StateConflict: there is something in the other room already.
            RoomUnavailable: it could not be stored.
        """
