"""``python -m benchmarks.stress``: put the server under stress, and say who noticed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception_only
from typing import Final

from benchmarks.machine import Cores, Patience, allow_many_files, conditions, load_average
from benchmarks.results import STRESS
from benchmarks.stress.findings import Findings, as_text, keep
from benchmarks.stress.stage import Outcome, Stage, Workload
from benchmarks.stress.workloads import BEYOND_PEERS, all_workloads
from benchmarks.systems import BANDPRO, OURS, PEERS, System

_INTERRUPTED: Final = 130
SYSTEMS: Final = {system.name: system for system in (*OURS, *PEERS)}


def main() -> int:
    """Run workloads; 0 when everything arrived that had to."""
    arguments = _arguments()
    known = all_workloads(arguments.minutes * 60)
    only: str | None = arguments.only
    workloads = [each for each in known if only is None or only in each.name]
    if arguments.list or not workloads:
        print("\n".join(f"{each.name:16} {each.title}" for each in known))
        return 0 if arguments.list else 2
    cores = Cores.choose()
    cores.pin_generator()
    allow_many_files()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        told = conditions(cores, Path(folder))
    told["date"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    told["load_before"] = load_average()
    findings = Findings()
    patience = Patience(arguments.patience)
    systems = [SYSTEMS[name] for name in arguments.target or [BANDPRO.name]]
    begun_s = time.monotonic()
    interrupted = False
    try:
        for workload, stage in _turns(arguments, workloads, systems, cores):
            patience.await_quiet()
            outcome = _run(workload, stage)
            findings.add(workload, stage.system.name, outcome)
            if not arguments.dry:
                keep(findings, STRESS, told | {"load_after": load_average()})
            whole = "complete" if outcome.is_complete else "INCOMPLETE"
            passed_s = time.monotonic() - begun_s
            print(f"[{passed_s:4.0f} s] {workload.name} {stage.system.name}: {whole}", flush=True)
    except KeyboardInterrupt:
        interrupted = True
        print("\ninterrupted", file=sys.stderr)
    print("\n" + as_text(findings))
    if interrupted:
        return _INTERRUPTED
    missed = arguments.strict and not findings.meets_goals
    return 0 if findings.is_complete and not missed else 1


def _turns(
    arguments: argparse.Namespace,
    workloads: Sequence[Workload],
    systems: Sequence[System],
    cores: Cores,
) -> Iterator[tuple[Workload, Stage]]:
    """Who is put under what, in order: one round after the other."""
    for number in range(arguments.repeats):
        for workload in workloads:
            for system in systems:
                if system.is_ours or workload.name not in BEYOND_PEERS:
                    yield workload, Stage(system, cores, arguments.folder, number)


def _run(workload: Workload, stage: Stage) -> Outcome:
    """What does not get to its end is an outcome too: a server that falls over is a finding."""
    try:
        return workload.run(stage)
    except Exception as error:  # noqa: BLE001 - the other workloads are to be run all the same
        return Outcome({}, 1, 0, 1, ("".join(format_exception_only(error)).strip(),))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stress", description=__doc__)
    parser.add_argument("--only", help="what has this in its name")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each workload")
    parser.add_argument("--list", action="store_true", help="name what there is and stop")
    parser.add_argument(
        "--target", action="append", choices=list(SYSTEMS), help="may be given again"
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the soak lasts")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument(
        "--patience", type=float, default=0.0, help="seconds to wait for a quiet machine, in all"
    )
    parser.add_argument("--strict", action="store_true", help="a missed goal is a failure too")
    parser.add_argument("--dry", action="store_true", help="print only; keep no results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
