"""What nodes say to each other survives the way, and nothing else is taken for it."""

import hashlib
import hmac

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from collab.cluster.envelope_codec import decode_envelope, encode_envelope, is_from, sender_tag
from collab.errors import EnvelopeRefused, RefusedBecause
from collab.ids import Epoch, RoomKey, RoomName, Sequence, SessionId, Subject, room_key

KEY = b"a cluster's key of more than thirty-two bytes"
ROOM = room_key(RoomName("quartet"))
OTHER_ROOM = room_key(RoomName("trio"))
ANN = Sender(NodeId("ann"), BootEpoch(1_700_000_000_123))
TAG = sender_tag(ANN)

STATE = SharedState(41, 7, 6, '{"at":1}', SessionId("s1"), Subject("alice"), is_stamped=True)
CONTENTS: list[Content] = [
    Updates((b"\x00\x00", b"\x01" * 300)),
    Updates(()),
    States((STATE, SharedState(42, 8, 8, None))),
    Hello(),
    Beat(),
    News(),
]


def envelope(content: Content) -> Envelope:
    return Envelope(ANN, 12, ROOM, content, Epoch(3), Sequence(7), Sequence(8))


def refusal(frame: bytes, *, key: bytes = KEY, room: RoomKey = ROOM) -> RefusedBecause:
    with pytest.raises(EnvelopeRefused) as refused:
        decode_envelope(frame, key, room)
    return refused.value.reason


@pytest.mark.parametrize("content", CONTENTS, ids=lambda each: type(each).__name__)
def test_an_envelope_survives_the_way(content: Content) -> None:
    """BUS-1."""
    frame = encode_envelope(envelope(content), KEY, TAG)
    assert decode_envelope(frame, KEY, ROOM) == envelope(content)
    assert is_from(frame, TAG)
    assert not is_from(frame, sender_tag(Sender(ANN.node, BootEpoch(ANN.boot + 1))))


def test_the_layout_is_the_documented_one() -> None:
    """BUS-1: version, tag, HMAC-SHA256 of the rest, msgpack."""
    frame = encode_envelope(envelope(Updates((b"\x00\x00",))), KEY, TAG)
    head, mac, body = frame[:9], frame[9:41], frame[41:]
    assert head == b"\x01" + TAG
    assert mac == hmac.new(KEY, head + body, hashlib.sha256).digest()
    assert msgpack.unpackb(body) == ["ann", 1_700_000_000_123, 12, ROOM, 1, 3, 7, 8, [b"\x00\x00"]]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda each: type(each).__name__)
def test_no_byte_can_be_changed(content: Content) -> None:
    """BUS-2: a stranger who can write to the bus can make nobody believe anything."""
    frame = encode_envelope(envelope(content), KEY, TAG)
    for at in range(len(frame)):
        changed = bytearray(frame)
        changed[at] ^= 1
        assert refusal(bytes(changed)) in {RefusedBecause.SIGNATURE, RefusedBecause.VERSION}
    for length in range(len(frame)):
        assert refusal(frame[:length]) in {RefusedBecause.SIGNATURE, RefusedBecause.VERSION}


def test_another_key_signs_for_another_cluster() -> None:
    """BUS-2."""
    frame = encode_envelope(envelope(Beat()), b"another key, just as long as the first one", TAG)
    assert refusal(frame) is RefusedBecause.SIGNATURE


def test_an_envelope_counts_in_its_own_room_only() -> None:
    """BUS-2: what was signed for one room cannot be played into another."""
    frame = encode_envelope(envelope(Updates((b"\x00\x00",))), KEY, TAG)
    assert refusal(frame, room=OTHER_ROOM) is RefusedBecause.MISPLACED


def test_an_unknown_version_is_refused_as_such() -> None:
    """BUS-2."""
    frame = encode_envelope(envelope(Beat()), KEY, TAG)
    assert refusal(b"\x02" + frame[1:]) is RefusedBecause.VERSION


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        ["ann", 1, 12, ROOM, 99, 1, 7, 8, None],
        ["ann", 1, 12, ROOM, 1, 1, 7, 8, ["text"]],
        ["ann", 1, 12, ROOM, 1, 1, 7, 8, None],
        ["ann", 1, 12, ROOM, 1, 1, -7, 8, [b""]],
        ["ann", True, 12, ROOM, 4, 1, 7, 8, None],
        ["ann", 1, 12, ROOM, 2, 1, 7, 8, [[41, 7, 5, "s", "a", True]]],
        ["ann", 1, 12, ROOM, 2, 1, 7, 8, [[41, 7]]],
        [b"ann", 1, 12, ROOM, 4, 1, 7, 8, None],
    ],
)
def test_what_a_node_of_this_version_does_not_say_is_malformed(body: object) -> None:
    """BUS-2."""
    assert refusal(_signed(msgpack.packb(body))) is RefusedBecause.MALFORMED


@given(st.binary(max_size=200))
def test_signed_nonsense_is_refused_in_order(body: bytes) -> None:
    """BUS-2: even a member that has gone mad costs an envelope, not a node."""
    assert refusal(_signed(body)) is RefusedBecause.MALFORMED


def _signed(body: bytes) -> bytes:
    head = b"\x01" + TAG
    return head + hmac.new(KEY, head + body, hashlib.sha256).digest() + body
