"""Envelopes as bytes: msgpack, signed with the cluster's key.

::

    1 byte    version of this format
    8 bytes   tag of the sender: what is one's own is passed over without a look inside
    32 bytes  HMAC-SHA256, by the cluster's key, of all other bytes
    the rest  msgpack: [node, boot, number, room, kind, epoch, first, last, payload]

Nothing behind the signature is decoded before it was found good. The room stands inside as well, so
that an envelope cannot be moved to another room's channel.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import msgpack

from collab.cluster.envelope import (
    Beat,
    BootEpoch,
    Content,
    Envelope,
    Hello,
    News,
    NodeId,
    Sender,
    SharedState,
    States,
    Updates,
)
from collab.errors import EnvelopeRefused, RefusedBecause
from collab.ids import Epoch, RoomKey, Sequence, SessionId, Subject

VERSION: Final = 1
_TAG_BYTES: Final = 8
_MAC_BYTES: Final = 32
_MAC_AT: Final = 1 + _TAG_BYTES
_BODY_AT: Final = _MAC_AT + _MAC_BYTES
_KINDS: Final = {Updates: 1, States: 2, Hello: 3, Beat: 4, News: 5}


def sender_tag(sender: Sender) -> bytes:
    """Eight bytes that stand for a run of a node."""
    text = f"{sender.node}\0{sender.boot}".encode()
    return hashlib.blake2b(text, digest_size=_TAG_BYTES).digest()


def is_from(frame: bytes, tag: bytes) -> bool:
    """Whether a frame claims to be of the sender with this tag; proves nothing."""
    return frame[1:_MAC_AT] == tag


def encode_envelope(envelope: Envelope, key: bytes, tag: bytes) -> bytes:
    """Encode and sign.

    Args:
        envelope: what to say.
        key: the cluster's.
        tag: the :func:`sender_tag` of the envelope's sender.
    """
    sender, content = envelope.sender, envelope.content
    body: bytes = msgpack.packb(
        (
            sender.node,
            sender.boot,
            envelope.number,
            envelope.room,
            _KINDS[type(content)],
            envelope.epoch,
            envelope.first,
            envelope.last,
            _payload(content),
        )
    )
    head = bytes((VERSION,)) + tag
    return head + _mac(key, head, body) + body


def decode_envelope(frame: bytes, key: bytes, room: RoomKey) -> Envelope:
    """Check and decode.

    Args:
        frame: as it came.
        key: the cluster's.
        room: the one on whose channel it came.

    Raises:
        EnvelopeRefused: it is of no known version, not signed with the key, about another room,
            or not what a node of this version says.
    """
    if frame[:1] != bytes((VERSION,)):
        raise EnvelopeRefused(RefusedBecause.VERSION)
    body = frame[_BODY_AT:]
    if not hmac.compare_digest(frame[_MAC_AT:_BODY_AT], _mac(key, frame[:_MAC_AT], body)):
        raise EnvelopeRefused(RefusedBecause.SIGNATURE)
    try:
        envelope = _envelope(msgpack.unpackb(body))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise EnvelopeRefused(RefusedBecause.MALFORMED) from error
    if envelope.room != room:
        raise EnvelopeRefused(RefusedBecause.MISPLACED)
    return envelope


def _mac(key: bytes, head: bytes, body: bytes) -> bytes:
    return hmac.digest(key, head + body, "sha256")


def _payload(content: Content) -> object:
    match content:
        case Updates(updates):
            return updates
        case States(states):
            return [
                (
                    each.client_id,
                    each.clock,
                    each.heard,
                    each.state,
                    each.session_id,
                    each.subject,
                    each.is_stamped,
                )
                for each in states
            ]
        case Hello() | Beat() | News():
            return None


def _envelope(parts: Any) -> Envelope:  # noqa: ANN401 - whatever msgpack found
    node, boot, number, room, kind, epoch, first, last, payload = parts
    return Envelope(
        Sender(NodeId(_text(node)), BootEpoch(_whole(boot))),
        _whole(number),
        RoomKey(_text(room)),
        _CONTENTS[kind](payload),
        Epoch(_whole(epoch)),
        Sequence(_whole(first)),
        Sequence(_whole(last)),
    )


def _updates(payload: Any) -> Content:  # noqa: ANN401
    if not all(type(update) is bytes for update in payload):
        raise TypeError("an update is bytes")
    return Updates(tuple(payload))


def _states(payload: Any) -> Content:  # noqa: ANN401
    return States(
        tuple(
            SharedState(
                _whole(client_id),
                _whole(clock),
                _whole(heard),
                None if state is None else _text(state),
                SessionId(_text(session_id)),
                Subject(_text(subject)),
                is_stamped is True,
            )
            for client_id, clock, heard, state, session_id, subject, is_stamped in payload
        )
    )


_CONTENTS: Final[dict[int, Callable[[Any], Content]]] = {
    1: _updates,
    2: _states,
    3: lambda _: Hello(),
    4: lambda _: Beat(),
    5: lambda _: News(),
}


def _text(value: Any) -> str:  # noqa: ANN401
    if type(value) is not str:
        raise TypeError("a text is expected")
    return value


def _whole(value: Any) -> int:  # noqa: ANN401
    if type(value) is not int or value < 0:
        raise TypeError("a whole number is expected")
    return value
