"""Jobs in the presence of their rooms: people see what is being made of the score that they are in.

Each node shows the people in its own rooms what the store says, under a client id of its own that
other nodes are not told of: so everybody sees each job once, whichever process does it. Nothing is
shown where nobody is, and what is shown is taken back when its jobs have ended; if this process
dies, it expires like anybody's state.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import orjson
import structlog

from collab.awareness import Publisher
from collab.errors import BandProError
from collab.ids import Milliseconds, RoomName, SessionId, Subject
from collab.protocol.messages import AwarenessEntry
from collab.room.effects import Announce
from gateway.api.job_answers import JobFacts
from gateway.rooms.clock import now_ms
from gateway.rooms.runner import RoomRunner
from workers.jobs.job import Job, JobId

RENEW_MS: Final = 10_000
"""Clients take a state for gone that was not renewed for 30 s."""

LOOK_S: Final = 5.0
"""Between two looks for jobs that another node was asked for."""

SHOWN_MAX: Final = 20  # jobs of one room
UNDER_WAY_MAX: Final = 200  # jobs that are looked at; those whose turn comes first
_CLIENT_ID_END: Final = 2**32  # as Yjs draws them
_NODE: Final = "jobs"  # no node's name as others give it: what it owns is never passed on
_PUBLISHER: Final = Publisher(SessionId("jobs"), Subject("jobs"), node=_NODE)
_log = structlog.stdlib.get_logger(__name__)


class JobsUnderWay(Protocol):
    """Where jobs are recorded."""

    async def under_way(self, limit: int) -> SequenceOf[JobId]:
        """Jobs that wait or run, those whose turn comes first in front."""

    async def get(self, job_id: JobId) -> Job | None:
        """The job as it is; None where there is none."""


@dataclass(slots=True)
class _Shown:
    """What the people in a room are shown."""

    client_id: int
    clock: int
    state: str
    at_ms: Milliseconds


class JobPresence:
    """Shows jobs in the rooms of one node.

    Args:
        live: the rooms that are live here.
        jobs: where they are recorded.
        asked: waits until somebody asks for a job here.
        pause: waits between two looks while there are jobs.
        is_alone: whether nobody else is asked for jobs, so that without any here none are sought.
    """

    def __init__(
        self,
        live: Callable[[], Iterable[RoomRunner]],
        jobs: JobsUnderWay,
        asked: Callable[[], Awaitable[None]],
        pause: Callable[[], Awaitable[None]],
        *,
        is_alone: bool,
    ) -> None:
        self._live = live
        self._jobs = jobs
        self._asked = asked
        self._pause = pause
        self._look_s = None if is_alone else LOOK_S
        self._rooms: dict[JobId, RoomName | None] = {}
        self._shown: WeakKeyDictionary[RoomRunner, _Shown] = WeakKeyDictionary()

    async def run(self) -> None:
        """Show jobs until cancelled."""
        while True:
            try:
                is_quiet = not await self.look()
            except BandProError as error:
                _log.warning("jobs.not_shown", error=type(error).__name__)
                is_quiet = False
            if not is_quiet:
                await self._pause()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await self._asked()

    async def look(self) -> bool:
        """Show what is under way now; whether anything is.

        Raises:
            StoreUnavailable: the store cannot be read now.
        """
        ids = await self._jobs.under_way(UNDER_WAY_MAX)
        self._rooms = {each: self._rooms[each] for each in ids if each in self._rooms}
        by_room: dict[RoomName, dict[str, Any]] = {}
        seated = {runner.name for runner in self._live() if runner.seats}
        for job_id in ids:
            if job_id in self._rooms and self._rooms[job_id] not in seated:
                continue
            job = await self._jobs.get(job_id)
            if job is None or job.is_final:
                continue
            room = self._rooms[job_id] = job.payload.get("room")
            if room in seated and len(by_room.setdefault(room, {})) < SHOWN_MAX:
                by_room[room][job_id] = JobFacts.of_job(job).model_dump(mode="json")
        for runner in list(self._live()):
            self._show(runner, by_room.get(runner.name) if runner.seats else None)
        return bool(ids)

    def _show(self, runner: RoomRunner, jobs: dict[str, Any] | None) -> None:
        """Show these jobs in a room, or none; says nothing where nothing has changed."""
        shown, at_ms = self._shown.get(runner), now_ms()
        if not jobs:
            if self._shown.pop(runner, None) is not None:
                withdrawn = runner.room.awareness.leave(_PUBLISHER.session_id, at_ms)
                runner.announce(Announce(withdrawn))
            return
        state = orjson.dumps({"jobs": jobs}).decode()
        if shown is None:
            # A new id each time: clients remember the clocks of those that they have seen.
            shown = _Shown(secrets.randbelow(_CLIENT_ID_END), -1, "", at_ms)
            self._shown[runner] = shown
        elif shown.state == state and at_ms - shown.at_ms < RENEW_MS:
            return
        shown.clock, shown.state, shown.at_ms = shown.clock + 1, state, at_ms
        entry = AwarenessEntry(shown.client_id, shown.clock, state)
        news = runner.room.awareness.receive_peer(_PUBLISHER, entry, shown.clock, at_ms)
        if news is not None:
            runner.announce(Announce((news,)))
