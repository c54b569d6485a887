"""lib0's variable-length integers, byte strings and texts: bounded reading, plain writing.

An unsigned integer travels seven bits a byte, least significant first, the high bit set on all
bytes but the last. A signed one spends the second-highest bit of its first byte on the sign.
Source: lib0, ``encoding.js`` and ``decoding.js``.
"""

from __future__ import annotations

from typing import Final

from collab.errors import ProtocolError
from collab.limits import UINT53_MAX, VARINT_BYTES_MAX

_MORE: Final = 0x80
_LOW_7: Final = 0x7F
_SIGN: Final = 0x40
_LOW_6: Final = 0x3F
_SHIFT_END: Final = 7 * VARINT_BYTES_MAX - 1  # of signed integers, which begin with six bits


class Reader:
    """Reads values from bytes and never past their end.

    Attributes:
        data: all the bytes.
        at: offset of the next byte to read.
        end: offset behind the last byte that may be read.
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data: bytes = data
        self.at: int = 0
        self.end: int = len(data)

    def remaining(self) -> int:
        """How many bytes are left."""
        return self.end - self.at

    def read_u8(self) -> int:
        """Read one byte.

        Raises:
            ProtocolError: nothing is left.
        """
        if self.at >= self.end:
            raise ProtocolError("the message is cut short")
        value = self.data[self.at]
        self.at += 1
        return value

    def read_uint(self) -> int:
        """Read an unsigned integer of at most 53 bits in at most 8 bytes.

        Raises:
            ProtocolError: cut short, longer than 8 bytes, or beyond what JavaScript can hold.
        """
        # As in read_u8, written out: most integers of an update are a single byte.
        at = self.at
        if at >= self.end:
            raise ProtocolError("the message is cut short")
        self.at = at + 1
        byte = self.data[at]
        if byte < _MORE:
            return byte
        return self._finish_uint(byte & _LOW_7, 7)

    def read_int(self) -> int:
        """Read a signed integer of at most 53 bits in at most 8 bytes.

        Raises:
            ProtocolError: cut short, longer than 8 bytes, or beyond what JavaScript can hold.
        """
        byte = self.read_u8()
        value = byte & _LOW_6
        if byte >= _MORE:
            value = self._finish_uint(value, 6)
        return -value if byte & _SIGN else value

    def read_bytes(self, limit: int) -> bytes:
        """Read a length and as many bytes.

        Args:
            limit: the most bytes that are acceptable.

        Raises:
            ProtocolError: cut short, or longer than `limit`.
        """
        size = self.read_uint()
        if size > limit:
            raise ProtocolError(f"{size} bytes where at most {limit} may stand")
        start = self.at
        if size > self.end - start:
            raise ProtocolError("a length reaches past the end of the message")
        self.at = start + size
        return self.data[start : start + size]

    def read_string(self, limit: int) -> str:
        """Read a length in bytes and as many bytes of strict UTF-8.

        Args:
            limit: the most bytes that are acceptable.

        Raises:
            ProtocolError: cut short, longer than `limit`, or not UTF-8.
        """
        return decode_utf8(self.read_bytes(limit))

    def _finish_uint(self, value: int, shift: int) -> int:
        data = self.data
        at = self.at
        end = min(self.end, at + (_SHIFT_END - shift + 6) // 7)
        while at < end:
            byte = data[at]
            at += 1
            value |= (byte & _LOW_7) << shift
            if byte < _MORE:
                self.at = at
                if value > UINT53_MAX:
                    raise ProtocolError("an integer does not fit in 53 bits")
                return value
            shift += 7
        self.at = at
        if at >= self.end:
            raise ProtocolError("the message is cut short")
        raise ProtocolError(f"an integer is longer than {VARINT_BYTES_MAX} bytes")


def decode_utf8(encoded: bytes) -> str:
    """Decode strict UTF-8.

    Raises:
        ProtocolError: it is not UTF-8, or it encodes a surrogate.
    """
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("a text is not valid UTF-8") from error


def write_uint(value: int) -> bytes:
    """Encode an unsigned integer of at most 53 bits.

    Raises:
        ValueError: negative, or larger than a peer could read.
    """
    if 0 <= value < _MORE:
        return value.to_bytes(1, "little")
    if not 0 <= value <= UINT53_MAX:
        raise ValueError(f"{value} is no unsigned integer of 53 bits")
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & _LOW_7 | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def write_bytes(value: bytes) -> bytes:
    """Encode bytes behind their length."""
    return write_uint(len(value)) + value


def write_string(text: str) -> bytes:
    """Encode a text as UTF-8 behind its length in bytes; a lone surrogate becomes ``?``."""
    return write_bytes(text.encode("utf-8", "replace"))
