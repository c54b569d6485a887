"""Runs one seed and says what came of it."""

from __future__ import annotations

import gc
import random
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import structlog

from tests.simulation.cluster import Cluster
from tests.simulation.loop import new_simulation
from tests.simulation.node import SOUND, Build
from tests.simulation.scenario import Scenario

DEFECTS: Final = frozenset(
    {
        "connection.failed",
        "connection.sweep_failed",
        "room.append_broke",
        "room.document_broken",
        "rooms.walk_broke",
        "room.damaged",
        "store.snapshot_quarantined",
    }
)
"""Events that tell of our own defects, whatever the world is like."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed.

    Attributes:
        seed: it.
        violations: what did not hold, in sentences; empty when all is well.
        digest: of everything that happened, in order.
        counts: what happened how often.
    """

    seed: int
    violations: tuple[str, ...]
    digest: str
    counts: Mapping[str, int]


def simulate(seed: int, build: Build = SOUND) -> Outcome:
    """Run a seed from beginning to end, with nodes that are well put together, or not."""
    was_collecting = gc.isenabled()
    gc.disable()  # what it ends would end at another moment each time
    shuffles = random.getstate()
    random.seed(seed)
    loop = new_simulation(Random(f"{seed}/loop"))
    cluster = Cluster(loop, seed, build)
    try:
        with _listening(cluster):
            try:
                loop.run(Scenario(cluster).play())
            except Exception as error:  # noqa: BLE001 - of a seed that must be named
                cluster.oracle.blame("".join(traceback.format_exception(error)))
            finally:
                loop.close()
        for failure in loop.failures:
            cluster.oracle.blame(failure)
    finally:
        random.setstate(shuffles)
        if was_collecting:
            gc.enable()
    counts = cluster.counts | {
        "commits": cluster.oracle.commits,
        "compactions": cluster.oracle.compactions,
        "erasures": cluster.oracle.erasures,
        "promises": sum(len(editor.promises) for editor in cluster.editors),
        "promises of the API": len(cluster.oracle.promises),
    }
    return Outcome(seed, tuple(cluster.oracle.violations), cluster.digest, counts)


@contextmanager
def _listening(cluster: Cluster) -> Iterator[None]:
    """Hear the nodes' logs: they are part of what happens, and tell of defects."""

    def note(_: object, level: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        if cluster.loop.is_closed():
            raise structlog.DropEvent  # of what is ended in the middle of something
        name = event["event"]
        cluster.trace("log", level, name)
        if name in DEFECTS:
            error = event.pop("exc_info", None)
            told = (
                "".join(traceback.format_exception(error)) if isinstance(error, Exception) else ""
            )
            cluster.oracle.blame(f"{name} {event} {told or traceback.format_exc()}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[note], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
