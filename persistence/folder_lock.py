"""One process at a time owns a data folder, or several that know of each other share it.

SQLite itself lets processes share a database, but each keeps rooms in memory that the others must
hear about: only nodes with a bus do so. The lock is the kernel's (flock) on a file of its own: it
ends with the process that holds it, however that process ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from collab.errors import SettingsError, StoreUnavailable
from persistence.folders import sync_folder

LOCK_FILE: Final = "bandpro.lock"

_OWNER_BYTES_MAX: Final = 32
_SHARE_WITHIN_S: Final = 10.0
_LOOK_S: Final = 0.02


class FolderLock:
    """A claim on a data folder, held until `release` or the end of the process.

    Args:
        folder: made when it is missing.
        name: of the file that stands for the claim.
        shared: share it with others who do so as well, of this machine; the first has it for
            itself until `share`.

    Attributes:
        is_alone: whether nobody else can have the folder.

    Raises:
        SettingsError: the folder cannot be made or written.
        StoreUnavailable: another process holds it.
    """

    def __init__(self, folder: Path, name: str = LOCK_FILE, *, shared: bool = False) -> None:
        try:
            _make_folders(folder)
            self._file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode=0o600)
        except OSError as error:
            raise SettingsError(
                f"the data folder {folder} cannot be used: {error.strerror}; "
                "choose a folder that this user may write"
            ) from error
        self.is_alone = self._try(fcntl.LOCK_EX)
        if not self.is_alone and not (shared and self._wait_for_share()):
            owner = os.pread(self._file, _OWNER_BYTES_MAX, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise StoreUnavailable(
                f"the data folder {folder} is in use by process {owner or 'unknown'}: stop that "
                "server first, or give this one a data folder of its own"
            )
        if self.is_alone:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def share(self) -> None:
        """Let others in who share it as well."""
        fcntl.flock(self._file, fcntl.LOCK_SH)
        self.is_alone = False

    def release(self) -> None:
        """Let another process have the folder; the file stays. Once only."""
        os.close(self._file)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _wait_for_share(self) -> bool:
        """Wait while the first one opens the folder; one that never shares it is not waited for."""
        until_s = time.monotonic() + _SHARE_WITHIN_S
        while time.monotonic() < until_s:
            if self._try(fcntl.LOCK_SH):
                return True
            time.sleep(_LOOK_S)
        return False


class Turns:
    """Takes turns with other processes that share a folder; for threads.

    Args:
        folder: theirs.
        name: of the file that stands for the turn.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode=0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Take no turn any more."""
        os.close(self._file)


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, and have their names on the disk."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)
