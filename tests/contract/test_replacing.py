"""A restored document in place of the one that is there, and who must reload after a restore."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from collab.errors import DataKeyDestroyed, RoomQuarantined, StoreUnavailable, TargetRefused
from collab.history.retired import RetiredClients
from collab.history.versions import VersionKind
from collab.ids import FIRST_EPOCH, Epoch, Sequence, UnixSeconds, room_name
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.points import Goal
from persistence.backup.reader import Chain
from persistence.backup.replacing import ReplaceRequest, replace_room
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.compaction import compact
from persistence.encryption.build import encrypted
from persistence.erasure import Erased, ErasureMode, load_after_erasure
from persistence.erasure_record import list_erasures, put_erasure
from persistence.failpoints import Failpoints
from persistence.files import FileBlobs
from persistence.loading import load_room
from persistence.manifests import ensure_manifest, quarantine
from persistence.memory import MemoryStore
from persistence.migration import migrate
from persistence.stores import Stores
from persistence.versions import Content, Label, add_version, list_versions, read_version
from tests.contract.backends import EncryptedUnderTest
from tests.contract.conftest import NAME, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.contract.erasing import Here, erased, merge_of

WORDS = [f"w{number} " for number in range(20)]
PLAIN = Sealer(None)
OLD, LATE = 7, 11
"""Client ids of who wrote the words, and of who wrote after the backup."""


async def append(stores: Stores, updates: list[bytes]) -> Sequence:
    manifest = await ensure_manifest(stores, NAME)
    head = await stores.log.head(ROOM)
    return await stores.log.append(ROOM, epoch=manifest.epoch, after=head, updates=updates)


async def backed_up(stores: Stores, place: FileBlobs, begun: int = 1_800_000_000) -> Chain:
    clock = iter(range(begun, 2**40))
    made = await make_backup(
        stores.raw, place, PLAIN, BackupRequest(), lambda: UnixSeconds(next(clock))
    )
    return await Chain.open(place, PLAIN, made.manifest.backup_id)


async def replaced(
    chain: Chain, stores: Stores, sequence: int | None = None, rewriter: Here | None = None
) -> Erased:
    goal = Goal(sequence=None if sequence is None else Sequence(sequence))
    scratch = MemoryStore().stores()
    request = ReplaceRequest(NAME, goal)
    return await replace_room(chain, stores, scratch, request, rewriter or Here())


async def seen(stores: Stores) -> tuple[str, RetiredClients]:
    """What a fresh client sees, and who is told to reload."""
    loaded, retired = await load_after_erasure(stores, NAME)
    return text_of(loaded.updates), retired


def opened(raw: Stores, like: Stores) -> Stores:
    """A store read with the keys of another one, if that has any."""
    return raw if like.data_keys is None else encrypted(raw, like.data_keys.ring)


async def test_a_room_takes_the_place_of_the_one_that_is_there(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-13: as it was at a sequence, in a new epoch; without being asked nothing is replaced."""
    await append(stores, typed(WORDS))
    chain = await backed_up(stores, place)
    head = await append(stores, typed(["unwanted "], client=LATE))
    await compact(stores, NAME, merge_here)
    with pytest.raises(TargetRefused) as refused:
        await restore(chain, stores.raw, RestoreRequest(NAME))
    assert "--replace" in " ".join(refused.value.__notes__)
    done = await replaced(chain, stores, 12)
    assert (done.epoch, done.notes) == (FIRST_EPOCH + 1, ())
    text, retired = await seen(stores)
    assert text == "".join(WORDS[:12])
    assert OLD in retired
    assert LATE in retired
    assert await stores.log.head(ROOM) == head
    await append(stores, typed(["more "], client=13))
    again = await replaced(chain, stores)
    text, retired = await seen(stores)
    assert (again.epoch, text) == (FIRST_EPOCH + 2, "".join(WORDS))
    assert all(client in retired for client in (OLD, LATE, 13))
    whole = await load_room(stores, NAME)
    writers = RetiredClients.decode(await Here().clients(whole.updates))
    assert len(writers) == 1
    assert len(retired.including(writers)) == len(retired) + 1


async def test_versions_stay_when_a_room_is_replaced(stores: Stores, place: FileBlobs) -> None:
    """BAK-13: also those of the epoch before, and they can be opened."""
    await append(stores, typed(WORDS))
    chain = await backed_up(stores, place)
    content = Content(FIRST_EPOCH, Sequence(20), merge_of(typed(WORDS)))
    label = Label(VersionKind.NAMED, UnixSeconds(1_800_000_000), name="before")
    version = await add_version(stores, NAME, content, label)
    await replaced(chain, stores, 3)
    assert await list_versions(stores, NAME) == (version,)
    assert text_of([await read_version(stores, NAME, version)]) == "".join(WORDS)
    await erased(stores, ErasureMode.EVERYTHING)
    assert await list_versions(stores, NAME) == ()


async def test_a_room_out_of_service_is_replaced(stores: Stores, place: FileBlobs) -> None:
    """BAK-13: that is when a backup is needed."""
    await append(stores, typed(WORDS))
    chain = await backed_up(stores, place)
    with pytest.raises(RoomQuarantined):
        await quarantine(stores, await ensure_manifest(stores, NAME), "attempts ended")
    await replaced(chain, stores)
    assert (await seen(stores))[0] == "".join(WORDS)


class Interrupted(Here):
    """Works while somebody goes on writing."""

    def __init__(self, stores: Stores, times: int) -> None:
        self._stores, self._times = stores, times

    async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
        if self._times:
            self._times -= 1
            await append(self._stores, typed(["!"], client=100 + self._times))
        return await super().restore(current, wanted, client)


async def test_who_writes_meanwhile_must_reload_too(stores: Stores, place: FileBlobs) -> None:
    """BAK-13: nothing that was acknowledged is left without an owner who knows."""
    await append(stores, typed(WORDS))
    chain = await backed_up(stores, place)
    await replaced(chain, stores, 5, Interrupted(stores, 1))
    text, retired = await seen(stores)
    assert text == "".join(WORDS[:5])
    assert 100 in retired


@pytest.mark.parametrize("point", ["erasure.after_record", "erasure.after_epoch"])
async def test_a_replacement_that_ends_at_any_step_did_not_happen_or_is_completed(
    stores: Stores, place: FileBlobs, point: str
) -> None:
    """BAK-13."""
    await append(stores, typed(WORDS))
    chain = await backed_up(stores, place)
    failing = replace(stores, failpoints=Failpoints.parse(f"{point}=error"))
    with pytest.raises(StoreUnavailable):
        await replaced(chain, failing, 4)
    words = 20 if point == "erasure.after_record" else 4
    assert (await seen(stores))[0] == "".join(WORDS[:words])
    await replaced(chain, stores, 9)
    assert (await seen(stores))[0] == "".join(WORDS[:9])


async def test_what_was_erased_is_not_brought_back_by_an_older_backup(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-13: also after a later replacement; a backup of after the erasure is good."""
    await append(stores, typed(WORDS))
    older = await backed_up(stores, place)
    await erased(stores)
    newer = await backed_up(stores, place, 1_900_000_000)
    with pytest.raises(TargetRefused, match="was erased"):
        await replaced(older, stores)
    await append(stores, typed(["x"], client=LATE))
    await replaced(newer, stores)
    text, retired = await seen(stores)
    assert (text, OLD in retired, LATE in retired) == ("".join(WORDS), True, True)
    with pytest.raises(TargetRefused, match="was erased"):
        await replaced(older, stores)


# Who must reload after a restore ----------------------------------------------------------------


@pytest.mark.parametrize("sequence", [None, 23])
async def test_who_was_told_to_reload_is_told_so_after_a_restore(
    stores: Stores, place: FileBlobs, sequence: int | None
) -> None:
    """BAK-14: of everything, of one room, to a point in time, and after a migration."""
    await append(stores, typed(WORDS))
    await erased(stores)
    await append(stores, typed(["a", "b", "c", "d"], client=LATE))
    chain = await backed_up(stores, place)
    later = sequence is not None
    goal = Goal(sequence=Sequence(sequence) if sequence is not None else None)
    whole, one, copy = (MemoryStore().stores() for _ in range(3))
    await restore(chain, one, RestoreRequest(NAME, goal, next_epoch=later))
    await restore(chain, whole, RestoreRequest())
    await migrate(stores.raw, copy, origin="here", is_final=True)
    for raw, added in ((one, "abc" if later else "abcd"), (whole, "abcd"), (copy, "abcd")):
        text, retired = await seen(opened(raw, stores))
        assert sorted(text) == sorted("".join(WORDS) + added)
        assert (OLD in retired, LATE in retired) == (True, False)
        manifest = await raw.manifests.get(ROOM)
        assert manifest is not None
        assert manifest.epoch == 2 + (later and raw is one)


async def test_an_erasure_that_never_was_stays_so_in_a_copy(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-14: although a restore to a point in time begins the epoch that it was to begin."""
    await append(stores, typed(WORDS))
    failing = replace(stores, failpoints=Failpoints.parse("erasure.after_record=error"))
    with pytest.raises(StoreUnavailable):
        await erased(failing, ErasureMode.EVERYTHING)
    chain = await backed_up(stores, place)
    one, copy = MemoryStore().stores(), MemoryStore().stores()
    goal = Goal(sequence=Sequence(8))
    await restore(chain, one, RestoreRequest(NAME, goal, next_epoch=True))
    await migrate(stores.raw, copy, origin="here", is_final=True)
    for raw, count in ((one, 8), (copy, 20)):
        text, retired = await seen(opened(raw, stores))
        assert (text, len(retired)) == ("".join(WORDS[:count]), 0)
        assert await list_erasures(raw, ROOM) == ()


async def test_an_erasure_under_way_does_not_touch_the_snapshots_of_a_copy(
    place: FileBlobs,
) -> None:
    """BAK-14: they have ids of their own there, which its record cannot name."""
    stores = MemoryStore().stores()
    await append(stores, typed(WORDS))
    await erased(stores)
    (record,) = await list_erasures(stores, ROOM)
    await put_erasure(stores, ROOM, replace(record, is_done=False))
    chain = await backed_up(stores, place)
    fresh, copy = MemoryStore().stores(), MemoryStore().stores()
    await restore(chain, fresh, RestoreRequest())
    await migrate(stores, copy, origin="here", is_final=True)
    for each in (fresh, copy):
        text, retired = await seen(each)
        assert (text, OLD in retired) == ("".join(WORDS), True)
        (found,) = await list_erasures(each, ROOM)
        assert found.is_done


async def test_an_erasure_that_fails_keeps_who_was_told_to_reload_before(stores: Stores) -> None:
    """ERA-2: its record stands before that of the erasure that was."""
    await append(stores, typed(WORDS))
    await erased(stores)
    failing = replace(stores, failpoints=Failpoints.parse("erasure.after_record=error"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await erased(failing)
        text, retired = await seen(stores)
        assert (text, OLD in retired) == ("".join(WORDS), True)
    await append(stores, typed(["x"], client=LATE))
    await erased(stores)
    _, retired = await seen(stores)
    assert (OLD in retired, LATE in retired) == (True, True)


async def test_an_erasure_that_ended_half_way_does_not_hinder_a_backup(
    stores: Stores, place: FileBlobs
) -> None:
    """BAK-14: the room is named and left out, until somebody opens it."""
    await append(stores, typed(WORDS))
    other = room_name("band/other")
    await ensure_manifest(stores, other)
    failing = replace(stores, failpoints=Failpoints.parse("erasure.after_epoch=error"))
    with pytest.raises(StoreUnavailable):
        await erased(failing)
    clock = iter(range(1_800_000_000, 2**40))

    async def made() -> tuple[int, int, list[str]]:
        done = await make_backup(
            stores.raw, place, PLAIN, BackupRequest(), lambda: UnixSeconds(next(clock))
        )
        return done.manifest.rooms, done.left_out, list(done.troubles)

    assert await made() == (1, 1, [NAME])
    assert (await seen(stores))[0] == "".join(WORDS)
    assert await made() == (2, 0, [])


# Encrypted stores -------------------------------------------------------------------------------


async def test_a_point_in_time_of_an_encrypted_store_can_be_read(
    tmp_path: Path, place: FileBlobs
) -> None:
    """BAK-15: keys belong to a room and epoch, and come along, also for one room alone."""
    first = EncryptedUnderTest(tmp_path / "data")
    async with await first.open() as stores:
        await append(stores, typed(WORDS))
        await compact(stores, NAME, merge_here)
        chain = await backed_up(stores, place)
    for number, room in enumerate((None, NAME)):
        folder = EncryptedUnderTest(tmp_path / f"again{number}")  # under the same master key
        async with await folder.open() as fresh:
            goal = Goal(at=UnixSeconds(2**40)) if room is None else Goal(sequence=Sequence(9))
            await restore(chain, fresh.raw, RestoreRequest(room, goal, next_epoch=True))
            count = 20 if room is None else 9
            assert (await seen(fresh))[0] == "".join(WORDS[:count])
            await append(fresh, typed(["on"], client=LATE))
            await compact(fresh, NAME, merge_here)
            manifest = await fresh.manifests.get(ROOM)
            assert manifest is not None
            assert manifest.epoch == Epoch(2)
        async with await folder.open() as fresh:
            assert sorted((await seen(fresh))[0]) == sorted("".join(WORDS[:count]) + "on")
        for path in (tmp_path / f"again{number}").rglob("*"):
            assert path.is_dir() or b"w1 " not in path.read_bytes()


async def test_a_key_that_was_destroyed_is_not_brought_back(
    tmp_path: Path, place: FileBlobs
) -> None:
    """BAK-15: a restore of one room adds keys, and replaces none."""
    async with await EncryptedUnderTest(tmp_path / "data").open() as stores:
        await append(stores, typed(WORDS))
        chain = await backed_up(stores, place)
    async with await EncryptedUnderTest(tmp_path / "again").open() as stores:
        assert stores.data_keys is not None
        await stores.data_keys.destroy(ROOM, before=Epoch(2))
        await restore(chain, stores.raw, RestoreRequest(NAME))
        with pytest.raises(DataKeyDestroyed):
            await load_room(stores, NAME)
