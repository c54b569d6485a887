"""What the HTTP API may ask of versions: the protocol of ``gateway/api/version_services.py``."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable

import structlog

from collab.access import Claims
from collab.errors import LimitExceeded, RoomUnavailable, StateConflict
from collab.history.versions import Restored, Version, VersionKind, VersionSource
from collab.ids import RoomName, UnixSeconds, VersionId, room_key
from collab.limits import VERSION_NAME_CHARS_MAX, VERSIONS_NAMED_MAX
from gateway.observe.metrics import Metrics
from gateway.rooms.edit_authors import fresh_client
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.witnesses import version_cause
from persistence.offload import Offload
from persistence.versions import (
    Content,
    Label,
    add_version,
    delete_version,
    get_version,
    list_versions,
    name_version,
    new_version_id,
    read_version,
    take_content,
)
from workers.notices.relay import Announced, untold

_log = structlog.stdlib.get_logger(__name__)


class VersionServices:
    """Versions over one registry.

    Args:
        registry: the rooms.
        offload: where content is read.
        metrics: what is counted.
        wall: the wall clock, in seconds.
        announced: where deeds are announced of which others are to know.
        draw: any number below another one, for client ids.
    """

    def __init__(
        self,
        registry: RoomRegistry,
        offload: Offload,
        metrics: Metrics,
        wall: Callable[[], UnixSeconds],
        announced: Announced = untold,
        *,
        draw: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._registry = registry
        self._stores = registry.stores
        self._offload = offload
        self._metrics = metrics
        self._wall = wall
        self._announced = announced
        self._draw = draw
        self._adding = asyncio.Lock()

    async def exists(self, name: RoomName) -> bool:
        """Whether the room is live or stored; see ``RoomVersions``."""
        if self._registry.get(name) is not None:
            return True
        return await self._stores.manifests.get(room_key(name)) is not None

    async def list(self, name: RoomName) -> tuple[Version, ...]:
        """All versions; see ``RoomVersions``."""
        return await list_versions(self._stores, name)

    async def get(self, name: RoomName, version_id: VersionId) -> Version | None:
        """One version; see ``RoomVersions``."""
        return await get_version(self._stores, name, version_id)

    async def read(self, name: RoomName, version: Version) -> bytes:
        """The content of a version; see ``RoomVersions``."""
        return await read_version(self._stores, name, version)

    async def create(self, name: RoomName, title: str, message: str, claims: Claims) -> Version:
        """Keep the present state; see ``RoomVersions``."""
        content = await self._present(name)
        if not content.update:
            raise StateConflict("nothing was ever written in this room")
        label = Label(
            kind=VersionKind.NAMED,
            created_at=self._wall(),
            name=title,
            message=message,
            author=claims.subject,
            author_name=claims.display_name,
        )
        version_id = new_version_id(label.created_at, content.sequence)
        async with self._announced(version_cause(name, claims, version_id, label.created_at)):
            return await self._add(name, content, label, version_id)

    async def change(
        self,
        name: RoomName,
        version_id: VersionId,
        claims: Claims,
        *,
        title: str | None,
        message: str | None,
    ) -> Version | None:
        """Rename a version or say more about it; see ``RoomVersions``."""
        async with self._adding:
            known = await get_version(self._stores, name, version_id)
            cause = None
            if known is not None and title is not None and known.kind is not VersionKind.NAMED:
                await self._check_number(name)
                cause = version_cause(name, claims, version_id, self._wall())
            async with self._announced(cause):
                return await name_version(
                    self._stores, name, version_id, title=title, message=message
                )

    async def delete(self, name: RoomName, version: Version) -> None:
        """Delete a version; see ``RoomVersions``."""
        await delete_version(self._stores, name, version)
        _log.info("version.deleted", room=room_key(name)[:12], kind=version.kind.value)

    async def describe(self, name: RoomName, version: Version) -> bytes:
        """The content of a version as JSON; see ``RoomVersions``."""
        return await self._offload.describe(await read_version(self._stores, name, version))

    async def compare(
        self, name: RoomName, version: Version, other: Version | None, *, as_scores: bool
    ) -> bytes:
        """What differs; see ``RoomVersions``."""
        old = await read_version(self._stores, name, version)
        if other is None:
            new = (await self._present(name)).update
        else:
            new = await read_version(self._stores, name, other)
        return await self._offload.compare(old, new, as_scores=as_scores)

    async def restore(self, name: RoomName, version: Version, claims: Claims) -> Restored:
        """Make the document what it was; see ``RoomVersions``."""
        runner = await self._registry.open(name)
        self._registry.archived.check(runner)
        runner.busy += 1  # it must not be unloaded between its state and the edit
        try:
            # An erasure before the opening has left nothing to read, one after it refuses the edit.
            wanted = await read_version(self._stores, name, version)
            present = await self._present(name)
            if present.epoch != runner.appender.epoch:
                raise RoomUnavailable("the room began anew while a version of it was restored")
            message = f"Before {version.name or version.version_id} was restored"
            undo = await self._kept(name, present, message, claims)
            client = fresh_client(runner, self._draw)
            told, update = await self._offload.restore(present.update, wanted, client)
            sequence = await runner.append(update) if update else present.sequence
        finally:
            runner.busy -= 1
        self._metrics.restores.inc()
        _log.info("version.restored", room=runner.key[:12], sequence=sequence, bytes=len(update))
        undo_id = None if undo is None else undo.version_id
        return Restored(sequence, undo_id, tuple(json.loads(told)["notes"]))

    async def fork(
        self, name: RoomName, version: Version, target: RoomName, claims: Claims
    ) -> Version:
        """Begin another room with a version's content; see ``RoomVersions``."""
        content = await read_version(self._stores, name, version)
        async with self._adding:
            runner = await self._registry.open(target)
            room = runner.room
            if runner.appender.head or room.last_ticket or room.doc.is_incomplete:
                raise StateConflict("there is something in the room to be made already")
            await runner.append(content)
        label = Label(
            kind=VersionKind.NAMED,
            created_at=self._wall(),
            name=f"Fork of {name}"[:VERSION_NAME_CHARS_MAX],
            author=claims.subject,
            author_name=claims.display_name,
            source=VersionSource(name, version.version_id),
        )
        self._metrics.forks.inc()
        return await self._add(target, await self._present(target), label)

    async def keep_for_copy(self, name: RoomName, claims: Claims) -> Version | None:
        """A version of the present state to make a copy of; None where nothing was written."""
        return await self._kept(name, await self._present(name), "When it was copied", claims)

    async def _kept(
        self, name: RoomName, present: Content, message: str, claims: Claims
    ) -> Version | None:
        """A version of the present state, which the newest one may be; None where it is empty."""
        if not present.update:
            return None
        newest = (await list_versions(self._stores, name))[:1]
        for known in newest:
            if (known.epoch, known.sequence) == (present.epoch, present.sequence):
                return known
        label = Label(
            kind=VersionKind.AUTOMATIC,
            created_at=self._wall(),
            message=message,
            author=claims.subject,
            author_name=claims.display_name,
        )
        return await self._add(name, present, label)

    async def _present(self, name: RoomName) -> Content:
        """The document as it is now, all that was accepted so far included."""
        runner = self._registry.get(name)
        if runner is not None:
            await runner.drain()
        return await take_content(self._stores, name, self._offload.state)

    async def _add(
        self, name: RoomName, content: Content, label: Label, version_id: VersionId | None = None
    ) -> Version:
        async with self._adding:
            if label.kind is VersionKind.NAMED:
                await self._check_number(name)
            version = await add_version(self._stores, name, content, label, version_id)
        self._metrics.versions.labels(label.kind.value).inc()
        _log.info(
            "version.made",
            room=room_key(name)[:12],
            kind=label.kind.value,
            sequence=version.sequence,
            bytes=version.size_bytes,
        )
        return version

    async def _check_number(self, name: RoomName) -> None:
        versions = await list_versions(self._stores, name)
        named = sum(version.kind is VersionKind.NAMED for version in versions)
        if named >= VERSIONS_NAMED_MAX:
            raise LimitExceeded(
                f"a room may have {VERSIONS_NAMED_MAX} named versions", limit="versions_named_max"
            )
