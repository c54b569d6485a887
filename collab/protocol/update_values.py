"""Reading past what structs carry, without building it: counts, texts and lib0's "any" values."""

from __future__ import annotations

from typing import Final

from collab.errors import MalformedUpdate
from collab.limits import ANY_DEPTH_MAX
from collab.protocol.update_format import (
    ANY_ARRAY,
    ANY_BIGINT,
    ANY_BUFFER,
    ANY_FLOAT32,
    ANY_FLOAT64,
    ANY_INT,
    ANY_MAP,
    ANY_STRING,
    ANY_TRUE,
    ANY_UNDEFINED,
    XML_ELEMENT,
    XML_HOOK,
    XML_TEXT,
)
from collab.protocol.varint import Reader, decode_utf8

_MAP_ENTRY_BYTES_MIN: Final = 2


class AnyScan:
    """Reads past a row of "any" values, in slices and without recursion."""

    __slots__ = ("_left", "_of_map", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader: Reader = reader
        # For each container that is open, outermost first: values left in it, and whether a key
        # stands before each.
        self._left: list[int] = []
        self._of_map: list[bool] = []

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read."""
        return not self._left

    def begin(self, count: int) -> None:
        """Expect a row of values next."""
        self._left.append(count)
        self._of_map.append(False)

    def advance(self, budget: int) -> int:
        """Read on.

        Args:
            budget: how many values to read at most.

        Returns:
            What is left of the budget.

        Raises:
            ProtocolError: cut short, unknown, or nested deeper than ANY_DEPTH_MAX.
        """
        reader = self._reader
        left = self._left
        while left:
            if left[-1] == 0:
                left.pop()
                self._of_map.pop()
                continue
            if budget <= 0:
                return budget
            budget -= 1
            left[-1] -= 1
            if self._of_map[-1]:
                skip_text(reader)
            tag = reader.read_u8()
            if tag in (ANY_ARRAY, ANY_MAP):
                self._open(is_map=tag == ANY_MAP)
            else:
                _skip_scalar(reader, tag)
        return budget

    def _open(self, *, is_map: bool) -> None:
        if len(self._left) > ANY_DEPTH_MAX:
            raise MalformedUpdate(f"a value is nested deeper than {ANY_DEPTH_MAX}")
        self._left.append(read_count(self._reader, _MAP_ENTRY_BYTES_MIN if is_map else 1))
        self._of_map.append(is_map)


def read_count(reader: Reader, bytes_each: int) -> int:
    """Read how many things follow, each of which takes at least so many bytes.

    Raises:
        ProtocolError: cut short, or more than there are bytes left for.
    """
    count = reader.read_uint()
    if count * bytes_each > reader.end - reader.at:
        raise MalformedUpdate("an update claims more than it has bytes for")
    return count


def skip_bytes(reader: Reader, size: int) -> None:
    """Read past some bytes.

    Raises:
        ProtocolError: fewer are left.
    """
    if size > reader.end - reader.at:
        raise MalformedUpdate("a length reaches past the end of an update")
    reader.at += size


def skip_text(reader: Reader) -> None:
    """Read past a text.

    Raises:
        ProtocolError: cut short, or not UTF-8.
    """
    encoded = reader.read_bytes(reader.end - reader.at)
    if not encoded.isascii():
        decode_utf8(encoded)


def skip_type(reader: Reader) -> None:
    """Read past the description of a shared type.

    Raises:
        ProtocolError: cut short, or a type that not every replica reads alike.
    """
    # Yjs reads a varint, the library one byte: written longer than it need be, a number is two.
    type_ref = reader.read_u8()
    if type_ref > XML_TEXT or type_ref == XML_HOOK:
        raise MalformedUpdate(f"shared type {type_ref} is not accepted")
    if type_ref == XML_ELEMENT:
        skip_text(reader)


def utf16_length(encoded: bytes) -> int:
    """How many clocks a text takes: its UTF-16 code units.

    Raises:
        ProtocolError: not UTF-8.
    """
    if encoded.isascii():
        return len(encoded)
    return len(decode_utf8(encoded).encode("utf-16-le")) // 2


def _skip_scalar(reader: Reader, tag: int) -> None:
    if tag == ANY_STRING:
        skip_text(reader)
    elif tag == ANY_INT:
        reader.read_int()
    elif tag == ANY_FLOAT32:
        skip_bytes(reader, 4)
    elif tag in (ANY_FLOAT64, ANY_BIGINT):
        skip_bytes(reader, 8)
    elif tag == ANY_BUFFER:
        skip_bytes(reader, reader.read_uint())
    elif not ANY_TRUE <= tag <= ANY_UNDEFINED:
        raise MalformedUpdate(f"there is no value of type {tag}")
