"""Checksums that tell damaged bytes from whole ones.

Rows carry BLAKE2b cut to 64 bits over room, sequence and bytes. A CRC-32 of the bytes alone would
miss one damaged row in four thousand million, and every whole row that was read from the wrong
place: a swapped page, a row restored under another sequence, a row of another room. BLAKE2b costs
about a microsecond a row, little beside the commit that stores it. Snapshots carry SHA-256, which
operators can recompute with any tool.
"""

from __future__ import annotations

import hashlib
from typing import Final

from collab.ids import RoomKey, Sequence

ROW_CHECKSUM_BYTES: Final = 8

_PERSON_ROW: Final = b"bandpro row"
_PERSON_RECORD: Final = b"bandpro record"


def row_checksum(room: RoomKey, sequence: Sequence, update: bytes) -> bytes:
    """The 8-byte checksum of one log row; differs between rooms and between sequences."""
    digest = hashlib.blake2b(
        room.encode(), digest_size=ROW_CHECKSUM_BYTES, person=_PERSON_ROW, usedforsecurity=False
    )
    digest.update(sequence.to_bytes(8, "big"))
    digest.update(update)
    return digest.digest()


def record_checksum(record: bytes) -> bytes:
    """The 8-byte checksum of one stored manifest in its canonical encoding."""
    return hashlib.blake2b(
        record, digest_size=ROW_CHECKSUM_BYTES, person=_PERSON_RECORD, usedforsecurity=False
    ).digest()


def snapshot_checksum(update: bytes) -> str:
    """The SHA-256 of a merged update, in hex."""
    return hashlib.sha256(update).hexdigest()
