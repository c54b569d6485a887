"""Reading a backup: its index and chunks, each verified against the manifest that names it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final, Self

from collab.errors import ArchiveUnreadable
from collab.ports import BlobStore
from persistence.backup.catalogue import (
    BackupId,
    BackupManifest,
    PartInfo,
    RoomLine,
    decode_line,
    part_key,
    read_manifest,
)
from persistence.backup.entries import Entry, EntryType, decode_chunk
from persistence.backup.sealing import Sealer
from persistence.backup.writer import CHUNKS, INDEX

CHUNKS_KEPT: Final = 16
"""Chunks of one chain kept in memory: rooms beside each other stand in the same ones."""


class Archive:
    """One whole backup.

    Attributes:
        manifest: what it consists of.
        sha256: of the manifest, as stored.
    """

    def __init__(
        self, blobs: BlobStore, sealer: Sealer, manifest: BackupManifest, sha256: str
    ) -> None:
        self.manifest = manifest
        self.sha256 = sha256
        self._blobs = blobs
        self._sealer = sealer
        self._kept: OrderedDict[int, dict[str, list[Entry]]] = OrderedDict()
        self.chunks_kept = CHUNKS_KEPT

    @classmethod
    async def open(cls, blobs: BlobStore, sealer: Sealer, backup: BackupId) -> Self:
        """Read a backup's manifest.

        Raises:
            ArchiveUnreadable: there is none, it is damaged, or the key is another one.
            StoreUnavailable: the destination cannot be read.
        """
        return cls(blobs, sealer, *await read_manifest(blobs, sealer, backup))

    async def lines(self) -> AsyncIterator[RoomLine]:
        """The index, in order of name; what belongs to the whole store comes first.

        Raises:
            ArchiveUnreadable: a part of it is damaged or gone; names it.
        """
        for number in range(len(self.manifest.index)):
            for text in (await self.read_index(number)).splitlines():
                yield decode_line(text)

    async def find(self, name: str) -> RoomLine | None:
        """The line of one room, or None.

        Raises:
            ArchiveUnreadable: a part of the index is damaged or gone.
        """
        async for line in self.lines():
            if line.name == name:
                return line
            if line.name > name:
                break
        return None

    async def entries(self, line: RoomLine) -> AsyncIterator[Entry]:
        """The entries of a room, without its ROOM and ROOM_END.

        Raises:
            ArchiveUnreadable: a chunk is damaged or gone; names it.
        """
        if line.chunks is None:
            return
        first, last = line.chunks
        for number in range(first, last + 1):
            for entry in (await self._chunk(number)).get(line.name, ()):
                if entry.kind is EntryType.ROOM_END:
                    return
                if entry.kind is not EntryType.ROOM:
                    yield entry

    async def read_chunk(self, number: int) -> bytes:
        """A chunk's content.

        Raises:
            ArchiveUnreadable: it is damaged or gone; names it.
        """
        return await self._read(CHUNKS, number, self.manifest.chunks)

    async def read_index(self, number: int) -> bytes:
        """The lines of a part of the index.

        Raises:
            ArchiveUnreadable: it is damaged or gone; names it.
        """
        return await self._read(INDEX, number, self.manifest.index)

    async def _chunk(self, number: int) -> dict[str, list[Entry]]:
        """A chunk's entries by room; decoded once for all rooms in it."""
        chunk = self._kept.pop(number, None)
        if chunk is None:
            chunk = {}
            place = part_key(self.manifest.backup_id, CHUNKS, number)
            for entry in decode_chunk(place, await self.read_chunk(number)):
                if entry.room is not None:
                    chunk.setdefault(entry.room, []).append(entry)
        self._kept[number] = chunk
        while len(self._kept) > self.chunks_kept:
            self._kept.popitem(last=False)
        return chunk

    async def _read(self, kind: str, number: int, parts: tuple[PartInfo, ...]) -> bytes:
        place = part_key(self.manifest.backup_id, kind, number)
        if number >= len(parts):
            raise ArchiveUnreadable(f"{place} is named by the index, but not by the manifest")
        blob = await self._blobs.read(place)
        if blob is None:
            raise ArchiveUnreadable(f"{place} is gone")
        if PartInfo.of(blob.data) != parts[number]:
            raise ArchiveUnreadable(f"{place} is damaged: its SHA-256 is not the manifest's")
        return await self._sealer.unpack(place, blob.data)


class Chain:
    """A backup with all its parents.

    Attributes:
        archives: oldest, the full one, first.
    """

    def __init__(self, archives: tuple[Archive, ...]) -> None:
        self.archives = archives
        self._by_id = {archive.manifest.backup_id: archive for archive in archives}
        for archive in archives:
            archive.chunks_kept = max(1, CHUNKS_KEPT // len(archives))

    @classmethod
    async def open(cls, blobs: BlobStore, sealer: Sealer, backup: BackupId) -> Self:
        """Read a backup's manifest and those of its parents.

        Raises:
            ArchiveUnreadable: one of them is gone, damaged, or not the one that it was built on.
            StoreUnavailable: the destination cannot be read.
        """
        archives: list[Archive] = []
        wanted: BackupId | None = backup
        digest = ""
        while wanted is not None:
            try:
                archive = await Archive.open(blobs, sealer, wanted)
            except ArchiveUnreadable as error:
                if archives:
                    child = archives[-1].manifest.backup_id
                    error.add_note(f"The backup {child} is built on it, and is of no use without.")
                raise
            if archives and archive.sha256 != digest:
                raise ArchiveUnreadable(f"the backup {wanted} is not the one that was built on")
            archives.append(archive)
            wanted = archive.manifest.begun.parent
            digest = archive.manifest.begun.parent_sha256
        return cls(tuple(reversed(archives)))

    @property
    def newest(self) -> Archive:
        """The backup itself."""
        return self.archives[-1]

    def archive(self, backup: BackupId) -> Archive:
        """A member of the chain.

        Raises:
            ArchiveUnreadable: it is none.
        """
        found = self._by_id.get(backup)
        if found is None:
            raise ArchiveUnreadable(f"the backup {backup} is named, but is not in the chain")
        return found

    async def histories(self) -> AsyncIterator[list[tuple[Archive, RoomLine]]]:
        """For each room of the newest backup, its lines from the oldest backup on, by name."""
        older = [OrderedLines(archive) for archive in self.archives[:-1]]
        async for line in self.newest.lines():
            history = [
                (each.archive, found)
                for each in older
                if (found := await each.find(line.name)) is not None
            ]
            yield [*history, (self.newest, line)]

    async def history(self, name: str) -> list[tuple[Archive, RoomLine]]:
        """The lines of one room, from the oldest backup on; empty when none has it."""
        return [
            (archive, line)
            for archive in self.archives
            if (line := await archive.find(name)) is not None
        ]


class OrderedLines:
    """A backup's lines, asked for in order of name."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._lines = archive.lines()
        self._next: RoomLine | None = None
        self._is_over = False

    async def find(self, name: str) -> RoomLine | None:
        """The line of a room; every call names a later room than the one before."""
        while not self._is_over and (self._next is None or self._next.name < name):
            self._next = await anext(self._lines, None)
            self._is_over = self._next is None
        found = self._next
        return found if found is not None and found.name == name else None
