"""The process that `test_backup` kills while it keeps, restores or copies a store.

``python -m tests.contract.killed_keeper WORK DEED [FAILPOINTS]``; all is in folders of WORK, but a
backup may be kept elsewhere: ``WORK backup BLOBS PLACE ENDPOINT``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from collab.ids import BlobKey, BlobTag, UnixSeconds
from persistence.backup import writer
from persistence.backup.catalogue import backup_ids
from persistence.backup.making import BackupRequest, make_backup
from persistence.backup.reader import Chain
from persistence.backup.restoring import RestoreRequest, restore
from persistence.backup.sealing import Sealer
from persistence.build import S3Limits, StoreSettings, open_archive, open_stores
from persistence.failpoints import Failpoints
from persistence.migration import migrate
from persistence.read_only_blobs import ReadOnlyBlobs

NOW = UnixSeconds(1_800_000_000)


class _Deadly(ReadOnlyBlobs):
    """Kills its process once it has stored so many blobs."""

    left = 0

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        tag = await self._blobs.create(key, data)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return tag


async def back_up(work: Path, blobs_left: int, place: str, endpoint: str | None) -> None:
    """Back up; die after so many blobs, or not at all for 0."""
    writer.CHUNK_BYTES = 4_096  # type: ignore[misc] # several chunks of little data
    source = StoreSettings(data_folder=work / "data", read_only=True)
    limits = S3Limits(endpoint=endpoint, path_style=True)
    async with (
        await open_stores(source) as stores,
        open_archive(place, read_only=False, s3=limits) as kept,
    ):
        destination = _Deadly(kept)
        destination.left = blobs_left
        await make_backup(stores, destination, Sealer(None), BackupRequest(), lambda: NOW)


async def bring_back(work: Path, failpoints: str) -> None:
    """Restore the newest backup."""
    target = StoreSettings(data_folder=work / "restored", failpoints=Failpoints.parse(failpoints))
    async with open_archive(str(work / "backups"), read_only=True) as blobs:
        whole, _ = await backup_ids(blobs)
        chain = await Chain.open(blobs, Sealer(None), whole[-1])
        async with await open_stores(target) as stores:
            await restore(chain, stores, RestoreRequest())


async def copy(work: Path, failpoints: str) -> None:
    """Migrate the store."""
    target = StoreSettings(data_folder=work / "copy", failpoints=Failpoints.parse(failpoints))
    async with (
        await open_stores(StoreSettings(data_folder=work / "data")) as stores,
        await open_stores(target) as copied,
    ):
        await migrate(stores, copied, origin="data", is_final=True)


if __name__ == "__main__":
    folder, deed, *rest = sys.argv[1:]
    match deed:
        case "backup":
            left, place, endpoint, *_ = [*rest, *("0", f"{folder}/backups", "")[len(rest) :]]
            asyncio.run(back_up(Path(folder), int(left), place, endpoint or None))
        case "restore":
            asyncio.run(bring_back(Path(folder), "".join(rest)))
        case _:
            asyncio.run(copy(Path(folder), "".join(rest)))
