"""The blobs as files: written aside, synced, then given their name in one step.

A file has its name only when its content is on the disk, so a crash leaves at worst a nameless one,
which the next start removes. One process owns the folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from collab.errors import BlobMoved, SettingsError, StoreUnavailable
from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo

_Result = TypeVar("_Result")
_ASIDE: Final = ".aside"  # no blob key begins with a dot


class FileBlobs:
    """The blobs of one folder.

    Args:
        folder: made when it is missing; what a crash left aside is removed.

    Raises:
        SettingsError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._aside = folder / _ASIDE
        self._changing = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(self._aside, ignore_errors=True)
            self._aside.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"the folder {folder} cannot be used for blobs: {error.strerror}"
            ) from error

    async def create(self, key: BlobKey, data: bytes) -> BlobTag:
        """Store a new blob; see `BlobStore.create`."""
        return await _in_thread(lambda: self._create(key, data))

    async def replace(self, key: BlobKey, data: bytes, *, tag: BlobTag) -> BlobTag:
        """Replace it; see `BlobStore.replace`."""
        return await _in_thread(lambda: self._replace(key, data, tag))

    async def read(self, key: BlobKey) -> Blob | None:
        """Read it; see `BlobStore.read`."""
        return await _in_thread(lambda: self._read(key))

    async def delete(self, key: BlobKey) -> None:
        """Delete it; see `BlobStore.delete`."""
        await _in_thread(lambda: self._delete(key))

    async def list(self, prefix: str, *, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        """Blobs by key; see `BlobStore.list`."""
        return await _in_thread(lambda: self._list(prefix, after, limit))

    def _create(self, key: BlobKey, data: bytes) -> BlobTag:
        path = self._path(key)
        self._make_folders(path.parent)
        aside = self._write_aside(data)
        try:
            # A link fails where the name is taken; a rename would replace what is there.
            os.link(aside, path)
        except FileExistsError:
            raise BlobMoved("there is a blob under this key") from None
        finally:
            aside.unlink()
        _sync_folder(path.parent)
        return _tag(data)

    def _replace(self, key: BlobKey, data: bytes, tag: BlobTag) -> BlobTag:
        path = self._path(key)
        with self._changing:
            found = self._read(key)
            if found is None or found.tag != tag:
                raise BlobMoved("the blob was changed meanwhile")
            self._write_aside(data).replace(path)
            _sync_folder(path.parent)
        return _tag(data)

    def _read(self, key: BlobKey) -> Blob | None:
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        return Blob(data, _tag(data))

    def _delete(self, key: BlobKey) -> None:
        path = self._path(key)
        with self._changing:
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _sync_folder(path.parent)

    def _list(self, prefix: str, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        folder, _, _ = prefix.rpartition("/")
        found = []
        for key, path in self._files(self.folder / folder):
            if key.startswith(prefix) and (after is None or key > after):
                found.append((key, path))
        found.sort()
        lines = []
        for key, path in found[:limit]:
            try:
                state = path.stat()
            except FileNotFoundError:  # deleted meanwhile
                continue
            lines.append(BlobInfo(key, state.st_size, UnixSeconds(int(state.st_mtime))))
        return tuple(lines)

    def _files(self, folder: Path) -> Iterator[tuple[BlobKey, Path]]:
        for place, folders, names in os.walk(folder):
            if _ASIDE in folders:
                folders.remove(_ASIDE)
            for name in names:
                path = Path(place, name)
                yield BlobKey(path.relative_to(self.folder).as_posix()), path

    def _path(self, key: BlobKey) -> Path:
        return self.folder.joinpath(*key.split("/"))

    def _make_folders(self, folder: Path) -> None:
        """Make folders and have their names on the disk before anything is in them."""
        if folder == self.folder or folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)

    def _write_aside(self, data: bytes) -> Path:
        descriptor, name = tempfile.mkstemp(dir=self._aside)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StoreUnavailable(f"the blob folder refused: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tag(data: bytes) -> BlobTag:
    return BlobTag(hashlib.sha256(data).hexdigest())
