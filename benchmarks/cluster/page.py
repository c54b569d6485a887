"""``docs/cluster-benchmarks.md``, from what was kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.cluster import prose
from benchmarks.cluster.model import Assumed, Measured, measured, rows
from benchmarks.cluster.scenes import RATES, Scene, scenes
from benchmarks.figures import Spread
from benchmarks.results import ROOT, STRESS
from benchmarks.table import table

PAGE: Final = ROOT / "docs" / "cluster-benchmarks.md"

_Figure = Callable[[dict[str, Any]], float]


def as_page(data: dict[str, Any]) -> str:
    """The whole page; parts of which nothing was kept are left out."""
    return "\n".join(_sections(_Kept(data))) + "\n"


class _Kept:
    """Results by scene.

    Attributes:
        data: all of them.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self._runs: dict[str, list[dict[str, Any]]] = data["scenes"]

    def of(self, part: str) -> list[Scene]:
        """The scenes of a part that were played."""
        return [each for each in scenes() if each.part == part and each.name in self._runs]

    def spread(self, name: str, figure: _Figure) -> Spread:
        """One figure over the runs of a scene."""
        return Spread.of(figure(each) for each in self._runs[name])

    def text(self, scene: Scene, figure: _Figure, digits: int = 1) -> str:
        """The same, for a table."""
        return self.spread(scene.name, figure).text(digits)

    def costs(self) -> dict[str, float]:
        """Medians of the nodes' processor time for each delivery, by name of scene."""
        return {name: self.spread(name, _cpu_us).median for name in self._runs}

    def others_busy(self) -> Spread:
        """Processor time of others, in cores, over all runs."""
        runs = (each for scene in self._runs.values() for each in scene)
        return Spread.of(each["run"]["others_busy"] for each in runs)


def _edit(percentile: str) -> _Figure:
    return lambda seen: float(seen["run"]["edit"][f"{percentile}_ms"])


def _saved(percentile: str) -> _Figure:
    return lambda seen: float(seen["run"]["saved"][f"{percentile}_ms"])


def _cpu_us(seen: dict[str, Any]) -> float:
    return float(seen["run"]["server_cpu_us"])


def _redis_us(seen: dict[str, Any]) -> float:
    return float(seen["redis_us"])


def _rate(seen: dict[str, Any]) -> float:
    return float(seen["run"]["deliveries_per_s"])


def _generator(seen: dict[str, Any]) -> float:
    return float(seen["run"]["generator_busy"])


def _publishes(seen: dict[str, Any]) -> float:
    return float(seen["redis_calls"].get("publish", 0.0))


def _missing(seen: dict[str, Any]) -> float:
    return float(seen["unsettled"])


def _others(seen: dict[str, Any]) -> float:
    return float(seen["run"]["others_busy"])


def _faults(seen: dict[str, Any]) -> float:
    return float(seen["run"]["faults"])


def _sections(kept: _Kept) -> Iterator[str]:
    yield prose.INTRODUCTION.strip()
    yield _conditions(kept.data["conditions"], kept.others_busy())
    yield prose.LATENCY.rstrip() + "\n"
    yield table(
        ("store", "nodes", "edit p50 ms", "p99 ms", "saved p50 ms", "p99 ms", "others"),
        (
            (
                each.cluster.store,
                "one" if each.cluster.count == 1 else "writer on one, readers on the other",
                kept.text(each, _edit("p50"), 2),
                kept.text(each, _edit("p99"), 2),
                kept.text(each, _saved("p50"), 2),
                kept.text(each, _saved("p99"), 2),
                kept.text(each, _others, 2),
            )
            for each in kept.of("latency")
        ),
    )
    yield prose.COST.rstrip() + "\n"
    yield _costs(kept, "cost")
    yield prose.WIDE.rstrip() + "\n"
    yield _costs(kept, "wide")
    yield prose.THROUGHPUT.format(rates=", ".join(map(str, RATES))).rstrip() + "\n"
    yield _throughput(kept)
    yield prose.PEER.rstrip() + "\n"
    yield _peers(kept, "peer")
    yield prose.RESTART.rstrip() + "\n"
    yield _peers(kept, "restart")
    yield from _model(kept)
    yield prose.REPEAT.rstrip()


def _conditions(told: dict[str, Any], others: Spread) -> str:
    peers = told["peers"]
    return (
        f"\n{told['date']}, {told['cpu']}, {told['cores']} cores, {told['memory_gib']} GiB, "
        f"{told['kernel']}, {told['python']}, {told['file_system']}; Hocuspocus "
        f"{peers.get('@hocuspocus/server', '?')} with extension-redis "
        f"{peers.get('@hocuspocus/extension-redis', '?')} on Node {peers.get('Node', '?')}. "
        f"All other processes used {others.text(2)} processors meanwhile, Redis and MongoDB's "
        "stand-in among them: the column `others`. Where that is not small, latencies and "
        "throughput are those of a busy machine; processor times suffer less. What has no "
        "brackets was run once."
    )


def _costs(kept: _Kept, part: str) -> str:
    found = kept.of(part)
    alone = {
        each.load.name: kept.spread(each.name, _cpu_us).median
        for each in found
        if each.cluster.count == 1
    }
    return table(
        (
            "load",
            "nodes",
            "clients",
            "p50 ms",
            "p99 ms",
            "nodes, us a delivery",
            "against one",
            "Redis, us a delivery",
            "PUBLISH for each update",
            "others",
        ),
        (
            (
                each.load.title,
                str(each.cluster.count),
                _placed(each),
                kept.text(each, _edit("p50"), 2),
                kept.text(each, _edit("p99"), 2),
                kept.text(each, _cpu_us),
                f"{kept.spread(each.name, _cpu_us).median / alone[each.load.name]:.2f}",
                kept.text(each, _redis_us, 2),
                kept.text(each, _publishes, 2),
                kept.text(each, _others, 2),
            )
            for each in found
            if each.load.name in alone
        ),
    )


def _placed(scene: Scene) -> str:
    if scene.cluster.count == 1:
        return ""
    return {"spread": "each room's on all", "home": "each room's on one"}[scene.cluster.placement]


def _throughput(kept: _Kept) -> str:
    found = kept.of("throughput")
    alone = {
        each.is_pinned: kept.spread(each.name, _rate).median
        for each in found
        if each.cluster.count == 1
    }
    return table(
        (
            "processors",
            "nodes",
            "clients",
            "deliveries/s",
            "against one",
            "us each",
            "generator",
            "others",
        ),
        (
            (
                "one for nodes, one for the generator" if each.is_pinned else "two for all",
                str(each.cluster.count),
                _placed(each),
                kept.text(each, _rate, 0),
                f"{kept.spread(each.name, _rate).median / alone[each.is_pinned]:.2f}",
                kept.text(each, _cpu_us),
                kept.text(each, _generator, 2),
                kept.text(each, _others, 2),
            )
            for each in found
            if each.is_pinned in alone
        ),
    )


def _peers(kept: _Kept, part: str) -> str:
    return table(
        (
            "load",
            "system",
            "p50 ms",
            "p99 ms",
            "longest ms",
            "us a delivery",
            "missing",
            "faults",
            "others",
        ),
        (
            (
                each.load.title,
                {"bandpro": "BandPro", "hocuspocus": "Hocuspocus"}[each.cluster.name],
                kept.text(each, _edit("p50"), 2),
                kept.text(each, _edit("p99"), 2),
                kept.text(each, _edit("max"), 0),
                kept.text(each, _cpu_us),
                kept.text(each, _missing, 0),
                kept.text(each, _faults, 0),
                kept.text(each, _others, 2),
            )
            for each in sorted(kept.of(part), key=lambda each: each.load.name)
        ),
    )


def _model(kept: _Kept) -> Iterator[str]:
    if "standing" not in kept.data:
        return
    idle = json.loads(STRESS.read_text())["idle-10000"]["targets"]["bandpro"]["runs"][0]["figures"]
    has = measured(kept.data, kept.costs(), idle["with_room_kib"])
    given = Assumed()
    yield (
        prose.MODEL.format(
            nodes=given.nodes,
            connections=given.connections,
            room_clients=given.room_clients,
            rooms=given.rooms,
            active=given.active,
            updates_per_s=given.updates_per_s,
            updates=given.updates,
            deliveries=given.deliveries,
        ).rstrip()
        + "\n"
    )
    yield table(("it rests on", ""), _rests_on(has)) + "\n"
    yield table(("", "clients at home", "clients scattered"), rows(has, given))
    yield prose.LIMITS.rstrip()


def _rests_on(has: Measured) -> tuple[tuple[str, str], ...]:
    return (
        ("a delivery, all clients of a room on one node", f"{has.delivery_us:.1f} us of a node"),
        ("the same, spread over four nodes", f"{has.scattered_us:.1f} us of all nodes"),
        ("a PUBLISH that nobody hears", f"{has.publish_us:.2f} us of Redis"),
        ("each node that hears it", f"{has.hear_us:.2f} us of Redis"),
        ("a log compared, in MongoDB's stand-in", f"{has.look_us:.0f} us of a node"),
        ("", f"{has.store_look_us:.0f} us of the stand-in"),
        ("a connection, with its share of a room", f"{has.connection_kib:.1f} KiB"),
    )
