"""A score's first content as one update that can be applied any number of times.

A CRDT doubles whatever is put into it twice by two writers. An update that always carries the
same client id, the same clocks and the same bytes is, for every replica that has it already,
nothing new: applied again it changes nothing, and applied to two replicas apart it is the same
change. So the bytes are written here directly, as Yjs 13 would write them; encoding through a
``Doc`` orders the members of JSON objects at random.

Format: update V1 of Yjs (``UpdateEncoderV1``, ``Item.write``) and lib0's ``any`` encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from collab.ids import ClientId
from collab.limits import ANY_DEPTH_MAX, UINT53_MAX
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
    unknown = set(facets) - set(FACETS)
    if unknown:
        raise ValueError(f"no facets of a score: {', '.join(sorted(unknown))}")
    structs = [
        _map_entry(name, key, value)
        for name in FACETS
        for key, value in sorted(facets.get(name, {}).items())
    ]
    if not structs:
        return write_uint(0) + _EMPTY_DELETE_SET
    head = (1, len(structs), SEED_CLIENT_ID, _FIRST_CLOCK)
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
