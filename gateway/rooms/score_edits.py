"""Scores edited by the API: the protocol of ``gateway/api/score_edit_services.py``.

An edit is computed in a worker process from the room's present state, then stored and fanned out
like any other. One at a time for each room: the next one builds on it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from collab.access import Claims
from collab.errors import StateConflict
from collab.ids import RoomName
from collab.limits import SCORE_EDITS_KEPT_MAX
from collab.protocol.state_vector import decode_state_vector
from gateway.api.score_edit_services import EditFinding, MadeEdit, WantedEdit
from gateway.rooms.edit_authors import EditAuthors
from gateway.rooms.refusals import accepted
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner
from gateway.rooms.services import RoomServices
from persistence.offload import Offload
from persistence.score_record import (
    KeptEdit,
    ScoreRecord,
    change_score_record,
    read_score_record,
)

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """A live room in which nobody else of this node's API edits now.

    Attributes:
        runner: the room.
        present: its document.
        client: whose edit it will be.
    """

    runner: RoomRunner
    present: bytes
    client: int


class ScoreEdits:
    """Edits of the scores of one registry.

    Args:
        registry: the rooms.
        rooms: what is done with them.
        offload: where content is read.
    """

    def __init__(self, registry: RoomRegistry, rooms: RoomServices, offload: Offload) -> None:
        self._registry = registry
        self._stores = registry.stores
        self._rooms = rooms
        self._offload = offload
        self._authors = EditAuthors()

    @asynccontextmanager
    async def turn(self, name: RoomName) -> AsyncIterator[Turn]:
        """Hold a room from before its state is read until the edit made of it is stored.

        Raises:
            StateConflict: the score is archived.
        """
        async with self._authors.turn(name):
            runner = await self._rooms.open(name)
            self._registry.archived.check(runner)
            runner.busy += 1  # it must not be unloaded between its state and the edit
            try:
                await runner.drain()
                if runner.link is not None:  # what was written on another node a moment ago
                    await runner.appender.read_on()
                present = await self._rooms.state_of(runner)
                yield Turn(runner, present, self._authors.client(runner))
            finally:
                runner.busy -= 1

    async def edit(self, name: RoomName, wanted: WantedEdit, claims: Claims) -> MadeEdit:
        """Make operations as one edit; see ``RoomScoreEdits``."""
        async with self.turn(name) as turn:
            runner = turn.runner
            if wanted.request:
                known = await self._known(name, runner, wanted.request)
                if known is not None:
                    return known
            _check_seen(runner, wanted)
            request = {"operations": wanted.operations, "id_prefix": wanted.id_prefix}
            told, update = await self._offload.edit_score(
                turn.present, json.dumps(request).encode(), turn.client
            )
            body = accepted(told)
            self._rooms.check_size(update)
            if update:
                await self._append(name, turn, wanted, body, update)
        if update:
            told_of = {"by": claims.subject, "operations": len(wanted.operations)}
            _log.info("score.edited", room=runner.key[:12], **told_of)
        findings = [EditFinding(**each) for each in body["findings"]]
        return MadeEdit(runner.appender.head, body["made"], findings)

    async def _append(
        self,
        name: RoomName,
        turn: Turn,
        wanted: WantedEdit,
        body: Mapping[str, Any],
        update: bytes,
    ) -> None:
        """Store an edit; one with a key is told of before, or after if no clock would tell."""
        before, after = body["clocks"]
        kept = KeptEdit(
            request=wanted.request,
            client=turn.client,
            clock=after if after > before else 0,
            id_prefix=wanted.id_prefix,
            made=tuple(map(len, body["made"])),
        )
        try:
            if wanted.request and kept.clock:
                await self._keep(name, kept)
            _check_seen(turn.runner, wanted)  # once more, for what came while it was worked out
            await turn.runner.append(update)
        except BaseException:
            # Another edit at these clocks would be taken for the one that is told of.
            self._authors.forget(turn.runner)
            raise
        if wanted.request and not kept.clock:
            await self._keep(name, kept)

    async def _keep(self, name: RoomName, kept: KeptEdit) -> None:
        def change(known: ScoreRecord) -> ScoreRecord:
            others = [each for each in known.edits if each.request != kept.request]
            return replace(known, edits=(*others, kept)[-SCORE_EDITS_KEPT_MAX:])

        await change_score_record(self._stores, name, change)

    async def _known(self, name: RoomName, runner: RoomRunner, request: str) -> MadeEdit | None:
        """What became of a request that was made before; None where it never was."""
        record = await read_score_record(self._stores, name)
        clocks = decode_state_vector(runner.room.doc.state_vector())
        for kept in record.edits:
            if kept.request == request and clocks.get(kept.client, 0) >= kept.clock:
                return MadeEdit(runner.appender.head, _ids_of(kept), is_repeated=True)
        return None


def _ids_of(kept: KeptEdit) -> list[list[str]]:
    numbers = iter(range(1, sum(kept.made) + 1))
    return [[f"{kept.id_prefix}{next(numbers)}" for _ in range(many)] for many in kept.made]


def _check_seen(runner: RoomRunner, wanted: WantedEdit) -> None:
    """Refuse an edit of a state that whoever asks has not seen, where they want to know.

    Raises:
        StateConflict: there is more.
    """
    unsaved = runner.room.last_ticket - runner.room.durable_ticket
    head = runner.appender.head + unsaved
    is_newer = wanted.sequence is not None and head > wanted.sequence
    seen = wanted.state_vector
    if seen is not None and not is_newer:
        held = decode_state_vector(runner.room.doc.state_vector())
        is_newer = any(clock > seen.get(client, 0) for client, clock in held.items())
    if is_newer:
        raise StateConflict("the score was changed since")
