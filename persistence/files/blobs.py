"""The blobs as files: written aside, synced, then given their name in one step.

A file has its name only when its content is on the disk, so a crash leaves at worst a nameless one,
which the next start removes. One process owns the folder, or several share it, and take turns
in what changes names.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, TypeVar

from collab.errors import BlobMoved, SettingsError, StoreUnavailable
from collab.ids import BlobKey, BlobTag, UnixSeconds
from collab.ports import Blob, BlobInfo
from persistence.failpoints import Failpoints
from persistence.folder_lock import FolderLock, Turns
from persistence.folders import sync_folder

_Result = TypeVar("_Result")
_ASIDE: Final = ".aside"  # no segment of a key begins with a dot
_LOCK: Final = ".lock"
_TURNS: Final = ".turn"


class FileBlobs:
    """The blobs of one folder, which one process owns until `close`.

    Args:
        folder: made when it is missing; what a crash left aside is removed.
        failpoints: where to fail on purpose.
        shared: share it with other processes that do so as well.

    Raises:
        SettingsError: the folder cannot be made or written.
        StoreUnavailable: another process owns it.
    """

    def __init__(
        self, folder: Path, failpoints: Failpoints | None = None, *, shared: bool = False
    ) -> None:
        self.folder = folder
        self._aside = folder / _ASIDE
        self._thread = threading.Lock()
        self._turns: Turns | None = None
        self._failpoints = failpoints or Failpoints()
        self._lock: FolderLock | None = FolderLock(folder, _LOCK, shared=shared)
        try:
            if self._lock.is_alone:
                shutil.rmtree(self._aside, ignore_errors=True)
            self._aside.mkdir(mode=0o700, exist_ok=True)
            if shared:
                self._turns = Turns(folder, _TURNS)
                self._lock.share()
        except OSError as error:
            self._lock.release()
            raise SettingsError(
                f"the folder {folder} cannot be used for blobs: {error.strerror}"
            ) from error

    @property
    def blobs(self) -> FileBlobs:
        """The port."""
        return self

    @property
    def description(self) -> str:
        """For people."""
        return f"blobs in {self.folder}"

    async def check(self) -> list[str]:
        """Write a file, read it back and delete it."""
        try:
            await _in_thread(lambda: self._write_aside(b"probe").unlink())
        except StoreUnavailable as error:
            return [str(error)]
        return []

    async def clear_unfinished(self, before: UnixSeconds) -> int:
        """Remove files that were never given their name."""
        return await _in_thread(lambda: self._clear_unfinished(before))

    async def close(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._turns is not None:
            self._turns.close()
            self._turns = None

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

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one who changes names."""
        with self._thread, self._turns or nullcontext():
            yield

    def _create(self, key: BlobKey, data: bytes) -> BlobTag:
        path = self._path(key)
        aside = self._write_aside(data)
        self._failpoints.hit("blob.before_name")
        try:
            with self._changing():  # a folder just made must not be taken for a deserted one
                self._make_folders(path.parent)
                # A link fails where the name is taken; a rename would replace what is there.
                os.link(aside, path)
        except FileExistsError:
            sync_folder(path.parent)  # whoever is told that it is there may rely on it
            raise BlobMoved("there is a blob under this key") from None
        finally:
            aside.unlink()
        self._failpoints.hit("blob.after_name")
        sync_folder(path.parent)
        return _tag(data)

    def _replace(self, key: BlobKey, data: bytes, tag: BlobTag) -> BlobTag:
        path = self._path(key)
        with self._changing():
            found = self._read(key)
            if found is None or found.tag != tag:
                raise BlobMoved("the blob was changed meanwhile")
            self._write_aside(data).replace(path)
            sync_folder(path.parent)
        return _tag(data)

    def _read(self, key: BlobKey) -> Blob | None:
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        return Blob(data, _tag(data))

    def _delete(self, key: BlobKey) -> None:
        path = self._path(key)
        with self._changing():
            try:
                path.unlink()
            except FileNotFoundError:
                return
            self._remove_deserted(path.parent)

    def _remove_deserted(self, folder: Path) -> None:
        """Remove folders that nothing is in any more, and have that on the disk."""
        while folder != self.folder:
            try:
                folder.rmdir()
            except OSError:
                break
            folder = folder.parent
        sync_folder(folder)

    def _list(self, prefix: str, after: BlobKey | None, limit: int) -> tuple[BlobInfo, ...]:
        lines: list[BlobInfo] = []
        for key in self._keys("", prefix, after or ""):
            if len(lines) == limit:
                break
            try:
                state = self._path(key).stat()
            except FileNotFoundError:  # deleted meanwhile
                continue
            lines.append(BlobInfo(key, state.st_size, UnixSeconds(int(state.st_mtime))))
        return tuple(lines)

    def _keys(self, place: str, prefix: str, after: str) -> Iterator[BlobKey]:
        """Keys in order that begin with a prefix and come after a key.

        Reads the names in the folders on the way to each key, and no other folder: a page costs the
        names beside its keys and above them, not all names of the store.

        Args:
            place: the folder to look in; empty, or ends with a slash.
            prefix: what keys begin with.
            after: the key before the first; empty for none.
        """
        try:
            with os.scandir(self.folder / place) as found:
                # With the slash, folders sort among files as the keys within them do.
                spelled = [
                    place + entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")
                    for entry in found
                    if not entry.name.startswith(".")
                ]
        except (FileNotFoundError, NotADirectoryError):  # deleted meanwhile, or never there
            return
        for each in sorted(spelled):
            if not each.endswith("/"):
                if each.startswith(prefix) and each > after:
                    yield BlobKey(each)
            elif _may_hold(each, prefix, after):
                yield from self._keys(each, prefix, after)

    def _clear_unfinished(self, before: UnixSeconds) -> int:
        removed = 0
        with os.scandir(self._aside) as found:
            for entry in found:
                try:
                    if entry.stat().st_mtime < before:
                        Path(entry.path).unlink()
                        removed += 1
                except FileNotFoundError:  # it has its name now
                    continue
        return removed

    def _path(self, key: BlobKey) -> Path:
        return self.folder.joinpath(*key.split("/"))

    def _make_folders(self, folder: Path) -> None:
        """Make folders and have their names on the disk before anything is in them."""
        if folder == self.folder or folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)

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


def _may_hold(folder: str, prefix: str, after: str) -> bool:
    """Whether keys in a folder, which ends with a slash, may match a prefix and follow a key."""
    matches = folder.startswith(prefix) or prefix.startswith(folder)
    return matches and (folder > after or after.startswith(folder))


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StoreUnavailable(f"the blob folder refused: {error.strerror}") from error


def _tag(data: bytes) -> BlobTag:
    return BlobTag(hashlib.sha256(data).hexdigest())
