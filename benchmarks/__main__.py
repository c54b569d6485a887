"""``python -m benchmarks``: measure the server, print the tables, keep results and page."""

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

from benchmarks import report
from benchmarks.loads import Pace, Run
from benchmarks.machine import Cores, Patience, allow_many_files, conditions, load_average
from benchmarks.micro_store import fsync_ms
from benchmarks.suite import Findings, Suite, all_cases

_ROOT = Path(__file__).resolve().parent.parent
_RESULTS = _ROOT / "benchmarks" / "results" / "latest.json"
_IDLE = "idle"
_PAGE = _ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Measure; 0 when every delivery and acknowledgement was there."""
    arguments = _arguments()
    if arguments.list:
        print("\n".join([*(case.name for case in all_cases()), _IDLE]))
        return 0
    only: str | None = arguments.only
    cases = tuple(case for case in all_cases() if only is None or only in case.name)
    measures_idle = only is None or only in _IDLE
    if not cases and not measures_idle:
        print(f"nothing is called {only}: --list names what there is", file=sys.stderr)
        return 2
    cores = Cores.choose()
    cores.pin_generator()
    allow_many_files()
    pace = Pace(arguments.warm_up, arguments.seconds)
    patience = Patience(arguments.patience)
    suite = Suite(cores, arguments.folder, pace, arguments.repeats, patience)
    findings = Findings()
    told = _conditions_before(suite)
    begun_s = time.monotonic()
    _tell(suite.measure(findings, cases), begun_s)
    if measures_idle:
        _tell(suite.measure_memory(findings), begun_s)
    if only is None:
        _tell(suite.measure_generator(findings), begun_s)
        told["load_after"] = load_average()
        _keep(findings, suite, told)
    print("\n" + report.as_text(findings, suite))
    incomplete = [case.name for case, runs in findings.runs.items() if not _complete(runs)]
    if incomplete:
        print(f"\nnot everything arrived: {', '.join(incomplete)}", file=sys.stderr)
    return 1 if incomplete else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", help="what has this in its name; keeps no results")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each load")
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time of each run")
    parser.add_argument("--warm-up", type=float, default=0.6, help="seconds before that")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        help="seconds to spend on waiting for other processes and repeating what they disturbed",
    )
    parser.add_argument("--list", action="store_true", help="name what there is and stop")
    return parser.parse_args()


def _complete(runs: Iterable[Run]) -> bool:
    return all(run.is_complete for run in runs)


def _tell(steps: Iterable[str], begun_s: float) -> None:
    for step in steps:
        print(f"[{time.monotonic() - begun_s:4.0f} s] {step}", flush=True)


def _conditions_before(suite: Suite) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=suite.folder) as folder:
        found = conditions(suite.cores, Path(folder))
        found["fsync_ms"] = round(fsync_ms(Path(folder)), 2)
    found["date"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    found["commit"] = _commit()
    found["load_before"] = load_average()
    return found


def _commit() -> str:
    """What is checked out, with a note when it was changed since."""
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty=, changed since"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _keep(findings: Findings, suite: Suite, told: dict[str, object]) -> None:
    _RESULTS.parent.mkdir(exist_ok=True)
    found = report.as_json(findings, suite, told)
    _RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    _PAGE.parent.mkdir(exist_ok=True)
    _PAGE.write_text(report.as_page(findings, suite, told))


if __name__ == "__main__":
    sys.exit(main())
