"""The opening handshake: nothing is taken for one that the websockets library would refuse."""

import random

from hypothesis import example, given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol

from collab.protocol.upgrade import read_upgrade, switching_protocols

PLAIN = (
    b"GET /collab/room?ticket=t HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUpgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://127.0.0.1:8080\r\n\r\n"
)
PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b",", b"\0", b"\xff", b"=", b"GET ", b"Upgrade",
     b"13", b"Host: b\r\n", b"Content-Length: 0\r\n", b"Connection: upgrade\r\n"]
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, len(PLAIN)), st.integers(0, 3), PIECES), max_size=3)


def changed(changes: list[tuple[int, int, bytes]]) -> bytes:
    """The request with some bytes replaced by others."""
    data = PLAIN
    for at, dropped, put in changes:
        data = data[:at] + put + data[at + dropped :]
    return data


@given(CHANGES)
@example([])
def test_what_is_read_is_what_the_library_reads(changes: list[tuple[int, int, bytes]]) -> None:
    """Path, fields and answer; never a request that it refuses or finds unfinished."""
    data = changed(changes)
    ours = read_upgrade(data)
    if ours is None:
        assert data != PLAIN
        return
    library = ServerProtocol()
    library.receive_data(data)
    (theirs,) = (event for event in library.events_received() if isinstance(event, Request))
    answer = library.accept(theirs)
    assert answer.status_code == 101
    assert theirs.path.partition("?")[::2] == (ours.raw_path, ours.query_string)
    assert {name.lower(): value for name, value in theirs.headers.raw_items()} == ours.headers
    accept = answer.headers["Sec-WebSocket-Accept"].encode()
    assert b"Sec-WebSocket-Accept: " + accept + b"\r\n" in switching_protocols(ours.key)


@given(st.integers())
def test_bytes_beyond_the_request_belong_to_the_frames(seed: int) -> None:
    """Whatever they are."""
    frames = random.Random(seed).randbytes(20)
    read = read_upgrade(PLAIN + frames)
    assert read is not None
    assert (PLAIN + frames)[read.size_bytes :] == frames
