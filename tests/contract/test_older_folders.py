"""A data folder of an earlier version, whose snapshots are in the database.

``tests/vectors/sqlite_before_blobs.sql`` is a dump of the database that the last such version made
of a text of eight words: three compactions, two rows after them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from collab.errors import StoreUnavailable
from collab.ids import FIRST_EPOCH, Sequence, room_key, room_name
from persistence.build import Stores
from persistence.compaction import CompactionStatus, compact
from persistence.loading import LoadProblem, ProblemCode, load_room
from tests.contract.backends import SqliteUnderTest, flipped
from tests.contract.edits import merge_here, text_of, typed
from tests.support.faulty_store import Faults, faulty

NAME = room_name("band/from before")
ROOM = room_key(NAME)
TEXT = "0 1 2 3 4 5 6 7 "
DUMP = Path(__file__).parent.parent / "vectors" / "sqlite_before_blobs.sql"


@pytest.fixture
def older(sqlite: SqliteUnderTest) -> SqliteUnderTest:
    sqlite.folder.mkdir()
    with sqlite.connection() as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    return sqlite


def counts(older: SqliteUnderTest) -> dict[str, int]:
    tables = ("snapshots", "snapshot_parts", "quarantined_snapshots")
    with older.connection() as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        }


async def test_parts_of_a_snapshot_that_was_never_finished_are_cleared(
    older: SqliteUnderTest,
) -> None:
    with older.connection() as connection:
        connection.execute("INSERT INTO snapshot_parts VALUES ('unfinished', 0, x'00')")
    await (await older.open()).close()
    assert counts(older) == {"snapshots": 3, "snapshot_parts": 3, "quarantined_snapshots": 0}


async def write(stores: Stores, head: int, words: list[str]) -> int:
    updates = typed([f"{number} " for number in range(8)] + words)[head:]
    return await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(head), updates=updates)


async def test_snapshots_in_the_database_are_read_and_go_by_compaction(
    older: SqliteUnderTest,
) -> None:
    """STO-30."""
    words: list[str] = []
    async with await older.open() as stores:
        loaded = await load_room(stores, NAME)
        assert (text_of(loaded.updates), loaded.problems) == (TEXT, ())
        assert (loaded.snapshot_sequence, loaded.tail_count) == (6, 2)
        assert [ref.sequence for ref in await stores.snapshots.list(ROOM)] == [6, 4, 2]
        head = 8
        for left in (2, 1, 0):
            assert (await compact(stores, NAME, merge_here)).status is CompactionStatus.DONE
            assert (counts(older)["snapshots"], counts(older)["snapshot_parts"]) == (left, left)
            words.append("more ")
            head = await write(stores, head, words)
            loaded = await load_room(stores, NAME)
            assert text_of(loaded.updates) == TEXT + "".join(words)
    assert counts(older) == {"snapshots": 0, "snapshot_parts": 0, "quarantined_snapshots": 0}


async def test_damaged_snapshot_in_the_database_is_moved_aside_and_stood_in_for(
    older: SqliteUnderTest,
) -> None:
    """STO-5, STO-30."""
    with older.connection() as connection:
        where = "snapshot_id = (SELECT snapshot_id FROM snapshots WHERE sequence = 6)"
        (part,) = connection.execute(f"SELECT bytes FROM snapshot_parts WHERE {where}").fetchone()
        connection.execute(f"UPDATE snapshot_parts SET bytes = ? WHERE {where}", (flipped(part),))
    async with await older.open() as stores:
        loaded = await load_room(stores, NAME)
        assert text_of(loaded.updates) == TEXT
        assert loaded.problems == (LoadProblem(ProblemCode.SNAPSHOT_UNREADABLE, Sequence(6)),)
        assert [ref.sequence for ref in await stores.snapshots.list(ROOM)] == [4, 2]
    assert counts(older) == {"snapshots": 2, "snapshot_parts": 3, "quarantined_snapshots": 1}


async def test_failed_first_compaction_leaves_the_older_snapshots_readable(
    older: SqliteUnderTest,
) -> None:
    """STO-7, STO-30."""
    async with await older.open() as stores:
        for after in (False, True):
            faults = Faults()
            faults.fail("manifests.compare_and_set", after=after)
            with pytest.raises(StoreUnavailable):
                await compact(faulty(stores, faults), NAME, merge_here)
            assert text_of((await load_room(stores, NAME)).updates) == TEXT
