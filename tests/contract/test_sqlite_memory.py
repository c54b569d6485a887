"""What SQLite itself keeps in memory, asked of the library."""

from __future__ import annotations

import _sqlite3
import ctypes
from pathlib import Path

from collab.ids import FIRST_EPOCH, NO_SEQUENCE, RoomKey
from collab.limits import MIB
from persistence.build import StoreSettings, open_stores

ROOMS = 24
UPDATES = [bytes([number]) * 16_384 for number in range(64)]  # 1 MiB


def memory_used_bytes() -> int:
    """What all connections of this process take, as SQLite counts it."""
    used = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
    used.restype = ctypes.c_int64
    return int(used())


async def test_sqlite_keeps_no_more_in_memory_for_a_larger_database(tmp_path: Path) -> None:
    """MEM-4: Neither what writes nor what reads does; the database grows to 24 MiB here."""
    before = memory_used_bytes()
    async with await open_stores(StoreSettings("sqlite:", tmp_path)) as stores:
        for number in range(ROOMS):
            room = RoomKey(f"{number:064x}")
            await stores.log.append(room, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=UPDATES)
            for _ in range(2):
                tail = await stores.log.read(room, after=NO_SEQUENCE)
                assert sum(len(row.update) for row in tail.rows) == MIB
        taken = memory_used_bytes() - before
        assert 0 < taken <= 4 * MIB
