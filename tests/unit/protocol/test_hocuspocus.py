"""Hocuspocus frames: what the real providers send is understood, all else is refused."""

import pytest

from collab.errors import LimitExceeded, ProtocolError
from collab.limits import (
    AWARENESS_STATE_BYTES_MAX,
    HOCUSPOCUS_SESSION_BYTES_MAX,
    ROOM_NAME_BYTES_MAX,
    STATELESS_BYTES_MAX,
    TOKEN_BYTES_MAX,
)
from collab.protocol import hocuspocus
from collab.protocol.close_codes import CloseCode
from collab.protocol.hocuspocus import HocuspocusFrame
from collab.protocol.messages import (
    AwarenessEntry,
    AwarenessUpdate,
    ChannelMessage,
    CloseDocument,
    Ping,
    Pong,
    QueryAwareness,
    Stateless,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    Token,
)
from collab.protocol.varint import write_bytes, write_string
from collab.protocol.y_sync import FrameKind
from tests import vectors

REAL = vectors.load("hocuspocus")
EDIT = bytes.fromhex("01012900040101740161" + "00")  # client 41 types "a" into the text "t"
NAME = b"\x01d"


def presence(clock: int, state: str | None) -> AwarenessUpdate:
    return AwarenessUpdate((AwarenessEntry(41, clock, state),))


# What each provider says in the situations that `generate.mjs` puts it into.
CONVERSATION: dict[str, list[ChannelMessage]] = {
    "open": [Token("geheim"), SyncStep1(b"\x00"), presence(0, "{}")],
    "edit": [SyncUpdate(EDIT)],
    "presence": [presence(1, '{"at":1}')],
    "stateless": [Stateless('{"x":1}')],
    "asked": [presence(1, '{"at":1}')],
    "step1": [SyncStep2(EDIT)],
    "leave": [presence(2, None), CloseDocument("")],
}


@pytest.mark.parametrize("version", ["v2", "v3", "v4", "v4_session"])
@pytest.mark.parametrize("situation", list(CONVERSATION))
def test_all_that_real_providers_say_is_understood(version: str, situation: str) -> None:
    frames = [bytes.fromhex(frame) for frame in REAL[version][situation]]
    session = "s3ssion" if version == "v4_session" else None
    expected: list[ChannelMessage] = [*CONVERSATION[situation]]
    if situation == "open" and version.startswith("v4"):
        expected[0] = Token("geheim", "4.8.0")
    if situation == "leave" and version == "v2":
        expected.append(presence(3, None))  # version 2 says so again, after it has left
    decoded = [hocuspocus.decode(frame) for frame in frames]
    prefix = write_string("Fuge/1" if session is None else "Fuge/1\0s3ssion")
    assert decoded == [HocuspocusFrame("Fuge/1", session, prefix, said) for said in expected]


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_a_token_asked_for_is_sent_again(version: str) -> None:
    (frame,) = REAL[version]["token_request"]
    decoded = hocuspocus.decode(bytes.fromhex(frame))
    assert isinstance(decoded, HocuspocusFrame)
    assert isinstance(decoded.message, Token)
    assert decoded.message.token == "geheim"


def test_ping_and_pong_are_single_bytes() -> None:
    assert [bytes.fromhex(frame) for frame in REAL["v4"]["ping"]] == [hocuspocus.encode_pong()]
    assert hocuspocus.decode(b"\x09") == Ping()
    assert hocuspocus.decode(b"\x0a") == Pong()
    assert hocuspocus.PONG == b"\x0a"


@pytest.mark.parametrize("name", ["ninechars", "ten-chars!"])
def test_a_name_of_nine_or_ten_bytes_is_not_a_ping(name: str) -> None:
    prefix = write_string(name)
    assert prefix[:1] in {b"\x09", b"\x0a"}
    decoded = hocuspocus.decode(prefix + b"\x03")
    assert decoded == HocuspocusFrame(name, None, prefix, QueryAwareness())


def test_a_name_is_split_at_its_nul_and_kept_as_received() -> None:
    assert hocuspocus.decode(b"\x03a\0b\x03") == HocuspocusFrame(
        "a", "b", b"\x03a\0b", QueryAwareness()
    )
    assert hocuspocus.decode(b"\x02a\0\x03") == HocuspocusFrame(
        "a", "", b"\x02a\0", QueryAwareness()
    )


def test_a_name_holds_one_session_id_at_most() -> None:
    with pytest.raises(ProtocolError, match="one session id"):
        hocuspocus.decode(b"\x05a\0b\0c\x03")


def test_the_prefix_repeats_even_an_unusual_spelling_of_the_length() -> None:
    decoded = hocuspocus.decode(b"\x81\x00d\x03")
    assert isinstance(decoded, HocuspocusFrame)
    assert decoded.prefix == b"\x81\x00d"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x01",
        NAME,  # no type
        NAME + b"\x00",
        NAME + b"\x00\x00\x05a",
        NAME + b"\x02",
        NAME + b"\x02\x00",  # a token request is the server's
        NAME + b"\x02\x01\x01x",  # permission denied is the server's
        NAME + b"\x02\x02\x08readonly",
        NAME + b"\x04\x00\x01\x00",  # sync reply goes between servers
        NAME + b"\x05",
        NAME + b"\x06\x01x",  # broadcast stateless goes between servers
        NAME + b"\x08\x01",  # sync status is the server's
        NAME + b"\x09",
        NAME + b"\x0a",
        NAME + b"\x0b",
        NAME + b"\xff",
        b"\x02\xc3\x28\x03",  # name not UTF-8
        b"\x09\x09",
        b"\x0a\x0a",
        b"\xff" * 50,
    ],
)
def test_what_no_provider_may_send_is_refused(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        hocuspocus.decode(frame)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x00\x01\x00",
        b"\x00\x02\x02\x00\x00",
        b"\x01\x01\x00",
        b"\x02\x00\x01t",
        b"\x02\x00\x01t\x014",
        b"\x03",
        b"\x05\x01x",
        b"\x07",
        b"\x07\x02by",
    ],
)
def test_a_frame_holds_exactly_one_message(body: bytes) -> None:
    """SYNC-8."""
    assert isinstance(hocuspocus.decode(NAME + body), HocuspocusFrame)
    with pytest.raises(ProtocolError):
        hocuspocus.decode(NAME + body + b"\x00" * 2)


def test_names_tokens_and_texts_are_bounded() -> None:
    name = ROOM_NAME_BYTES_MAX + 1 + HOCUSPOCUS_SESSION_BYTES_MAX
    for before, most, behind in (
        (b"", name, b"\x03"),
        (NAME + b"\x02\x00", TOKEN_BYTES_MAX, b""),
        (NAME + b"\x05", STATELESS_BYTES_MAX, b""),
        (NAME + b"\x07", 123, b""),
        (NAME + b"\x02\x00\x01t", 64, b""),
    ):
        allowed = before + write_bytes(b"x" * most) + behind
        assert isinstance(hocuspocus.decode(allowed), HocuspocusFrame)
        with pytest.raises(ProtocolError, match="at most"):
            hocuspocus.decode(before + write_bytes(b"x" * (most + 1)) + behind)


def test_awareness_keeps_its_limits_behind_a_name() -> None:
    state = write_bytes(b"x" * (AWARENESS_STATE_BYTES_MAX + 1))
    with pytest.raises(LimitExceeded):
        hocuspocus.decode(NAME + b"\x01" + write_bytes(b"\x01\x01\x01" + state))


def test_what_the_server_sends() -> None:
    """Bytes worked out by hand from @hocuspocus/common's auth.ts and the provider's receiver."""
    assert hocuspocus.encode_authenticated(read_only=False) == b"\x02\x02\x0aread-write"
    assert hocuspocus.encode_authenticated(read_only=True) == b"\x02\x02\x08readonly"
    denied = hocuspocus.encode_permission_denied("né", CloseCode.FORBIDDEN)
    assert denied == b"\x02\x01\x03n\xc3\xa9" + b"\xb3\x22"  # 4403: 0x33 | 0x80, 0x22
    assert hocuspocus.encode_token_request() == b"\x02\x00"
    assert hocuspocus.encode_sync_status(applied=True) == b"\x08\x01"
    assert hocuspocus.encode_sync_status(applied=False) == b"\x08\x00"
    assert hocuspocus.encode_close("bye", CloseCode.RELOAD) == b"\x07\x03bye\xba\x22"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (NAME + b"\x00\x00\x01\x00", FrameKind.STEP1),
        (NAME + b"\x00\x01\x02\x00\x00", FrameKind.STEP2),
        (b"\xc8\x01" + b"n" * 200 + b"\x00\x01", FrameKind.STEP2),
        (NAME + b"\x00\x02\x02\x00\x00", FrameKind.UPDATE),
        (NAME + b"\x01\x01\x00", FrameKind.AWARENESS),
        (NAME + b"\x02\x00\x01t", FrameKind.OTHER),
        (NAME + b"\x00", FrameKind.OTHER),
        (NAME, FrameKind.OTHER),
        (b"", FrameKind.OTHER),
        (b"\x09", FrameKind.OTHER),
        (b"\xff" * 20, FrameKind.OTHER),
        (b"\x90\x03" + b"n" * 400 + b"\x00\x01", FrameKind.OTHER),  # no name is that long
    ],
)
def test_a_glance_tells_what_a_frame_claims_to_hold(frame: bytes, kind: FrameKind) -> None:
    assert hocuspocus.peek(frame) is kind
