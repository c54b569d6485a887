"""Runs many seeds, in several processes.

Not in `__main__`: processes that are spawned look for what they run in modules, and a package's
`__main__` is none to them.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from gateway.compiled.form import choose

if TYPE_CHECKING:
    from tests.simulation.run import Outcome

_CHUNK: Final = 20


def outcomes(seeds: list[int], jobs: int) -> Iterator[Outcome]:
    """What came of each seed, in any order.

    Args:
        seeds: them.
        jobs: the number of processes at most.
    """
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
