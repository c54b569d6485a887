"""What the HTTP API may ask of scores: the protocol of ``gateway/api/score_services.py``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from collab.access import Claims
from collab.errors import InvalidScore, StateConflict
from collab.ids import RoomName, UnixSeconds, room_key
from collab.score.schema import Json, Transposition
from gateway.api.score_services import Finding, NewScore
from gateway.rooms.new_scores import NewScores, record_new_score
from gateway.rooms.refusals import accepted
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.score_edits import ScoreEdits
from gateway.rooms.services import RoomServices
from gateway.rooms.titles import TitleKeeper
from gateway.rooms.versions import VersionServices
from persistence.offload import Offload
from persistence.score_record import ScoreRecord, change_score_record, read_score_record

_log = structlog.stdlib.get_logger(__name__)


class ScoreServices:
    """Scores over one registry.

    Args:
        registry: the rooms.
        rooms: what is done with them.
        edits: how they are edited.
        versions: what copies are made of.
        offload: where content is read.
        wall: the wall clock, in seconds.
        maker: makes new ones.
        titles: keeps those that the documents have.
    """

    def __init__(
        self,
        registry: RoomRegistry,
        rooms: RoomServices,
        edits: ScoreEdits,
        versions: VersionServices,
        offload: Offload,
        wall: Callable[[], UnixSeconds],
        maker: NewScores,
        titles: TitleKeeper,
    ) -> None:
        self._registry = registry
        self._stores = registry.stores
        self._rooms = rooms
        self._edits = edits
        self._versions = versions
        self._offload = offload
        self._wall = wall
        self._maker = maker
        self._titles = titles

    async def record(self, name: RoomName) -> ScoreRecord:
        """What is told about a score; see ``RoomScores``."""
        return await read_score_record(self._stores, name)

    async def summary(self, name: RoomName) -> Mapping[str, Json] | None:
        """A score in brief; see ``RoomScores``."""
        document = await self._rooms.document(name, state_vector=None)
        if document is None:
            return None
        found: Mapping[str, Json] = json.loads(await self._offload.summary(document))
        return found

    async def create(self, name: RoomName, new: NewScore, claims: Claims) -> ScoreRecord:
        """Make a score; see ``RoomScores``."""
        return await self._maker.create(name, new, claims.subject)

    async def import_file(
        self, name: RoomName, file: bytes, request: str, claims: Claims
    ) -> tuple[ScoreRecord, tuple[Finding, ...]]:
        """Make a score of a file; see ``RoomScores``."""
        return await self._maker.import_file(name, file, request, claims.subject)

    async def export(
        self, name: RoomName, part: str | None, transposition: Transposition | None
    ) -> bytes | None:
        """A score, or one part of it, as a file; see ``RoomScores``."""
        document = await self._rooms.document(name, state_vector=None)
        if document is None:
            return None
        wanted = json.dumps({"part": part, "transposition": transposition}).encode()
        told, file = await self._offload.export_score(document, wanted)
        try:
            accepted(told)
        except InvalidScore as error:
            # The request is as it should be; it is the room that is no score.
            raise StateConflict(str(error)) from error
        return file

    async def rename(self, name: RoomName, title: str, claims: Claims) -> ScoreRecord:
        """Give a score another title; see ``RoomScores``."""
        entries = json.dumps({"meta": {"title": title}}).encode()
        async with self._edits.turn(name) as turn:
            update = await self._offload.set_entries(turn.present, entries, turn.client)
            if update:
                await turn.runner.append(update)
        _log.info("score.renamed", room=room_key(name)[:12], by=claims.subject)
        try:
            return await change_score_record(
                self._stores, name, lambda known: replace(known, title=title)
            )
        finally:
            # Another title may have been written, and kept, between the edit and the record.
            self._titles.look_again(turn.runner)

    async def archive(self, name: RoomName, claims: Claims, *, is_archived: bool) -> ScoreRecord:
        """Let nobody edit a score, or everybody again; see ``RoomScores``."""
        now = self._wall()

        def change(known: ScoreRecord) -> ScoreRecord:
            if known.is_archived == is_archived:
                return known
            if not is_archived:
                return replace(known, archived_at=None, archived_by="")
            return replace(known, archived_at=now, archived_by=claims.subject)

        record = await change_score_record(self._stores, name, change)
        # Also where it was so already: whoever wrote that may have ended before this.
        await self._registry.archived.tell(await self._rooms.open(name))
        _log.info("score.archived", room=room_key(name)[:12], is_archived=is_archived)
        return record

    async def copy(self, name: RoomName, target: RoomName, claims: Claims) -> ScoreRecord:
        """Begin another room with what is in a score now; see ``RoomScores``."""
        version = await self._versions.keep_for_copy(name, claims)
        if version is None:
            raise StateConflict("nothing was ever written in this score")
        await self._versions.fork(name, version, target, claims)
        known = await read_score_record(self._stores, name)
        made = ScoreRecord(
            title=known.title,
            created_at=self._wall(),
            created_by=claims.subject,
            origin=f"copy:{version.version_id}",
        )
        return await record_new_score(self._stores, target, made)
