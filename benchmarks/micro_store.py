"""How fast updates are saved: ``python -m benchmarks.micro_store``.

Paced load is what users feel: a fixed number of updates a second, arriving one by one at random
times in many rooms, each waiting for its own commit. Flood shows the ceiling: every room appends
again as soon as its last append is saved. Both run against a real file with synchronous=FULL.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from pathlib import Path

import uvloop

from collab.ids import FIRST_EPOCH, RoomKey, Sequence, room_key, room_name
from collab.limits import MIB
from persistence.build import Stores, StoreSettings, open_stores

UPDATE_BYTES = 40
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table.

    Attributes:
        name: what was run.
        saved_per_s: updates saved in a second.
        latencies_ms: of every append after the warm-up.
        cpu_us: processor time of the whole process for each saved update, in microseconds.
    """

    name: str
    saved_per_s: float
    latencies_ms: SequenceOf[float]
    cpu_us: float

    def line(self) -> str:
        """The figures as one line of a table."""
        ordered = sorted(self.latencies_ms)
        p50, p95, p99 = (ordered[int(len(ordered) * share)] for share in (0.50, 0.95, 0.99))
        return (
            f"{self.name:<34} {self.saved_per_s:>9.0f} {p50:>8.2f} {p95:>8.2f} {p99:>8.2f}"
            f" {ordered[-1]:>8.1f} {self.cpu_us:>8.1f}"
        )


class Load:
    """Appends to rooms and remembers how long each append took.

    Args:
        stores: an opened store.
        rooms: how many rooms to spread the load over.
        seed: of the content and the arrival times.
    """

    def __init__(self, stores: Stores, rooms: int, seed: int) -> None:
        self.random = random.Random(seed)
        self._stores = stores
        self._keys = [room_key(room_name(f"bench/{seed}/{number}")) for number in range(rooms)]
        self._heads = dict.fromkeys(self._keys, Sequence(0))
        self._locks = {key: asyncio.Lock() for key in self._keys}
        self._waiting: dict[RoomKey, list[tuple[bytes, float]]] = {key: [] for key in self._keys}
        self.latencies_ms: list[float] = []
        self.saved = 0
        self.measured_from = float("inf")

    @property
    def stored(self) -> int:
        """Updates saved since the beginning, warm-up included."""
        return sum(self._heads.values())

    async def paced(self, updates_per_s: int, duration_s: float) -> None:
        """Updates arrive at random times, `updates_per_s` on average."""
        tasks: set[asyncio.Task[None]] = set()
        end = time.perf_counter() + duration_s
        due = time.perf_counter()
        while (now := time.perf_counter()) < end:
            while due <= now:
                task = asyncio.create_task(self._arrive(self.random.choice(self._keys), due))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                due += self.random.expovariate(updates_per_s)
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)

    async def store_snapshots(self, size_bytes: int, until: asyncio.Event) -> None:
        """Large snapshots one after the other, each deleted again, beside the appends."""
        key = self._keys[0]
        update = self.random.randbytes(size_bytes)
        while not until.is_set():
            ref = await self._stores.snapshots.put(
                key, epoch=FIRST_EPOCH, sequence=Sequence(1), update=update
            )
            await self._stores.snapshots.delete(key, ref)

    async def flood(self, duration_s: float) -> None:
        """Every room appends again at once."""
        end = time.perf_counter() + duration_s

        async def room(key: RoomKey) -> None:
            while time.perf_counter() < end:
                await self._arrive(key, time.perf_counter())

        await asyncio.gather(*map(room, self._keys))

    async def _arrive(self, key: RoomKey, at: float) -> None:
        """Append as a room does: one append in flight, what arrives meanwhile goes next."""
        self._waiting[key].append((self.random.randbytes(UPDATE_BYTES), at))
        async with self._locks[key]:
            batch, self._waiting[key] = self._waiting[key], []
            if not batch:
                return
            updates = [update for update, _ in batch]
            head = await self._stores.log.append(
                key, epoch=FIRST_EPOCH, after=self._heads[key], updates=updates
            )
            self._heads[key] = head
            now = time.perf_counter()
            for _, arrived in batch:
                if arrived >= self.measured_from:
                    self.latencies_ms.append((now - arrived) * 1000)
                    self.saved += 1


async def measure(
    folder: Path, name: str, rooms: int, rate: int, duration_s: float, snapshot_bytes: int
) -> Figures:
    """Run one load against a fresh store; a rate of 0 means flood."""
    async with await open_stores(StoreSettings("sqlite:", folder)) as stores:
        load = Load(stores, rooms, seed=rooms + rate)
        load.measured_from = time.perf_counter() + WARM_UP_S
        before = time.process_time()
        is_over = asyncio.Event()
        beside = load.store_snapshots(snapshot_bytes, is_over) if snapshot_bytes else None
        storing = None if beside is None else asyncio.create_task(beside)
        if rate:
            await load.paced(rate, WARM_UP_S + duration_s)
        else:
            await load.flood(WARM_UP_S + duration_s)
        cpu_s = time.process_time() - before
        is_over.set()
        if storing is not None:
            await storing
        total = load.stored
    return Figures(name, load.saved / duration_s, load.latencies_ms, cpu_s / total * 1e6)


def fsync_ms(folder: Path) -> float:
    """Median of 50 bare write-and-fsync calls: the floor under every commit here."""
    descriptor = os.open(folder / "floor", os.O_RDWR | os.O_CREAT)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        os.write(descriptor, b"x" * 4096)
        os.fsync(descriptor)
        times.append((time.perf_counter() - start) * 1000)
    os.close(descriptor)
    return sorted(times)[25]


def main() -> None:
    """Run all loads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of each load")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    arguments = parser.parse_args()
    loads = (
        ("paced 1,000/s over 50 rooms", 50, 1_000, 0),
        ("paced 1,000/s over 500 rooms", 500, 1_000, 0),
        ("paced 4,000/s over 500 rooms", 500, 4_000, 0),
        ("1,000/s beside 32 MiB snapshots", 50, 1_000, 32 * MIB),
        ("flood of 1 room", 1, 0, 0),
        ("flood of 200 rooms", 200, 0, 0),
    )
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        print(f"one write and fsync of 4 KiB here: {fsync_ms(Path(temporary)):.2f} ms")
        print(
            f"{'saving updates of 40 bytes':<34} {'saved/s':>9} {'p50 ms':>8} {'p95 ms':>8}"
            f" {'p99 ms':>8} {'max ms':>8} {'CPU us':>8}"
        )
        for number, (name, rooms, rate, snapshot_bytes) in enumerate(loads):
            folder = Path(temporary) / str(number)
            running = measure(folder, name, rooms, rate, arguments.seconds, snapshot_bytes)
            print(uvloop.run(running).line())


if __name__ == "__main__":
    main()
