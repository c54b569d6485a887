"""A short way through the update scan for what people do most: typing."""

from __future__ import annotations

from typing import Final

from collab.errors import ProtocolError
from collab.limits import CLOCK_MAX
from collab.protocol.scanned import ClockRange, ScannedUpdate
from collab.protocol.update_format import HAS_ORIGIN, HAS_RIGHT_ORIGIN, STRING
from collab.protocol.varint import Reader

_ONE_STRUCT: Final = b"\x01\x01"  # one block of one struct
_NO_DELETES: Final = b"\x00"


def scan_typed_text(update: bytes) -> ScannedUpdate | None:
    """Scan the commonest update: one piece of ASCII text behind its client's own, no deletes.

    Returns:
        What the whole scan would find; None for any other update, acceptable or not.
    """
    if update[:2] != _ONE_STRUCT or update[-1:] != _NO_DELETES:
        return None
    reader = Reader(update)
    reader.at = len(_ONE_STRUCT)
    result = ScannedUpdate()
    try:
        client = reader.read_uint()
        start = reader.read_uint()
        at = reader.at
        info = reader.read_u8()
        if info & ~HAS_RIGHT_ORIGIN != HAS_ORIGIN | STRING or reader.read_uint() != client:
            return None
        origin = reader.read_uint()
        if info & HAS_RIGHT_ORIGIN:
            right_client = reader.read_uint()
            right = reader.read_uint()
            if right >= (start if right_client == client else CLOCK_MAX):
                return None
            if right_client != client:
                result.needs[right_client] = right + 1
        length = reader.read_uint()
    except ProtocolError:
        return None
    behind = reader.at + length
    end = start + length
    if origin >= start or length == 0 or behind + 1 != len(update) or end > CLOCK_MAX:
        return None
    if not update[reader.at : behind].isascii():
        return None
    result.ranges.append(ClockRange(client, start, end))
    result.struct_count = 1
    result.branches = 0 if origin + 1 == start else 1
    index = result.index
    index.offsets.extend((at, behind))
    index.clocks.extend((start, end))
    index.ends.append(1)
    return result
