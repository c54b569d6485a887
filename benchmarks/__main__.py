"""``python -m benchmarks``: measure all systems, print the tables, keep results, page and plots."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import plots, report
from benchmarks.baseline import RATIOS, ratios
from benchmarks.ladder import QUICK_RATES, RATES
from benchmarks.loads import Pace
from benchmarks.machine import Cores, Patience, allow_many_files, conditions, load_average
from benchmarks.micro_store import fsync_ms
from benchmarks.peers.installed import versions
from benchmarks.results import LATEST, ROOT, Results, as_data, write
from benchmarks.suite import LADDER, Case, Findings, Suite, all_cases
from benchmarks.systems import BANDPRO_HOCUSPOCUS, BANDPRO_PLAIN, SYSTEMS, System, core_form

_DOCS: Final = ROOT / "docs"
_INTERRUPTED: Final = 130
_LADDER_SYSTEMS: Final = tuple(
    each for each in SYSTEMS if each not in (BANDPRO_HOCUSPOCUS, BANDPRO_PLAIN)
)


def main() -> int:
    """Measure; 0 when every delivery and acknowledgement of BandPro was there."""
    arguments = _arguments()
    if arguments.page:
        return _page_alone()
    if arguments.list:
        ladders = (f"{LADDER}/{system.name}" for system in _LADDER_SYSTEMS)
        print("\n".join([*(case.name for case in all_cases()), *ladders]))
        return 0
    cases, climbers = _chosen(arguments.only)
    if not cases and not climbers:
        print(f"nothing that is here is called {arguments.only}: see --list", file=sys.stderr)
        return 2
    suite = _suite(arguments)
    findings = Findings()
    keeps = arguments.only is None and not arguments.quick
    results = _measure(suite, findings, cases, climbers, LATEST if keeps else None)
    print("\n" + report.as_text(results))
    if findings.incomplete:
        print(f"\nnot everything arrived: {', '.join(findings.incomplete)}", file=sys.stderr)
    if findings.rounds < suite.repeats:
        return _INTERRUPTED
    if keeps:
        _write_page(Results.kept())
        if arguments.baseline:
            write(RATIOS, ratios(results))
    return 1 if findings.incomplete else 0


def _measure(
    suite: Suite,
    findings: Findings,
    cases: Sequence[Case],
    climbers: Sequence[System],
    kept: Path | None,
) -> Results:
    """Fill in the findings, round by round; an interruption ends it with what there is.

    Args:
        suite: how.
        findings: where what is measured is filled in.
        cases: loads on systems.
        climbers: systems of which is found out how much they take.
        kept: file for the results after each round; None keeps none.
    """
    told = _conditions_before(suite)
    begun_s = time.monotonic()
    try:
        while findings.rounds < suite.repeats:
            for step in suite.measure_round(findings, cases, climbers):
                print(f"[{time.monotonic() - begun_s:4.0f} s] {step}", flush=True)
            told["load_after"] = load_average()
            if kept is not None:
                write(kept, as_data(findings, suite, told))
    except KeyboardInterrupt:
        said = "nothing is kept" if kept is None else f"{findings.rounds} round(s) are kept"
        print(f"\ninterrupted: {said}", file=sys.stderr)
    return Results(as_data(findings, suite, told))


def _page_alone() -> int:
    try:
        results = Results.kept()
    except FileNotFoundError:
        print(f"there is no {LATEST.relative_to(ROOT)} yet: `make bench` measures", file=sys.stderr)
        return 2
    _write_page(results)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", help="what has this in its name; keeps no results")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each load")
    parser.add_argument("--seconds", type=float, default=2.0, help="measured time of each run")
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds before that")
    parser.add_argument("--quick", action="store_true", help="once, shortly; keeps no results")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        help="seconds to spend on waiting for other processes and repeating what they disturbed",
    )
    parser.add_argument("--list", action="store_true", help="name what there is and stop")
    parser.add_argument("--baseline", action="store_true", help="keep the ratios as well")
    parser.add_argument("--page", action="store_true", help="write the page from kept results")
    return parser.parse_args()


def _chosen(only: str | None) -> tuple[tuple[Case, ...], tuple[System, ...]]:
    """What is to be measured; what is not on this machine is said and left out."""
    missing = {system: reason for system in SYSTEMS if (reason := system.missing())}
    for system, reason in missing.items():
        print(f"{system.title} is left out: {reason}", file=sys.stderr)
    cases = tuple(
        case
        for case in all_cases()
        if case.system not in missing and (only is None or only in case.name)
    )
    climbers = tuple(
        system
        for system in _LADDER_SYSTEMS
        if system not in missing and (only is None or only in f"{LADDER}/{system.name}")
    )
    return cases, climbers


def _suite(arguments: argparse.Namespace) -> Suite:
    cores = Cores.choose()
    cores.pin_generator()
    allow_many_files()
    return Suite(
        cores,
        arguments.folder,
        Pace(0.3, 0.8) if arguments.quick else Pace(arguments.warm_up, arguments.seconds),
        1 if arguments.quick else arguments.repeats,
        Patience(arguments.patience),
        QUICK_RATES if arguments.quick else RATES,
    )


def _conditions_before(suite: Suite) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=suite.folder) as folder:
        found = conditions(suite.cores, Path(folder))
        found["fsync_ms"] = round(fsync_ms(Path(folder)), 2)
    found["peers"] = versions()
    found["core"] = core_form()
    found["date"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    found["commit"] = _commit()
    found["load_before"] = load_average()
    return found


def _commit() -> str:
    """What is checked out, with a note when it was changed since."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=, changed since"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _write_page(results: Results) -> None:
    images = _DOCS / "images"
    images.mkdir(parents=True, exist_ok=True)
    drawn = {
        "latency": plots.latency_plot(results),
        "cpu": plots.cost_plot(results),
        "saturation": plots.saturation_plot(results),
    }
    for name, svg in drawn.items():
        (images / f"bench-{name}.svg").write_text(svg)
    (_DOCS / "benchmarks.md").write_text(report.as_page(results))


if __name__ == "__main__":
    sys.exit(main())
