"""The blobs of a folder: what a page of a listing reads, and what a crash leaves."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from collab.errors import SettingsError, StoreUnavailable
from collab.ids import UnixSeconds
from persistence.blob_keys import blob_key
from persistence.failpoints import Failpoints
from persistence.files import FileBlobs


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FileBlobs]:
    opened = FileBlobs(tmp_path / "blobs")
    yield opened
    await opened.close()


async def test_page_reads_the_names_beside_and_above_its_keys_and_no_others(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STO-31."""
    rooms = [f"{number:064x}" for number in range(300)]
    for room in rooms:
        await blobs.create(blob_key("rooms", room, "1", "snapshots", "s"), b"x")
    read: list[str] = []
    scandir = os.scandir

    def counted(folder: Any) -> Any:  # noqa: ANN401 - passed on as it is
        read.append(str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    found = await blobs.list(f"rooms/{rooms[200]}/", after=None, limit=10)
    assert [info.key for info in found] == [f"rooms/{rooms[200]}/1/snapshots/s"]
    assert len(read) == 5  # from the top to the room's snapshots
    read.clear()
    page = await blobs.list("rooms/", after=found[0].key, limit=2)
    assert [info.key.split("/")[1] for info in page] == rooms[201:203]
    assert len(read) <= 2 + 3 * 4  # two above; the room of `after`, those of the page, the next


async def test_file_that_never_got_its_name_is_not_listed_and_goes(tmp_path: Path) -> None:
    """STO-34."""
    failpoints = Failpoints.parse("blob.before_name=error@1")
    blobs = FileBlobs(tmp_path / "blobs", failpoints)
    (tmp_path / "blobs" / ".aside" / "left").write_bytes(b"by a crash")
    os.utime(tmp_path / "blobs" / ".aside" / "left", (1_000, 1_000))
    (tmp_path / "blobs" / ".aside" / "fresh").write_bytes(b"being written")
    assert await blobs.list("", after=None, limit=10) == ()
    assert await blobs.clear_unfinished(UnixSeconds(2_000)) == 1
    assert [path.name for path in (tmp_path / "blobs" / ".aside").iterdir()] == ["fresh"]
    with pytest.raises(StoreUnavailable):
        await blobs.create(blob_key("a"), b"x")
    assert await blobs.list("", after=None, limit=10) == ()
    await blobs.close()
    again = FileBlobs(tmp_path / "blobs")
    assert list((tmp_path / "blobs" / ".aside").iterdir()) == []
    await again.close()


async def test_folder_has_one_owner(blobs: FileBlobs) -> None:
    """STO-12."""
    with pytest.raises(StoreUnavailable, match="in use by process"):
        FileBlobs(blobs.folder)
    await blobs.close()
    await FileBlobs(blobs.folder).close()


async def test_folder_that_is_a_file_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="cannot be used"):
        FileBlobs(tmp_path / "file")


async def test_folders_of_a_room_go_with_its_last_blob(blobs: FileBlobs) -> None:
    key = blob_key("rooms", "ab" * 32, "1", "snapshots", "s")
    await blobs.create(key, b"x")
    await blobs.delete(key)
    assert [path.name for path in blobs.folder.iterdir() if not path.name.startswith(".")] == []
