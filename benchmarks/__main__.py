"""``python -m benchmarks``: measure all systems, print the tables, keep results, page and plots."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import plots, report
from benchmarks.baseline import FOLDER, RATIOS, ratios
from benchmarks.ladder import QUICK_RATES, RATES
from benchmarks.loads import Pace
from benchmarks.machine import Cores, Patience, allow_many_files, conditions, load_average
from benchmarks.micro_store import fsync_ms
from benchmarks.peers.installed import versions
from benchmarks.results import LATEST, ROOT, Results, as_data
from benchmarks.suite import LADDER, Case, Findings, Suite, all_cases
from benchmarks.systems import BANDPRO_HOCUSPOCUS, BANDPRO_PLAIN, SYSTEMS, System, core_form

_DOCS: Final = ROOT / "docs"
_LADDER_SYSTEMS: Final = tuple(
    each for each in SYSTEMS if each not in (BANDPRO_HOCUSPOCUS, BANDPRO_PLAIN)
)


def main() -> int:
    """Measure; 0 when every delivery and acknowledgement of BandPro was there."""
    arguments = _arguments()
    if arguments.page:
        _write_page(Results.kept())
        return 0
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
    told = _conditions_before(suite)
    begun_s = time.monotonic()
    _tell(suite.measure(findings, cases), begun_s)
    _tell(suite.climb(findings, climbers), begun_s)
    told["load_after"] = load_average()
    data = as_data(findings, suite, told)
    if arguments.only is None and not arguments.quick:
        LATEST.parent.mkdir(exist_ok=True)
        LATEST.write_text(json.dumps(data, indent=1) + "\n")
        _write_page(Results.kept())
        if arguments.baseline:
            FOLDER.mkdir(exist_ok=True)
            RATIOS.write_text(json.dumps(ratios(Results(data)), indent=1) + "\n")
    print("\n" + report.as_text(Results(data)))
    if findings.incomplete:
        print(f"\nnot everything arrived: {', '.join(findings.incomplete)}", file=sys.stderr)
    return 1 if findings.incomplete else 0


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


def _tell(steps: Iterable[str], begun_s: float) -> None:
    for step in steps:
        print(f"[{time.monotonic() - begun_s:4.0f} s] {step}", flush=True)


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
