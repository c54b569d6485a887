"""The findings as JSON, and as the page ``docs/benchmarks.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import cast

from benchmarks import page
from benchmarks.figures import Spread
from benchmarks.loads import Run
from benchmarks.machine import OTHERS_BUSY_MAX
from benchmarks.memory import ConnectionCost
from benchmarks.suite import Case, Findings, Suite
from benchmarks.wires import Wire

Conditions = Mapping[str, object]


def as_json(findings: Findings, suite: Suite, conditions: Conditions) -> dict[str, object]:
    """Every run with all its figures."""
    return {
        "conditions": dict(conditions),
        "pace": asdict(suite.pace),
        "repeats": suite.repeats,
        "patience": {"budget_s": suite.patience.budget_s, "repeated": suite.patience.repeated},
        "sizes": asdict(suite.sizes),
        "generator": asdict(findings.ceiling) if findings.ceiling else None,
        "loads": {case.load.name: asdict(case.load) for case in findings.runs},
        "runs": {case.name: [asdict(run) for run in runs] for case, runs in findings.runs.items()},
        "idle_connections": {
            wire.value: [asdict(cost) for cost in costs]
            for wire, costs in findings.connections.items()
        },
        "idle_rooms": [asdict(cost) for cost in findings.rooms],
    }


def as_page(findings: Findings, suite: Suite, conditions: Conditions) -> str:
    """The page for people."""
    sections = [
        page.INTRODUCTION,
        "## Conditions",
        _conditions(findings, suite, conditions),
        "## From writing to everybody's screen",
        page.EDIT,
        edit_table(findings),
        "## From writing to disk",
        page.SAVED,
        saved_table(findings),
        "## What it costs the server",
        page.COST,
        cost_table(findings),
        "## Memory",
        page.MEMORY,
        memory_table(findings, suite),
        page.REPEAT,
        page.METHOD,
        page.MISSING,
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def as_text(findings: Findings, suite: Suite) -> str:
    """The tables alone, for the terminal."""
    tables = []
    if findings.runs:
        tables = [edit_table(findings), saved_table(findings), cost_table(findings)]
    if findings.rooms:
        tables.append(memory_table(findings, suite))
    return "\n\n".join(tables)


# Tables ---------------------------------------------------------------------------------------


def edit_table(findings: Findings) -> str:
    """Latency from sender to other sessions."""
    rows = [
        [
            *_names(case),
            _spread(runs, lambda run: run.edit.p50_ms, 2),
            _spread(runs, lambda run: run.edit.p95_ms, 2),
            _spread(runs, lambda run: run.edit.p99_ms, 2),
            _deliveries(runs),
        ]
        for case, runs in findings.runs.items()
    ]
    head = ["load", "served by", "p50 ms", "p95 ms", "p99 ms", "deliveries found"]
    return _table(head, rows)


def saved_table(findings: Findings) -> str:
    """Latency from sender to durable acknowledgement."""
    rows = [
        [
            *_names(case),
            f"{case.load.updates_per_s_total:,.0f}",
            _spread(runs, lambda run: run.saved.p50_ms, 1),
            _spread(runs, lambda run: run.saved.p99_ms, 1),
            _spread(runs, lambda run: run.saved.max_ms, 1),
        ]
        for case, runs in findings.runs.items()
        if not case.relayed
    ]
    return _table(["load", "wire", "updates/s", "p50 ms", "p99 ms", "longest ms"], rows)


def cost_table(findings: Findings) -> str:
    """Processor time and loop lag."""
    rows = [
        [
            *_names(case),
            _spread(runs, lambda run: run.deliveries_per_s, 0),
            _spread(runs, lambda run: run.server_cpu_us, 1),
            _spread(runs, lambda run: run.server_busy * 100, 0),
            _lag(runs),
        ]
        for case, runs in findings.runs.items()
    ]
    head = [
        "load",
        "served by",
        "deliveries/s",
        "CPU us a delivery",
        "% of a core",
        "loop lag ms, mean; all below",
    ]
    return _table(head, rows)


def memory_table(findings: Findings, suite: Suite) -> str:
    """Idle connections and rooms."""
    sizes = suite.sizes
    rows = []
    baselines: list[float] = []
    for wire, costs in findings.connections.items():
        baselines += (cost.baseline_mib for cost in costs)
        rows += _connection_rows(wire, costs, sizes.connections, sizes.connection_rooms)
    rooms = Spread.of(cost.kib for cost in findings.rooms)
    text_bytes = findings.rooms[0].update_bytes
    rows = [
        ["process without connections", Spread.of(baselines).text(0) + " MiB", ""],
        *rows,
        [
            f"idle room, one of {sizes.rooms:,}, with a document of {text_bytes} bytes",
            rooms.text(1) + " KiB",
            "4 KiB beyond its document",
        ],
    ]
    return _table(["resident memory of", "measured", "goal"], rows)


def _connection_rows(
    wire: Wire, costs: Sequence[ConnectionCost], connections: int, rooms: int
) -> list[list[str]]:
    name = f"{wire.value}, {connections:,} over {rooms} rooms"
    return [
        [
            f"idle connection ({name})",
            Spread.of(cost.kib for cost in costs).text(1) + " KiB",
            "12 KiB",
        ],
        [
            "the same with its share of the room",
            Spread.of(cost.with_room_kib for cost in costs).text(1) + " KiB",
            "",
        ],
        [
            "processor while all of them are idle",
            Spread.of(cost.idle_busy * 100 for cost in costs).text(1) + " % of a core",
            "",
        ],
    ]


# Cells ----------------------------------------------------------------------------------------


def _names(case: Case) -> list[str]:
    return [case.load.title, "relay (floor)" if case.relayed else case.wire.value]


def _spread(runs: Iterable[Run], figure: Callable[[Run], float], digits: int) -> str:
    return Spread.of(figure(run) for run in runs).text(digits)


def _deliveries(runs: Sequence[Run]) -> str:
    delivered = sum(run.delivered for run in runs)
    expected = sum(run.expected for run in runs)
    faults = sum(run.faults for run in runs)
    share = "100 %" if delivered == expected else f"{100 * delivered / expected:.3f} %"
    return f"{share} of {expected:,}" + (f", {faults} faults" if faults else "")


def _lag(runs: Sequence[Run]) -> str:
    lags = [run.lag for run in runs if run.lag is not None]
    if not lags:
        return "-"
    bounds = [lag.below_ms for lag in lags]
    known = [bound for bound in bounds if bound is not None]
    below = f"{max(known):.0f}" if len(known) == len(bounds) else "unknown"
    return f"{Spread.of(lag.mean_ms for lag in lags).text(2)}; {below}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


# Conditions -----------------------------------------------------------------------------------


def _conditions(findings: Findings, suite: Suite, conditions: Conditions) -> str:
    runs = findings.all_runs
    pinned = cast("Mapping[str, int | None]", conditions["pinned"])
    packages = cast("Mapping[str, str]", conditions["packages"])
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    smallest = min(run.update_bytes[0] for run in runs)
    largest = max(run.update_bytes[1] for run in runs)
    repeats = "once" if suite.repeats == 1 else f"{suite.repeats} times, in rounds"
    others = Spread.of(run.others_busy for run in runs)
    busiest = max(run.generator_busy for run in runs)
    latest_ms = max(run.late_p99_ms for run in runs)
    priority = conditions["priority"]
    facts = [
        f"{conditions['date']}, commit `{conditions['commit']}`",
        f"{conditions['cpu']}, {conditions['cores']} cores, {conditions['memory_gib']} GiB",
        f"{conditions['kernel']}, {conditions['python']}, {versions}",
        _pinned(pinned) + (f"; both with priority ({priority})" if priority else ""),
        (
            "the server as `bandpro serve --auth open --rate-limits off`, its data folder on"
            f" {conditions['file_system']}, SQLite with synchronous=FULL; one write and fsync of"
            f" 4 KiB took {conditions['fsync_ms']} ms there before the runs (median of 50)"
        ),
        f"updates are single typed characters, {smallest} to {largest} bytes before framing",
        (
            f"every run {suite.pace.warm_up_s:g} s of warm-up and {suite.pace.measured_s:g} s"
            f" measured, {repeats}, each on a fresh server and data folder"
        ),
        (
            f"load average {_numbers(conditions['load_before'])} before and"
            f" {_numbers(conditions['load_after'])} after; **other processes used"
            f" {others.text(2)} cores** during the runs{_patience(suite)}"
        ),
        (
            f"the generator used at most {100 * busiest:.0f} % of its core and wrote at most"
            f" {latest_ms:.1f} ms late (p99 of the worst run){_ceiling(findings)}"
        ),
    ]
    return "\n".join(f"- {fact}" for fact in facts)


def _pinned(pinned: Mapping[str, int | None]) -> str:
    if pinned["server"] is None:
        return "server and generator share all cores: pinning is not possible here"
    return (
        f"the server with all its threads and child processes on core {pinned['server']}, the"
        f" generator on core {pinned['generator']}"
    )


def _patience(suite: Suite) -> str:
    patience = suite.patience
    if not patience.budget_s:
        return ""
    return (
        f"; {patience.repeated} other runs, during which they used more than"
        f" {OTHERS_BUSY_MAX:.2f}, were made again"
    )


def _ceiling(findings: Findings) -> str:
    ceiling = findings.ceiling
    if ceiling is None:
        return ""
    return (
        f"; it kept up with {ceiling.deliveries_per_s:,.0f} deliveries/s from the relay, at"
        f" {100 * ceiling.generator_busy:.0f} % of its core (the relay at"
        f" {100 * ceiling.relay_busy:.0f} % of its own)"
    )


def _numbers(values: object) -> str:
    return ", ".join(f"{each:.2f}" for each in cast("Sequence[float]", values))
