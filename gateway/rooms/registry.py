"""All rooms that are live on this node: opened once, unloaded when idle, drained at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from collections.abc import Sequence as SequenceOf
from contextlib import asynccontextmanager, suppress
from typing import Final
from weakref import ref

import structlog

from collab.access import Claims
from collab.errors import (
    BandProError,
    OpenInterrupted,
    RoomQuarantined,
    RoomUnavailable,
    StateConflict,
    StoreUnavailable,
)
from collab.ids import RoomName, Subject
from collab.limits import DISSOLVE_BYTES_MIN, OPEN_ATTEMPTS_MAX
from collab.protocol.close_codes import CloseCode
from collab.room.doc import RoomDoc
from collab.room.room import RoomState
from gateway.observe.metrics import Metrics
from gateway.rooms.applying import Slices
from gateway.rooms.archived import ArchivedRooms
from gateway.rooms.clock import now_ms
from gateway.rooms.joins import Joins, Merge
from gateway.rooms.neighbours import Neighbours
from gateway.rooms.runner import RoomRunner
from gateway.rooms.runner_settings import RunnerSettings
from persistence.crash_guard import give_back
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)
_TICK_S: Final = 1.0
_FORGET_TICKS: Final = 10
_DRAIN_SPREAD_S: Final = 2.0
_GIVE_BACK_S: Final = 0.5  # between attempts

Compact = Callable[[RoomRunner], Coroutine[None, None, None]]
Duty = Callable[[SequenceOf[RoomRunner]], None]
"""Begins, at a tick, what is due in any of the live rooms; must not take long."""


class RoomRegistry:
    """The rooms of one node.

    Args:
        stores: where rooms are kept.
        settings: what each runner is given.
        metrics: what is counted.
        compact: called after ticks for a room whose log may be due for compaction.
        merge: merges updates in a worker process; None to do all on the event loop.
        duties: what else is looked after at every tick.
        neighbours: told which rooms are live; None where there are no other nodes.

    Attributes:
        joins: what the rooms share for newcomers and large work.
        archived: which of the rooms nobody may edit.
        is_draining: the node is shutting down.
        is_leaving: nobody new is let in, because an operator wants the node empty.
    """

    def __init__(
        self,
        stores: Stores,
        settings: RunnerSettings,
        metrics: Metrics,
        compact: Compact,
        merge: Merge | None = None,
        *,
        duties: tuple[Duty, ...] = (),
        neighbours: Neighbours | None = None,
    ) -> None:
        self.stores = stores
        self.is_draining = False
        self.is_leaving = False
        self._settings = settings
        self._metrics = metrics
        self._compact = compact
        self._duties = duties
        self._neighbours = neighbours
        self._loads = asyncio.Semaphore(settings.loads_at_once_max)
        clocks = settings.clocks
        slices = Slices(settings.apply, clocks.monotonic_s, clocks.processor_s)
        self.archived = ArchivedRooms(stores)
        self.joins = Joins(stores, merge, settings.join_bytes_in_flight_max, slices)
        self._rooms: dict[RoomName, RoomRunner] = {}
        self._opening: dict[RoomName, asyncio.Task[RoomRunner]] = {}
        self._closed: set[RoomName] = set()
        self._compacting: dict[RoomName, asyncio.Task[None]] = {}
        self._parting: list[tuple[ref[RoomRunner], RoomDoc]] = []
        self._afterwork: set[asyncio.Task[None]] = set()
        self._owed: dict[RoomName, int] = {}  # attempts to open that are to be given back

    # Rooms ------------------------------------------------------------------------------------

    def live(self) -> list[RoomRunner]:
        """The rooms that are live now."""
        return [room for room in self._rooms.values() if room.room.state is RoomState.LIVE]

    @property
    def is_deserted(self) -> bool:
        """Whether nobody is in any room."""
        return not any(runner.seats for runner in self._rooms.values())

    @property
    def refuses(self) -> bool:
        """Whether nobody new is let in."""
        return self.is_draining or self.is_leaving

    def get(self, name: RoomName) -> RoomRunner | None:
        """A room if it is live here."""
        runner = self._rooms.get(name)
        return runner if runner is not None and runner.room.state is RoomState.LIVE else None

    def is_here(self, name: RoomName) -> bool:
        """Whether a room is live or being loaded."""
        return name in self._rooms or name in self._opening

    def is_opening(self, name: RoomName) -> bool:
        """Whether a room is being loaded."""
        return name in self._opening

    async def open(self, name: RoomName) -> RoomRunner:
        """A live room, loaded now if need be; all who ask meanwhile share one load.

        Raises:
            RoomQuarantined: an operator must release it first.
            RoomUnavailable: it cannot be loaded now, or this node is shutting down.
            StoreUnavailable: the store does not answer.
        """
        if self.refuses:
            raise RoomUnavailable("the server is restarting")
        if name in self._closed:
            raise RoomUnavailable("the room is being replaced")
        runner = self.get(name)
        if runner is not None:
            return runner
        task = self._opening.get(name)
        if task is None:
            task = self._opening[name] = asyncio.create_task(self._load(name))
            task.add_done_callback(lambda _: self._opening.pop(name, None))
        # One impatient caller must not cancel the load of all others.
        runner = await asyncio.shield(task)
        if self.refuses:
            raise RoomUnavailable("the server is restarting")  # the drain has not seen this room
        return runner

    def holds_edits(self, name: RoomName) -> bool:
        """Whether anything was accepted in a room that is live here."""
        runner = self._rooms.get(name)
        return runner is not None and bool(runner.room.last_ticket)

    @asynccontextmanager
    async def closed(self, name: RoomName) -> AsyncIterator[None]:
        """Close a room, all that it accepted being stored, and let nobody open it meanwhile.

        Raises:
            StateConflict: somebody does so already.
        """
        if name in self._closed:
            raise StateConflict("the room is being replaced already")
        self._closed.add(name)
        try:
            under_way = (self._opening.get(name), self._compacting.get(name))
            waited = (task for task in under_way if task is not None)
            await asyncio.gather(*waited, return_exceptions=True)
            runner = self._rooms.get(name)
            if runner is not None:
                await runner.drain()
                # Retryable: should nothing come of it, everybody just comes back.
                runner.discard(CloseCode.SERVICE_RESTART, "the room is being replaced")
                self._rooms.pop(name, None)
                self._part(runner)
            yield
        finally:
            self._closed.discard(name)

    async def _load(self, name: RoomName) -> RoomRunner:
        # After a restart everybody comes at once: rooms that are loaded answer, others take turns.
        async with self._loads:
            return await self._load_now(name)

    async def _load_now(self, name: RoomName) -> RoomRunner:
        runner = RoomRunner(name, self.stores, self._settings, self._metrics, self.joins)
        try:
            with self._metrics.load_seconds.time():
                await runner.load()
                await self.archived.look(runner)
        except BandProError as error:
            if isinstance(error, RoomQuarantined):
                self._metrics.rooms_quarantined.inc()
            if isinstance(error, OpenInterrupted):
                self._owe(name)
            self._metrics.loads_failed.inc()
            _log.warning("room.load_failed", room=runner.key[:12], error=type(error).__name__)
            raise
        self._rooms[name] = runner
        if self._neighbours is not None:
            self._neighbours.opened(runner)
        return runner

    def _owe(self, name: RoomName) -> None:
        """An attempt to open a room may have been counted, and no content killed this process."""
        if name not in self._owed:
            self._begin(self._give_back(name))
        self._owed[name] = min(self._owed.get(name, 0) + 1, OPEN_ATTEMPTS_MAX)  # no more count

    async def _give_back(self, name: RoomName) -> None:
        """Say so, once the store answers."""
        try:
            while self._owed[name] and not self.is_draining:
                await asyncio.sleep(_GIVE_BACK_S)
                with suppress(StoreUnavailable):
                    while self._owed[name]:
                        await give_back(self.stores, name)
                        self._owed[name] -= 1
        finally:
            del self._owed[name]

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._afterwork.add(task)
        task.add_done_callback(self._afterwork.discard)

    # Claims -----------------------------------------------------------------------------------

    def review(self, subject: Subject, judge: Callable[[Claims], Claims | None]) -> int:
        """Judge the claims of a subject's live sessions anew.

        Args:
            subject: whose.
            judge: the claims as they are now, or None where nothing is left of them.

        Returns:
            How many sessions there were.
        """
        reviewed = 0
        for runner in self.live():
            for session in list(runner.room.sessions.values()):
                if session.claims.subject != subject:
                    continue
                reviewed += 1
                claims = judge(session.claims)
                if claims is None:
                    runner.expel(session.session_id, CloseCode.UNAUTHENTICATED, "revoked")
                else:
                    capped = self.archived.capped(runner, claims)
                    runner.set_claims(session.session_id, capped)
        return reviewed

    # Time -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tick every room once a second, until cancelled."""
        while True:
            for _ in range(_FORGET_TICKS):
                await asyncio.sleep(_TICK_S)
                self.tick()
            for runner in self.live():
                runner.forget_unused()

    def tick(self) -> None:
        """Expire awareness, begin compactions and other duties, unload rooms that nobody uses."""
        at_ms = now_ms()
        for duty in () if self.is_draining else (self.archived.tick, *self._duties):
            duty(self.live())
        for name, runner in list(self._rooms.items()):
            runner.tick()
            if runner.room.state is RoomState.CLOSED:
                del self._rooms[name]
                self._part(runner)
                continue
            self._begin_compaction(runner)
            idle_since = runner.empty_since_ms
            if runner.seats or not runner.can_unload:
                continue
            if idle_since is None:
                runner.empty_since_ms = idle_since = at_ms
            if self.is_leaving or at_ms - idle_since >= self._settings.unload_after_ms:
                del self._rooms[name]
                self._part(runner)
                _log.info("room.unloaded", room=runner.key[:12])
        self._dissolve()
        self._metrics.rooms.set(len(self._rooms))

    def _part(self, runner: RoomRunner) -> None:
        """See a room off; one with a large document is freed in slices."""
        if self._neighbours is not None:
            self._neighbours.closed(runner)
        runner.part()
        if runner.room.doc.size_bytes >= DISSOLVE_BYTES_MIN:
            self._parting.append((ref(runner), runner.room.doc))

    def _dissolve(self) -> None:
        """Take the documents apart whose rooms nobody holds any more, a request for example."""
        gone = [doc for runner, doc in self._parting if runner() is None]
        if not gone:
            return
        self._parting = [each for each in self._parting if each[0]() is not None]
        for doc in gone:
            self._begin(self.joins.slices.run(doc.dissolve_in_steps()))

    def _begin_compaction(self, runner: RoomRunner) -> None:
        if runner.name in self._compacting or self.is_draining:
            return
        if not runner.is_due_for_compaction:
            return
        task = asyncio.create_task(self._compact(runner))
        self._compacting[runner.name] = task
        task.add_done_callback(lambda _: self._compacting.pop(runner.name, None))

    # The end ----------------------------------------------------------------------------------

    async def drain(self, timeout_s: float) -> bool:
        """Refuse new rooms, save everything, close every session in its own moment.

        Args:
            timeout_s: the most it may take.

        Returns:
            Whether everything that was accepted is durable.
        """
        self.is_draining = True
        rooms = self.live()
        _log.info("node.draining", rooms=len(rooms))
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(runner.drain() for runner in rooms))
                await self.close_in_turn(rooms, min(_DRAIN_SPREAD_S, timeout_s / 4), 0.02)
                # What was under way may be taken while the rest is waited for.
                while unsaved := [room for room in self.live() if not room.room.is_saved]:
                    await asyncio.gather(*(runner.drain() for runner in unsaved))
        except TimeoutError:
            _log.error("node.drain_timed_out", unsaved=sum(not r.room.is_saved for r in rooms))
            return False
        return all(runner.room.is_saved for runner in rooms)

    async def close_in_turn(
        self, rooms: list[RoomRunner], spread_s: float, pause_s_max: float
    ) -> None:
        """Close sessions in random order over a while, so that they do not come back as one.

        Args:
            rooms: whose sessions; those who come while it goes on stay.
            spread_s: how long it takes for many.
            pause_s_max: from one to the next, for few.
        """
        seats = [(runner, session_id) for runner in rooms for session_id in runner.seats]
        random.shuffle(seats)
        pause_s = min(spread_s / max(len(seats), 1), pause_s_max)
        for runner, session_id in seats:
            seat = runner.seats.get(session_id)
            if seat is not None:
                seat.close(CloseCode.SERVICE_RESTART, "")
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads clients
