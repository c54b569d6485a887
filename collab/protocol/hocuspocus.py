r"""Hocuspocus frames, provider versions 2 to 4: many documents on one websocket.

A frame is a document's name (v4 may append ``\0`` and a session id of its own choice), a type,
and what the type asks for; sync and awareness bodies are those of :mod:`y_sync`. Types: 0 sync,
1 awareness, 2 auth, 3 query awareness, 4 sync reply and 6 broadcast stateless (between servers
only: no provider sends them, and here they are refused), 5 stateless, 7 close, 8 sync status
(server to client). Ping and pong of v4 are the bare bytes 9 and 10, a whole frame each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collab.errors import ProtocolError
from collab.limits import (
    HOCUSPOCUS_SESSION_BYTES_MAX,
    REASON_BYTES_MAX,
    ROOM_NAME_BYTES_MAX,
    STATELESS_BYTES_MAX,
    TOKEN_BYTES_MAX,
)
from collab.protocol import y_sync
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import (
    ChannelMessage,
    CloseDocument,
    Ping,
    Pong,
    Stateless,
    Token,
)
from collab.protocol.varint import Reader, write_string, write_uint
from collab.protocol.y_sync import FrameKind

_STATELESS: Final = 5
_CLOSE: Final = 7

_AUTH_TOKEN: Final = 0

_NAME_BYTES_MAX: Final = ROOM_NAME_BYTES_MAX + 1 + HOCUSPOCUS_SESSION_BYTES_MAX
_VERSION_BYTES_MAX: Final = 64

PING: Final = b"\x09"
PONG: Final = b"\x0a"


@dataclass(frozen=True, slots=True)
class HocuspocusFrame:
    """One message about one document.

    Attributes:
        document_name: as the client spells it; not yet checked to be a room's name.
        session: what a v4 provider appended to the name to tell its instances apart.
        prefix: the name's bytes as received; every body sent back goes behind them.
        message: what is said.
    """

    document_name: str
    session: str | None
    prefix: bytes
    message: ChannelMessage


def decode(frame: bytes) -> HocuspocusFrame | Ping | Pong:
    """Decode what a Hocuspocus provider sent: exactly one message.

    Args:
        frame: the websocket message, whole; its size is the transport's to bound.

    Raises:
        LimitExceeded: too many awareness entries, or too many bytes in an awareness state.
        ProtocolError: no message that a provider may send.
    """
    if frame == PING:
        return Ping()
    if frame == PONG:
        return Pong()
    reader = Reader(frame)
    name = reader.read_string(_NAME_BYTES_MAX)
    prefix = frame[: reader.at]
    message = _decode_message(reader)
    if reader.remaining():
        raise ProtocolError("bytes behind the end of a message")
    session: str | None = None
    if "\0" in name:
        name, _, session = name.partition("\0")
        if "\0" in session:
            raise ProtocolError("a document name holds one session id at most")
    return HocuspocusFrame(name, session, prefix, message)


def peek(frame: bytes) -> FrameKind:
    """Tell from its first bytes what a frame holds; no more than a claim, as `peek_kind`."""
    reader = Reader(frame)
    try:
        name_bytes = reader.read_uint()
    except ProtocolError:
        return FrameKind.OTHER
    if name_bytes > _NAME_BYTES_MAX:
        return FrameKind.OTHER
    return y_sync.kind_at(frame, reader.at + name_bytes)


def encode_authenticated(read_only: bool) -> bytes:  # noqa: FBT001 -- the one thing it says
    """Tell that the token was accepted, and whether for reading only."""
    return b"\x02\x02" + write_string("readonly" if read_only else "read-write")


def encode_permission_denied(reason: str, code: CloseCode) -> bytes:
    """Tell that a document may not be entered, or not any more.

    Args:
        reason: for people.
        code: for programs; stock providers do not read so far.
    """
    return b"\x02\x01" + write_string(reason) + write_uint(code)


def encode_token_request() -> bytes:
    """Ask for a fresh token (providers from 3.4 on answer with one)."""
    return b"\x02\x00"


def encode_sync_status(applied: bool) -> bytes:  # noqa: FBT001 -- the one thing it says
    """Acknowledge one update: True once it is saved, False when it was refused."""
    return b"\x08\x01" if applied else b"\x08\x00"


def encode_close(reason: str, code: CloseCode) -> bytes:
    """End the session of one document; the websocket stays open for others.

    Args:
        reason: for people.
        code: for programs; stock providers do not read so far.
    """
    return b"\x07" + write_string(reason) + write_uint(code)


def encode_pong() -> bytes:
    """Answer a ping: a whole frame, without a document's name."""
    return PONG


def _decode_message(reader: Reader) -> ChannelMessage:
    message_type = reader.read_uint()
    if message_type == y_sync.AUTH:
        return _decode_token(reader)
    if message_type == _STATELESS:
        return Stateless(reader.read_string(STATELESS_BYTES_MAX))
    if message_type == _CLOSE:
        # Providers say no reason, the protocol has room for one.
        return CloseDocument(reader.read_string(REASON_BYTES_MAX) if reader.remaining() else "")
    return y_sync.decode_body(message_type, reader)


def _decode_token(reader: Reader) -> Token:
    if reader.read_uint() != _AUTH_TOKEN:
        raise ProtocolError("a client may send a token and no other auth message")
    token = reader.read_string(TOKEN_BYTES_MAX)
    version = reader.read_string(_VERSION_BYTES_MAX) if reader.remaining() else None
    return Token(token, version)
