"""The node that `test_stopped_nodes` stops in the middle of a compaction.

``python -m tests.cluster.stopped_compactor URL POINT SKEW_S``: says ``here`` when it is about to
pass the point (`merged`: the merge is done; `stored`: so is the snapshot), then waits for a line,
and says how the compaction ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from typing import TypeVar

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.members import NodeReport
from collab.history.compaction import CompactionLimits
from gateway.cluster.membership import Membership
from gateway.cluster.turns import Turns
from gateway.observe.metrics import Metrics
from gateway.rooms.compactor import Compactor, WalkPace
from gateway.rooms.node_load import NodeLoad
from persistence.build import StoreSettings, open_stores
from tests.contract.edits import merge_here
from tests.support.store_passage import PassedSnapshots

_T = TypeVar("_T")
LIMITS = CompactionLimits(tail_age_s=0, aged_updates_min=3)


async def pass_point() -> None:
    """Say that it is reached, and wait until told to go on."""
    os.write(1, b"here\n")
    await asyncio.to_thread(sys.stdin.readline)


class _OnceStored:
    """A ``Passage``: a snapshot is stored, then the point is passed."""

    async def through(self, call: str, work: Callable[[], Awaitable[_T]]) -> _T:
        result = await work()
        if call == "snapshots.put":
            await pass_point()
        return result


async def main(url: str, point: str) -> None:
    """Be a member, and walk through the rooms."""

    async def merge(updates: SequenceOf[bytes]) -> bytes:
        merged = await merge_here(updates)
        if point == "merged":
            await pass_point()
        return merged

    async with await open_stores(StoreSettings(url)) as opened:
        stores = opened
        if point == "stored":
            stores = replace(opened, snapshots=PassedSnapshots(opened.snapshots, _OnceStored()))
        sender, metrics = Sender(NodeId("ann"), BootEpoch(1)), Metrics()
        membership = Membership(
            stores, sender, lambda: NodeReport(sender.node, sender.boot), metrics
        )
        await membership.beat()
        turns = Turns(membership, stores.leases, metrics)
        compactor = Compactor(stores, merge, LIMITS, metrics, NodeLoad(lambda: 0), once_only=turns)
        beating = asyncio.create_task(membership.run())
        walking = asyncio.create_task(compactor.walk(lambda _: False, WalkPace(0.0, 3600.0)))
        outcomes = ("done", "lost", "failed")
        while not (ended := [each for each in outcomes if _count(metrics, each)]):  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(0.02)
        os.write(1, f"{ended[0]}\n".encode())
        walking.cancel()
        beating.cancel()


def _count(metrics: Metrics, outcome: str) -> float:
    return metrics.registry.get_sample_value("bandpro_compactions_total", {"outcome": outcome}) or 0


if __name__ == "__main__":
    skew_s, real = float(sys.argv[3]), time.time
    time.time = lambda: real() + skew_s
    asyncio.run(main(sys.argv[1], sys.argv[2]))
