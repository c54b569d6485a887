"""What each store costs: ``python -m benchmarks.stores``; prints tables.

Each mix is asked for the same: to save edits that arrive one by one at random times in 100 rooms,
to read a score of 10 MB from cold, and to keep what 50 people type. SQLite is real; MongoDB and S3
are stand-ins on this machine (`benchmarks.stand_ins`). Besides, how long it takes to rebuild
SQLite's file after an erasure, and what compression is worth (`benchmarks.micro_compression`).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import micro_compression
from benchmarks.edits import random_client_id, typed_updates
from benchmarks.scores import score_document
from benchmarks.stand_ins import mongodb_stand_in, new_bucket, s3_stand_in
from benchmarks.table import table
from collab.ids import FIRST_EPOCH, BlobKey, RoomName, Sequence, room_key, room_name
from collab.limits import MIB
from persistence.build import S3Limits, Stores, StoreSettings, open_stores
from persistence.compaction import compact
from persistence.loading import load_room
from workers.merge import merge

ROOMS: Final = 100
SECONDS: Final = 8.0
WARM_UP_S: Final = 2.0
DOCUMENT_BYTES: Final = 10_000_000
OPENS: Final = 3
TYPISTS: Final = 50
KEYSTROKES: Final = 1_000
BATCH: Final = 20
GENERATIONS: Final = 3
ERASED_BYTES: Final = 100 * MIB

Url = Callable[[], AbstractContextManager[str]]
"""Starts the store, or not, and tells its URL; its data stay from one time to the next."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A store and the place of its blobs.

    Attributes:
        title: for people.
        folder: of its files.
        url: starts the store.
        blobs: URL of their place; empty for what the store itself has.
        s3: how a bucket is reached.
    """

    title: str
    folder: Path
    url: Url
    blobs: str
    s3: S3Limits

    def settings(self, url: str) -> StoreSettings:
        """What it is opened with."""
        return StoreSettings(url, self.folder, blobs_url=self.blobs, s3=self.s3)


# Latency --------------------------------------------------------------------------------------


async def saved_ms(stores: Stores, updates_per_s: int) -> tuple[float, float]:
    """Median and 99th percentile of how long an edit waits until it is saved, in milliseconds."""
    draw = random.Random(updates_per_s)
    keys = [room_key(room_name(f"stores/{updates_per_s}/{number}")) for number in range(ROOMS)]
    heads = {key: await stores.log.head(key) for key in keys}
    locks = {key: asyncio.Lock() for key in keys}
    taken: list[float] = []
    begun = time.perf_counter()

    async def save() -> None:
        key = draw.choice(keys)
        arrived = time.perf_counter()
        async with locks[key]:
            update = draw.randbytes(40)
            heads[key] = await stores.log.append(
                key, epoch=FIRST_EPOCH, after=heads[key], updates=[update]
            )
        if arrived - begun > WARM_UP_S:
            taken.append((time.perf_counter() - arrived) * 1_000)

    async with asyncio.TaskGroup() as group:
        while time.perf_counter() - begun < WARM_UP_S + SECONDS:
            group.create_task(save())
            await asyncio.sleep(draw.expovariate(updates_per_s))
    taken.sort()
    return taken[len(taken) // 2], taken[len(taken) * 99 // 100]


async def cold_open_ms(settings: StoreSettings, score: bytes) -> float:
    """Median time to open the store anew and read a large score from its snapshot."""
    name = room_name("stores/large")

    async def merged(updates: object) -> bytes:
        del updates
        return score

    async with await open_stores(settings) as stores:
        await stores.log.append(
            room_key(name), epoch=FIRST_EPOCH, after=Sequence(0), updates=[score]
        )
        await compact(stores, name, merged)
    taken = []
    for _ in range(OPENS):
        begun = time.perf_counter()
        async with await open_stores(settings) as stores:
            loaded = await load_room(stores, name)
        taken.append((time.perf_counter() - begun) * 1_000)
        assert loaded.updates == (score,)
    return statistics.median(taken)


async def latencies(mix: Mix, score: bytes) -> list[str]:
    """A line of the first table."""
    with mix.url() as url:
        async with await open_stores(mix.settings(url)) as stores:
            slow, fast = await saved_ms(stores, 100), await saved_ms(stores, 1_000)
        cold = await cold_open_ms(mix.settings(url), score)
    return [mix.title, *(f"{p50:.1f} / {p99:.1f}" for p50, p99 in (slow, fast)), f"{cold:.0f}"]


# Bytes ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a mix takes on its disk and in its bucket, in bytes.

    Attributes:
        database: its tables and indexes, in whole pages.
        free: of that, pages that nothing is in.
        blobs: what all blobs have.
        write_ahead: of SQLite while it is open; of MongoDB's engine afterwards, and its oplog.
    """

    database: int
    free: int
    blobs: int
    write_ahead: int = 0


async def typed(stores: Stores, name: RoomName, updates: SequenceOf[bytes]) -> None:
    """Append updates a few at a time, as commits of a room in use share them."""
    head = await stores.log.head(room_key(name))
    for at in range(0, len(updates), BATCH):
        head = await stores.log.append(
            room_key(name), epoch=FIRST_EPOCH, after=head, updates=updates[at : at + BATCH]
        )


async def merge_here(parts: SequenceOf[bytes]) -> bytes:
    """In this process: what is measured is what is stored."""
    return merge(parts)


async def blob_bytes(stores: Stores) -> int:
    """What all blobs have."""
    total, after = 0, None
    while page := await stores.blobs.list("", after=after, limit=1_000):
        total += sum(info.size_bytes for info in page)
        after = BlobKey(page[-1].key)
    return total


async def sizes(mix: Mix, work: Callable[[Stores], object]) -> Sizes:
    """Do something with the store, close it in good order, and see what is there then."""
    database = mix.folder / "bandpro.sqlite3"
    with mix.url() as url:
        async with await open_stores(mix.settings(url)) as stores:
            await work(stores)  # type: ignore[misc] # a coroutine function
            blobs = 0 if mix.title == "MongoDB" else await blob_bytes(stores)
            log = database.with_name(f"{database.name}-wal")
            write_ahead = log.stat().st_size if log.exists() else 0
    if database.exists():
        with closing(sqlite3.connect(database)) as connection:
            (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        return Sizes(database.stat().st_size, pages * page_bytes, blobs, write_ahead)
    files = [path for path in (mix.folder / "data").rglob("*") if path.is_file()]
    logs = [path.stat().st_size for path in files if "Log." in path.name or "oplog" in path.name]
    total = sum(path.stat().st_size for path in files)
    return Sizes(total - sum(logs), 0, blobs, sum(logs))


async def stored_bytes(mix: Mix) -> list[str]:
    """A line of the second table: for each 1,000 keystrokes, before and after compaction."""
    draw = random.Random(7)
    names = [room_name(f"stores/typed/{number}") for number in range(TYPISTS)]
    spare = GENERATIONS - 1
    told = [typed_updates(random_client_id(draw), KEYSTROKES + spare, draw) for _ in names]

    async def nothing(stores: Stores) -> None:
        await stores.check()

    async def write(stores: Stores) -> None:
        each = zip(names, told, strict=True)
        await asyncio.gather(*(typed(stores, name, mine[:KEYSTROKES]) for name, mine in each))

    async def fold(stores: Stores) -> None:
        for generation in range(GENERATIONS):
            for name, mine in zip(names, told, strict=True):
                at = KEYSTROKES + generation - 1
                await typed(stores, name, mine[at : at + 1] if generation else [])
                await compact(stores, name, merge_here)

    empty = await sizes(mix, nothing)
    before, after = await sizes(mix, write), await sizes(mix, fold)
    return [
        mix.title,
        f"{sum(map(len, told[0][:KEYSTROKES])):,}",
        f"{(before.database - empty.database) / TYPISTS:,.0f}",
        f"{(after.database - after.free - empty.database) / TYPISTS:,.0f}",
        f"{after.free / TYPISTS:,.0f}" if after.free else "-",
        f"{(after.blobs - empty.blobs) / TYPISTS:,.0f}" if after.blobs else "within",
        f"{before.write_ahead / MIB:.1f} MiB" if before.write_ahead else "-",
    ]


# Rebuilding ----------------------------------------------------------------------------------


async def rebuilt(folder: Path) -> list[str]:
    """How long SQLite's file takes to be rebuilt after an erasure."""
    draw = random.Random(3)
    name = room_name("stores/rebuilt")
    async with await open_stores(StoreSettings("sqlite:", folder)) as stores:
        head = Sequence(0)
        for _ in range(ERASED_BYTES // MIB):
            updates = [draw.randbytes(1_024) for _ in range(1_024)]
            head = await stores.log.append(
                room_key(name), epoch=FIRST_EPOCH, after=head, updates=updates
            )
        used = (await stores.usage()).used_bytes
        begun = time.perf_counter()
        await stores.backend.scrub(room_key(name))
        taken_s = time.perf_counter() - begun
    return [f"{used / MIB:.0f} MiB", f"{taken_s:.1f} s"]


# Tables ---------------------------------------------------------------------------------------


def embedded() -> AbstractContextManager[str]:
    """SQLite needs no server."""
    return nullcontext("sqlite:")


def mixes(folder: Path, s3: S3Limits) -> list[Mix]:
    """All that are measured, each in a folder of its own."""
    made = []
    for number, title in enumerate(("SQLite, files", "SQLite, S3", "MongoDB", "MongoDB, S3")):
        own = folder / str(number)
        own.mkdir(parents=True)
        url: Url = embedded
        if title.startswith("MongoDB"):
            url = partial(mongodb_stand_in, own)
        made.append(Mix(title, own, url, new_bucket(s3) if title.endswith("S3") else "", s3))
    return made


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    score = score_document(DOCUMENT_BYTES, random.Random(1))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(s3_stand_in(folder))
        rows = [asyncio.run(latencies(mix, score)) for mix in mixes(folder / "saved", s3)]
        head = ["store", "saved at 100/s, ms p50 / p99", "at 1,000/s"]
        print(table([*head, f"cold open of a score of {len(score):,} bytes, ms"], rows), end="\n\n")
        rows = [asyncio.run(stored_bytes(mix)) for mix in mixes(folder / "typed", s3)]
        head = ["store", "1,000 keystrokes", "in the database", "there, compacted"]
        head += ["and free for reuse", "in blobs", "logs of the engine, all typists"]
        print(table(head, rows), end="\n\n")
        rows = [asyncio.run(rebuilt(folder / "rebuilt"))]
        print(table(["SQLite with its log", "rebuilt in"], rows), end="\n\n")
    micro_compression.main()


if __name__ == "__main__":
    main()
