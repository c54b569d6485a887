"""The process that `test_sqlite_durability` kills: writes, and says what it was told is saved.

``python -m tests.contract.killed_writer FOLDER ROUND [FAILPOINTS]``. Each line on standard output
is ``kind room sequence``, written only after the store has confirmed it. All content follows from
the room and the sequence, so that the test knows what must be found.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from dataclasses import replace
from pathlib import Path

from collab.errors import HeadMoved
from collab.ids import FIRST_EPOCH, RoomKey, Sequence, room_key, room_name
from persistence.build import Stores, StoreSettings, open_stores
from persistence.failpoints import Failpoints
from persistence.manifests import ensure_manifest

ROOMS = tuple(room_name(f"killed/{number}") for number in range(8))


def content(room: RoomKey, sequence: int, round_number: int = 0) -> bytes:
    """What every writer puts under a sequence: 1 to 4,000 bytes."""
    draw = random.Random(f"{room} {sequence} {round_number}")
    return draw.randbytes(draw.choice((1, 30, 30, 30, 300, 4000)))


def say(kind: str, room: RoomKey, sequence: int) -> None:
    """Tell the test, past any buffer that would die with the process."""
    os.write(1, f"{kind} {room} {sequence}\n".encode())


async def write_room(stores: Stores, number: int, draw: random.Random) -> None:
    """Append without end; now and then store a snapshot and change the manifest."""
    name = ROOMS[number]
    room = room_key(name)
    manifest = await ensure_manifest(stores, name)
    head = await stores.log.head(room)
    while True:
        count = draw.randint(1, 5)
        updates = [content(room, head + 1 + index) for index in range(count)]
        try:
            head = await stores.log.append(room, epoch=FIRST_EPOCH, after=head, updates=updates)
        except HeadMoved as moved:
            head = Sequence(moved.actual)
            continue
        say("row", room, head)
        if draw.random() < 0.02:
            update = content(room, head) * 200
            ref = await stores.snapshots.put(room, epoch=FIRST_EPOCH, sequence=head, update=update)
            manifest = await stores.manifests.compare_and_set(
                room, manifest=replace(manifest, snapshots=(ref,))
            )
            say("snapshot", room, head)


async def main(folder: Path, round_number: int, failpoints: str) -> None:
    """Write to all rooms until killed."""
    settings = StoreSettings("sqlite:", folder, Failpoints.parse(failpoints))
    draw = random.Random(round_number)
    async with await open_stores(settings) as stores:
        say("open", RoomKey("-"), 0)
        await asyncio.gather(*(write_room(stores, number, draw) for number in range(len(ROOMS))))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), "".join(sys.argv[3:])))
