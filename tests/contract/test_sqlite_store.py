"""The embedded store itself: its folder, its schema, its commits, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from asyncio.subprocess import PIPE, Process
from functools import partial
from pathlib import Path

import pytest

from collab.errors import EpochMoved, HeadMoved, SettingsError, StoreUnavailable
from collab.ids import FIRST_EPOCH, Epoch, RoomKey, Sequence
from collab.ports import Manifest, RoomStatus
from persistence.build import Stores, StoreSettings, open_stores
from persistence.failpoints import Failpoints
from persistence.sqlite import SqliteStore, schema
from persistence.sqlite.log import _quarantine
from persistence.sqlite.writer import Kind
from tests.contract.backends import SqliteUnderTest
from tests.contract.conftest import NAME, OTHER, ROOM


def many_rooms(count: int) -> list[RoomKey]:
    return [RoomKey(f"{number:064x}") for number in range(count)]


async def on_writer(stores: Stores, statement: str) -> int:
    """Run a statement on the writing connection and return its number."""
    assert isinstance(stores.backend, SqliteStore)

    def run(connection: sqlite3.Connection) -> int:
        return int(connection.execute(statement).fetchone()[0])

    return await stores.backend._writer.run(Kind.UPKEEP, run)


# ------------------------------------------------------------------ the folder


async def holder(folder: Path) -> Process:
    """Another process that owns the folder."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from persistence.build import StoreSettings, open_stores\n"
        "async def main():\n"
        "    stores = await open_stores(StoreSettings('sqlite:', Path(sys.argv[1])))\n"
        "    print('open', flush=True)\n"
        "    await asyncio.to_thread(sys.stdin.read)\n"
        "    await stores.close()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(folder), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    return process


async def test_second_process_is_told_who_owns_the_folder_and_what_to_do(
    sqlite: SqliteUnderTest,
) -> None:
    """STO-12."""
    process = await holder(sqlite.folder)
    with pytest.raises(StoreUnavailable) as caught:
        await sqlite.open()
    assert f"in use by process {process.pid}" in str(caught.value)
    assert "stop that server first" in str(caught.value)
    await process.communicate(b"")
    await (await sqlite.open()).close()


async def test_folder_is_free_again_when_its_owner_was_killed(sqlite: SqliteUnderTest) -> None:
    """STO-12."""
    process = await holder(sqlite.folder)
    process.kill()
    await process.communicate()
    await (await sqlite.open()).close()


async def test_one_process_cannot_open_its_own_folder_twice(sqlite: SqliteUnderTest) -> None:
    async with await sqlite.open():
        with pytest.raises(StoreUnavailable, match=f"process {os.getpid()}"):
            await sqlite.open()
    await (await sqlite.open()).close()


async def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    """STO-16."""
    folder = tmp_path / "open to all"
    folder.mkdir(mode=0o755)
    async with await open_stores(StoreSettings("sqlite:", folder)) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
        await stores.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(1), update=b"a")
        files = {path.name: path for path in folder.rglob("*") if path.is_file()}
        folders = {path for path in folder.rglob("*") if path.is_dir()}
        assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
        modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in files.items()}
    assert {"bandpro.lock", "bandpro.sqlite3", "bandpro.sqlite3-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


async def test_folder_that_is_a_file_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        await open_stores(StoreSettings("sqlite:", file))


async def test_url_with_a_folder_goes_before_the_data_folder(tmp_path: Path) -> None:
    settings = StoreSettings(f"sqlite:{tmp_path / 'a'}", tmp_path / "b")
    async with await open_stores(settings) as stores:
        assert str(tmp_path / "a") in stores.description
    assert (tmp_path / "a" / "bandpro.sqlite3").exists()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("url", ["", "postgres://x", "memory:", "sqlite"])
async def test_url_of_no_store_is_a_mistake_in_the_settings(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="no store is called"):
        await open_stores(StoreSettings(url, tmp_path))


# ------------------------------------------------------------------ the schema


async def test_database_of_a_newer_version_is_refused_and_left_alone(
    sqlite: SqliteUnderTest,
) -> None:
    """STO-13."""
    await (await sqlite.open()).close()
    newer = len(schema.MIGRATIONS) + 1
    with sqlite.connection() as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    before = sqlite.database.read_bytes()
    with pytest.raises(StoreUnavailable, match="run the newer version"):
        await sqlite.open()
    assert sqlite.database.read_bytes() == before


async def test_database_of_another_program_is_refused_and_left_alone(
    sqlite: SqliteUnderTest,
) -> None:
    """STO-13."""
    sqlite.folder.mkdir()
    with sqlite.connection() as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnavailable, match="another program"):
        await sqlite.open()
    with sqlite.connection() as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert tables == [("theirs",)]


async def test_file_that_is_no_database_is_refused(sqlite: SqliteUnderTest) -> None:
    sqlite.folder.mkdir()
    sqlite.database.write_bytes(b"not a database, by any means" * 100)
    with pytest.raises(StoreUnavailable, match="no SQLite database"):
        await sqlite.open()


async def test_older_database_is_brought_forward_with_its_content(
    sqlite: SqliteUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await sqlite.open() as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
    first = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", (*first, ("CREATE TABLE later (x) STRICT",)))
    with pytest.raises(StoreUnavailable):
        await sqlite.open()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*first, ("CREATE TABLE later (x ANY) STRICT", "SELECT no_such"))
    )
    with pytest.raises(StoreUnavailable):
        await sqlite.open()
    with sqlite.connection() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(first),)
        found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'later'").fetchone()
        assert found is None
    monkeypatch.setattr(schema, "MIGRATIONS", (*first, ("CREATE TABLE later (x ANY) STRICT",)))
    for _ in range(2):
        async with await sqlite.open() as stores:
            assert await stores.log.head(ROOM) == 1
    with sqlite.connection() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(first) + 1,)


async def test_logs_of_a_database_from_before_epochs_are_in_the_first(
    sqlite: SqliteUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.folder.mkdir()
    with sqlite.connection() as connection:
        monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:2])
        schema.prepare(connection)
        connection.execute("INSERT INTO rooms (room_key, head) VALUES (?, 5)", (ROOM,))
        monkeypatch.undo()
    async with await sqlite.open() as stores:
        with pytest.raises(EpochMoved):
            await stores.log.append(ROOM, epoch=Epoch(2), after=Sequence(5), updates=[b"a"])
        head = await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(5), updates=[b"a"])
        assert head == 6


# ------------------------------------------------------------------ commits


async def test_appends_that_arrive_during_a_commit_share_the_next_one(tmp_path: Path) -> None:
    """STO-15."""
    failpoints = Failpoints.parse("append.before_commit=delay:50@1")
    async with await open_stores(StoreSettings("sqlite:", tmp_path, failpoints)) as stores:
        rooms = many_rooms(500)
        await asyncio.gather(
            *(
                stores.log.append(room, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
                for room in rooms
            )
        )
        assert 1 <= failpoints.armed["append.before_commit"].hits <= 3


async def test_one_append_that_cannot_be_stored_takes_no_other_along(tmp_path: Path) -> None:
    """STO-15."""
    failpoints = Failpoints.parse("append.before_commit=delay:50@1")
    async with await open_stores(StoreSettings("sqlite:", tmp_path, failpoints)) as stores:
        assert isinstance(stores.backend, SqliteStore)
        limit = partial(_set_length_limit, 1000)
        await stores.backend._writer.run(Kind.UPKEEP, limit)
        first = asyncio.ensure_future(
            stores.log.append(
                OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"holds up the commit"]
            )
        )
        rooms = many_rooms(20)
        sizes = [1, 1, 1, 5000, 5000, *[1] * 15]
        results = await asyncio.gather(
            first,
            *(
                stores.log.append(room, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"x" * size])
                for room, size in zip(rooms, sizes, strict=True)
            ),
            return_exceptions=True,
        )
        failed = [index - 1 for index, result in enumerate(results) if result != 1]
        assert failed == [3, 4]
        assert all(isinstance(results[index + 1], StoreUnavailable) for index in failed)
        assert [await stores.log.head(room) for room in rooms[2:6]] == [1, 0, 0, 1]


def _set_length_limit(size_bytes: int, connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, size_bytes)


async def test_close_commits_what_was_submitted(sqlite: SqliteUnderTest) -> None:
    stores = await sqlite.open()
    rooms = many_rooms(100)
    appends = [
        asyncio.ensure_future(
            stores.log.append(room, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
        )
        for room in rooms
    ]
    await asyncio.sleep(0)
    await stores.close()
    assert await asyncio.gather(*appends) == [1] * 100
    async with await sqlite.open() as again:
        assert [await again.log.head(room) for room in rooms] == [1] * 100


async def test_closed_store_says_so(sqlite: SqliteUnderTest) -> None:
    stores = await sqlite.open()
    await stores.close()
    await stores.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
    with pytest.raises(StoreUnavailable, match="closed"):
        await stores.log.read(ROOM, after=Sequence(0))
    assert any("closed" in problem for problem in await stores.check())


async def test_reads_do_not_wait_for_a_commit(tmp_path: Path) -> None:
    failpoints = Failpoints.parse("append.before_commit=delay:2000@2")
    async with await open_stores(StoreSettings("sqlite:", tmp_path, failpoints)) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
        slow = asyncio.ensure_future(
            stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=[b"b"])
        )
        async with asyncio.timeout(1.5):
            for _ in range(50):
                assert (await stores.log.read(ROOM, after=Sequence(0))).head == 1
                assert await stores.manifests.get(ROOM) is None
        assert not slow.done()
        assert await slow == 2


# ------------------------------------------------------------------ trouble


async def fill_disk(stores: Stores, head: Sequence) -> Sequence:
    """Append until the store says that the disk is full; return the last head confirmed."""
    for _ in range(1000):
        try:
            head = await stores.log.append(
                ROOM, epoch=FIRST_EPOCH, after=head, updates=[b"x" * 10_000]
            )
        except StoreUnavailable:
            return head
    raise AssertionError("the disk never filled up")


async def test_full_disk_is_told_and_saving_resumes_when_there_is_room(
    sqlite: SqliteUnderTest,
) -> None:
    """STO-14."""
    async with await sqlite.open() as stores:
        head = await stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"before"]
        )
        pages = await on_writer(stores, "PRAGMA page_count")
        await on_writer(stores, f"PRAGMA max_page_count = {pages + 20}")
        head = await fill_disk(stores, head)
        assert await stores.log.head(ROOM) == head
        await on_writer(stores, "PRAGMA max_page_count = 1000000")
        after = await stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=head, updates=[b"y" * 10_000]
        )
        assert after == head + 1
        tail = await stores.log.read(ROOM, after=Sequence(0))
        assert ([row.sequence for row in tail.rows], tail.quarantined) == (
            list(range(1, after + 1)),
            (),
        )


async def test_database_locked_by_another_program_is_told_and_saving_resumes(
    sqlite: SqliteUnderTest,
) -> None:
    async with await sqlite.open() as stores:
        with sqlite.connection() as shell:
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="end the other program"):
                await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
            assert await stores.log.head(ROOM) == 0
        assert (
            await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"]) == 1
        )


async def test_lost_race_stays_a_lost_race_when_others_share_the_commit(tmp_path: Path) -> None:
    async with await open_stores(StoreSettings("sqlite:", tmp_path)) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
        results = await asyncio.gather(
            stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"stale"]),
            stores.log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"good"]),
            stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=[b"good"]),
            return_exceptions=True,
        )
        assert isinstance(results[0], HeadMoved)
        assert list(results[1:]) == [1, 2]


async def test_row_that_was_only_read_wrongly_stays_where_it_is(sqlite: SqliteUnderTest) -> None:
    """The writer looks again before it moves a row aside."""
    async with await sqlite.open() as stores:
        assert isinstance(stores.backend, SqliteStore)
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a", b"b"])
        moved = await stores.backend._writer.run(
            Kind.UPKEEP, partial(_quarantine, ROOM, (Sequence(1), Sequence(2)), 0)
        )
        assert moved == []
        assert len((await stores.log.read(ROOM, after=Sequence(0))).rows) == 2


@pytest.mark.parametrize(
    "damage",
    [
        "record = replace(record, '\"open_attempts\":0', '\"open_attempts\":1')",
        "record = 'no json'",
        "record = '{}'",
        "record = '[]'",
        "checksum = x'0000000000000000'",
        "revision = revision + 1",
    ],
)
async def test_damaged_manifest_quarantines_its_room_and_hides_no_other(
    sqlite: SqliteUnderTest, damage: str
) -> None:
    async with await sqlite.open() as stores:
        new = Manifest(name=NAME, epoch=Epoch(1), revision=0)
        await stores.manifests.compare_and_set(ROOM, manifest=new)
        with sqlite.connection() as connection:
            connection.execute(f"UPDATE manifests SET {damage}")
        manifest = await stores.manifests.get(ROOM)
        assert manifest is not None
        assert (manifest.name, manifest.status) == (NAME, RoomStatus.QUARANTINED)
        assert manifest.status_reason == "the stored manifest fails its checksum"
        assert await stores.manifests.list(after=None, limit=10) == (manifest,)
        stored = await stores.manifests.compare_and_set(ROOM, manifest=manifest)
        assert await stores.manifests.get(ROOM) == stored


async def test_check_finds_nothing_wrong_with_a_store_that_works(sqlite: SqliteUnderTest) -> None:
    async with await sqlite.open() as stores:
        assert await stores.check() == []
        usage = await stores.usage()
        await stores.log.append(
            ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[bytes(1_000_000)]
        )
        assert (await stores.usage()).used_bytes > usage.used_bytes + 900_000
        assert usage.free_bytes is not None


async def test_check_names_what_is_wrong(sqlite: SqliteUnderTest) -> None:
    async with await sqlite.open() as stores:
        with sqlite.connection() as shell:
            shell.execute("BEGIN IMMEDIATE")
            problems = await stores.check()
        assert ["database is locked" in problem for problem in problems] == [True]
        assert await stores.check() == []
