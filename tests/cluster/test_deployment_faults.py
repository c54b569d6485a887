"""All that a cluster is made of breaks under load, and nothing that was acknowledged is lost.

A run is its seed: it decides what breaks, when and for how long, and the clients' pace. What the
machine does in between is its own, so a seed repeats the plan and not every interleaving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.interop.stock import ALL_CLIENTS
from tests.support.cluster_load import Load, loaded, lost, nothing_is_lost
from tests.support.counts import proving
from tests.support.deployment import Deployment, deployed
from tests.support.faults import Fault, draw_faults, strike
from tests.support.mutant_node import mutant
from tests.support.server import Server

# Odd seeds have a Redis that Sentinel watches.
RUNS: Final = [(seed, 15) for seed in range(14)] if proving() else [(0, 7)]


async def break_in_turn(deployment: Deployment, load: Load, lane: str, faults: list[Fault]) -> None:
    """One fault after the other, each with visitors of its own, who leave when it has healed."""
    for number, fault in enumerate(faults):
        async with load.visitors(f"visited/{lane}/{number} {fault.kind}"):
            await asyncio.sleep(fault.pause_s)
            await strike(deployment, fault)


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("seed", "count"), RUNS)
async def test_faults(
    seed: int, count: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """FAULT-1: Whatever breaks, no acknowledged edit is lost, all converge, presence empties."""
    front, back = draw_faults(seed, count, watched=bool(seed % 2))
    kinds = [ALL_CLIENTS[(2 * seed + number) % len(ALL_CLIENTS)] for number in (0, 1)]
    record_property("seed", seed)
    record_property("faults", len(front) + len(back))
    async with deployed(tmp_path, watched=bool(seed % 2)) as deployment:
        async with loaded(deployment, seed, kinds=kinds) as load:
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(break_in_turn(deployment, load, "front", front))
                lanes.create_task(break_in_turn(deployment, load, "back", back))
            slowest_s = await load.resume()
            await load.converge()
        await nothing_is_lost(load, deployment.store)
    record_property("edits", load.oracle.sent)
    record_property("acknowledged", load.oracle.acknowledged)
    record_property("lost", 0)
    record_property("all edited again after the last fault (s)", f"{slowest_s:.1f}")
    assert load.oracle.acknowledged > 2 * count, "too little was acknowledged to prove anything"


@dataclass(frozen=True, slots=True)
class OneNode:
    """A node by itself, in the place of a deployment."""

    node: Server

    @property
    def nodes(self) -> Mapping[str, Server]:
        """It alone."""
        return {"ann": self.node}

    def url(self, number: int) -> str:
        """It has one door."""
        del number
        return self.node.ws_url


async def test_server_that_loses_an_edit_is_found(tmp_path: Path) -> None:
    """Clients as above, of a node that acknowledges before the append, and is killed."""
    slow = ["--failpoints", "append.before_commit=delay:300", "--rate-limits", "off"]
    node = mutant("acknowledges before the append")(tmp_path, args=slow)
    load = Load(OneNode(node), seed=0)
    try:
        await node.start()
        async with load.visitors("visited"):
            await asyncio.sleep(1)
            node.kill()
        await node.start()
        assert load.oracle.acknowledged > 0
        assert await lost(load), "nothing was lost"
    finally:
        if node.alive:
            node.kill()
