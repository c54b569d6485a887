"""What BandPro is to reach, beside what was measured: met, or missed by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.results import Results
from benchmarks.stress.workloads import all_workloads
from benchmarks.table import table

_OURS: Final = "bandpro"
_FLOOR: Final = "relay"
_UNKNOWN: Final = "not measured"

_FACTORS: Final = (
    ("big-room", "server_cpu_us", 1.25, 0.5, "processor time for a delivery, room of 50"),
    ("wide-room", "server_cpu_us", 1.25, 0.5, "processor time for a delivery, room of 200"),
    ("big-room", "edit.p50_ms", 1.5, 1.0, "p50 from writer to screen, room of 50"),
    ("big-room", "edit.p99_ms", 1.5, 1.0, "p99 from writer to screen, room of 50"),
)
"""Load, figure, at most so many times the floor's and every peer's, and what it is."""
_SATURATION_FACTOR: Final = 1.5
_SAVED: Final = (("saved-50-rooms", "50 rooms"), ("saved-1-room", "one room"))
_STRESS: Final = (
    ("idle-1000", "connection_kib", "memory of an idle connection, KiB"),
    ("idle-rooms", "room_beyond_document_kib", "memory of an idle room without its text, KiB"),
    ("idle-10000", "rss_mib", "one process with 10,000 connections, MiB"),
    ("join-storm", "synced_p50_ms", "150 join a document of 4 MB: p50, ms"),
    ("join-storm", "synced_p95_ms", "150 join a document of 4 MB: p95, ms"),
    ("join-storm", "neighbours_p99_ms", "other rooms meanwhile: p99, ms"),
    ("presence", "seen_p95_ms", "cursors of 500 in one room, once a second: p95, ms"),
    ("presence", "server_busy", "cursors of 500 in one room: share of a core"),
    ("flood", "others_p99_ms", "other rooms beside an abusive one: p99, ms"),
    ("flood", "others_p99_ratio", "other rooms beside an abusive one: p99 against before"),
    ("reconnect-storm", "synced_max_ms", "1,000 reconnect at once: the last is synced, ms"),
    ("cold-open", "open_max_ms", "opening a stored document of 10 MB, ms"),
    ("cold-open", "neighbours_max_ms", "other rooms meanwhile: the longest wait, ms"),
)
"""Workload and figure, whose bound the workload has, and what it is."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal.

    Attributes:
        goal: in words, with its bound.
        measured: ours.
        beside: what ours is compared with, or what the others showed.
        met: None where it was not measured.
        says: met, or missed by how much.
    """

    goal: str
    measured: str
    beside: str
    met: bool | None
    says: str


def verdicts(results: Results) -> list[Verdict]:
    """Every goal, in order."""
    return [
        *_against_floor(results),
        *_against_peers(results),
        _saturation(results),
        *_saved(results),
        *_under_stress(results),
    ]


def goals_table(results: Results) -> str:
    """Every goal as a row."""
    rows = [[each.goal, each.measured, each.beside, each.says] for each in verdicts(results)]
    return table(["goal", "BandPro", "beside it", "verdict"], rows)


def _against_floor(results: Results) -> Iterator[Verdict]:
    for load, figure, factor, _, title in _FACTORS:
        goal = f"{title}: at most {factor:g} times the relay"
        ours = results.spread(load, _OURS, figure)
        floor = results.spread(load, _FLOOR, figure)
        if ours is None or floor is None:
            yield Verdict(goal, _UNKNOWN, "", None, _UNKNOWN)
            continue
        ratio = ours.median / floor.median
        beside = f"relay {floor.text(2)}"
        measured = f"{ours.text(2)}, that is {ratio:.2f} times"
        yield Verdict(goal, measured, beside, *_judged(ratio, factor))


def _against_peers(results: Results) -> Iterator[Verdict]:
    for load, figure, _, factor, title in _FACTORS:
        goal = f"{title}: below {'half of ' if factor < 1 else ''}every peer"
        ours = results.spread(load, _OURS, figure)
        peers = {
            peer: spread
            for peer in results.peers
            if (spread := results.spread(load, peer, figure)) is not None
        }
        if ours is None or not peers:
            yield Verdict(goal, _UNKNOWN, "", None, _UNKNOWN)
            continue
        beside = ", ".join(
            f"{results.title(peer)} {spread.median:.2f}" for peer, spread in peers.items()
        )
        best = min(spread.median for spread in peers.values())
        yield Verdict(goal, ours.text(2), beside, *_judged(ours.median, best * factor))


def _saturation(results: Results) -> Verdict:
    goal = f"deliveries/s kept up with: at least {_SATURATION_FACTOR:g} times Hocuspocus"
    ours, theirs = results.saturation(_OURS), results.saturation("hocuspocus")
    if ours is None or theirs is None:
        return Verdict(goal, _UNKNOWN, "", None, _UNKNOWN)
    others = [name for name in (*results.peers, _FLOOR) if results.saturation(name)]
    beside = ", ".join(f"{results.title(name)} {_reached(results, name)}" for name in others)
    ratio = ours.median / theirs.median if theirs.median else float("inf")
    met = ratio >= _SATURATION_FACTOR
    says = "met" if met else f"**missed**: {ratio:.2f} times"
    return Verdict(goal, _reached(results, _OURS), beside, met, says)


def _reached(results: Results, system: str) -> str:
    spread = results.saturation(system)
    assert spread is not None
    return ("at least " if results.is_at_least(system) else "") + f"{spread.median:,.0f}"


def _saved(results: Results) -> Iterator[Verdict]:
    for load, where in _SAVED:
        for part, bound_ms in (("p50", 25.0), ("p99", 100.0)):
            goal = f"from writer to disk, 1,000 updates/s in {where}: {part} {bound_ms:g} ms"
            ours = results.spread(load, _OURS, f"saved.{part}_ms")
            if ours is None:
                yield Verdict(goal, _UNKNOWN, "", None, _UNKNOWN)
                continue
            beside = "no peer says when an edit is on disk"
            yield Verdict(goal, ours.text(1), beside, *_judged(ours.median, bound_ms))


def _under_stress(results: Results) -> Iterator[Verdict]:
    bounds = {
        (workload.name, goal.figure): goal.at_most
        for workload in all_workloads()
        for goal in workload.goals
    }
    for workload, figure, title in _STRESS:
        bound = bounds[workload, figure]
        goal = f"{title}: at most {bound:g}"
        ours = results.stressed(workload, figure)
        if ours is None:
            yield Verdict(goal, _UNKNOWN, "", None, _UNKNOWN)
            continue
        beside = ", ".join(
            f"{results.title(peer)} {spread.median:,.2f}"
            for peer in results.data["systems"]
            if peer != _OURS and (spread := results.stressed(workload, figure, peer)) is not None
        )
        yield Verdict(goal, ours.text(2), beside, *_judged(ours.median, bound))


def _judged(value: float, bound: float) -> tuple[bool, str]:
    if value <= bound:
        return True, "met"
    return False, f"**missed**: {value / bound:.2f} times the bound"
