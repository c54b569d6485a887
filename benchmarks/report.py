"""The page ``docs/benchmarks.md`` and the tables for the terminal, from what was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from benchmarks import page
from benchmarks.figures import Spread
from benchmarks.goals import goals_table
from benchmarks.machine import OTHERS_BUSY_MAX
from benchmarks.results import Results
from benchmarks.table import table


def as_page(results: Results) -> str:
    """The page for people."""
    sections = [
        page.INTRODUCTION,
        "## Goals",
        page.GOALS,
        goals_table(results),
        "## Conditions",
        _conditions(results),
        "## Who is measured",
        page.SYSTEMS,
        systems_table(results),
        "## From writing to everybody's screen",
        page.EDIT,
        "![Latency of each system](images/bench-latency.svg)",
        edit_table(results),
        _failures(results),
        "## What it costs the server",
        page.COST,
        "![Processor time for a delivery](images/bench-cpu.svg)",
        cost_table(results),
        "## How much it takes",
        page.LADDER,
        "![Latency under a rising rate](images/bench-saturation.svg)",
        ladder_table(results),
        "## From writing to disk",
        page.SAVED,
        saved_table(results),
        *_stress(results),
        page.REPEAT,
        page.METHOD,
        page.MISSING,
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def as_text(results: Results) -> str:
    """The tables alone, for the terminal."""
    tables = []
    if results.data["runs"]:
        tables += [edit_table(results), cost_table(results), saved_table(results)]
    if results.data["ladders"]:
        tables.append(ladder_table(results))
    return "\n\n".join(each for each in tables if each)


# Tables ---------------------------------------------------------------------------------------


def systems_table(results: Results) -> str:
    """What each system does less and more than ours."""
    rows = [[told["title"], told["less"], told["more"]] for told in results.systems.values()]
    rows += [
        [told["title"], f"**not measured here**: {told['missing']}", ""]
        for name, told in results.data["systems"].items()
        if name not in results.systems and told["missing"]
    ]
    return table(["system", "does less", "does more"], rows)


def edit_table(results: Results) -> str:
    """Latency from sender to other sessions."""
    head = ["load", "system", "p50 ms", "p95 ms", "p99 ms", "deliveries found", "acknowledged"]

    def cells(load: str, system: str) -> list[str]:
        runs = results.runs(load, system)
        latencies = [results.spread(load, system, f"edit.{p}_ms") for p in ("p50", "p95", "p99")]
        return [
            *(_text(each, 2) for each in latencies),
            _share(runs, "delivered", "expected", with_faults=True),
            _share(runs, "acknowledged", "sent"),
        ]

    return table(head, _rows(results, cells))


def cost_table(results: Results) -> str:
    """Processor time, memory and loop lag."""
    head = [
        "load",
        "system",
        "CPU us a delivery",
        "CPU us a received update",
        "% of a core",
        "MiB resident",
        "loop lag ms, mean; all below",
    ]

    def cells(load: str, system: str) -> list[str]:
        busy = results.spread(load, system, "server_busy")
        return [
            _text(results.spread(load, system, "server_cpu_us"), 1),
            _text(results.spread(load, system, "server_received_us"), 0),
            _text(busy.scaled(100) if busy else None, 0),
            _text(results.spread(load, system, "rss_mib"), 0),
            _lag(results.runs(load, system)),
        ]

    return table(head, _rows(results, cells))


def saved_table(results: Results) -> str:
    """Latency from sender to durable acknowledgement."""
    rows = []
    for load, told in results.data["loads"].items():
        for system in ("bandpro", "bandpro-hocuspocus"):
            if not results.runs(load, system):
                continue
            total = told["rooms"] * told["writers"] * told["updates_per_s"]
            latencies = [
                results.spread(load, system, f"saved.{p}_ms") for p in ("p50", "p99", "max")
            ]
            cells = [told["title"], results.title(system), f"{total:,.0f}"]
            rows.append([*cells, *(_text(each, 1) for each in latencies)])
    head = ["load", "system", "updates/s", "p50 ms", "p99 ms", "longest ms"]
    return table(head, rows) if rows else ""


def ladder_table(results: Results) -> str:
    """How much was kept up with, and what stood in the way of more."""
    rows = []
    for system, ladders in results.data["ladders"].items():
        reached = results.saturation(system)
        assert reached is not None
        held = [_last_held(each) for each in ladders]
        busy = [run for run in held if run]
        rows.append(
            [
                results.title(system),
                ("at least " if results.is_at_least(system) else "") + reached.text(0),
                _text(Spread.of(run["edit"]["p99_ms"] for run in busy) if busy else None, 1),
                _percent(run["server_busy"] for run in busy),
                _percent(run["generator_busy"] for run in busy),
            ]
        )
    head = ["system", "deliveries/s kept up with", "p99 ms there", "server % of its core"]
    return table([*head, "generator % of its core"], rows) if rows else ""


def _failures(results: Results) -> str:
    failures = results.data["failures"]
    said = [f"{name} ({len(each)} of {results.data['repeats']})" for name, each in failures.items()]
    return f"Runs that failed and are not in the tables: **{', '.join(said)}**." if said else ""


def _rows(results: Results, cells: Callable[[str, str], list[str]]) -> list[list[str]]:
    return [
        [results.data["loads"][load]["title"], results.title(system), *cells(load, system)]
        for load in results.data["runs"]
        for system in results.systems
        if results.runs(load, system)
    ]


def _stress(results: Results) -> Iterable[str]:
    """What the stress workloads showed, one table for all; nothing where they were not run."""
    rows = []
    for name, entry in results.stress.items():
        for target, held in entry["targets"].items():
            runs, told = held["runs"], held["conditions"]
            where = f"{told['date']}, {told['cpu']}"
            rows += [
                [entry["title"], _target_title(results, target), figure, _text(spread, 2), where]
                for figure in (runs[0]["figures"] if runs else ())
                if (spread := results.stressed(name, figure, target)) is not None
                and (figure in entry["goals"] or "p99" in figure or "p50" in figure)
            ]
    if not rows:
        return ()
    columns = ["workload", "system", "figure", "measured", "when and on what"]
    return "## Under stress", page.STRESS, table(columns, rows)


def _target_title(results: Results, target: str) -> str:
    told = results.data["systems"].get(target)
    return str(told["title"]) if told else target


# Cells ----------------------------------------------------------------------------------------


def _text(spread: Spread | None, digits: int) -> str:
    return "-" if spread is None else spread.text(digits)


def _share(
    runs: Sequence[Mapping[str, Any]], part: str, whole: str, *, with_faults: bool = False
) -> str:
    got = sum(run[part] for run in runs)
    wanted = sum(run[whole] for run in runs)
    faults = sum(run["faults"] for run in runs) if with_faults else 0
    share = "100 %" if got == wanted else f"**{100 * got / wanted:.3f} %**"
    return f"{share} of {wanted:,}" + (f", {faults} faults" if faults else "")


def _lag(runs: Sequence[Mapping[str, Any]]) -> str:
    lags = [run["lag"] for run in runs if run["lag"] is not None]
    if not lags:
        return "-"
    bounds = [lag["below_ms"] for lag in lags]
    known = [bound for bound in bounds if bound is not None]
    below = f"{max(known):.0f}" if len(known) == len(bounds) else "unknown"
    return f"{Spread.of(lag['mean_ms'] for lag in lags).text(2)}; {below}"


def _last_held(ladder: Mapping[str, Any]) -> Mapping[str, Any] | None:
    held = [step["run"] for step in ladder["steps"] if step["kept_up"]]
    return held[-1] if held else None


def _percent(shares: Iterable[float]) -> str:
    values = [100 * each for each in shares]
    return Spread.of(values).text(0) if values else "-"


# Conditions -----------------------------------------------------------------------------------


def _conditions(results: Results) -> str:
    data = results.data
    told = data["conditions"]
    runs = results.all_runs()
    versions = ", ".join(f"{name} {version}" for name, version in told["packages"].items())
    peers = ", ".join(f"{name} {version}" for name, version in told["peers"].items())
    others = Spread.of(run["others_busy"] for run in runs)
    pace = data["pace"]
    smallest = min(run["update_bytes"][0] for run in runs)
    largest = max(run["update_bytes"][1] for run in runs)
    repeats = "once" if data["repeats"] == 1 else f"{data['repeats']} times, in rounds"
    facts = [
        f"{told['date']}, commit `{told['commit']}`",
        f"{told['cpu']}, {told['cores']} cores, {told['memory_gib']} GiB",
        f"{told['kernel']}, {told['python']}, {versions}",
        f"peers: {peers}",
        _pinned(told["pinned"])
        + (f"; both with priority ({told['priority']})" if told["priority"] else ""),
        (
            "BandPro as `bandpro serve --auth open --rate-limits off`, its core"
            f" {told['core']}, its data folder on"
            f" {told['file_system']}, SQLite with synchronous=FULL; one write and fsync of"
            f" 4 KiB took {told['fsync_ms']} ms there before the runs (median of 50)"
        ),
        f"updates are single typed characters, {smallest} to {largest} bytes before framing",
        (
            f"every run {pace['warm_up_s']:g} s of warm-up and {pace['measured_s']:g} s"
            f" measured, {repeats}, each on a fresh process and data folder"
        ),
        (
            f"load average {_numbers(told['load_before'])} before and"
            f" {_numbers(told['load_after'])} after; **other processes used"
            f" {others.text(2)} cores** during the runs{_patience(data['patience'])}"
        ),
        _generator(results),
    ]
    return "\n".join(f"- {fact}" for fact in facts)


def _generator(results: Results) -> str:
    runs = results.all_runs()
    busiest = max(run["generator_busy"] for run in runs)
    latest_ms = max(run["late_p99_ms"] for run in runs)
    said = (
        f"the generator used at most {100 * busiest:.0f} % of its core under these loads and wrote"
        f" at most {latest_ms:.1f} ms late (p99 of the worst run)"
    )
    reached = results.saturation("relay")
    if reached is None:
        return said
    steps = [step for each in results.data["ladders"]["relay"] for step in each["steps"]]
    busy = max(step["run"]["generator_busy"] for step in steps if step["run"])
    return (
        f"{said}; on the ladder, where every update is a frame of its own (the relay merges"
        f" nothing), it took {reached.text(0)} deliveries/s and was busy for {100 * busy:.0f} % of"
        " its core; there is no third core for a second generator process"
    )


def _pinned(pinned: Mapping[str, int | None]) -> str:
    if pinned["server"] is None:
        return "server and generator share all cores: pinning is not possible here"
    return (
        f"the server with all its threads and child processes on core {pinned['server']}, the"
        f" generator on core {pinned['generator']}"
    )


def _patience(patience: Mapping[str, Any]) -> str:
    if not patience["budget_s"]:
        return ""
    return (
        f"; {patience['repeated']} other runs, during which they used more than"
        f" {OTHERS_BUSY_MAX:.2f}, were made again"
    )


def _numbers(values: object) -> str:
    return ", ".join(f"{each:.2f}" for each in cast("Sequence[float]", values))
