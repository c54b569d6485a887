"""Makes versions of live rooms by their activity, one after the other, off the event loop.

A look at all rooms costs a comparison each. What is due is read from the store and put together in
a worker process, as for a compaction; a tick that came late, because the node is busy, begins
nothing. Among many nodes a room's home makes them, and another that has the room open if the home
does nothing for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

import structlog

from collab.errors import BandProError, LeaseHeld
from collab.history.versions import (
    Activity,
    ActivityRules,
    ThinningRules,
    VersionKind,
    adds_to,
    is_due,
    plan_thinning,
)
from collab.ids import RoomName, Sequence, UnixSeconds, commented_room, room_key
from gateway.observe.metrics import Metrics
from gateway.rooms.once_only import Alone, OnceOnly, Patience, Turn
from gateway.rooms.runner import RoomRunner
from persistence.stores import Stores
from persistence.versions import (
    Label,
    Stateful,
    add_version,
    delete_unnamed_version,
    list_versions,
    take_content,
)

_log = structlog.stdlib.get_logger(__name__)
TICK_LATE_S: Final = 1.5
"""A tick that comes so long after the one before, instead of a second, tells of a busy node."""

_AT_ONCE_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class VersionRules:
    """What a node is told about versions.

    Attributes:
        automatic: whether any are made by activity.
        activity: when.
        thinning: how long those are kept.
    """

    automatic: bool = True
    activity: ActivityRules = field(default_factory=ActivityRules)
    thinning: ThinningRules = field(default_factory=ThinningRules)


@dataclass(slots=True)
class _Mark:
    """Up to where a room's edits need no version, and since when that is known."""

    sequence: Sequence
    since_s: float


class VersionKeeper:
    """The automatic versions of one node's rooms.

    Args:
        stores: where rooms and versions are kept.
        stateful: makes updates one, off the loop.
        rules: when versions are made and how long they are kept.
        metrics: what is counted.
        wall: the wall clock, in seconds.
        once_only: whose turn it is among many nodes.
    """

    def __init__(
        self,
        stores: Stores,
        stateful: Stateful,
        rules: VersionRules,
        metrics: Metrics,
        wall: Callable[[], UnixSeconds],
        *,
        once_only: OnceOnly | None = None,
    ) -> None:
        self._stores = stores
        self._stateful = stateful
        self._rules = rules
        self._metrics = metrics
        self._wall = wall
        self._once_only = once_only or Alone()
        self._patience = Patience(self._once_only)
        self._marks: WeakKeyDictionary[RoomRunner, _Mark] = WeakKeyDictionary()
        self._ticked_s: float | None = None
        self._making: asyncio.Task[None] | None = None

    def tick(self, rooms: SequenceOf[RoomRunner]) -> None:
        """Look at all live rooms, and begin with those whose version is due."""
        now_s = asyncio.get_running_loop().time()
        is_late = self._ticked_s is not None and now_s - self._ticked_s > TICK_LATE_S
        self._ticked_s = now_s
        if not self._rules.automatic:
            return
        due = [
            runner
            for runner in rooms
            if self._is_due(runner, now_s) and not self._patience.lasts(runner, now_s)
        ]
        if due and not is_late and self._making is None:
            self._making = asyncio.create_task(self._make(due[:_AT_ONCE_MAX]))
            self._making.add_done_callback(self._made)

    async def aclose(self) -> None:
        """Stop; what is under way is given up."""
        if self._making is not None:
            self._making.cancel()
            with suppress(asyncio.CancelledError):
                await self._making

    def _made(self, _: asyncio.Task[None]) -> None:
        self._making = None

    def _is_due(self, runner: RoomRunner, now_s: float) -> bool:
        if commented_room(runner.name) is not None:
            return False  # what authors delete in comments would stay in a version
        head = runner.appender.head
        mark = self._marks.get(runner)
        if mark is None:
            mark = self._marks[runner] = _Mark(runner.appender.first_head, now_s)
        if head == mark.sequence:
            mark.since_s = now_s  # the time of a rest is not time spent on edits
            return False
        activity = Activity(
            edits=head - mark.sequence,
            elapsed_s=now_s - mark.since_s,
            is_deserted=not runner.seats,
        )
        return is_due(activity, self._rules.activity)

    async def _make(self, due: SequenceOf[RoomRunner]) -> None:
        for runner in due:
            now_s = asyncio.get_running_loop().time()
            try:
                # Whatever becomes of it, the next attempt has to wait for new edits and its time.
                self._marks[runner] = _Mark(runner.appender.head, now_s)
                self._patience.begin_anew(runner)
                async with self._once_only.turn(runner.key) as turn:
                    await self._make_one(runner, turn)
            except LeaseHeld:
                continue
            except BandProError as error:
                self._metrics.versions_failed.inc()
                _log.warning(
                    "version.failed", room=runner.key[:12], error=f"{type(error).__name__}: {error}"
                )

    async def _make_one(self, runner: RoomRunner, turn: Turn) -> None:
        versions = await list_versions(self._stores, runner.name)
        newest = versions[0] if versions else None
        now, epoch = self._wall(), runner.appender.manifest.epoch
        if not adds_to(newest, epoch=epoch, head=runner.appender.head, now=now):
            return
        content = await take_content(self._stores, runner.name, self._stateful)
        if not content.update:
            return
        turn.check()
        label = Label(VersionKind.AUTOMATIC, now)
        version = await add_version(self._stores, runner.name, content, label)
        self._metrics.versions.labels(VersionKind.AUTOMATIC.value).inc()
        _log.info(
            "version.made",
            room=runner.key[:12],
            kind=VersionKind.AUTOMATIC.value,
            sequence=version.sequence,
            bytes=version.size_bytes,
        )
        await self.thin(runner.name, turn)

    async def thin(self, name: RoomName, turn: Turn) -> None:
        """Delete the automatic versions of a room that have become too many for their age.

        One that was given a name since the look stays.

        Raises:
            LeaseLost: it is somebody else's turn now.
            StoreUnavailable: some may be left for the next time.
        """
        versions = await list_versions(self._stores, name)
        gone = plan_thinning(versions, self._rules.thinning, now=self._wall())
        count = 0
        for version in gone:
            turn.check()
            count += await delete_unnamed_version(self._stores, name, version)
        if count:
            self._metrics.versions_thinned.inc(count)
            _log.info("version.thinned", room=room_key(name)[:12], count=count)
