"""Collects orphaned blobs in the background: one node at a time, slowly, not under load.

The first round of a store whose place nobody owns only looks: where all blobs are of rooms that the
store knows, it makes the place its own, and the next round may delete.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from collab.errors import BandProError, BlobsNotOwned, LeaseHeld
from collab.ids import NO_ROOM, UnixSeconds
from gateway.observe.metrics import Metrics
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.once_only import Alone, OnceOnly, Turn
from persistence.blob_owner import begin_round, ownership, store_now
from persistence.orphans import claim_place, collect_orphans
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)


NOT_HOME_S: Final = 60
"""A node that is not home looks again so soon, for homes move."""


class RoundOutcome(StrEnum):
    """How a round ended."""

    DONE = "done"
    CLAIMED = "claimed"  # the place is this store's from now on
    NOT_DUE = "not_due"  # a node has looked a short while ago
    REFUSED = "refused"  # the place is another store's, or may be
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OrphanRules:
    """What a node is told about orphans.

    Attributes:
        collects: whether it looks for any.
        age_s: how old they must be.
        round_s: from the beginning of one round to the next, on all nodes together.
        room_s: pause after each room.
    """

    collects: bool = True
    age_s: int = 86_400
    round_s: int = 21_600
    room_s: float = 0.02


class OrphanCollector:
    """Deletes blobs that nothing names.

    Args:
        stores: where they are kept.
        rules: when, and which.
        metrics: what is counted.
        load: how busy the node is.
        once_only: whose turn it is among many nodes.
    """

    def __init__(
        self,
        stores: Stores,
        rules: OrphanRules,
        metrics: Metrics,
        load: NodeLoad,
        *,
        once_only: OnceOnly | None = None,
    ) -> None:
        self._once_only = once_only or Alone()
        self._stores = stores
        self._rules = rules
        self._metrics = metrics
        self._load = load
        self._due_in_s = rules.round_s

    async def run(self) -> None:
        """Go round after round, until cancelled."""
        while self._rules.collects:
            outcome = RoundOutcome.FAILED
            self._due_in_s = self._rules.round_s
            try:
                outcome = await self._round_in_turn()
            except LeaseHeld:
                outcome = RoundOutcome.NOT_DUE
            except BlobsNotOwned as error:
                outcome = RoundOutcome.REFUSED
                _log.warning("orphans.refused", error=str(error))
            except BandProError as error:
                _log.warning("orphans.failed", error=str(error))
            except Exception:  # noqa: BLE001 - our own defect must not end the rounds for good
                _log.exception("orphans.broke")
            self._metrics.orphan_rounds.labels(outcome.value).inc()
            await asyncio.sleep(self._due_in_s)

    async def _round_in_turn(self) -> RoundOutcome:
        """A round on the one node that is home for what belongs to no room."""
        if self._once_only.patience_s(NO_ROOM):
            self._due_in_s = min(self._due_in_s, NOT_HOME_S)
            return RoundOutcome.NOT_DUE
        async with self._once_only.turn(NO_ROOM) as turn:
            return await self._round(turn)

    async def _round(self, turn: Turn) -> RoundOutcome:
        async def rest() -> None:
            await self._rest()
            turn.check()

        owned = await ownership(self._stores)
        if owned is None:
            is_claimed = await claim_place(self._stores, rest)
            return RoundOutcome.CLAIMED if is_claimed else RoundOutcome.NOT_DUE
        now = await store_now(self._stores)
        due_in_s = await begin_round(self._stores, owned, now, self._rules.round_s)
        if due_in_s:
            self._due_in_s = due_in_s
            return RoundOutcome.NOT_DUE
        before = UnixSeconds(now - self._rules.age_s)
        harvest = await collect_orphans(self._stores, before, rest)
        for kind, count in harvest.orphans.items():
            self._metrics.orphans_collected.labels(kind).inc(count)
        _log.info(
            "orphans.collected",
            blobs=harvest.blobs,
            orphans=harvest.orphans.total(),
            bytes=harvest.orphan_bytes,
        )
        return RoundOutcome.DONE

    async def _rest(self) -> None:
        await asyncio.sleep(self._rules.room_s)
        await self._load.calm()
