"""Websocket frames as a server writes and reads them (RFC 6455, section 5), without a socket.

A message that goes to many connections is framed once, for a server's frames are not masked. What
clients send is cut into messages and control frames; it is bounded before it is buffered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collab.errors import FramingViolated

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
MESSAGE_TOO_BIG: Final = 1009

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_FINAL_BINARY: Final = _FINAL | BINARY
_SIZE_IN_2: Final = 126
_SIZE_IN_8: Final = 127
_CONTROL_BYTES_MAX: Final = 125
_HEAD_BYTES: Final = 2
_KEY_BYTES: Final = 4
_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
# Section 7.4 and the registry that it founded; 3000 to 4999 are free to use.
_CLOSE_CODES: Final = frozenset(range(1000, 1015)) - {1004, 1005, 1006}
_FREE_CLOSE_CODES: Final = range(3000, 5000)

Unmask = Callable[[bytes | bytearray, bytes | bytearray], bytes]
"""Combines a payload with its key of four bytes by XOR (section 5.3)."""


def server_frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """A whole message or control frame as a server sends it: one frame, not masked."""
    return server_head(len(payload), opcode) + payload


def server_head(size: int, opcode: int = BINARY) -> bytes:
    """What comes before a payload of a size."""
    if size < _SIZE_IN_2:
        return bytes((_FINAL | opcode, size))
    if size < 1 << 16:
        return bytes((_FINAL | opcode, _SIZE_IN_2)) + size.to_bytes(2, "big")
    return bytes((_FINAL | opcode, _SIZE_IN_8)) + size.to_bytes(8, "big")


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; the reason must fit."""
    return server_frame(code.to_bytes(2, "big") + reason.encode(), CLOSE)


class Frame:
    """A binary message for any number of connections, framed once for all of them.

    Attributes:
        payload: the message.
        framed: the bytes that are written to a socket.
    """

    __slots__ = ("framed", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.framed = server_frame(payload)


@dataclass(frozen=True, slots=True)
class Signal:
    """What a client sent that is no binary message: a text, ping, pong, close, or part of one.

    Attributes:
        opcode: which of them.
        payload: without its mask; a text is valid UTF-8, a close's code and reason are valid.
    """

    opcode: int
    payload: bytes


PART: Final = Signal(CONTINUATION, b"")
"""A message has come in part; there is nothing to handle yet."""


class FrameReader:
    """Cuts the bytes of one client into messages, whole ones, and signals.

    Args:
        message_bytes_max: a larger message is refused before it is buffered; may be changed.
        unmask: undoes the mask.
    """

    __slots__ = ("_at", "_data", "_message", "_opcode", "_unmask", "message_bytes_max")

    def __init__(self, message_bytes_max: int, unmask: Unmask) -> None:
        self.message_bytes_max = message_bytes_max
        self._unmask = unmask
        self._data: bytes | bytearray = b""
        self._at = 0
        # A message in pieces: what came of it, None while there is none; and its opcode.
        self._message: bytearray | None = None
        self._opcode = 0

    @property
    def waiting_bytes(self) -> int:
        """How much was fed and not read yet."""
        return len(self._data) - self._at

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        if not self._data:
            self._data = data
            return
        held = self._data
        if self._at or not isinstance(held, bytearray):
            held = self._data = bytearray(held[self._at :])
            self._at = 0
        held += data

    def read(self) -> bytes | Signal | None:
        """The next binary message or signal; None until more was fed.

        Raises:
            FramingViolated: fail the connection with its code; nothing may be read after it.
        """
        data, at = self._data, self._at
        if len(data) - at < _HEAD_BYTES:
            return None
        size = data[at + 1] ^ _MASKED
        stop = at + _HEAD_BYTES + _KEY_BYTES + size
        if (
            data[at] != _FINAL_BINARY
            or size > _CONTROL_BYTES_MAX
            or size > self.message_bytes_max
            or stop > len(data)
            or self._message is not None
        ):
            return self._read_any()
        # What nearly every message of a client is: one short frame, here as a whole.
        start = at + _HEAD_BYTES + _KEY_BYTES
        message = self._unmask(data[start:stop], data[at + _HEAD_BYTES : start])
        self._consume(stop)
        return message

    def _consume(self, stop: int) -> None:
        if stop == len(self._data):
            # An idle connection holds on to nothing.
            self._data = b""
            self._at = 0
        else:
            self._at = stop

    def _read_any(self) -> bytes | Signal | None:
        frame = self._read_frame()
        if frame is None:
            return None
        first, payload = frame
        opcode = first & 0x0F
        if opcode >= CLOSE:
            return _control(opcode, payload)
        if self._message is not None:
            self._message += payload
        elif first & _FINAL:
            return _message(opcode, payload)
        else:
            self._message, self._opcode = bytearray(payload), opcode
        if first & _FINAL:
            whole, self._message = bytes(self._message), None
            return _message(self._opcode, whole)
        # Whoever takes turns counts what is returned: parts without end count as well.
        return PART

    def _read_frame(self) -> tuple[int, bytes] | None:
        """The next frame: its first byte, and its payload; None until it is there as a whole."""
        data, at = self._data, self._at
        left = len(data) - at
        if left < _HEAD_BYTES:
            return None
        first, size = data[at], data[at + 1]
        if first & 0x0F not in _OPCODES:
            raise _violated("there is no such opcode")
        if not size & _MASKED:
            raise _violated("a client's frame must be masked")
        size ^= _MASKED
        start = at + _HEAD_BYTES
        if size >= _SIZE_IN_2:
            width = 2 if size == _SIZE_IN_2 else 8
            if left < 2 + width:
                return None
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        self._check(first, size)
        start += _KEY_BYTES
        stop = start + size
        if stop > len(data):
            return None
        payload = self._unmask(data[start:stop], data[start - _KEY_BYTES : start])
        self._consume(stop)
        return first, payload

    def _check(self, first: int, size: int) -> None:
        """Refuse a frame for its head, before its payload is waited for."""
        opcode = first & 0x0F
        if opcode < CLOSE:
            held = 0 if self._message is None else len(self._message)
            if held + size > self.message_bytes_max:
                raise FramingViolated(
                    f"a message may have {self.message_bytes_max} bytes", code=MESSAGE_TOO_BIG
                )
            if (opcode == CONTINUATION) != (self._message is not None):
                raise _violated("a message inside another, or a continuation of nothing")
        elif not first & _FINAL or size > _CONTROL_BYTES_MAX:
            raise _violated("a control frame in pieces, or too long")
        if first & _RESERVED:
            raise _violated("reserved bits must be 0")


def _violated(rule: str) -> FramingViolated:
    return FramingViolated(rule, code=PROTOCOL_ERROR)


def _message(opcode: int, payload: bytes) -> bytes | Signal:
    if opcode == BINARY:
        return payload
    _check_text(payload)
    return Signal(TEXT, payload)


def _control(opcode: int, payload: bytes) -> Signal:
    if opcode == CLOSE and payload:
        if len(payload) == 1:
            raise _violated("a close frame of one byte")
        _check_text(payload[2:])
        code = int.from_bytes(payload[:2], "big")
        if code not in _CLOSE_CODES and code not in _FREE_CLOSE_CODES:
            raise _violated("a close code that may not be sent")
    return Signal(opcode, payload)


def _check_text(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise FramingViolated("a text that is no UTF-8", code=INVALID_DATA) from None
