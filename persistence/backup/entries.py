"""What stands in a chunk: entries, each a type, a length and a payload.

::

    chunk = head (JSON: the room it goes on with, or null) entry*
    entry = type (1) | length (4) | payload

A room is ROOM, then what was taken of it, then ROOM_END with its line of the index. A chunk that
begins within a room names it, so that every chunk can be read without the one before. What is
larger than a part are split: `*_PART` entries come before the entry that ends them. A room without
its ROOM_END was interrupted, and comes again in a later chunk.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import orjson

from collab.errors import ArchiveUnreadable
from collab.ids import BlobKey, Sequence, UnixSeconds
from collab.limits import MIB
from collab.ports import LogRow

PART_BYTES: Final = 1 * MIB

_HEAD: Final = struct.Struct(">BI")
_ROW: Final = struct.Struct(">QQ")
_LENGTH: Final = struct.Struct(">I")


class EntryType(IntEnum):
    """What an entry is."""

    HEAD = 0  # JSON; the first of each chunk
    ROOM = 1  # JSON: name and base
    SNAPSHOT_PART = 2  # of the snapshot at the base
    ROW = 3  # sequence, time, the rest of its bytes
    ROW_PART = 4
    RECORD = 5  # JSON with its length, then the value
    BLOB = 6  # JSON with its length, then the rest of its bytes
    FILE = 7  # the same
    BLOB_PART = 8  # of a blob or a file
    ROOM_END = 9  # JSON: the line of the index


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        kind: what it is.
        payload: its bytes.
        room: whose it is; None for a chunk's head.
    """

    kind: EntryType
    payload: bytes = field(repr=False)
    room: str | None = field(default=None, repr=False)


def encode_entry(kind: EntryType, payload: bytes) -> bytes:
    """An entry with its type and length in front."""
    return _HEAD.pack(kind, len(payload)) + payload


def encode_head(room: str | None) -> bytes:
    """The first entry of a chunk.

    Args:
        room: the room whose entries go on here; None where a new one begins.
    """
    return encode_entry(EntryType.HEAD, orjson.dumps({"room": room}))


def encode_row(row: LogRow) -> Iterator[bytes]:
    """A row as entries."""
    parts = list(split(row.update))
    for part in parts[:-1]:
        yield encode_entry(EntryType.ROW_PART, part)
    yield encode_entry(EntryType.ROW, _ROW.pack(row.sequence, row.stored_at) + parts[-1])


def encode_described(kind: EntryType, description: dict[str, Any], data: bytes) -> Iterator[bytes]:
    """A record, blob or file as entries: what it is, and its bytes."""
    parts = list(split(data))
    for part in parts[:-1]:
        yield encode_entry(EntryType.BLOB_PART, part)
    text = orjson.dumps(description)
    yield encode_entry(kind, _LENGTH.pack(len(text)) + text + parts[-1])


def decode_row(payload: bytes, before: bytes) -> LogRow:
    """A row from its last entry and the parts before it."""
    sequence, stored_at = _ROW.unpack_from(payload)
    return LogRow(
        Sequence(sequence), before + payload[_ROW.size :], stored_at=UnixSeconds(stored_at)
    )


def decode_described(payload: bytes, before: bytes) -> tuple[dict[str, Any], bytes]:
    """What a record, blob or file is, and its bytes, from its last entry and the parts before."""
    (length,) = _LENGTH.unpack_from(payload)
    end = _LENGTH.size + length
    description: dict[str, Any] = orjson.loads(payload[_LENGTH.size : end])
    return description, before + payload[end:]


def decode_chunk(place: BlobKey, chunk: bytes) -> Iterator[Entry]:
    """The entries of a chunk, in order.

    Raises:
        ArchiveUnreadable: its bytes are no entries.
    """
    room: str | None = None
    position = 0
    while position < len(chunk):
        try:
            number, length = _HEAD.unpack_from(chunk, position)
            kind = EntryType(number)
        except (struct.error, ValueError):
            raise ArchiveUnreadable(f"{place} is damaged at byte {position}") from None
        start = position + _HEAD.size
        position = start + length
        if position > len(chunk):
            raise ArchiveUnreadable(f"{place} ends within an entry")
        payload = chunk[start:position]
        if kind is EntryType.HEAD:
            room = orjson.loads(payload)["room"]
            continue
        if kind is EntryType.ROOM:
            room = orjson.loads(payload)["name"]
        yield Entry(kind, payload, room)
        if kind is EntryType.ROOM_END:
            room = None


def split(data: bytes) -> Iterator[bytes]:
    """Parts of at most `PART_BYTES`, at least one."""
    for start in range(0, max(len(data), 1), PART_BYTES):
        yield data[start : start + PART_BYTES]
