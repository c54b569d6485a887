"""Backups of an encrypted store in which data keys are made and destroyed meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from collab.ids import (
    FIRST_EPOCH,
    NO_ROOM,
    Epoch,
    RoomKey,
    RoomName,
    Sequence,
    UnixSeconds,
    room_key,
)
from collab.ports import LogTail, RecordKind
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.backup.verifying import verify_backup
from persistence.encryption.data_keys import key_record_id
from persistence.erasure import ErasureMode, load_after_erasure
from persistence.files import FileBlobs
from persistence.loading import load_room
from persistence.manifests import ensure_manifest
from persistence.stores import Stores
from tests.contract.backends import EncryptedUnderTest
from tests.contract.conftest import NAME, OTHER, ROOM
from tests.contract.edits import text_of, typed
from tests.contract.erasing import document, erased, fill
from tests.contract.overtaking import overtaken

PLAIN = Sealer(None)
ROOMS = (None, NAME)
"""What is restored: everything, or the one room."""


@pytest.fixture
async def sealed(tmp_path: Path) -> AsyncIterator[Stores]:
    async with await EncryptedUnderTest(tmp_path / "data").open() as stores:
        yield stores


async def write(stores: Stores, name: RoomName, words: list[str]) -> None:
    manifest = await ensure_manifest(stores, name)
    key = room_key(name)
    head = await stores.log.head(key)
    await stores.log.append(key, epoch=manifest.epoch, after=head, updates=typed(words))


async def backed_up(raw: Stores, place: FileBlobs, *, incremental: bool = False) -> Chain:
    begun = 1_800_000_000 + 1_000 * incremental
    clock = iter(range(begun, 2**40))
    request = BackupRequest(is_incremental=incremental)
    made = await make_backup(raw, place, PLAIN, request, lambda: UnixSeconds(next(clock)))
    assert made.troubles == {}
    return await Chain.open(place, PLAIN, made.manifest.backup_id)


def meanwhile(stores: Stores, deed: Callable[[], Awaitable[object]]) -> Stores:
    """The store beneath; something happens after its own records were taken, before any room."""
    return overtaken(stores.raw, "manifests", "list", deed)


async def findings(place: FileBlobs, chain: Chain) -> list[tuple[str, str]]:
    report = await verify_backup(place, PLAIN, chain.newest.manifest.backup_id)
    return [(each.place, each.what) for each in report.findings]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("incremental", [False, True])
async def test_a_room_that_is_made_during_a_backup_can_be_read(
    sealed: Stores, place: FileBlobs, tmp_path: Path, room: RoomName | None, *, incremental: bool
) -> None:
    """BAK-16."""
    if incremental:
        await backed_up(sealed.raw, place)
    during = meanwhile(sealed, lambda: write(sealed, NAME, ["la ", "mer"]))
    chain = await backed_up(during, place, incremental=incremental)
    assert await findings(place, chain) == []
    async with await EncryptedUnderTest(tmp_path / "again").open() as fresh:
        await restore(chain, fresh.raw, RestoreRequest(room))
        assert text_of((await load_room(fresh, NAME)).updates) == "la mer"


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("incremental", [False, True])
async def test_a_room_that_is_erased_during_a_backup_can_be_read(
    sealed: Stores, place: FileBlobs, tmp_path: Path, room: RoomName | None, *, incremental: bool
) -> None:
    """BAK-16: and the destroyed key of its epoch before is not in what is restored."""
    await fill(sealed)
    if incremental:
        await backed_up(sealed.raw, place)
    during = meanwhile(sealed, lambda: erased(sealed, ErasureMode.HISTORY))
    chain = await backed_up(during, place, incremental=incremental)
    assert await findings(place, chain) == []
    left = await document(sealed)
    async with await EncryptedUnderTest(tmp_path / "again").open() as fresh:
        await restore(chain, fresh.raw, RestoreRequest(room))
        assert await document(fresh) == left
        loaded, retired = await load_after_erasure(fresh, NAME)
        assert loaded.manifest.epoch == FIRST_EPOCH + 1
        assert len(retired) > 0
        old = await fresh.raw.records.get(
            RecordKind.DATA_KEY, NO_ROOM, key_record_id(ROOM, FIRST_EPOCH)
        )
        assert old is not None
        assert old.value == b""


async def test_an_erasure_right_after_a_room_was_read_makes_it_be_read_again(
    sealed: Stores, place: FileBlobs, tmp_path: Path
) -> None:
    """BAK-16: its key is gone before it could be taken."""
    await fill(sealed)
    ended: list[Epoch] = []
    log = sealed.raw.log

    class ReadThenErased:
        """The log; the room is erased as soon as it was read once."""

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the log has
            return getattr(log, name)

        async def read(self, room: RoomKey, *, after: Sequence) -> LogTail:
            tail = await log.read(room, after=after)
            if not ended:
                ended.append(tail.epoch)
                await erased(sealed, ErasureMode.HISTORY)
            return tail

    chain = await backed_up(replace(sealed.raw, log=cast("Any", ReadThenErased())), place)
    assert ended == [FIRST_EPOCH]
    assert await findings(place, chain) == []
    async with await EncryptedUnderTest(tmp_path / "again").open() as fresh:
        await restore(chain, fresh.raw, RestoreRequest())
        assert (await load_room(fresh, NAME)).manifest.epoch == Epoch(2)


async def test_verification_names_a_room_without_its_data_key(
    sealed: Stores, place: FileBlobs
) -> None:
    """BAK-16: as the store itself had lost it."""
    await write(sealed, NAME, ["la ", "mer"])
    await sealed.log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"kept"])
    await sealed.raw.records.delete(RecordKind.DATA_KEY, NO_ROOM, key_record_id(ROOM, FIRST_EPOCH))
    chain = await backed_up(sealed.raw, place)
    assert await findings(place, chain) == [
        (NAME, "the data key of its epoch 1 is not in the backup")
    ]
