"""One process at a time owns a data folder.

SQLite itself would let two processes share the database, but each would keep rooms in memory that
the other does not know of. The lock is the kernel's (flock) on a file of its own: it ends with the
process that holds it, however that process ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from collab.errors import SettingsError, StoreUnavailable
from persistence.folders import sync_folder

LOCK_FILE: Final = "bandpro.lock"

_OWNER_BYTES_MAX: Final = 32


class FolderLock:
    """An exclusive claim on a data folder, held until `release` or the end of the process.

    Args:
        folder: made when it is missing.
        name: of the file that stands for the claim.

    Raises:
        SettingsError: the folder cannot be made or written.
        StoreUnavailable: another process holds it.
    """

    def __init__(self, folder: Path, name: str = LOCK_FILE) -> None:
        try:
            _make_folders(folder)
            self._file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode=0o600)
        except OSError as error:
            raise SettingsError(
                f"the data folder {folder} cannot be used: {error.strerror}; "
                "choose a folder that this user may write"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._file, _OWNER_BYTES_MAX, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise StoreUnavailable(
                f"the data folder {folder} is in use by process {owner or 'unknown'}: stop that "
                "server first, or give this one a data folder of its own"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process have the folder; the file stays. Once only."""
        os.close(self._file)


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, and have their names on the disk."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)
