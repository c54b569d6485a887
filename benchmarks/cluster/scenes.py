"""What nodes are put under, and what one run of it showed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.cluster.nodes import HOCUSPOCUS, OURS, Cluster, Nodes, Placement, StoreKind
from benchmarks.loads import BIG_ROOM, MANY_ROOMS, WIDE_ROOM, Load, Pace, Run, run_load
from benchmarks.machine import Cores
from benchmarks.wires import Wire

_PACE: Final = Pace(warm_up_s=1.0, measured_s=4.0)
_STRUCK: Final = Pace(warm_up_s=1.0, measured_s=8.0, answers_within_s=20.0)
_STEP: Final = Pace(warm_up_s=0.5, measured_s=1.5, answers_within_s=5.0)
_STRIKE_AFTER_S: Final = 3.0
_AWAY_S: Final = 1.5

CROSSING: Final = Load("crossing", "20 rooms of 3, 1 writes 5/s in each", 20, 3, 1, 5)
"""Calm enough that nothing queues: what is measured is the way."""

RISING: Final = Load("rising", "40 rooms of 10, 2 write in each", 40, 10, 2, 0)
RATES: Final = (4, 8, 12, 16, 24, 32, 48)
"""Updates a second of each writer; 40 rooms have 80 of them, and 9 others hear each."""

_P99_MS_MAX: Final = 100.0
_DELIVERED_MIN: Final = 0.97


@dataclass(frozen=True, slots=True)
class Scene:
    """One cluster under one load.

    Attributes:
        part: of the page.
        cluster: what is started.
        load: what it is put under; without a rate of its own it is raised.
        strikes: whether Redis is killed in the middle and started again after 1.5 s.
        is_pinned: nodes, store and Redis on one core, the generator on another; otherwise all of
            them on all cores.
    """

    part: str
    cluster: Cluster
    load: Load
    strikes: bool = False
    is_pinned: bool = True

    @property
    def name(self) -> str:
        """Short, for the command line and the results."""
        cluster = self.cluster
        cores = "" if self.is_pinned else "/all-cores"
        return (
            f"{self.part}/{self.load.name}/{cluster.name}-{cluster.count}/{cluster.placement}/"
            f"{cluster.store}{cores}"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run showed.

    Attributes:
        run: of the load; for a rising one the last that was kept up with.
        redis_us: of Redis' processor time for each edit that reached another session.
        redis_calls: of commands, for each update that was sent, joins and beats included.
        unsettled: deliveries and acknowledgements that never came.
    """

    run: Run
    redis_us: float
    redis_calls: dict[str, float]
    unsettled: int


def scenes() -> Iterator[Scene]:
    """All of them, in the order of the page."""
    for store in StoreKind:
        yield Scene("latency", Cluster(OURS, 1, store=store), CROSSING)
        yield Scene("latency", Cluster(OURS, 2, Placement.APART, store), CROSSING)
    for load in (BIG_ROOM, MANY_ROOMS):
        for count in (1, 2, 4):
            yield Scene("cost", Cluster(OURS, count), load)
    for count in (2, 4):
        yield Scene("cost", Cluster(OURS, count, Placement.HOME), MANY_ROOMS)
    for count in (1, 3):
        yield Scene("wide", Cluster(OURS, count), WIDE_ROOM)
    yield from _rising()
    for name in (OURS, HOCUSPOCUS):
        apart = Cluster(name, 2, Placement.APART, wire=Wire.HOCUSPOCUS)
        yield Scene("peer", apart, CROSSING)
        yield Scene("peer", replace(apart, placement=Placement.SPREAD), BIG_ROOM)
        yield Scene("restart", apart, CROSSING, strikes=True)


def _rising() -> Iterator[Scene]:
    for is_pinned in (True, False):
        for count, placement in (
            (1, Placement.HOME),
            (2, Placement.HOME),
            (4, Placement.HOME),
            (2, Placement.SPREAD),
            (4, Placement.SPREAD),
        ):
            if is_pinned or placement is Placement.HOME:
                cluster = Cluster(OURS, count, placement)
                yield Scene("throughput", cluster, RISING, is_pinned=is_pinned)


def play(scene: Scene, folder: Path | None, seed: int) -> Seen:
    """Run a scene once, on fresh processes.

    Raises:
        NotInstalled: something of it is not on this machine.
    """
    cores = Cores.choose() if scene.is_pinned else Cores(None, None)
    cores.pin_generator()
    with scene.cluster.started(cores, folder) as nodes:
        if scene.load.updates_per_s:
            return _played(scene, nodes, scene.load, _STRUCK if scene.strikes else _PACE, seed)
        return _raised(scene, nodes, seed)


def _raised(scene: Scene, nodes: Nodes, seed: int) -> Seen:
    """Raise the rate until it is not kept up with, and again once more before giving up."""
    kept: Seen | None = None
    for rate in RATES:
        load = replace(scene.load, updates_per_s=rate)
        tries = [_played(scene, nodes, load, _STEP, seed + rate * 10)]
        if not _kept_up(tries[0].run, load):
            tries.append(_played(scene, nodes, load, _STEP, seed + rate * 10 + 1))
        if not _kept_up(tries[-1].run, load):
            return kept or tries[-1]
        kept = tries[-1]
    assert kept is not None
    return kept


def _kept_up(run: Run, load: Load) -> bool:
    return (
        run.is_complete
        and run.deliveries_per_s >= load.deliveries_per_s * _DELIVERED_MIN
        and run.edit.p99_ms <= _P99_MS_MAX
    )


def _played(scene: Scene, nodes: Nodes, load: Load, pace: Pace, seed: int) -> Seen:
    redis = nodes.redis
    calls, cpu_s = (redis.calls(), redis.cpu_s()) if redis else ({}, 0.0)
    run = uvloop.run(_under(scene, nodes, load, pace, seed))
    unsettled = run.expected - run.delivered + run.sent - run.acknowledged
    if redis is None or scene.strikes:  # one that was started again counts from 0
        return Seen(run, 0.0, {}, unsettled)
    redis_us = (redis.cpu_s() - cpu_s) / max(run.delivered, 1) * 1e6
    after = redis.calls()
    grown = {name: (after[name] - calls.get(name, 0)) / run.sent for name in after}
    per_update = {name: round(each, 3) for name, each in sorted(grown.items()) if each > 0.001}
    return Seen(run, round(redis_us, 2), per_update, unsettled)


async def _under(scene: Scene, nodes: Nodes, load: Load, pace: Pace, seed: int) -> Run:
    striking = asyncio.create_task(_strike(nodes)) if scene.strikes else None
    try:
        return await run_load(load, nodes, pace, seed)
    finally:
        if striking is not None:
            await striking


async def _strike(nodes: Nodes) -> None:
    assert nodes.redis is not None, "there is nothing to strike"
    await asyncio.sleep(_STRIKE_AFTER_S)
    nodes.redis.kill()
    await asyncio.sleep(_AWAY_S)
    await asyncio.to_thread(nodes.redis.start)
