"""What was confirmed survives: kill -9 at random moments, at every failpoint, and a lost tail."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from collab.errors import HeadMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, Sequence, room_key
from persistence.build import Stores, StoreSettings, open_stores
from persistence.failpoints import Failpoints
from persistence.loading import load_room
from persistence.manifests import read_manifest
from persistence.sqlite import SqliteStore
from persistence.sqlite.writer import Kind
from tests.contract.backends import SqliteUnderTest
from tests.contract.conftest import ROOM
from tests.contract.killed_writer import ROOMS, content
from tests.support.counts import repeats

KILLS = repeats(10, proof=200)


class Oracle:
    """What writers were told is saved."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.snapshots: dict[str, int] = {}
        self.confirmed = 0
        self._checked: dict[str, Sequence] = {}

    def hear(self, line: bytes) -> None:
        kind, room, sequence = line.decode().split()
        if kind == "row":
            self.confirmed += int(sequence) - self.rows.get(room, 0)
            self.rows[room] = int(sequence)
        elif kind == "snapshot":
            self.snapshots[room] = int(sequence)

    async def check(self, stores: Stores, *, again: bool = False) -> None:
        """Everything confirmed is there, in order, without a gap, and nothing else is damaged.

        Args:
            stores: the store as the killed process left it.
            again: look also at what was found whole after an earlier kill.
        """
        for name in ROOMS:
            room = room_key(name)
            after = Sequence(0) if again else self._checked.get(room, Sequence(0))
            tail = await stores.log.read(room, after=after)
            assert tail.quarantined == ()
            assert tail.head >= self.rows.get(room, 0)
            assert [row.sequence for row in tail.rows] == list(range(after + 1, tail.head + 1))
            self._checked[room] = tail.head
            assert all(row.update == content(room, row.sequence) for row in tail.rows)
            if room in self.snapshots:
                manifest = await read_manifest(stores, name)
                (ref,) = manifest.snapshots
                assert ref.sequence >= self.snapshots[room]
                update = await stores.snapshots.get(room, ref)
                assert update == content(room, ref.sequence) * 200
            self.rows[room] = tail.head


async def run_writer(
    folder: Path,
    round_number: int,
    oracle: Oracle,
    *,
    kill_after_lines: int | None = None,
    failpoints: str = "",
) -> int:
    """Start a writer, listen to it, kill it at some line unless it kills itself first."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contract.killed_writer", str(folder), str(round_number), failpoints),
        stdout=PIPE,
    )
    assert process.stdout is not None
    lines = 0
    while line := await process.stdout.readline():
        if line.endswith(b"\n"):
            oracle.hear(line)
        lines += 1
        if lines == kill_after_lines and process.returncode is None:
            process.kill()
    return await process.wait()


@pytest.mark.prove
@pytest.mark.slow
async def test_confirmed_writes_survive_kill_at_random_moments(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """ACK-2."""
    oracle = Oracle()
    draw = random.Random(20)
    for round_number in range(KILLS):
        code = await run_writer(
            tmp_path, round_number, oracle, kill_after_lines=draw.randint(1, 600)
        )
        assert code == -9
        async with await open_stores(StoreSettings("sqlite:", tmp_path)) as stores:
            await oracle.check(stores, again=round_number == KILLS - 1)
    assert oracle.confirmed > KILLS
    record_property("kills of the writing process", KILLS)
    record_property("confirmed rows, none lost", oracle.confirmed)


@pytest.mark.parametrize(
    "point",
    [
        "append.before_commit",
        "append.after_commit",
        "snapshot.before_commit",
        "snapshot.after_put",
        "manifest.before_commit",
        "manifest.after_commit",
        "blob.before_name",
        "blob.after_name",
    ],
)
async def test_confirmed_writes_survive_kill_at_every_point(tmp_path: Path, point: str) -> None:
    """ACK-2."""
    oracle = Oracle()
    for round_number, nth in enumerate((1, 2, 3)):
        code = await run_writer(tmp_path, round_number, oracle, failpoints=f"{point}=kill@{nth}")
        assert code == -9
        async with await open_stores(StoreSettings("sqlite:", tmp_path)) as stores:
            await oracle.check(stores)


@pytest.mark.parametrize(("point", "is_written"), [("before", False), ("after", True)])
async def test_append_with_an_unknown_outcome_is_told_and_can_be_repeated(
    tmp_path: Path, point: str, *, is_written: bool
) -> None:
    failpoints = Failpoints.parse(f"append.{point}_commit=error@2")
    async with await open_stores(StoreSettings("sqlite:", tmp_path, failpoints)) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
        with pytest.raises(StoreUnavailable):
            await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=[b"b"])
        if is_written:
            with pytest.raises(HeadMoved) as caught:
                await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=[b"b"])
            assert caught.value.actual == 2
        else:
            assert (
                await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=[b"b"])
                == 2
            )
        tail = await stores.log.read(ROOM, after=Sequence(0))
        assert [row.update for row in tail.rows] == [b"a", b"b"]


async def test_tail_lost_after_a_confirmed_commit_costs_only_what_was_not_confirmed(
    tmp_path: Path,
) -> None:
    """A power cut: the log on disk ends, cut or as rubbish, anywhere behind the last fsync.

    Bears ACK-10.
    """
    sqlite = SqliteUnderTest(tmp_path / "data")
    draw = random.Random(3)
    async with await sqlite.open() as stores:
        head = Sequence(0)
        for confirmed in range(1, 31):
            head = await stores.log.append(
                ROOM, epoch=FIRST_EPOCH, after=head, updates=[content(ROOM, confirmed)]
            )
            synced = wal_size(sqlite.folder)
            later = await stores.log.append(
                ROOM, epoch=FIRST_EPOCH, after=head, updates=[b"not confirmed"] * 5
            )
            cut = cut_copy(sqlite.folder, tmp_path / f"cut{confirmed}", synced, draw)
            async with await open_stores(StoreSettings("sqlite:", cut)) as after_the_cut:
                tail = await after_the_cut.log.read(ROOM, after=Sequence(0))
                assert tail.head in (head, later)
                assert tail.quarantined == ()
                assert tail.rows[head - 1].update == content(ROOM, confirmed)
            head = later


def wal_size(folder: Path) -> int:
    return (folder / "bandpro.sqlite3-wal").stat().st_size


def cut_copy(folder: Path, copy: Path, synced: int, draw: random.Random) -> Path:
    """The folder as a power cut might leave it: the log whole up to `synced`, then anything."""
    copy.mkdir()
    shutil.copy(folder / "bandpro.sqlite3", copy)
    wal = (folder / "bandpro.sqlite3-wal").read_bytes()
    kept = wal[: draw.randint(synced, len(wal))]
    rubbish = draw.randbytes(draw.choice((0, 100, 5000)))
    (copy / "bandpro.sqlite3-wal").write_bytes(kept + rubbish)
    return copy


async def test_every_commit_is_asked_to_reach_the_disk(sqlite: SqliteUnderTest) -> None:
    """ACK-10."""
    async with await sqlite.open() as stores:
        assert isinstance(stores.backend, SqliteStore)
        pragmas = [
            await stores.backend._writer.run(Kind.UPKEEP, partial(pragma, name))
            for name in ("synchronous", "journal_mode", "foreign_keys")
        ]
    assert pragmas == [2, "wal", 1]


async def test_crashed_load_leaves_its_attempt_behind(tmp_path: Path) -> None:
    """ROOM-6: The count of an attempt is on disk before the content is applied."""
    oracle = Oracle()
    await run_writer(tmp_path, 1, oracle, kill_after_lines=50)
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from persistence.build import StoreSettings, open_stores\n"
        "from persistence.crash_guard import begin_open\n"
        "from persistence.loading import load_room\n"
        "from tests.contract.killed_writer import ROOMS\n"
        "async def main():\n"
        "    stores = await open_stores(StoreSettings('sqlite:', Path(sys.argv[1])))\n"
        "    await begin_open(stores, await load_room(stores, ROOMS[0]))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    for attempt in (1, 2, 3):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(tmp_path))
        assert await process.wait() == -9
        async with await open_stores(StoreSettings("sqlite:", tmp_path)) as stores:
            assert (await load_room(stores, ROOMS[0])).manifest.open_attempts == attempt


def pragma(name: str, connection: sqlite3.Connection) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]
