"""The two protocols as the load generator speaks them: frames out, and what a frame in means.

Frames that are expected are recognised by their bytes (see :mod:`benchmarks.ledger`); what is
read here is the handshake, acknowledgements, and updates that a server has merged or repacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from collab.protocol.varint import Reader, write_bytes, write_string

_SYNC: Final = 0
_AUTH: Final = 2
_SYNC_STATUS: Final = 8
_STEP_1, _STEP_2, _UPDATE = 0, 1, 2
_STEP_1_EMPTY: Final = b"\x00\x00\x01\x00"  # the state vector of an empty document
_STEP_2_EMPTY: Final = b"\x00\x01\x02\x00\x00"  # the update that adds nothing
_TOKEN: Final = b"\x02\x00"
_PAYLOAD_BYTES_MAX: Final = 64 * 1024 * 1024


class Wire(Enum):
    """Which protocol the generator speaks."""

    Y_WEBSOCKET = "y-websocket"
    HOCUSPOCUS = "hocuspocus"


class What(Enum):
    """What a message from the server is."""

    ASKED = "step 1"
    ANSWERED = "step 2"
    UPDATE = "update"
    SAVED = "SyncStatus 1"
    REFUSED = "SyncStatus 0"
    DENIED = "permission denied"
    OTHER = "anything else"


@dataclass(frozen=True, slots=True)
class Heard:
    """One message from the server; `payload` is that of a step or update."""

    what: What
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One room over one wire.

    Attributes:
        wire: the protocol.
        room: its name.
        path: where to connect.
        prefix: goes before every message of this room, both ways.
    """

    wire: Wire
    room: str
    path: str
    prefix: bytes

    @classmethod
    def of(cls, wire: Wire, room: str, path: str | None = None) -> Dialect:
        """How a room is spoken of over a wire; the path is BandPro's where none is given."""
        if wire is Wire.Y_WEBSOCKET:
            return cls(wire, room, path or f"/collab/{room}", b"")
        return cls(wire, room, path or "/hocuspocus", write_string(room))

    def greeting(self) -> list[bytes]:
        """The messages that a client sends at once: a token where there is one in band, step 1."""
        step_1 = self.prefix + _STEP_1_EMPTY
        if self.wire is Wire.Y_WEBSOCKET:
            return [step_1]
        return [self.prefix + _TOKEN + write_string(""), step_1]

    def answer(self) -> bytes:
        """The step 2 of a client that has nothing."""
        return self.prefix + _STEP_2_EMPTY

    def update(self, update: bytes) -> bytes:
        """An update message; the same bytes in both directions."""
        return self.prefix + b"\x00\x02" + write_bytes(update)

    def leave(self) -> bytes:
        """Close the document and keep the socket (Hocuspocus)."""
        return self.prefix + b"\x07" + write_string("")

    def read(self, message: bytes) -> Iterator[Heard]:
        """Take a websocket message apart; y-websocket allows several messages in one."""
        reader = Reader(message)
        reader.at = len(self.prefix)
        while reader.remaining():
            yield self._read_one(reader)

    def _read_one(self, reader: Reader) -> Heard:
        kind = reader.read_uint()
        if kind == _SYNC:
            what = (What.ASKED, What.ANSWERED, What.UPDATE)[reader.read_uint()]
            return Heard(what, reader.read_bytes(_PAYLOAD_BYTES_MAX))
        if kind == _SYNC_STATUS:
            return Heard(What.SAVED if reader.read_uint() else What.REFUSED)
        if kind == _AUTH:
            denied = reader.read_uint() != 2 or self.wire is Wire.Y_WEBSOCKET
            reader.read_bytes(_PAYLOAD_BYTES_MAX)
            return Heard(What.DENIED if denied else What.OTHER)
        reader.at = reader.end  # awareness and the like
        return Heard(What.OTHER)
