"""Writing the blobs of one backup: chunks as they fill, index lines after them, the manifest last.

What is interrupted leaves chunks and index parts without a manifest, which no reader takes for a
backup. `ArchiveWriter.resume` reads them again and goes on after the last room that is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from collab.errors import ArchiveUnreadable, BlobMoved, StoreUnavailable
from collab.ids import BlobKey, UnixSeconds
from collab.limits import MIB
from collab.ports import BlobStore
from persistence.backup.catalogue import (
    BEGUN,
    MANIFEST,
    BackupId,
    BackupManifest,
    Begun,
    PartInfo,
    RoomLine,
    decode_line,
    encode_begun,
    encode_line,
    encode_manifest,
    own_key,
    part_key,
    parts_of,
)
from persistence.backup.entries import EntryType, decode_chunk, encode_entry, encode_head
from persistence.backup.sealing import Sealer

CHUNK_BYTES: Final = 4 * MIB
"""A chunk is closed when it has this much, before compression; one part more is its bound."""

INDEX_LINES: Final = 2_000
"""Rooms in one part of the index."""

CHUNKS: Final = "chunks"
INDEX: Final = "index"


@dataclass(slots=True)
class Written:
    """What was written so far.

    Attributes:
        rooms: lines of the index.
        rows: rows, without those of parents.
        last_room: name of the last complete one; None before the first.
        packed_bytes: of all chunks.
    """

    rooms: int = 0
    rows: int = 0
    last_room: str | None = None
    packed_bytes: int = 0


class ArchiveWriter:
    """One backup while it is made.

    Args:
        blobs: the destination.
        sealer: compresses and encrypts.
        backup: its id.
        begun: what it was begun as.
    """

    def __init__(self, blobs: BlobStore, sealer: Sealer, backup: BackupId, begun: Begun) -> None:
        self.backup = backup
        self.begun = begun
        self.written = Written()
        self._blobs = blobs
        self._sealer = sealer
        self._chunks: list[PartInfo] = []
        self._index: list[PartInfo] = []
        self._lines: list[RoomLine] = []
        self._pending = bytearray()
        self._room: str | None = None
        self._is_in_room = False
        self._first_chunk = 0
        self._rows_before = 0

    @property
    def is_in_room(self) -> bool:
        """Whether a room was begun and not ended."""
        return self._is_in_room

    async def begin(self) -> None:
        """Store what it is begun as.

        Raises:
            StoreUnavailable: the destination cannot be written.
        """
        place = own_key(self.backup, BEGUN)
        await self._create(place, await self._sealer.pack(place, encode_begun(self.begun)))

    async def resume(self) -> None:
        """Take in what an interrupted run left.

        Raises:
            ArchiveUnreadable: it is damaged.
            StoreUnavailable: the destination cannot be read.
        """
        keys = await parts_of(self._blobs, self.backup)
        for place in _numbered(keys, self.backup, INDEX):
            info, text = await self._read(place)
            self._index.append(info)
            for line in map(decode_line, text.splitlines()):
                self._count(line)
        rows = 0
        for place in _numbered(keys, self.backup, CHUNKS):
            info, chunk = await self._read(place)
            self._chunks.append(info)
            self.written.packed_bytes += info.size_bytes
            for entry in decode_chunk(place, chunk):
                if entry.kind is EntryType.ROOM:
                    rows = 0  # what an interrupted attempt had before does not count
                elif entry.kind is EntryType.ROW:
                    rows += 1
                elif entry.kind is EntryType.ROOM_END:
                    self.written.rows += rows
                    rows = 0
                    self._resume_line(decode_line(entry.payload))

    async def begin_room(self, name: str) -> None:
        """Begin a room; its entries follow."""
        self._first_chunk = len(self._chunks)
        self._rows_before = self.written.rows
        await self._add(EntryType.ROOM, orjson.dumps({"name": name}))
        self._room = name
        self._is_in_room = True

    async def add(self, entries: Iterable[bytes]) -> None:
        """Add encoded entries to the room that was begun."""
        for entry in entries:
            if not self._pending:
                self._pending += encode_head(self._room)
            self._pending += entry
            if len(self._pending) >= CHUNK_BYTES:
                await self._flush()

    async def abandon_room(self) -> None:
        """Give up what was begun of a room: no line will name it. It may be begun anew."""
        if self._is_in_room:
            await self._flush()  # of one chunk readers take all that is the room's
            self._room = None
            self._is_in_room = False
            self.written.rows = self._rows_before

    async def end_room(self, make_line: Callable[[tuple[int, int] | None], RoomLine]) -> RoomLine:
        """End the room with its line.

        Args:
            make_line: makes the line, given the first and last chunk of the room, which are None
                when it was not begun because nothing of it changed.
        """
        span = (self._first_chunk, len(self._chunks)) if self._is_in_room else None
        line = make_line(span)
        await self._add(EntryType.ROOM_END, encode_line(line))
        self._room = None
        self._is_in_room = False
        self._lines.append(line)
        self._count(line)
        if len(self._lines) >= INDEX_LINES:
            await self._flush_index()
        return line

    def count_rows(self, count: int) -> None:
        """Remember that so many rows were added."""
        self.written.rows += count

    async def finish(self, now: UnixSeconds) -> BackupManifest:
        """Store what is left, and the manifest, with which the backup exists.

        Raises:
            StoreUnavailable: the destination cannot be written.
        """
        await self._flush_index()
        manifest = BackupManifest(
            backup_id=self.backup,
            begun=self.begun,
            ended_at=now,
            rooms=self.written.rooms,
            rows=self.written.rows,
            chunks=tuple(self._chunks),
            index=tuple(self._index),
        )
        place = own_key(self.backup, MANIFEST)
        await self._create(place, await self._sealer.pack(place, encode_manifest(manifest)))
        return manifest

    async def _add(self, kind: EntryType, payload: bytes) -> None:
        await self.add((encode_entry(kind, payload),))

    async def _flush(self) -> None:
        """Store what is pending as the next chunk."""
        if not self._pending:
            return
        info = await self._store(CHUNKS, len(self._chunks), bytes(self._pending))
        self._chunks.append(info)
        self.written.packed_bytes += info.size_bytes
        self._pending.clear()

    async def _flush_index(self) -> None:
        """Store the chunks that the lines name, then the lines."""
        await self._flush()
        if self._lines:
            text = b"\n".join(map(encode_line, self._lines))
            self._index.append(await self._store(INDEX, len(self._index), text))
            self._lines.clear()

    async def _store(self, kind: str, number: int, data: bytes) -> PartInfo:
        place = part_key(self.backup, kind, number)
        packed = await self._sealer.pack(place, data)
        await self._create(place, packed)
        return PartInfo.of(packed)

    async def _create(self, place: BlobKey, packed: bytes) -> None:
        """Store a blob and read it back: what comes later relies on it."""
        try:
            await self._blobs.create(place, packed)
        except BlobMoved:
            raise StoreUnavailable(f"another process is writing the backup {self.backup}") from None
        stored = await self._blobs.read(place)
        if stored is None or stored.data != packed:
            raise StoreUnavailable(f"{place} does not read back as it was written")

    async def _read(self, place: BlobKey) -> tuple[PartInfo, bytes]:
        blob = await self._blobs.read(place)
        if blob is None:
            raise ArchiveUnreadable(f"{place} is gone")
        return PartInfo.of(blob.data), await self._sealer.unpack(place, blob.data)

    def _resume_line(self, line: RoomLine) -> None:
        if self.written.last_room is None or line.name > self.written.last_room:
            self._lines.append(line)
            self._count(line)

    def _count(self, line: RoomLine) -> None:
        self.written.rooms += bool(line.name)
        self.written.last_room = line.name


def _numbered(keys: Iterable[BlobKey], backup: BackupId, kind: str) -> Iterator[BlobKey]:
    """Keys of one kind, as long as their numbers have no gap."""
    present = frozenset(keys)
    number = 0
    while (place := part_key(backup, kind, number)) in present:
        yield place
        number += 1
