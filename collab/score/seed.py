"""A score's first content as one update that can be applied any number of times.

A CRDT doubles whatever is put into it twice by two writers. An update that always carries the
same client id, the same clocks and the same bytes is, for every replica that has it already,
nothing new: applied again it changes nothing, and applied to two replicas apart it is the same
change. So the bytes are written here directly, as Yjs 13 would write them; encoding through a
``Doc`` orders the members of JSON objects at random.

Format: update V1 of Yjs (``UpdateEncoderV1``, ``Item.write``) and lib0's ``any`` encoding.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from collab.ids import FIRST_EPOCH, ClientId, Epoch, RoomName
from collab.limits import ANY_DEPTH_MAX, UINT53_MAX, UPDATE_BYTES_MAX
from collab.protocol.varint import write_bytes, write_uint
from collab.score.schema import FACETS, Json

SEED_CLIENT_ID: Final = ClientId(1685)
"""The replica that every seed is written by; low, so that a concurrent edit of a person wins.

(Of two concurrent values of one key, Yjs keeps that of the higher client id.)
"""

_ITEM_ANY_IN_MAP: Final = 0x28  # content type 8 (any) with a parent key, without neighbours
_PARENT_IS_ROOT: Final = 1
_ONE_VALUE: Final = 1
_EMPTY_DELETE_SET: Final = b"\x00"
_FIRST_CLOCK: Final = 0
_HEAD_BYTES_MAX: Final = 32  # counts, client and clock

_SMALL_INTEGER_MAX: Final = 2**31 - 1  # lib0 writes larger whole numbers as floats


def seed_update(facets: Mapping[str, Mapping[str, Json]]) -> bytes:
    """Encode a score as the one update that creates its entries.

    A room is seeded with one content only: another content under the same clocks would be taken
    for what is there already.

    Args:
        facets: facet name to key to JSON value.

    Returns:
        A Yjs V1 update by ``SEED_CLIENT_ID`` from clock 0; equal facets give equal bytes.

    Raises:
        ValueError: a name that is no facet, a number that is not finite or beyond 53 bits, text
            with a lone surrogate, or values nested deeper than a room accepts.
        TypeError: a value that is not JSON.
    """
    return _update(_structs(facets), SEED_CLIENT_ID, _FIRST_CLOCK)


def import_update(
    facets: Mapping[str, Mapping[str, Json]],
    room: RoomName,
    file_digest: bytes,
    *,
    epoch: Epoch = FIRST_EPOCH,
) -> bytes:
    """Encode an imported score as the one update that creates its entries in a room.

    Args:
        facets: as read from the file, see ``seed_update``.
        room: the room that it is imported into.
        file_digest: SHA-256 of the file's bytes.
        epoch: of the room's log; what was erased with an earlier one does not come back under
            the same clocks.

    Returns:
        A Yjs V1 update: the same bytes for the same file, room and epoch, whoever imports it.

    Raises:
        ValueError, TypeError: as ``seed_update``.
    """
    client = import_client(room, file_digest, epoch=epoch)
    return _update(_structs(facets), client, _FIRST_CLOCK)


def import_updates(
    facets: Mapping[str, Mapping[str, Json]],
    room: RoomName,
    file_digest: bytes,
    *,
    epoch: Epoch = FIRST_EPOCH,
    bytes_max: int = UPDATE_BYTES_MAX,
) -> list[bytes]:
    """Encode an imported score as several updates, for rooms that take no larger ones.

    Args:
        facets: as ``import_update`` takes them, and so are the others.
        room: the room that it is imported into.
        file_digest: SHA-256 of the file's bytes.
        epoch: of the room's log.
        bytes_max: what an update may have; an entry that is larger by itself is one update.

    Returns:
        Updates to be applied in this order, which together hold the structs of ``import_update``.
    """
    client = import_client(room, file_digest, epoch=epoch)
    updates: list[bytes] = []
    group: list[bytes] = []
    clock = size = 0
    for struct_bytes in _structs(facets):
        if group and size + len(struct_bytes) > bytes_max - _HEAD_BYTES_MAX:
            updates.append(_update(group, client, clock))
            clock += len(group)
            group, size = [], 0
        group.append(struct_bytes)
        size += len(struct_bytes)
    return [*updates, _update(group, client, clock)]


def import_client(room: RoomName, file_digest: bytes, *, epoch: Epoch = FIRST_EPOCH) -> ClientId:
    """Derive the client id that writes a file into a room.

    It is below 2**31, so that more often than not a concurrent edit of a person wins.
    """
    whole = b"\0".join((b"score import", room.encode(), str(epoch).encode(), file_digest))
    number = int.from_bytes(hashlib.sha256(whole).digest()[:4], "big") >> 1
    return ClientId(number if number > SEED_CLIENT_ID else number + SEED_CLIENT_ID + 1)


def _structs(facets: Mapping[str, Mapping[str, Json]]) -> list[bytes]:
    unknown = set(facets) - set(FACETS)
    if unknown:
        raise ValueError(f"no facets of a score: {', '.join(sorted(unknown))}")
    return [
        _map_entry(name, key, value)
        for name in FACETS
        for key, value in sorted(facets.get(name, {}).items())
    ]


def _update(structs: list[bytes], client: ClientId, clock: int) -> bytes:
    if not structs:
        return write_uint(0) + _EMPTY_DELETE_SET
    head = (1, len(structs), client, clock)
    return b"".join([*map(write_uint, head), *structs, _EMPTY_DELETE_SET])


def _map_entry(root: str, key: str, value: Json) -> bytes:
    return b"".join(
        (
            bytes((_ITEM_ANY_IN_MAP, _PARENT_IS_ROOT)),
            _var_string(root),
            _var_string(key),
            bytes((_ONE_VALUE,)),
            _any(value, ANY_DEPTH_MAX),
        )
    )


def _any(value: object, levels_left: int) -> bytes:
    if levels_left == 0:
        raise ValueError(f"values nest deeper than {ANY_DEPTH_MAX}")
    match value:
        case None:
            return b"\x7e"
        case bool():
            return b"\x78" if value else b"\x79"
        case int() | float():
            return _number(value)
        case str():
            return b"\x77" + _var_string(value)
        case Mapping():
            members = (
                _var_string(name) + _any(item, levels_left - 1)
                for name, item in sorted(value.items())
            )
            return b"".join((b"\x76", write_uint(len(value)), *members))
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            items = (_any(item, levels_left - 1) for item in value)
            return b"".join((b"\x75", write_uint(len(value)), *items))
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON")


def _number(value: float) -> bytes:
    """Encode a number by its value alone, as JavaScript does: 2 and 2.0 are the same bytes."""
    if not -UINT53_MAX <= value <= UINT53_MAX:  # false for NaN too
        raise ValueError("a number must be finite and within 53 bits")
    if value == int(value) and abs(value) <= _SMALL_INTEGER_MAX:
        return b"\x7d" + _var_int(int(value))
    single = struct.pack(">f", value)
    if struct.unpack(">f", single) == (value,):
        return b"\x7c" + single
    return b"\x7b" + struct.pack(">d", value)


def _var_int(value: int) -> bytes:
    """Encode a signed integer: six bits and the sign in the first byte, seven in the others."""
    rest = abs(value)
    first = (0x40 if value < 0 else 0) | (rest & 0x3F)
    rest >>= 6
    return bytes((first | 0x80,)) + write_uint(rest) if rest else bytes((first,))


def _var_string(text: str) -> bytes:
    return write_bytes(text.encode())
