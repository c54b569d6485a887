"""Compacts the logs of live rooms, one at a time, in a worker process."""

from __future__ import annotations

import structlog

from collab.errors import BandProError
from collab.history.compaction import CompactionLimits
from gateway.observe.metrics import Metrics
from gateway.rooms.runner import RoomRunner
from persistence.compaction import CompactionStatus, compact
from persistence.offload import Offload
from persistence.stores import Stores

_log = structlog.stdlib.get_logger(__name__)


class Compactor:
    """Folds the tails of rooms into snapshots.

    Args:
        stores: where the rooms are kept.
        offload: where updates are merged.
        limits: when and how.
        metrics: what is counted.
    """

    def __init__(
        self, stores: Stores, offload: Offload, limits: CompactionLimits, metrics: Metrics
    ) -> None:
        self._stores = stores
        self._offload = offload
        self._limits = limits
        self._metrics = metrics

    async def compact(self, runner: RoomRunner) -> None:
        """Compact one room; a failure is logged and delays the next attempt, nothing more."""
        tail_bytes = runner.tail_bytes
        try:
            outcome = await compact(
                self._stores, runner.name, self._offload.merge, limits=self._limits
            )
        except BandProError as error:
            self._metrics.compactions.labels("failed").inc()
            runner.postpone_compaction()
            _log.warning("room.compaction_failed", room=runner.key[:12], error=str(error))
            return
        self._metrics.compactions.labels(outcome.status.value).inc()
        if outcome.status is CompactionStatus.DONE:
            runner.compacted(outcome.manifest, outcome.rows_merged, tail_bytes)
        _log.info(
            "room.compacted",
            room=runner.key[:12],
            status=outcome.status.value,
            rows_merged=outcome.rows_merged,
            rows_deleted=outcome.rows_deleted,
        )
