"""Runs many seeds in all processors, and keeps those that fail: `python -m tests.simulation`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.simulation.many import outcomes
from tests.simulation.seeds import keep, kept_seeds


def main() -> int:
    """Run the seeds that the arguments name; returns 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0..1000", help="first..end, or one; default 0..1000")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    arguments = parser.parse_args()
    first, _, end = arguments.seeds.partition("..")
    seeds = range(int(first), int(end) if end else int(first) + 1)
    begun_s = time.monotonic()
    failed, counts = 0, Counter[str]()
    for outcome in outcomes([*kept_seeds(), *seeds], arguments.jobs):
        counts.update(outcome.counts)
        if outcome.violations:
            failed += 1
            keep(outcome.seed, outcome.violations[0].strip().splitlines()[-1][:100])
            _tell(f"seed {outcome.seed}:", *(f"    {each}" for each in outcome.violations))
    took_s = time.monotonic() - begun_s
    _tell(f"{len(seeds)} seeds in {took_s:.0f} s, failed: {failed}")
    _tell(", ".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    return 1 if failed else 0


def _tell(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
