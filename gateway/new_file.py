"""Writing a file that a command was asked for: it is there whole, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from typing import Final

from persistence.folders import sync_folder

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What file systems say that know no second name of a file."""


def write_new_file(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; whatever interrupts it leaves nothing under its name.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _give_name(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def _give_name(aside: Path, path: Path) -> None:
    """Name a file, unless the name is taken: a link fails then, a rename replaces what is there."""
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        aside.replace(path)
