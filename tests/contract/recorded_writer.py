"""The process whose writes `test_sqlite_cut_points` records: appends, snapshots, one restart.

``python -m tests.contract.recorded_writer FOLDER SYNCS``. It says on standard output what was
confirmed to it, as `tests.contract.killed_writer` does, and its content is made in the same way.
"""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import replace
from pathlib import Path

from collab.ids import FIRST_EPOCH, Sequence, room_key
from persistence.build import Stores, StoreSettings, open_stores
from persistence.manifests import ensure_manifest
from tests.contract.killed_writer import ROOMS, content, say

APPENDS_PER_SNAPSHOT = 9


async def write(stores: Stores, appends: int, draw: random.Random) -> None:
    """Append to rooms in turn; now and then store a snapshot and trim what it holds."""
    manifests = {name: await ensure_manifest(stores, name) for name in ROOMS}
    for number in range(appends):
        name = draw.choice(ROOMS)
        room = room_key(name)
        head = await stores.log.head(room)
        updates = [content(room, head + 1 + index) for index in range(draw.randint(1, 4))]
        head = await stores.log.append(room, epoch=FIRST_EPOCH, after=head, updates=updates)
        say("row", room, head)
        if number % APPENDS_PER_SNAPSHOT == 0:
            update = content(room, head) * 20
            ref = await stores.snapshots.put(room, epoch=FIRST_EPOCH, sequence=head, update=update)
            manifests[name] = await stores.manifests.compare_and_set(
                room, manifest=replace(manifests[name], snapshots=(ref,))
            )
            say("snapshot", room, head)
            await stores.log.trim(room, through=Sequence(head // 2))


async def main(folder: Path, appends: int) -> None:
    """Write, close, which folds the log into the database, and write again."""
    draw = random.Random(appends)
    for _ in range(2):
        async with await open_stores(StoreSettings("sqlite:", folder)) as stores:
            await write(stores, appends // 2, draw)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
