"""The opening handshake, by hand: what it is answered does not depend on the way it is read."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.server import Server, serving

WITHIN_S: Final = 20
KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3, with its answer
ACCEPT: Final = b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
EMPTY_STEP_1: Final = b"\x82\x84" + bytes(4) + b"\x00\x00\x01\x00"  # of an empty document
EMPTY_STEP_2: Final = b"\x82\x05\x00\x01\x02\x00\x00"


@pytest.fixture(scope="module", params=["auto", "asgi"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of each way."""
    env = {"BANDPRO_TRANSPORT": request.param}
    with serving(tmp_path_factory.mktemp(request.param), env=env) as running:
        yield running


def handshake(target: str = "/collab/by-hand", host: str = "127.0.0.1", *more: str) -> bytes:
    """A request for a websocket; `more` lines stand at its end."""
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY.decode()}",
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode()


async def answer_to(server: Server, pieces: list[bytes], *, until: bytes) -> bytes:
    """What comes back for pieces that are sent one by one, up to some bytes or the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    heard = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)  # so that each is read by itself
        async with asyncio.timeout(WITHIN_S):
            while until not in heard and (data := await reader.read(1 << 16)):
                heard += data
    finally:
        writer.close()
    return heard


def ways(request: bytes) -> dict[str, list[bytes]]:
    """The same bytes whole, in two pieces, and with what makes it a rare spelling."""
    rare = request.replace(b"Upgrade: websocket\r\n", b"Upgrade: websocket\r\nX-A: 1\r\nX-A: 2\r\n")
    return {"whole": [request], "cut": [request[:40], request[40:]], "rare": [rare]}


WAYS: Final = list(ways(b""))


@pytest.mark.parametrize("way", WAYS)
async def test_a_handshake_is_accepted_and_what_follows_is_heard(server: Server, way: str) -> None:
    """WS-4: The key is answered as the RFC says, and then the first question."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for piece in ways(handshake())[way]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)  # so that each is read by itself
        async with asyncio.timeout(WITHIN_S):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(EMPTY_STEP_1)
            await reader.readuntil(EMPTY_STEP_2)
    finally:
        writer.close()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert ACCEPT.lower() in head.lower()
    assert b"extensions" not in head.lower()


REFUSED: Final = {
    "a foreign origin": (handshake("/collab/a", "127.0.0.1", "Origin: https://evil.example"), 403),
    "a foreign name": (handshake("/collab/a", "evil.example"), 403),
    "no such path": (handshake("/collabo/a"), 403),
    "an older version": (handshake().replace(b"Version: 13", b"Version: 8"), 400),
    "no key": (handshake().replace(b"Sec-WebSocket-Key", b"X-Key"), 400),
    "two keys": (handshake("/collab/a", "127.0.0.1", f"Sec-WebSocket-Key: {KEY.decode()}"), 400),
    "another method": (handshake().replace(b"GET", b"PUT"), 405),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("refused", REFUSED)
async def test_a_handshake_is_refused_with_the_same_status(
    server: Server, refused: str, way: str
) -> None:
    """WS-4, ACC-8, ACC-9."""
    request, status = REFUSED[refused]
    heard = await answer_to(server, ways(request)[way], until=b"\r\n\r\n")
    assert heard.startswith(f"HTTP/1.1 {status} ".encode()), heard


@pytest.mark.parametrize("way", WAYS)
async def test_what_names_no_room_is_told_behind_the_handshake(server: Server, way: str) -> None:
    """WS-4, ROOM-2: In a close frame, which a browser can read."""
    code = (4404).to_bytes(2, "big")
    heard = await answer_to(server, ways(handshake("/collab/a//b"))[way], until=code)
    head, _, frame = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert (frame[0], frame[2:4]) == (0x88, code)


@pytest.mark.parametrize("way", WAYS)
async def test_a_request_that_is_no_handshake_is_answered_as_ever(server: Server, way: str) -> None:
    """WS-4: Whatever its path; and the next one on the same connection as well."""
    plain = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = plain.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    heard = await answer_to(server, [*ways(plain)[way], last], until=b"\xff")
    assert heard.count(b"HTTP/1.1 200 OK") == 2
