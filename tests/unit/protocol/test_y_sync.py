"""y-websocket frames: what y-protocols writes is understood, all else is refused."""

import pytest

from collab.errors import LimitExceeded, ProtocolError
from collab.limits import (
    AWARENESS_ENTRIES_PER_MESSAGE_MAX,
    AWARENESS_STATE_BYTES_MAX,
    CLOCK_MAX,
    MESSAGES_PER_FRAME_MAX,
)
from collab.protocol import y_sync
from collab.protocol.messages import (
    AwarenessEntry,
    AwarenessUpdate,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from collab.protocol.varint import Reader, write_bytes, write_string, write_uint
from collab.protocol.y_sync import FrameKind
from tests import vectors

REAL = vectors.load("y_protocols")
STATE_VECTOR = bytes.fromhex(REAL["state_vector"])
UPDATE = bytes.fromhex(REAL["update"])
PRESENT = AwarenessEntry(REAL["client_id"], 1, REAL["state"])
WITHDRAWN = AwarenessEntry(REAL["client_id"], 2, None)

MESSAGES = [
    ("step1", SyncStep1(STATE_VECTOR), FrameKind.STEP1),
    ("step2", SyncStep2(UPDATE), FrameKind.STEP2),
    ("sync_update", SyncUpdate(UPDATE), FrameKind.UPDATE),
    ("awareness", AwarenessUpdate((PRESENT,)), FrameKind.AWARENESS),
    ("withdrawal", AwarenessUpdate((WITHDRAWN,)), FrameKind.AWARENESS),
    ("empty_awareness", AwarenessUpdate(()), FrameKind.AWARENESS),
    ("query_awareness", QueryAwareness(), FrameKind.OTHER),
]


@pytest.mark.parametrize(("name", "message", "kind"), MESSAGES)
def test_every_message_of_y_protocols_is_understood(
    name: str, message: object, kind: FrameKind
) -> None:
    frame = bytes.fromhex(REAL[name])
    assert y_sync.decode(frame) == (message,)
    assert y_sync.peek_kind(frame) is kind


def test_what_is_sent_is_what_y_protocols_would_send() -> None:
    assert y_sync.encode_step1(STATE_VECTOR).hex() == REAL["step1"]
    assert y_sync.encode_step2(UPDATE).hex() == REAL["step2"]
    assert y_sync.encode_update(UPDATE).hex() == REAL["sync_update"]
    assert y_sync.encode_awareness([PRESENT]).hex() == REAL["awareness"]
    assert y_sync.encode_awareness([WITHDRAWN]).hex() == REAL["withdrawal"]
    assert y_sync.encode_awareness([]).hex() == REAL["empty_awareness"]
    assert y_sync.EMPTY_AWARENESS.hex() == REAL["empty_awareness"]
    assert y_sync.encode_denied("Händel only").hex() == REAL["denied"]


def test_several_messages_may_share_a_frame_and_keep_their_order() -> None:
    frame = bytes.fromhex("".join(REAL[name] for name, _, _ in MESSAGES))
    assert y_sync.decode(frame) == tuple(message for _, message, _ in MESSAGES)


def test_the_number_of_messages_in_a_frame_is_bounded() -> None:
    assert len(y_sync.decode(b"\x03" * MESSAGES_PER_FRAME_MAX)) == MESSAGES_PER_FRAME_MAX
    with pytest.raises(LimitExceeded) as caught:
        y_sync.decode(b"\x03" * (MESSAGES_PER_FRAME_MAX + 1))
    assert caught.value.limit == "messages_per_frame_max"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x00",
        b"\x00\x00",
        b"\x00\x00\x01",
        b"\x00\x02\x05abc",
        b"\x00\x03\x00",  # no such sync type
        b"\x01",
        b"\x01\x00",  # no count
        b"\x01\x01\x01",  # a count and nothing to count
        b"\x01\x02\x00\x00",  # bytes behind the entries
        b"\x01\x04\x01\x05\x01\x00\x00",
        b"\x04",
        b"\x05\x01a",
        b"\x66",
        b"\x80",
        b"\xff" * 100,
        b"\x03\x00",  # the second message is cut short
    ],
)
def test_what_is_no_row_of_messages_is_refused(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        y_sync.decode(frame)


def test_an_auth_message_is_never_a_clients_to_send() -> None:
    """SCAN-13."""
    with pytest.raises(ProtocolError, match="auth"):
        y_sync.decode(bytes.fromhex(REAL["denied"]))


def test_every_proper_prefix_of_a_message_is_refused() -> None:
    for name in ("step1", "step2", "sync_update", "awareness", "withdrawal"):
        frame = bytes.fromhex(REAL[name])
        for cut in range(len(frame)):
            with pytest.raises(ProtocolError):
                y_sync.decode(frame[:cut])


def awareness_frame(*entries: bytes) -> bytes:
    return b"\x01" + write_bytes(write_uint(len(entries)) + b"".join(entries))


def test_the_number_of_awareness_entries_is_bounded_before_they_are_read() -> None:
    entry = b"\x01\x01\x02{}"
    most = awareness_frame(*[entry] * AWARENESS_ENTRIES_PER_MESSAGE_MAX)
    (message,) = y_sync.decode(most)
    assert isinstance(message, AwarenessUpdate)
    assert len(message.entries) == AWARENESS_ENTRIES_PER_MESSAGE_MAX
    with pytest.raises(LimitExceeded) as caught:
        y_sync.decode(b"\x01" + write_bytes(write_uint(AWARENESS_ENTRIES_PER_MESSAGE_MAX + 1)))
    assert caught.value.limit == "awareness_entries_per_message_max"


def test_the_size_of_an_awareness_state_is_bounded_in_bytes() -> None:
    largest = "é" * ((AWARENESS_STATE_BYTES_MAX - 2) // 2)
    state = f'"{largest}"'
    (message,) = y_sync.decode(awareness_frame(b"\x01\x01" + write_string(state)))
    assert message == AwarenessUpdate((AwarenessEntry(1, 1, state),))
    with pytest.raises(LimitExceeded) as caught:
        y_sync.decode(awareness_frame(b"\x01\x01" + write_string(state + " ")))
    assert caught.value.limit == "awareness_state_bytes_max"


def test_withdrawing_a_state_must_still_fit_in_32_bits() -> None:
    def entry(clock: int) -> bytes:
        return awareness_frame(b"\x01" + write_uint(clock) + b"\x02{}")

    assert y_sync.decode(entry(CLOCK_MAX - 1))
    with pytest.raises(ProtocolError, match="clock"):
        y_sync.decode(entry(CLOCK_MAX))


def test_an_awareness_state_is_strict_utf8() -> None:
    with pytest.raises(ProtocolError, match="UTF-8"):
        y_sync.decode(awareness_frame(b"\x01\x01\x03\xed\xa0\x80"))


@pytest.mark.parametrize(
    "frame", [b"", b"\x00", b"\x01", b"\x00\x03", b"\x80\x00\x01", b"\x00\x80\x01", b"\x02\x00"]
)
def test_frames_that_do_not_say_plainly_what_they_hold_get_the_smallest_limit(
    frame: bytes,
) -> None:
    assert y_sync.peek_kind(frame) is FrameKind.OTHER


def test_reading_one_message_leaves_the_next() -> None:
    reader = Reader(b"\x03\x00\x02\x01x")
    assert y_sync.decode_message(reader) == QueryAwareness()
    assert y_sync.decode_message(reader) == SyncUpdate(b"x")
    assert reader.remaining() == 0
