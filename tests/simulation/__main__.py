"""Runs many seeds in all processors, and keeps those that fail: `python -m tests.simulation`."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.compiled.form import choose
from tests.simulation.seeds import keep, kept_seeds

if TYPE_CHECKING:
    from tests.simulation.run import Outcome

_CHUNK = 20


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
    for outcome in _outcomes([*kept_seeds(), *seeds], arguments.jobs):
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


def _outcomes(seeds: list[int], jobs: int) -> Iterator[Outcome]:
    if jobs == 1 or len(seeds) <= _CHUNK:
        _prepare()
        yield from map(_simulate, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _prepare) as pool:
        yield from pool.imap_unordered(_simulate, seeds, chunksize=_CHUNK)


def _prepare() -> None:
    """Choose the compiled core where there is one, as servers do, before anything imports it."""
    choose(os.environ)
    from tests.simulation import run  # noqa: F401, PLC0415

    gc.collect()
    gc.freeze()  # what was imported stays: looking through it after each seed costs time


def _simulate(seed: int) -> Outcome:
    from tests.simulation.run import simulate  # noqa: PLC0415 - in the form chosen

    return simulate(seed)


if __name__ == "__main__":
    sys.exit(main())
