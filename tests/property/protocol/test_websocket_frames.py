"""Frames of clients, however they are cut: read as the websockets library reads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as LibraryFrame
from websockets.frames import Opcode
from websockets.protocol import SERVER, Protocol
from websockets.streams import StreamReader
from websockets.utils import apply_mask

from collab.errors import FramingViolated
from collab.protocol.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PART,
    PING,
    PONG,
    TEXT,
    Frame,
    FrameReader,
    close_frame,
    server_frame,
)

MESSAGE_BYTES_MAX = 140_000
FINAL, MASKED = 0x80, 0x80
SIZES = st.sampled_from([0, 1, 2, 5, 124, 125, 126, 127, 128, 1000, 65_535, 65_536])


@dataclass
class Heard:
    """What came out of a reader: whole messages and control frames, then perhaps a close code."""

    events: list[tuple[int, bytes]] = field(default_factory=list)
    failed: int | None = None


def client_frame(first: int, payload: bytes, key: bytes, *, masked: bool = True) -> bytes:
    """A frame as RFC 6455, 5.2 draws it."""
    size = len(payload)
    mask = MASKED if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    return head + (key + apply_mask(payload, key) if masked else payload)


def heard_by_us(pieces: list[bytes], bytes_max: int = MESSAGE_BYTES_MAX) -> Heard:
    reader = FrameReader(bytes_max, apply_mask)
    heard = Heard()
    for piece in pieces:
        reader.feed(piece)
        try:
            while (event := reader.read()) is not None:
                if isinstance(event, bytes):
                    heard.events.append((BINARY, event))
                elif event is not PART:
                    heard.events.append((event.opcode, event.payload))
                    if event.opcode == CLOSE:
                        return heard
        except FramingViolated as violation:
            heard.failed = violation.code
            return heard
    return heard


def heard_by_library(data: bytes) -> Heard:
    """The same from websockets, with fragments joined and texts decoded, as uvicorn does."""
    library = Protocol(SERVER, max_size=MESSAGE_BYTES_MAX)
    library.receive_data(data)
    heard = Heard()
    opcode, parts = 0, b""
    for event in library.events_received():
        assert isinstance(event, LibraryFrame)
        payload = bytes(event.data)
        if event.opcode >= Opcode.CLOSE:
            heard.events.append((int(event.opcode), payload))
            continue
        if event.opcode is not Opcode.CONT:
            opcode, parts = int(event.opcode), b""
        parts += payload
        if not event.fin:
            continue
        if opcode == TEXT and not is_text(parts):
            heard.failed = 1007
            return heard
        heard.events.append((opcode, parts))
    if library.parser_exc is not None:
        assert library.close_sent is not None
        heard.failed = int(library.close_sent.code)
    return heard


def is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame that is mostly good."""
    opcode = draw(st.sampled_from([BINARY] * 6 + [TEXT, CONTINUATION, PING, PONG, CLOSE, 3, 11]))
    first = draw(st.sampled_from([FINAL] * 5 + [0, FINAL | 0x40])) | opcode
    if opcode == CLOSE:
        codes = st.sampled_from([999, 1000, 1001, 1004, 1005, 1006, 1011, 1014, 1015, 3000, 4999])
        code = draw(codes).to_bytes(2, "big")
        payload = draw(st.sampled_from([b"", b"\x03", code, code + b"why", code + b"\xff"]))
    elif opcode > BINARY:
        payload = bytes(draw(st.integers(0, 126)))
    else:
        letter = draw(st.sampled_from([b"a", b"\xff"]))
        payload = letter * draw(SIZES)
    masked = draw(st.sampled_from([True] * 15 + [False]))
    return client_frame(first, payload, draw(st.binary(min_size=4, max_size=4)), masked=masked)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    ends = sorted(place % (len(data) + 1) for place in places)
    pieces = [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]
    return [piece for piece in pieces if piece]


PLACES = st.lists(st.integers(0, 2**20), max_size=8)


@given(PLACES, st.lists(frames(), min_size=1, max_size=12))
def test_any_row_of_frames_is_heard_as_the_websockets_library_hears_it(
    places: list[int], row: list[bytes]
) -> None:
    """WS-1, WS-3: The same messages, then the same close code, wherever the bytes are cut."""
    sent = b"".join(row)
    ours = heard_by_us(cut(sent, places))
    theirs = heard_by_library(sent)
    incomplete_and_closed = ours.events[-1:] and ours.events[-1][0] == CLOSE
    if incomplete_and_closed and theirs.failed == 1002 and len(theirs.events) < len(ours.events):
        # The library calls a close inside a fragmented message a violation; the RFC does not.
        ours.events.pop()
        ours.failed = 1002
    assert (ours.events, ours.failed) == (theirs.events, theirs.failed)


@given(PLACES, st.binary(max_size=400))
def test_any_bytes_are_heard_or_refused(places: list[int], sent: bytes) -> None:
    """WS-1: Nothing but the one error comes out, and it is the same however the bytes are cut."""
    assert heard_by_us(cut(sent, places)) == heard_by_us([sent] if sent else [])


@given(st.binary(max_size=300), st.sampled_from([BINARY, TEXT, PING, PONG]))
def test_what_a_server_writes_is_one_whole_frame(payload: bytes, opcode: int) -> None:
    """WS-1: As the websockets library would have written it."""
    library = LibraryFrame(Opcode(opcode), payload if opcode < CLOSE else payload[:125])
    assert server_frame(bytes(library.data), opcode) == library.serialize(mask=False)
    assert Frame(payload).framed == LibraryFrame(Opcode.BINARY, payload).serialize(mask=False)


@given(st.sampled_from([0, 125, 126, 65_535, 65_536, 100_000]))
def test_sizes_are_written_in_one_three_or_nine_bytes(size: int) -> None:
    """WS-1: Read back by the library's parser."""
    stream = StreamReader()
    stream.feed_data(server_frame(bytes(size)))
    with pytest.raises(StopIteration) as parsed:
        next(LibraryFrame.parse(stream.read_exact, mask=False))
    assert len(parsed.value.value.data) == size
    assert not stream.buffer


def test_a_close_frame_holds_its_code_and_reason() -> None:
    """WS-1: RFC 6455, 5.5.1."""
    assert close_frame(4400, "no") == b"\x88\x04\x11\x30no"


@given(st.integers(1, 3), st.integers(0, 200))
def test_a_message_is_refused_at_its_head(pieces: int, over: int) -> None:
    """LIM-1: One byte above the bound, in one frame or in pieces, none of it is waited for."""
    bytes_max = 1000
    whole = [client_frame(0x02, bytes(400), b"abcd")]
    whole += [client_frame(0x00, bytes(100), b"abcd")] * (pieces - 1)
    room = bytes_max - 400 - 100 * (pieces - 1)
    last = client_frame(0x80, bytes(room + 1 + over), b"abcd")[:8]
    assert heard_by_us([*whole, last], bytes_max).failed == 1009
    fits = client_frame(0x80, bytes(room), b"abcd")
    assert heard_by_us([*whole, fits], bytes_max).events == [(BINARY, bytes(bytes_max))]


def test_parts_without_end_are_returned_one_by_one() -> None:
    """LIM-19: Whoever takes turns counts them: a thousand empty parts are no single turn."""
    reader = FrameReader(MESSAGE_BYTES_MAX, apply_mask)
    part = client_frame(CONTINUATION, b"", bytes(4))
    reader.feed(client_frame(BINARY, b"", bytes(4)) + part * 999)
    returned = 0
    while reader.read() is PART:
        returned += 1
    assert returned == 1000
