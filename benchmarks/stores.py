"""What each store costs: ``python -m benchmarks.stores URL ...``; prints a table.

A URL is one of `persistence.build`; ``sqlite:`` is a new folder. Each store is asked for the same:
to save edits that arrive one by one at random times in 100 rooms, to read a document of 10 MB from
cold, and to keep 1,000 keystrokes. A database that is named is written to and left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from pycrdt import Doc, Text

from benchmarks.table import table
from collab.ids import FIRST_EPOCH, Sequence, room_key, room_name
from persistence.build import Stores, StoreSettings, open_stores
from persistence.compaction import compact
from persistence.loading import load_room
from workers.merge import merge

ROOMS = 100
SECONDS = 10.0
WARM_UP_S = 2.0
DOCUMENT_BYTES = 10_000_000
KEYSTROKES = 1_000


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


async def cold_open_ms(store: StoreSettings) -> float:
    """Time to open the store anew and read a document of 10 MB from its snapshot."""
    name = room_name("stores/large")
    key = room_key(name)
    doc: Doc[Text] = Doc()
    doc["text"] = Text("x" * DOCUMENT_BYTES)

    async def merged(updates: object) -> bytes:
        del updates
        return doc.get_update()

    async with await open_stores(store) as stores:
        if await stores.log.head(key) == 0:
            await stores.log.append(
                key, epoch=FIRST_EPOCH, after=Sequence(0), updates=[doc.get_update()]
            )
            await compact(stores, name, merged)
    begun = time.perf_counter()
    async with await open_stores(store) as stores:
        loaded = await load_room(stores, name)
    assert len(loaded.updates[0]) > DOCUMENT_BYTES
    return (time.perf_counter() - begun) * 1_000


async def stored_bytes(stores: Stores) -> tuple[int, int]:
    """What 1,000 keystrokes are stored as: updates in the log, and the snapshot they become.

    Content alone, as the store is handed it; what indexes and pages add is the store's own.
    """
    name = room_name(f"stores/typed/{time.time_ns()}")
    updates: list[bytes] = []
    doc: Doc[Text] = Doc(client_id=2_345_678_901)  # as long as most are
    text = doc.get("text", type=Text)
    subscription = doc.observe(lambda event: updates.append(event.update))
    for number in range(KEYSTROKES):
        text += "abcdefgh "[number % 9]
    del subscription
    await stores.log.append(room_key(name), epoch=FIRST_EPOCH, after=Sequence(0), updates=updates)

    async def merge_here(parts: object) -> bytes:
        return merge(parts)  # type: ignore[arg-type] # what `Merger` is given

    outcome = await compact(stores, name, merge_here)
    assert outcome.snapshot is not None
    return sum(map(len, updates)), outcome.snapshot.size_bytes


async def measure(url: str) -> list[str]:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = StoreSettings(url, Path(folder))
        async with await open_stores(settings) as stores:
            title = stores.description.partition(" at ")[0].partition(" in ")[0]
            slow = await saved_ms(stores, 100)
            fast = await saved_ms(stores, 1_000)
            before, after = await stored_bytes(stores)
        cold = await cold_open_ms(settings)
    latencies = [f"{p50:.1f} / {p99:.1f}" for p50, p99 in (slow, fast)]
    return [title, *latencies, f"{cold:.0f}", str(before), str(after)]


def main() -> None:
    """Measure the stores that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("urls", nargs="+", metavar="URL")
    head = [
        "store",
        "saved at 100/s, ms p50 / p99",
        "at 1,000/s",
        "cold open of 10 MB, ms",
        "1,000 keystrokes, bytes",
        "compacted",
    ]
    rows = [asyncio.run(measure(url)) for url in parser.parse_args().urls]
    print(table(head, rows))


if __name__ == "__main__":
    main()
