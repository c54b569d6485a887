"""What encryption at rest costs: appends and loads of one room, with and without, interleaved.

Run: ``python -m benchmarks.micro_encryption``. Processor time of this process, its threads
included; the disk is waited for in both alike.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from collab.ids import FIRST_EPOCH, NO_SEQUENCE, room_key, room_name
from persistence.build import KeySettings, Stores, StoreSettings, open_stores
from persistence.loading import load_room

ROUNDS: Final = 7
BATCHES: Final = 100
BATCH: Final = 20
UPDATE_BYTES: Final = 40
SNAPSHOT_BYTES: Final = 8 * 1024 * 1024
NAME: Final = room_name("measured")


async def append_us(stores: Stores, round_number: int) -> float:
    """Processor microseconds for each of many small updates, appended 20 at a time."""
    key = room_key(room_name(f"measured {round_number}"))
    updates = [secrets.token_bytes(UPDATE_BYTES) for _ in range(BATCH)]
    head = await stores.log.append(key, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=updates)
    begun = time.process_time()
    for _ in range(BATCHES):
        head = await stores.log.append(key, epoch=FIRST_EPOCH, after=head, updates=updates)
    return (time.process_time() - begun) / (BATCHES * BATCH) * 1e6


async def load_us(stores: Stores, round_number: int) -> float:
    """Processor microseconds for each row of a room that is loaded."""
    begun = time.process_time()
    loaded = await load_room(stores, room_name(f"measured {round_number}"))
    return (time.process_time() - begun) / loaded.tail_count * 1e6


async def snapshot_ms(stores: Stores) -> float:
    """Processor milliseconds to store and read a snapshot of 8 MiB."""
    update = secrets.token_bytes(SNAPSHOT_BYTES)
    key = room_key(NAME)
    begun = time.process_time()
    ref = await stores.snapshots.put(key, epoch=FIRST_EPOCH, sequence=NO_SEQUENCE, update=update)
    await stores.snapshots.get(key, ref)
    return (time.process_time() - begun) * 1e3


def main() -> None:
    """Measure both in turns and print the medians."""
    with tempfile.TemporaryDirectory() as place:
        key = Path(place, "master.key")
        key.write_text(secrets.token_hex(32))
        asyncio.run(measure(place, key))


async def measure(place: str, key: Path) -> None:
    """Open both stores and measure them in turns."""
    kinds = {
        "plain": StoreSettings("sqlite:", Path(place, "plain")),
        "encrypted": StoreSettings(
            "sqlite:", Path(place, "sealed"), encryption=KeySettings(f"file:{key}")
        ),
    }
    opened = {kind: await open_stores(settings) for kind, settings in kinds.items()}
    figures: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in kinds}
    for number in range(ROUNDS):
        for kind, stores in opened.items():
            append, load = await append_us(stores, number), await load_us(stores, number)
            figures[kind].append((append, load, await snapshot_ms(stores)))
    for stores in opened.values():
        await stores.close()
    for kind, rounds in figures.items():
        append, load, snapshot = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(
            f"{kind:9}  append {append:6.2f} us/row  load {load:6.2f} us/row"
            f"  8 MiB snapshot {snapshot:6.1f} ms"
        )


if __name__ == "__main__":
    main()
