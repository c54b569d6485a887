"""Identifiers and times as distinct types, so that two of them are never swapped unnoticed."""

from __future__ import annotations

import hashlib
from typing import Final, NewType

from collab.errors import InvalidRoomName
from collab.limits import ROOM_NAME_BYTES_MAX

RoomName = NewType("RoomName", str)
"""A checked room name, as made by :func:`room_name`; the only way a person's spelling gets in."""

RoomKey = NewType("RoomKey", str)
"""The 64 hex digits under which a room is stored, as made by :func:`room_key`."""

SessionId = NewType("SessionId", str)
"""One connection's membership of one room, unique within a node."""

ClientId = NewType("ClientId", int)
"""A Yjs client identifier: identifies a replica of the CRDT, never a person."""

Subject = NewType("Subject", str)
"""The authenticated person or service: the token's ``sub``."""

Sequence = NewType("Sequence", int)
"""Position of an update in a room's log: 1 for the first, 0 for "nothing yet"."""

Epoch = NewType("Epoch", int)
"""One incarnation of a room's log; erasure and disaster restore begin the next one."""

Milliseconds = NewType("Milliseconds", int)
"""A point on the caller's monotonic clock, or a span, in milliseconds."""

UnixSeconds = NewType("UnixSeconds", int)
"""Wall-clock seconds since 1970-01-01 UTC, as in a token's ``exp``."""

VersionId = NewType("VersionId", str)
"""Names one version of a room's document; a later one has a greater id."""

RecordId = NewType("RecordId", str)
"""Names one record of a kind within a room: 1 to 128 of ``a-z 0-9 . _ -``."""

BlobKey = NewType("BlobKey", str)
"""Where a blob is: 1 to 16 segments of ``A-Z a-z 0-9 . _ -``, parted by slashes."""

BlobTag = NewType("BlobTag", str)
"""Opaque; differs between two contents of one blob key."""

NO_SEQUENCE: Final = Sequence(0)
FIRST_EPOCH: Final = Epoch(1)
NO_ROOM: Final = RoomKey("0" * 64)
"""The key of what belongs to the whole store; no name hashes to it."""

COMMENTS_SEGMENT: Final = "~comments"
"""The last segment of a room's name that holds the comments on the room before it."""

_CONTROL_END: Final = 0x20
_DELETE: Final = 0x7F
_C1_END: Final = 0xA0


def room_name(text: str) -> RoomName:
    """Check a spelling of a room's name and return it as the name of exactly one room.

    Args:
        text: the decoded name, slashes and any Unicode allowed; no normalisation is applied, so
            two different byte strings are two rooms.

    Returns:
        The same text, typed.

    Raises:
        InvalidRoomName: empty or over 255 bytes of UTF-8, a control character or a lone
            surrogate, or a segment between slashes that is empty, ``.`` or ``..``.
    """
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidRoomName("a room name must be valid Unicode") from error
    if not 1 <= size_bytes <= ROOM_NAME_BYTES_MAX:
        raise InvalidRoomName(f"a room name has 1 to {ROOM_NAME_BYTES_MAX} bytes of UTF-8")
    if any(_is_control(ord(character)) for character in text):
        raise InvalidRoomName("a room name holds no control characters")
    if any(segment in {"", ".", ".."} for segment in text.split("/")):
        raise InvalidRoomName("a room name has no empty, '.' or '..' segments")
    return RoomName(text)


def room_key(name: RoomName) -> RoomKey:
    """Derive the key under which a room is stored: the SHA-256 of its name, in hex.

    A hash keeps every name, however spelled, a safe key of one length in any store.
    """
    return RoomKey(hashlib.sha256(name.encode()).hexdigest())


def comments_room(room: RoomName) -> RoomName:
    """The reserved room that holds the comments on a room.

    Raises:
        InvalidRoomName: the name is so long that none could follow it, or is such a room itself.
    """
    if commented_room(room) is not None:
        raise InvalidRoomName("comments cannot be commented on")
    return room_name(f"{room}/{COMMENTS_SEGMENT}")


def commented_room(room: RoomName) -> RoomName | None:
    """The room that a reserved room holds the comments on; None for any other room."""
    commented, slash, last = room.rpartition("/")
    return RoomName(commented) if slash and last == COMMENTS_SEGMENT else None


def _is_control(code_point: int) -> bool:
    return code_point < _CONTROL_END or _DELETE <= code_point < _C1_END
