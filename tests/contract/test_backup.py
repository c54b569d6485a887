"""Backups, restores, verification and migration, over real stores."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from collab.errors import (
    ArchiveUnreadable,
    PointUnreachable,
    SettingsError,
    StoreUnavailable,
    TargetRefused,
)
from collab.history.compaction import CompactionLimits
from collab.history.versions import Version, VersionKind
from collab.ids import (
    FIRST_EPOCH,
    BlobKey,
    Epoch,
    RecordId,
    RoomName,
    Sequence,
    UnixSeconds,
    VersionId,
    room_key,
    room_name,
)
from collab.ports import RecordKind
from persistence.backup.catalogue import BackupId, backup_ids
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.points import Goal
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import BackupKey, Sealer
from persistence.backup.verifying import verify_backup, verify_store
from persistence.build import StoreSettings, open_stores
from persistence.compaction import compact
from persistence.files import FileBlobs, ReadingFileBlobs
from persistence.loading import load_room
from persistence.manifests import ensure_manifest
from persistence.memory import MemoryStore
from persistence.migration import migrate
from persistence.packing import pack, unpack
from persistence.room_copy import require_whole
from persistence.stores import Stores
from persistence.version_codec import encode_version
from tests.contract.backends import SqliteUnderTest
from tests.contract.edits import merge_here, text_of, typed
from tests.support.counts import repeats

ONE, TWO = room_name("band/Größe 1"), room_name("band/two")
WORDS = [f"w{number} " for number in range(40)]
PLAIN = Sealer(None)
LATER = UnixSeconds(2**40)
FIRST_NIGHT = b"blob " * 1000
VERSION = Version(
    VersionId("v1"),
    VersionKind.NAMED,
    FIRST_EPOCH,
    Sequence(8),
    UnixSeconds(1_800_000_000),
    len(FIRST_NIGHT),
    hashlib.sha256(FIRST_NIGHT).hexdigest(),
    name="first night",
)


async def write(stores: Stores, name: RoomName, updates: list[bytes]) -> None:
    await ensure_manifest(stores, name)
    key = room_key(name)
    head = await stores.log.head(key)
    await stores.log.append(key, epoch=FIRST_EPOCH, after=head, updates=updates)


async def fill(stores: Stores) -> None:
    """Two rooms, one of them compacted again and again, with a record, and a blob."""
    edits = typed(WORDS)
    for start in range(0, 40, 8):
        await write(stores, ONE, edits[start : start + 8])
        if start < 32:
            await compact(stores, ONE, merge_here, limits=CompactionLimits())
    await write(stores, TWO, typed(["a", "b", "c"], client=9))
    await stores.blobs.create(blob_of(ONE), pack(FIRST_NIGHT))
    await stores.records.compare_and_set(RecordKind.VERSION, room_key(ONE), encode_version(VERSION))


def blob_of(name: RoomName) -> BlobKey:
    return BlobKey(f"rooms/{room_key(name)}/1/versions/v1")


async def back_up(
    stores: Stores, blobs: FileBlobs, sealer: Sealer = PLAIN, *, incremental: bool = False
) -> BackupId:
    request = BackupRequest(is_incremental=incremental, files={"revocations.jsonl": b"{}\n"})
    clock = iter(range(1_800_000_000 + 10 * len((await backup_ids(blobs))[0]), 2**40))
    result = await make_backup(stores, blobs, sealer, request, lambda: UnixSeconds(next(clock)))
    return result.manifest.backup_id


async def text(stores: Stores, name: RoomName) -> str:
    return text_of((await load_room(stores, name)).updates)


@pytest.mark.parametrize("passes_s", [0, -3600], ids=["in one second", "clock set back"])
async def test_the_backup_that_began_last_is_the_newest(
    stores: Stores, place: FileBlobs, passes_s: int
) -> None:
    """BAK-1, BAK-3: also when the clock does not tell backups apart, however often it is tried."""
    made: list[BackupId] = []
    for number in range(8):
        await write(stores, TWO, typed(["a"], client=number + 1))
        at = UnixSeconds(1_800_000_000 + passes_s * number)
        request = BackupRequest(is_incremental=True)
        result = await make_backup(stores, place, PLAIN, request, partial(UnixSeconds, at))
        assert result.manifest.begun.begun_at == at
        assert result.manifest.begun.parent == (made[-1] if made else None)
        made.append(result.manifest.backup_id)
    assert (await backup_ids(place))[0] == made
    fresh = MemoryStore().stores()
    await restore(await Chain.open(place, PLAIN, made[-1]), fresh, RestoreRequest())
    assert await text(fresh, TWO) == "a" * 8


async def test_what_is_restored_is_what_was_backed_up(stores: Stores, place: FileBlobs) -> None:
    """BAK-5: rows under their sequences, documents, records, blobs and files come back."""
    await fill(stores)
    chain = await Chain.open(place, PLAIN, await back_up(stores, place))
    fresh = MemoryStore().stores()
    result = await restore(chain, fresh, RestoreRequest())
    assert result.rooms == 2
    assert result.files == {"revocations.jsonl": b"{}\n"}
    assert await text(fresh, ONE) == "".join(WORDS)
    assert await text(fresh, TWO) == "abc"
    for name in (ONE, TWO):
        old = await stores.log.read(room_key(name), after=Sequence(0))
        new = await fresh.log.read(room_key(name), after=Sequence(0))
        assert (new.head, new.epoch) == (old.head, old.epoch)
        assert new.rows == old.rows[len(old.rows) - len(new.rows) :]
    found = await fresh.records.get(RecordKind.VERSION, room_key(ONE), RecordId("v1"))
    assert found is not None
    assert found.value == encode_version(VERSION).value
    blob = await fresh.blobs.read(blob_of(ONE))
    assert blob is not None
    assert unpack(blob.data, len(FIRST_NIGHT)) == FIRST_NIGHT
    await require_whole(fresh)
    assert (await verify_backup(place, PLAIN, chain.newest.manifest.backup_id)).findings == []


async def test_a_room_comes_back_exactly_as_it_was_at_each_sequence(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-6: every sequence that a chain holds, and no other one, in the next epoch."""
    edits = typed(WORDS)
    await write(stores, ONE, edits[:10])
    await back_up(stores, place)
    await write(stores, ONE, edits[10:25])
    await back_up(stores, place, incremental=True)
    await write(stores, ONE, edits[25:])
    for _ in range(3):  # what the log lets go, the chain has kept
        await compact(stores, ONE, merge_here)
        await write(stores, ONE, typed(["x"], client=11))
    chain = await Chain.open(place, PLAIN, await back_up(stores, place, incremental=True))
    for wanted in range(1, 41):
        fresh = MemoryStore().stores()
        goal = Goal(sequence=Sequence(wanted))
        try:
            await restore(chain, fresh, RestoreRequest(ONE, goal, next_epoch=True))
        except PointUnreachable:
            assert 25 < wanted < 40  # merged and deleted before a backup could take them
            continue
        assert await text(fresh, ONE) == "".join(WORDS[:wanted])
        manifest = await fresh.manifests.get(room_key(ONE))
        assert manifest is not None
        assert manifest.epoch == FIRST_EPOCH + 1
    far = RestoreRequest(ONE, Goal(sequence=Sequence(1000)))
    with pytest.raises(PointUnreachable, match="cannot be reached"):
        await restore(chain, MemoryStore().stores(), far)


async def test_a_time_is_the_last_sequence_stored_up_to_it(place: FileBlobs) -> None:
    """BAK-6: rows bear the second in which they were stored."""
    memory = MemoryStore()
    stores = memory.stores()
    await write(stores, ONE, typed(WORDS[:6]))
    for sequence, row in memory.log.rooms[room_key(ONE)].rows.items():
        row.stored_at = UnixSeconds(1000 + 10 * ((sequence - 1) // 2))  # two in each second
    chain = await Chain.open(place, PLAIN, await back_up(stores, place))
    for at, expected in ((1000, 2), (1009, 2), (1010, 4), (1500, 6)):
        fresh = MemoryStore().stores()
        await restore(chain, fresh, RestoreRequest(goal=Goal(at=UnixSeconds(at))))
        assert await text(fresh, ONE) == "".join(WORDS[:expected])
    nothing = MemoryStore().stores()
    result = await restore(chain, nothing, RestoreRequest(goal=Goal(at=UnixSeconds(999))))
    assert result.unreachable == {ONE: "the room was not there yet"}


async def test_rows_bear_the_time_of_their_commit(stores: Stores) -> None:
    """BAK-6: the store notes it with each row."""
    await write(stores, ONE, typed(["a"]))
    (row,) = (await stores.log.read(room_key(ONE), after=Sequence(0))).rows
    assert 1_700_000_000 < row.stored_at < 2**40


async def test_a_copied_log_goes_on_where_the_first_one_did(stores: Stores) -> None:
    """BAK-5: a log may begin after rows that are gone, in its epoch."""
    key = room_key(ONE)
    await stores.log.skip_to(key, epoch=Epoch(3), after=Sequence(0), head=Sequence(70))
    head = await stores.log.append(key, epoch=Epoch(3), after=Sequence(70), updates=[b"u"])
    tail = await stores.log.read(key, after=Sequence(0))
    assert (head, tail.head, tail.epoch, len(tail.rows), tail.quarantined) == (71, 71, 3, 1, ())


async def test_an_incremental_backup_holds_what_came_since(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-3: and is of no use without its parent, which is said."""
    await fill(stores)
    full = await back_up(stores, place)
    await write(stores, TWO, typed(["d"], client=10))
    second = await back_up(stores, place, incremental=True)
    chain = await Chain.open(place, PLAIN, second)
    assert [each.manifest.rows for each in chain.archives][1:] == [1]
    fresh = MemoryStore().stores()
    await restore(chain, fresh, RestoreRequest())
    assert sorted(await text(fresh, TWO)) == ["a", "b", "c", "d"]
    await place.delete(BlobKey(f"backups/{full}/manifest"))
    report = await verify_backup(place, PLAIN, second)
    assert full in report.findings[0].what
    with pytest.raises(ArchiveUnreadable, match=full):
        await Chain.open(place, PLAIN, second)


async def test_a_damaged_chunk_is_named(stores: Stores, place: FileBlobs, tmp_path: Path) -> None:
    """BAK-3: a restore stops there, verification says where."""
    await fill(stores)
    backup = await back_up(stores, place)
    chunk = f"backups/{backup}/chunks/00000000"
    path = tmp_path / "kept" / chunk
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [each.place for each in (await verify_backup(place, PLAIN, backup)).findings] == [chunk]
    chain = await Chain.open(place, PLAIN, backup)
    with pytest.raises(ArchiveUnreadable, match=chunk):
        await restore(chain, MemoryStore().stores(), RestoreRequest())


async def test_an_encrypted_backup_opens_with_its_key_alone(
    stores: Stores, place: FileBlobs, tmp_path: Path
) -> None:
    """BAK-4: without it nothing of the content can be read, and the key is shown nowhere."""
    await fill(stores)
    key = BackupKey.derive("ab" * 32)
    backup = await back_up(stores, place, Sealer(key))
    assert "ab" * 4 not in repr(key)
    assert key.secret.hex() not in repr(key)
    for path in (tmp_path / "kept" / "backups").rglob("*"):
        assert path.is_dir() or b"w1 " not in path.read_bytes()
    await Chain.open(place, Sealer(key), backup)
    with pytest.raises(ArchiveUnreadable, match="another key"):
        await Chain.open(place, Sealer(BackupKey.derive("cd" * 32)), backup)
    with pytest.raises(ArchiveUnreadable, match="is encrypted"):
        await Chain.open(place, PLAIN, backup)
    with pytest.raises(SettingsError):
        BackupKey.derive("too short")


async def test_a_restore_fills_only_what_is_empty(stores: Stores, place: FileBlobs) -> None:
    """BAK-7: neither a store with rooms nor a room that is there is written over."""
    await fill(stores)
    chain = await Chain.open(place, PLAIN, await back_up(stores, place))
    with pytest.raises(TargetRefused):
        await restore(chain, stores, RestoreRequest())
    with pytest.raises(TargetRefused):
        await restore(chain, stores, RestoreRequest(ONE))


async def test_verification_names_the_damage_and_leaves_it(tmp_path: Path) -> None:
    """BAK-8: a store opened for reading is not changed by reading it."""
    sqlite = SqliteUnderTest(tmp_path / "data")
    async with await sqlite.open() as stores:
        await fill(stores)
        manifest = await stores.manifests.get(room_key(ONE))
        assert manifest is not None
        sqlite.damage_row(room_key(TWO), Sequence(2))
        sqlite.damage_snapshot(room_key(ONE), manifest.snapshots[0])
    async with await open_stores(
        StoreSettings(data_folder=tmp_path / "data", read_only=True)
    ) as stores:
        for _ in range(2):
            found = {each.place: each.what for each in (await verify_store(stores)).findings}
            assert set(found) == {ONE, TWO}
            assert "row 2" in found[TWO]
            assert "snapshot" in found[ONE]
    assert sqlite.quarantined_rows(room_key(TWO)) == {}
    assert sqlite.quarantined_snapshots() == []


async def test_a_migration_copies_byte_for_byte(stores: Stores) -> None:
    """BAK-9: there and back again, in passes, with what changed in between."""
    stores = stores.raw
    await fill(stores)
    middle, back = MemoryStore().stores(), MemoryStore().stores()
    await migrate(stores, middle, origin="one", is_final=False)
    with pytest.raises(StoreUnavailable, match="has not ended"):
        await require_whole(middle)
    with pytest.raises(TargetRefused):
        await migrate(stores, middle, origin="another", is_final=False)
    await write(stores, TWO, typed(["d"], client=10))
    await write(stores, ONE, typed(["x"], client=11))
    await compact(stores, ONE, merge_here)
    await migrate(stores, middle, origin="one", is_final=True)
    await require_whole(middle)
    await migrate(middle, back, origin="middle", is_final=True)
    for name in (ONE, TWO):
        old = await stores.log.read(room_key(name), after=Sequence(0))
        assert await back.log.read(room_key(name), after=Sequence(0)) == old
        first, last = [await each.manifests.get(room_key(name)) for each in (stores, back)]
        assert first is not None
        assert last is not None
        assert [ref.checksum for ref in first.snapshots] == [ref.checksum for ref in last.snapshots]
        assert replace(first, revision=0, snapshots=()) == replace(last, revision=0, snapshots=())


def keeper(work: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "tests.contract.killed_keeper", str(work), *arguments]
    return subprocess.run(command, check=False, timeout=60).returncode


@pytest.mark.prove
async def test_what_was_killed_goes_on(tmp_path: Path) -> None:
    """BAK-2, BAK-7, BAK-9: backup, restore and migration, killed again and again."""
    source = StoreSettings(data_folder=tmp_path / "data")
    names = [room_name(f"room {number:03d}") for number in range(12)]
    async with await open_stores(source) as stores:
        for number, name in enumerate(names):
            await write(stores, name, typed([f"{number} {word}" * 20 for word in WORDS]))
        await compact(stores, names[0], merge_here)
        old = [await stores.log.read(room_key(name), after=Sequence(0)) for name in names]
    blobs = ReadingFileBlobs(tmp_path / "backups")
    for blobs_left in range(2, repeats(5, proof=9)):
        assert keeper(tmp_path, "backup", str(blobs_left)) == -signal.SIGKILL
        assert (await backup_ids(blobs))[0] == []
    assert keeper(tmp_path, "backup") == 0
    whole, parts = await backup_ids(blobs)
    assert (len(whole), parts) == (1, [])
    assert (await verify_backup(blobs, PLAIN, whole[0])).findings == []
    for deed, folder in (("restore", "restored"), ("migrate", "copy")):
        killed, code = 0, 1
        for nth in range(1, repeats(2, proof=6)):
            for point in ("append.before_commit", "append.after_commit", "manifest.after_commit"):
                code = keeper(tmp_path, deed, f"{point}=kill@{nth}")
                if code == 0:  # so many commits were not left
                    break
                assert code == -signal.SIGKILL
                killed += 1
                async with await open_stores(StoreSettings(data_folder=tmp_path / folder)) as half:
                    with pytest.raises(StoreUnavailable, match="has not ended"):
                        await require_whole(half)
            if code == 0:
                break
        assert code == 0 or keeper(tmp_path, deed) == 0
        assert killed >= 2
        async with await open_stores(StoreSettings(data_folder=tmp_path / folder)) as new:
            await require_whole(new)
            found = [await new.log.read(room_key(name), after=Sequence(0)) for name in names]
            assert found == old
