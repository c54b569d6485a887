"""Which keys a blob may have: the same in a folder, a bucket and memory."""

from __future__ import annotations

import re
from typing import Final

from collab.errors import InvariantViolated
from collab.ids import BlobKey

BLOB_KEY_CHARS_MAX: Final = 512
ROOMS: Final = "rooms"
"""First segment of whatever belongs to one room; the room's key is the second, its epoch next."""

EXPORTS: Final = "exports"
"""Folder of the files of jobs: of a room's, or the first segment of those that are no room's."""

OWNER: Final = "owner"
"""The one blob that says whose the others are."""

KINDS: Final = ("snapshot", "version", "export", "backup", "archive", "other")
"""What blobs are kept for; lifecycle rules of a bucket go by it."""

_OF_ROOM: Final = {
    "snapshots": "snapshot",
    "versions": "version",
    "archives": "archive",
    EXPORTS: "export",
}
_ELSEWHERE: Final = {EXPORTS: "export", "backups": "backup", "archives": "archive"}

_KEY: Final = re.compile(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}){0,15}"
)


def blob_key(*segments: str) -> BlobKey:
    """Join segments into a key.

    Raises:
        InvariantViolated: a segment is empty, begins with a dot, or has other characters than
            letters, digits, ``.``, ``_`` and ``-``; or there are too many.
    """
    text = "/".join(segments)
    if len(text) > BLOB_KEY_CHARS_MAX or _KEY.fullmatch(text) is None:
        raise InvariantViolated("a blob key has 1 to 16 segments of letters, digits, '.', '_', '-'")
    return BlobKey(text)


def kind_of(key: BlobKey) -> str:
    """What a blob is kept for, one of `KINDS`."""
    match key.split("/"):
        case [first, _, _, folder, *_] if first == ROOMS:
            return _OF_ROOM.get(folder, "other")
        case [first, *_]:
            return _ELSEWHERE.get(first, "other")
        case _:
            return "other"
