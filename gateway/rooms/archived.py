"""Archived scores: read by all who may, and edited by nobody, on any node.

That a score is archived stands in its record, which is read when its room is opened. Nodes that
have it open hear of a change by a row of its log that holds nothing: it is stored and passed on
like any other, adds nothing to the document, and says "read the record again". Sessions are capped
as by a ruling, so that providers are told that they may only read, and may edit again afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from weakref import WeakKeyDictionary

import structlog

from collab.access import Claims, Role, Ruling
from collab.errors import BandProError, RoomUnavailable, StateConflict
from collab.room.effects import Persist
from gateway.rooms.runner import RoomRunner
from gateway.rooms.runner_settings import MARK
from persistence.score_record import read_score_record
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)


class ArchivedRooms:
    """Which of the rooms that are live here are archived.

    Args:
        stores: where their records are.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        # Nothing is kept of rooms without a mark or a record, which most are.
        self._marks: WeakKeyDictionary[RoomRunner, int] = WeakKeyDictionary()
        self._revisions: WeakKeyDictionary[RoomRunner, int] = WeakKeyDictionary()
        self._archived: WeakKeyDictionary[RoomRunner, Ruling] = WeakKeyDictionary()
        self._looking: set[asyncio.Task[None]] = set()

    async def look(self, runner: RoomRunner) -> None:
        """Read a room's record, and let its sessions edit or not.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        if runner.marks:
            self._marks[runner] = runner.marks
        record = await read_score_record(self._stores, runner.name)
        if record.revision < self._revisions.get(runner, 0):
            return  # of two looks, the one that read first came back last
        if record.revision:
            self._revisions[runner] = record.revision
        if record.is_archived == (runner in self._archived):
            return
        if record.is_archived:
            self._archived[runner] = Ruling(runner.name, Role.VIEWER)
        else:
            ruling = self._archived.pop(runner)
            for session in list(runner.room.sessions.values()):
                left = tuple(each for each in session.claims.rulings if each is not ruling)
                runner.set_claims(session.session_id, replace(session.claims, rulings=left))
        for session in list(runner.room.sessions.values()):
            runner.set_claims(session.session_id, self.capped(runner, session.claims))

    def capped(self, runner: RoomRunner, claims: Claims) -> Claims:
        """Claims as they count in a room."""
        ruling = self._archived.get(runner)
        if ruling is None or any(each is ruling for each in claims.rulings):
            return claims
        return replace(claims, rulings=(*claims.rulings, ruling))

    def check(self, runner: RoomRunner) -> None:
        """Refuse an edit by the API.

        Raises:
            StateConflict: the score is archived.
        """
        if runner in self._archived:
            raise StateConflict("the score is archived")

    async def tell(self, runner: RoomRunner) -> None:
        """Have all nodes read the record of a room again, this one at once.

        Raises:
            RoomUnavailable: it could not be stored; repeating is safe.
        """
        room = runner.room
        room.last_ticket += 1
        ticket = room.last_ticket
        runner.run([Persist(MARK, ticket)])
        await runner.drain()
        if room.durable_ticket < ticket:
            raise RoomUnavailable("the change could not be stored; repeating it is safe")
        await self.look(runner)

    def tick(self, rooms: SequenceOf[RoomRunner]) -> None:
        """Look at the rooms in which others have left a mark."""
        for runner in rooms:
            if runner.marks != self._marks.get(runner, 0):
                self._marks[runner] = runner.marks
                task = asyncio.create_task(self._look_again(runner))
                self._looking.add(task)
                task.add_done_callback(self._looking.discard)

    async def _look_again(self, runner: RoomRunner) -> None:
        try:
            await self.look(runner)
        except BandProError as error:
            self._marks.pop(runner, None)  # at the next tick
            _log.warning("room.record_unread", room=runner.key[:12], error=type(error).__name__)
