"""The versions of one room of a running server, as `bandpro versions` asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from collab.errors import SettingsError
from collab.history.versions import VersionKind
from collab.ids import RoomName, VersionId
from gateway.api.terms import VERSIONS_LIMIT_MAX
from gateway.remote import RemoteServer, room_path

Told = dict[str, Any]
"""What the API tells about a version, as it stands in its description."""

ADVICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        403: "Viewers may list, open and compare versions, editors also make, rename and restore "
        "them, owners also delete them; a fork takes an editor of the other room.",
        404: "`bandpro versions list ROOM` shows a room's versions, `bandpro rooms` the rooms.",
        409: "Named versions take a room that was written in, forks one that never was.",
    }
)
"""What to do about refusals of what has to do with versions."""


class RemoteVersions:
    """The versions of a room; each method makes one request or more.

    Every method raises SettingsError where the server cannot be reached or says no.

    Args:
        server: where the room is, with `ADVICE`.
        room: which one.
    """

    def __init__(self, server: RemoteServer, room: RoomName) -> None:
        self._server = server
        self._path = f"{room_path(room)}/versions"

    def list(self, kind: VersionKind | None) -> Iterator[Told]:
        """All versions, or those of one kind, newest first."""
        query: dict[str, str | int] = {"limit": VERSIONS_LIMIT_MAX}
        if kind is not None:
            query["kind"] = kind.value
        while True:
            page = self._server.ask_json("GET", self._path, query=query)
            yield from page["versions"]
            if page["next"] is None:
                return
            query["before"] = page["next"]

    def create(self, name: str, message: str) -> Told:
        """Keep the present state under a name."""
        return self._server.ask_json("POST", self._path, body={"name": name, "message": message})

    def get(self, version_id: VersionId) -> Told:
        """What is told about a version."""
        return self._server.ask_json("GET", self._of(version_id))

    def content(self, version_id: VersionId) -> Told:
        """A version's content as JSON: its roots by name."""
        return self._server.ask_json("GET", f"{self._of(version_id)}/content")

    def update(self, version_id: VersionId) -> bytes:
        """A version's content as one update, checked against what is told about it."""
        told = self.get(version_id)
        update = self._server.ask("GET", f"{self._of(version_id)}/update").content
        if hashlib.sha256(update).hexdigest() != told["checksum"]:
            raise SettingsError("what arrived is not the version: its SHA-256 differs")
        return update

    def compare(self, old: VersionId, new: VersionId | None, *, as_scores: bool) -> Told:
        """What differs between a version and another one, or the present document."""
        query = ({} if new is None else {"to": new}) | ({"view": "score"} if as_scores else {})
        return self._server.ask_json("GET", f"{self._of(old)}/compare", query=query)

    def change(self, version_id: VersionId, told: Mapping[str, str]) -> Told:
        """Give a version another name, another message, or both."""
        return self._server.ask_json("PATCH", self._of(version_id), body=dict(told))

    def restore(self, version_id: VersionId) -> Told:
        """Return to a version."""
        return self._server.ask_json("POST", f"{self._of(version_id)}/restore")

    def fork(self, version_id: VersionId, target: RoomName) -> Told:
        """Begin another room with a version; its own first version is what is told."""
        body = {"room": target}
        return self._server.ask_json("POST", f"{self._of(version_id)}/fork", body=body)

    def delete(self, version_id: VersionId) -> None:
        """Delete a version for good."""
        self._server.ask("DELETE", self._of(version_id))

    def _of(self, version_id: VersionId) -> str:
        return f"{self._path}/{version_id}"
