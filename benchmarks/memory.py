"""What idle connections and idle rooms cost the server in memory, and in processor time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.clients import Client, join_all, leave_all
from benchmarks.edits import pasted_update, random_client_id
from benchmarks.ledger import RoomLedger, Tally
from benchmarks.targets import Target
from benchmarks.wires import Wire

KEEP_ROOMS: Final = {"unload-after-ms": "3600000"}
"""Settings under which a room stays loaded for as long as the measurement takes."""

_SETTLE_S: Final = 0.5
_IDLE_S: Final = 2.0
_AT_ONCE: Final = 100
_PATIENT_WITH: Final = 1000  # connections; each thousand gets its own time limit
_SAVED_WITHIN_S: Final = 60


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is opened.

    Attributes:
        connections: idle ones.
        connection_rooms: over which they are spread.
        rooms: idle ones without any connection.
        room_characters: of text in each of those.
    """

    connections: int = 1000
    connection_rooms: int = 200
    rooms: int = 2000
    room_characters: int = 200


@dataclass(frozen=True, slots=True)
class ConnectionCost:
    """Of idle connections over one wire.

    Attributes:
        baseline_mib: the process before anybody came.
        kib: for each connection to a room that is open already.
        with_room_kib: for each connection, its share of its room included.
        joins_per_s: connections made and synchronised a second.
        idle_busy: share of a core that the server uses while nobody does anything.
        total_mib: the process with all of them.
        lost: connections that the server ended.
    """

    baseline_mib: float
    kib: float
    with_room_kib: float
    joins_per_s: float
    idle_busy: float
    total_mib: float
    lost: int


@dataclass(frozen=True, slots=True)
class RoomCost:
    """Of idle rooms.

    Attributes:
        kib: for each room, its small document included.
        update_bytes: size of the one update in it.
    """

    kib: float
    update_bytes: int


async def measure_connections(target: Target, wire: Wire, sizes: Sizes) -> ConnectionCost:
    """Open one connection to each room, then all others, and see what the second step cost."""
    names = [f"idle/{number}" for number in range(sizes.connection_rooms)]
    dialects = [target.over(wire).dialect(name) for name in names]
    first = [Client(dialect) for dialect in dialects]
    others = [
        Client(dialects[number % len(dialects)]) for number in range(sizes.connections - len(first))
    ]
    empty = await _settled_rss(target)
    await join_all(first, target.port)
    opened = await _settled_rss(target)
    begun_s = time.perf_counter()
    for begin in range(0, len(others), _PATIENT_WITH):
        await join_all(others[begin : begin + _PATIENT_WITH], target.port)
    joined_s = time.perf_counter() - begun_s
    full = await _settled_rss(target)
    idle_busy = await _idle_busy(target)
    lost = sum(not client.is_connected for client in [*first, *others])
    await leave_all([*first, *others])
    return ConnectionCost(
        baseline_mib=round(empty / 2**20, 1),
        kib=_kib_each(full - opened, len(others)),
        with_room_kib=_kib_each(full - empty, sizes.connections),
        joins_per_s=round(len(others) / joined_s),
        idle_busy=round(idle_busy, 4),
        total_mib=round(full / 2**20, 1),
        lost=lost,
    )


async def measure_rooms(target: Target, sizes: Sizes, seed: int) -> RoomCost:
    """Open rooms, put a small text into each, leave them loaded, and see what they cost.

    A first batch is not counted: what connections leave behind is then there to be used again.
    """
    source = random.Random(seed)
    await _fill(target, range(_AT_ONCE), sizes, source)
    before = await _settled_rss(target)
    update_bytes = 0
    last = _AT_ONCE + sizes.rooms
    for begin in range(_AT_ONCE, last, _AT_ONCE):
        batch = range(begin, min(begin + _AT_ONCE, last))
        update_bytes = await _fill(target, batch, sizes, source)
    after = await _settled_rss(target)
    return RoomCost(_kib_each(after - before, sizes.rooms), update_bytes)


async def _fill(target: Target, numbers: Sequence[int], sizes: Sizes, source: random.Random) -> int:
    tally = Tally()
    writers = []
    update = b""
    for number in numbers:
        dialect = target.dialect(f"room/{number}")
        client_id = random_client_id(source)
        update = pasted_update(client_id, sizes.room_characters, source)
        ledger = RoomLedger(dialect, tally, {client_id: [update]}, receivers=1)
        writers.append(Client(dialect, ledger, client_id))
    await join_all(writers, target.port)
    for writer in writers:
        writer.send_next()
    async with asyncio.timeout(_SAVED_WITHIN_S):
        await tally.idle.wait()
    await leave_all(writers)
    return len(update)


async def _settled_rss(target: Target) -> int:
    await asyncio.sleep(_SETTLE_S)
    return target.rss_bytes()


async def _idle_busy(target: Target) -> float:
    before_s, begun_s = target.cpu_s(), time.perf_counter()
    await asyncio.sleep(_IDLE_S)
    return (target.cpu_s() - before_s) / (time.perf_counter() - begun_s)


def _kib_each(size_bytes: int, count: int) -> float:
    return round(size_bytes / 1024 / count, 2)
