"""A data folder that several nodes of one machine share."""

import asyncio
import os
from pathlib import Path

import pytest

from collab.errors import StoreUnavailable
from collab.ids import FIRST_EPOCH, BlobKey, Sequence
from persistence import folder_lock
from persistence.build import StoreSettings, open_stores
from tests.contract.conftest import ROOM


async def test_processes_that_share_a_folder_see_each_others_commits(tmp_path: Path) -> None:
    """BUS-11: of racing appends one wins, and neither leaves the other anything to clear up."""
    settings = StoreSettings("sqlite:", tmp_path / "shared", shared=True)
    one, two = await asyncio.gather(open_stores(settings), open_stores(settings))
    async with one, two:
        appends = [
            each.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a"])
            for each in (one, two)
        ]
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        assert sorted(type(each).__name__ for each in outcomes) == ["HeadMoved", "int"]
        key = BlobKey("snapshot/x")
        created = [each.blobs.create(key, b"whole") for each in (one, two)]
        tags = await asyncio.gather(*created, return_exceptions=True)
        assert sorted(type(each).__name__ for each in tags) == ["BlobMoved", "str"]
        for each in (one, two):
            tail = await each.log.read(ROOM, after=Sequence(0))
            assert [row.update for row in tail.rows] == [b"a"]
            assert (await each.blobs.read(key)) is not None
        with pytest.raises(StoreUnavailable, match=f"process {os.getpid()}"):
            await open_stores(StoreSettings("sqlite:", tmp_path / "shared"))
    await (await open_stores(StoreSettings("sqlite:", tmp_path / "shared"))).close()


async def test_a_folder_that_one_has_for_itself_is_not_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BUS-11."""
    monkeypatch.setattr(folder_lock, "_SHARE_WITHIN_S", 0.05)
    async with await open_stores(StoreSettings("sqlite:", tmp_path)):
        with pytest.raises(StoreUnavailable, match="in use by process"):
            await open_stores(StoreSettings("sqlite:", tmp_path, shared=True))
