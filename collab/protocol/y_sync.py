"""The y-protocols messages that y-websocket sends bare and Hocuspocus sends behind a name.

Outer types: 0 sync, 1 awareness, 2 auth (server to client only), 3 query awareness. Sync
subtypes: 0 step 1, 1 step 2, 2 update. Source: y-protocols, ``PROTOCOL.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum
from typing import Final

from collab.errors import LimitExceeded, ProtocolError
from collab.limits import (
    AWARENESS_ENTRIES_PER_MESSAGE_MAX,
    AWARENESS_STATE_BYTES_MAX,
    CLOCK_MAX,
    MESSAGES_PER_FRAME_MAX,
)
from collab.protocol.messages import (
    AwarenessEntry,
    AwarenessUpdate,
    QueryAwareness,
    RoomMessage,
    SyncMessage,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from collab.protocol.varint import Reader, decode_utf8, write_bytes, write_string, write_uint

SYNC: Final = 0
AWARENESS: Final = 1
AUTH: Final = 2
QUERY_AWARENESS: Final = 3

EMPTY_UPDATE: Final = b"\x00\x00"
"""Without structs and deletions, in version 1."""

_STEP_1: Final = 0
_STEP_2: Final = 1
_UPDATE: Final = 2

_ENTRY_BYTES_MIN: Final = 3
_KIND_BYTES: Final = 2

EMPTY_AWARENESS: Final = bytes([AWARENESS, 1, 0])
"""An awareness update of nobody: the heartbeat that every client accepts."""


class FrameKind(Enum):
    """What a frame holds, as far as its size limit is concerned."""

    STEP1 = "step 1"
    STEP2 = "step 2"
    UPDATE = "update"
    AWARENESS = "awareness"
    OTHER = "other"


_SYNC_KINDS: Final[tuple[FrameKind, FrameKind, FrameKind]] = (
    FrameKind.STEP1,
    FrameKind.STEP2,
    FrameKind.UPDATE,
)


def peek_kind(frame: bytes) -> FrameKind:
    """Tell from its first bytes what a y-websocket frame holds; no more than a claim.

    Types that are not written in one byte each are OTHER, which has the smallest limit.
    """
    return kind_at(frame, 0)


def kind_at(frame: bytes, at: int) -> FrameKind:
    """What the message that starts at an offset holds, as :func:`peek_kind` tells it."""
    if len(frame) - at < _KIND_BYTES:
        return FrameKind.OTHER
    outer = frame[at]
    if outer == AWARENESS:
        return FrameKind.AWARENESS
    subtype = frame[at + 1]
    if outer == SYNC and subtype <= _UPDATE:
        return _SYNC_KINDS[subtype]
    return FrameKind.OTHER


def decode(frame: bytes) -> tuple[RoomMessage, ...]:
    """Decode what a y-websocket client sent: one message or several in a row.

    Args:
        frame: the websocket message, whole; its size is the transport's to bound.

    Raises:
        LimitExceeded: too many messages, awareness entries, or bytes in an awareness state.
        ProtocolError: anything that is not a row of messages a client may send.
    """
    reader = Reader(frame)
    first = decode_message(reader)
    if reader.at == reader.end:
        return (first,)
    messages = [first]
    while reader.at < reader.end:
        if len(messages) == MESSAGES_PER_FRAME_MAX:
            raise LimitExceeded(
                f"more than {MESSAGES_PER_FRAME_MAX} messages in one frame",
                limit="messages_per_frame_max",
            )
        messages.append(decode_message(reader))
    return tuple(messages)


def decode_message(reader: Reader) -> RoomMessage:
    """Read one message, its outer type first.

    Raises:
        LimitExceeded: too many awareness entries, or too many bytes in an awareness state.
        ProtocolError: no message that a client may send.
    """
    return decode_body(reader.read_uint(), reader)


def decode_body(outer_type: int, reader: Reader) -> RoomMessage:
    """Read one message whose outer type has been read.

    Raises:
        LimitExceeded: too many awareness entries, or too many bytes in an awareness state.
        ProtocolError: no message that a client may send.
    """
    if outer_type == SYNC:
        return _decode_sync(reader)
    if outer_type == AWARENESS:
        return _decode_awareness(reader.read_bytes(reader.remaining()))
    if outer_type == QUERY_AWARENESS:
        return QueryAwareness()
    if outer_type == AUTH:
        raise ProtocolError("an auth message is only ever the server's to send")
    raise ProtocolError(f"there is no message type {outer_type}")


def encode_step1(state_vector: bytes) -> bytes:
    """Say what the sender has: a V1 state vector."""
    return b"\x00\x00" + write_bytes(state_vector)


def encode_step2(update: bytes) -> bytes:
    """Answer a step 1 with the V1 update that the other side lacks."""
    return b"\x00\x01" + write_bytes(update)


def encode_update(update: bytes) -> bytes:
    """Pass on one V1 update."""
    return b"\x00\x02" + write_bytes(update)


def encode_awareness(entries: Iterable[AwarenessEntry]) -> bytes:
    """Announce awareness states; an entry without a state withdraws it."""
    return join_awareness([encode_awareness_entry(entry) for entry in entries])


def encode_awareness_entry(entry: AwarenessEntry) -> bytes:
    """One state as :func:`join_awareness` takes it; one that many messages have is written once."""
    state = "null" if entry.state is None else entry.state
    return write_uint(entry.client_id) + write_uint(entry.clock) + write_string(state)


def join_awareness(entries: Collection[bytes]) -> bytes:
    """Announce awareness states that are encoded already."""
    return b"\x01" + write_bytes(write_uint(len(entries)) + b"".join(entries))


def encode_denied(reason: str) -> bytes:
    """Tell a y-websocket client that it may not do this."""
    return b"\x02\x00" + write_string(reason)


def _decode_sync(reader: Reader) -> SyncMessage:
    subtype = reader.read_uint()
    if subtype > _UPDATE:
        raise ProtocolError(f"there is no sync message type {subtype}")
    payload = reader.read_bytes(reader.remaining())
    if subtype == _UPDATE:
        return SyncUpdate(payload)
    if subtype == _STEP_2:
        return SyncStep2(payload)
    return SyncStep1(payload)


def _decode_awareness(payload: bytes) -> AwarenessUpdate:
    reader = Reader(payload)
    count = reader.read_uint()
    if count > AWARENESS_ENTRIES_PER_MESSAGE_MAX:
        raise LimitExceeded(
            f"{count} awareness states; {AWARENESS_ENTRIES_PER_MESSAGE_MAX} are allowed",
            limit="awareness_entries_per_message_max",
        )
    if count * _ENTRY_BYTES_MIN > reader.remaining():
        raise ProtocolError("an awareness message claims more entries than it has bytes for")
    entries = [_decode_entry(reader) for _ in range(count)]
    if reader.remaining():
        raise ProtocolError("bytes behind the end of an awareness message")
    return AwarenessUpdate(tuple(entries))


def _decode_entry(reader: Reader) -> AwarenessEntry:
    client_id = reader.read_uint()
    clock = reader.read_uint()
    # Withdrawing a state writes its clock plus one, which Rust peers must still fit in 32 bits.
    if clock >= CLOCK_MAX:
        raise ProtocolError("an awareness clock does not fit in 32 bits")
    encoded = reader.read_bytes(reader.remaining())
    if len(encoded) > AWARENESS_STATE_BYTES_MAX:
        raise LimitExceeded(
            f"an awareness state of {len(encoded)} bytes; {AWARENESS_STATE_BYTES_MAX} are allowed",
            limit="awareness_state_bytes_max",
        )
    if encoded == b"null":
        return AwarenessEntry(client_id, clock, None)
    return AwarenessEntry(client_id, clock, decode_utf8(encoded))
