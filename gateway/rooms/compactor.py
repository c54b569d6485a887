"""Compacts logs in the background: one at a time on a node, in a worker process, not under load.

Rooms that are live here say when their tail is due. The others are walked through slowly: a room
that nobody opens again would otherwise keep its tail, and every later load would pay for it.
Among many nodes only a room's home does either; what it leaves undone is taken over after a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import Final

import structlog

from collab.errors import BandProError, LeaseHeld
from collab.history.compaction import CompactionLimits, plan_compaction
from collab.ids import NO_SEQUENCE, RoomName, Sequence, room_key
from collab.ports import Manifest, RoomStatus
from gateway.observe.metrics import Metrics
from gateway.rooms.clock import now_ms
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.once_only import Alone, OnceOnly, Patience, Turn
from gateway.rooms.runner import RoomRunner
from persistence.compaction import CompactionOutcome, CompactionStatus, Merger, compact
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class WalkPace:
    """How fast the rooms that nobody has open are walked through.

    Attributes:
        room_s: pause after each room.
        round_s: pause after all of them.
    """

    room_s: float = 0.05
    round_s: float = 600.0


DEFAULT_PACE: Final = WalkPace()


class Compactor:
    """Folds the tails of rooms into snapshots.

    Args:
        stores: where the rooms are kept.
        merge: merges updates off the event loop, and verifies what comes of it.
        limits: when and how.
        metrics: what is counted.
        load: how busy the node is.
        wall: the time, in seconds since 1970.
        once_only: whose turn it is among many nodes.
    """

    def __init__(
        self,
        stores: Stores,
        merge: Merger,
        limits: CompactionLimits,
        metrics: Metrics,
        load: NodeLoad,
        wall: Callable[[], float] = time.time,
        *,
        once_only: OnceOnly | None = None,
    ) -> None:
        self._stores = stores
        self._merge = merge
        self._limits = limits
        self._metrics = metrics
        self._load = load
        self._wall = wall
        self._once_only = once_only or Alone()
        self._patience = Patience(self._once_only)
        self._turn = asyncio.Lock()

    async def compact(self, runner: RoomRunner) -> None:
        """Compact a live room, when its turn has come and there is time.

        A failure is logged and delays the next attempt, nothing more.
        """
        if self._patience.lasts(runner, asyncio.get_running_loop().time()):
            return
        async with self._turn:
            await self._calm()
            self._patience.begin_anew(runner)
            if not runner.is_due_for_compaction or await self._is_done_elsewhere(runner):
                return
            size_bytes = runner.tail.size_bytes
            begun_ms = now_ms()
            outcome = await self._fold(runner.name)
        if outcome is None:
            runner.tail.postpone()
        elif outcome.status is CompactionStatus.DONE:
            runner.compacted(outcome.manifest, outcome.rows_merged, size_bytes, begun_ms)

    def observe(self, live: SequenceOf[RoomRunner]) -> None:
        """Count the rooms whose log has outgrown them; called at every tick."""
        bloated = sum(runner.tail.outgrows(runner.room.doc) for runner in live)
        self._metrics.logs_bloated.set(bloated)
        self._metrics.compactions_waiting.set(self._load.waiting)

    async def _is_done_elsewhere(self, runner: RoomRunner) -> bool:
        """Take note of what another node has compacted, and say whether that will do."""
        try:
            manifest = await self._stores.manifests.get(runner.key)
            if manifest is not None:
                _take_note(runner, manifest)
        except BandProError:
            pass  # the compaction itself says what is wrong
        return not runner.is_due_for_compaction

    async def walk(
        self, is_live: Callable[[RoomName], bool], pace: WalkPace = DEFAULT_PACE
    ) -> None:
        """Compact what is due among the rooms that nobody has open, round after round.

        Args:
            is_live: whether a room looks after itself.
            pace: how fast.
        """
        while True:
            try:
                await self._round(is_live, pace)
            except BandProError as error:
                _log.warning("rooms.walk_interrupted", error=str(error))
            except Exception:  # noqa: BLE001 - our own defect must not end the walk for good
                _log.exception("rooms.walk_broke")
            await asyncio.sleep(pace.round_s)

    async def _round(self, is_live: Callable[[RoomName], bool], pace: WalkPace) -> None:
        after: RoomName | None = None
        while page := await self._stores.manifests.list(after=after, limit=PAGE):
            for manifest in page:
                if self._is_mine(manifest) and not is_live(manifest.name):
                    try:
                        await self._look_after(manifest)
                    except BandProError as error:
                        _log.warning("room.not_looked_after", error=str(error))
                await asyncio.sleep(pace.room_s)
            after = page[-1].name

    def _is_mine(self, manifest: Manifest) -> bool:
        is_home = not self._once_only.patience_s(room_key(manifest.name))
        return is_home and manifest.status is RoomStatus.ACTIVE

    async def _look_after(self, manifest: Manifest) -> None:
        key = room_key(manifest.name)
        covered = _covered(manifest)
        head = await self._stores.log.head(key)
        if head - covered < self._limits.aged_updates_min:
            return
        async with self._turn:
            await self._calm()
            tail = await self._stores.log.read(key, after=covered)
            since = min((row.stored_at for row in tail.rows), default=0)
            plan = plan_compaction(
                manifest,
                head=tail.head,
                tail_count=len(tail.rows),
                tail_bytes=sum(len(row.update) for row in tail.rows),
                tail_age_s=max(0, int(self._wall()) - since),
                limits=self._limits,
            )
            if plan is not None:
                await self._fold(manifest.name)

    async def _calm(self) -> None:
        if self._load.is_high:
            _log.info("rooms.compaction_waits", lag_ms=int(self._load.lag_ms))
            await self._load.calm()

    async def _fold(self, name: RoomName) -> CompactionOutcome | None:
        """Compact a room now; None when that failed."""
        try:
            async with self._once_only.turn(room_key(name)) as turn:
                merge = self._merging_in(turn)
                outcome = await compact(self._stores, name, merge, limits=self._limits)
        except LeaseHeld:
            return None
        except BandProError as error:
            self._metrics.compactions.labels("failed").inc()
            _log.warning("room.compaction_failed", room=room_key(name)[:12], error=str(error))
            return None
        self._metrics.compactions.labels(outcome.status.value).inc()
        _log.info(
            "room.compacted",
            room=room_key(name)[:12],
            status=outcome.status.value,
            rows_merged=outcome.rows_merged,
            rows_deleted=outcome.rows_deleted,
        )
        return outcome

    def _merging_in(self, turn: Turn) -> Merger:
        """Merge, and go on only while the turn is held: the commit would be refused anyway."""

        async def merge(updates: SequenceOf[bytes]) -> bytes:
            merged = await self._merge(updates)
            turn.check()
            return merged

        return merge


def _take_note(runner: RoomRunner, manifest: Manifest) -> None:
    """A manifest was read from the store, whose newest snapshot may be another node's."""
    appender = runner.appender
    newest = _covered(manifest)
    if manifest.epoch == appender.epoch and newest > _covered(appender.manifest):
        runner.tail.keep(max(0, appender.head - newest))
        appender.manifest = manifest


def _covered(manifest: Manifest) -> Sequence:
    """What the newest snapshot holds."""
    return max((ref.sequence for ref in manifest.snapshots), default=NO_SEQUENCE)
