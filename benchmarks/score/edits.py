"""Edits of one note through a server: from one editor to another, and until it is saved."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from pycrdt import merge_updates

from benchmarks.clients import Client, join_all, leave_all
from benchmarks.figures import Latencies
from benchmarks.ledger import RoomLedger, Tally
from benchmarks.machine import Cores
from benchmarks.score.document import EDITOR, repitched
from benchmarks.targets import Target, bandpro
from benchmarks.undisturbed import no_collector, sleep_until

EDITS: Final = 400
PER_S: Final = 40.0
_WARM_UP: Final = 40
_WITHIN_S: Final = 30.0
_FIRST: Final = 1


@dataclass(frozen=True, slots=True)
class Journey:
    """What edits of one room took.

    Attributes:
        edit: to the other editor.
        saved: until the sender was told that it is on disk.
        missing: deliveries and acknowledgements that did not come.
    """

    edit: Latencies
    saved: Latencies
    missing: int


def journeys(scores: dict[str, list[bytes]]) -> dict[str, Journey]:
    """For each score, in a room of its own on one server, one after the other.

    Args:
        scores: as the updates that make each.
    """
    cores = Cores.choose()
    cores.pin_generator()
    with bandpro(cores) as target:
        return asyncio.run(_all(target, scores))


async def _all(target: Target, scores: dict[str, list[bytes]]) -> dict[str, Journey]:
    return {name: await _one(target, name, score) for name, score in scores.items()}


async def _one(target: Target, name: str, score: list[bytes]) -> Journey:
    dialect = target.dialect(f"bench/{name}")
    seed = Tally()
    first = Client(dialect, RoomLedger(dialect, seed, {_FIRST: score}, receivers=1), _FIRST)
    await join_all([first], target.port)
    for _ in score:
        first.send_next()
    async with asyncio.timeout(_WITHIN_S):
        await seed.idle.wait()
    await leave_all([first])
    tally = Tally()
    ledger = RoomLedger(
        dialect, tally, {EDITOR: repitched(merge_updates(*score), EDITS)}, receivers=2
    )
    writer, reader = Client(dialect, ledger, EDITOR), Client(dialect, ledger)
    await join_all([writer, reader], target.port)
    with no_collector():
        begun_s = time.perf_counter()
        for number in range(EDITS):
            await sleep_until(begun_s + number / PER_S)
            if number == _WARM_UP:
                tally.measured_from_s = time.perf_counter()
            writer.send_next()
        async with asyncio.timeout(_WITHIN_S):
            await tally.idle.wait()
    await leave_all([writer, reader])
    return Journey(Latencies.of(tally.edit_s), Latencies.of(tally.saved_s), tally.outstanding)
