"""The socket on its transport, over a real connection to a peer that reads when it is told to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from websockets.utils import apply_mask

from collab.protocol.websocket_frames import PING, PONG, Frame, FrameReader, server_frame
from gateway.observe.traffic import Traffic
from gateway.transport.raw_socket import BACKLOG_BYTES_MAX, TURN_MESSAGES_MAX, RawSocket

OUTBOX_BYTES_MAX = 100_000
FRAME = Frame(b"m" * 10_000)
KEY = bytes(4)
WITHIN_S = 20


class Told:
    """What a socket told; while there is a gate, messages wait for it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.was_drained = asyncio.Event()
        self.has_ended = asyncio.Event()
        self.gate: asyncio.Event | None = None

    def take(self, frame: bytes) -> Coroutine[object, object, None] | None:
        """Hear a message, at once or behind the gate."""
        if self.gate is not None:
            return self._take_later(self.gate, frame)
        self.heard.append(frame)
        return None

    async def _take_later(self, gate: asyncio.Event, frame: bytes) -> None:
        await gate.wait()
        self.heard.append(frame)

    def take_text(self, text: bytes) -> None:
        """Hear a text."""
        self.heard.append(text)

    def drained(self) -> None:
        """All was written."""
        self.was_drained.set()

    def ended(self) -> None:
        """Nothing more is heard."""
        self.has_ended.set()

    def lost(self) -> None:
        """The connection is gone."""


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[RawSocket, Told, socket.socket]]:
    """A socket with its receiver, and the peer's end of the connection."""
    loop = asyncio.get_running_loop()
    ours, peer = socket.socketpair()
    peer.setblocking(False)  # noqa: FBT003 - positional only
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    reader = FrameReader(1_000_000, apply_mask)
    raw = RawSocket(transport, reader, silence_s_max=60, peers=set())
    transport.set_protocol(raw)
    told = Told()
    raw.attach(told, Traffic())
    raw.bound_outbox(OUTBOX_BYTES_MAX)
    raw.listen()
    try:
        yield raw, told, peer
    finally:
        raw.abort()
        peer.close()


async def read(peer: socket.socket, size: int) -> bytes:
    """So many bytes at the peer's end."""
    loop = asyncio.get_running_loop()
    data = b""
    async with asyncio.timeout(WITHIN_S):
        while len(data) < size:
            data += await loop.sock_recv(peer, 1 << 20)
    return data


def client_frame(payload: bytes, first: int = 0x82) -> bytes:
    """A short frame of a client, under a mask of zeros."""
    return bytes((first, 0x80 | len(payload))) + KEY + payload


def offer_until_refused(raw: RawSocket) -> int:
    """Broadcast to a peer that does not read; returns how many broadcasts were taken."""
    taken = 0
    while raw.offer(FRAME):
        taken += 1
        assert raw.waiting_bytes <= OUTBOX_BYTES_MAX + len(FRAME.framed)
    return taken


async def test_what_waits_is_bounded_and_nothing_is_left_out_in_the_middle() -> None:
    """LIM-7: Above the bound broadcasts are refused, till all was read and the receiver told."""
    async with connected() as (raw, told, peer):
        taken = offer_until_refused(raw)
        assert raw.is_full
        raw.push(b"an answer")
        assert not raw.offer(FRAME), "a gap would be left before it"
        expected = FRAME.framed * taken + server_frame(b"an answer")
        assert await read(peer, len(expected)) == expected
        async with asyncio.timeout(WITHIN_S):
            await told.was_drained.wait()
        assert raw.offer(FRAME)
        assert await read(peer, len(FRAME.framed)) == FRAME.framed


async def test_who_does_not_read_is_not_read_from() -> None:
    """LIM-7: So that the answers to its questions are bounded as well."""
    async with connected() as (raw, told, peer):
        taken = offer_until_refused(raw)
        peer.send(client_frame(b"a question"))
        await asyncio.sleep(0.05)
        assert told.heard == []
        await read(peer, len(FRAME.framed) * taken)
        async with asyncio.timeout(WITHIN_S):
            await told.was_drained.wait()
        peer.send(client_frame(b"another"))
        await until_heard(told, 2)
        assert told.heard == [b"a question", b"another"]


async def test_messages_behind_one_that_waits_keep_their_order_and_are_bounded() -> None:
    """LIM-19: They stay with their sender, above a bound."""
    async with connected() as (_, told, peer):
        told.gate = gate = asyncio.Event()
        row = [str(number).zfill(100).encode() for number in range(20_000)]
        sending = asyncio.create_task(send(peer, b"".join(map(client_frame, row))))
        await asyncio.sleep(0.05)
        assert told.heard == []
        assert not sending.done(), f"more than {BACKLOG_BYTES_MAX} bytes were read"
        told.gate = None
        gate.set()
        await sending
        await until_heard(told, len(row))
        assert told.heard == row


async def test_what_waits_is_bounded_while_the_connection_closes_as_well() -> None:
    """LIM-19: A client that goes on sending after its close does not fill the memory."""
    async with connected() as (raw, told, peer):
        told.gate = asyncio.Event()
        row = [str(number).zfill(100).encode() for number in range(20_000)]
        sending = asyncio.create_task(send(peer, b"".join(map(client_frame, row))))
        await asyncio.sleep(0.05)
        raw.close(4401, "")
        await asyncio.sleep(0.05)
        assert not sending.done(), f"more than {BACKLOG_BYTES_MAX} bytes were read"
        sending.cancel()
        told.gate.set()


async def test_one_connection_handles_so_many_messages_in_a_row_and_no_more() -> None:
    """LIM-19: Then others get their turn."""
    async with connected() as (raw, told, _):
        raw.data_received(client_frame(b"x") * (TURN_MESSAGES_MAX * 3))
        assert 0 < len(told.heard) <= TURN_MESSAGES_MAX
        await until_heard(told, TURN_MESSAGES_MAX * 3)


async def test_what_came_before_the_end_is_handled_before_the_session_ends() -> None:
    """Also what had to wait when the connection was lost."""
    async with connected() as (_, told, peer):
        told.gate = gate = asyncio.Event()
        peer.send(client_frame(b"one") + client_frame(b"two"))
        await asyncio.sleep(0.05)
        peer.close()
        await asyncio.sleep(0.05)
        assert not told.has_ended.is_set()
        gate.set()
        async with asyncio.timeout(WITHIN_S):
            await told.has_ended.wait()
        assert told.heard == [b"one", b"two"]


async def test_a_close_is_answered_behind_all_that_came_before() -> None:
    """WS-1: RFC 6455, 5.5.1; nothing is heard after it."""
    async with connected() as (_, told, peer):
        peer.send(client_frame(b"x") + client_frame(b"\x03\xe8", 0x88) + client_frame(b"y"))
        assert await read(peer, 4) == b"\x88\x02\x03\xe8"
        async with asyncio.timeout(WITHIN_S):
            await told.has_ended.wait()
        assert told.heard == [b"x"]


async def test_a_client_that_answers_no_pings_is_closed() -> None:
    """LIM-20: Asked after half of the time, closed with 1011 after all of it."""
    async with connected() as (raw, told, peer):
        now_s = asyncio.get_running_loop().time()
        raw.look(now_s)
        raw.look(now_s + 31)
        assert await read(peer, 2) == b"\x89\x00"
        peer.send(client_frame(b"", 0x8A))
        await asyncio.sleep(0.05)
        raw.look(now_s + 60)
        raw.look(now_s + 91)
        raw.look(now_s + 121)
        answer = await read(peer, 6)
        assert answer[:2] == b"\x89\x00"
        assert answer[4:6] == (1011).to_bytes(2, "big")
        async with asyncio.timeout(WITHIN_S):
            await told.has_ended.wait()


async def send(peer: socket.socket, data: bytes) -> None:
    """All of it, however long that takes."""
    await asyncio.get_running_loop().sock_sendall(peer, data)


async def until_heard(told: Told, count: int) -> None:
    """Wait until so many messages were heard."""
    async with asyncio.timeout(WITHIN_S):
        while len(told.heard) < count:  # noqa: ASYNC110 - what is heard sets no event
            await asyncio.sleep(0.001)


async def test_pings_and_pongs_do_not_count_as_something_heard() -> None:
    """WS-2: Providers are told of neither, so heartbeats come all the same."""
    async with connected() as (raw, _, peer):
        at_s = asyncio.get_running_loop().time()
        raw.push(b"hello")
        raw.look(at_s + 1)
        assert raw.wrote_at_s == at_s + 1
        raw.look(at_s + 32)
        assert await read(peer, 9) == server_frame(b"hello") + server_frame(b"", PING)
        peer.send(client_frame(b"?", 0x89))
        assert await read(peer, 3) == server_frame(b"?", PONG)
        raw.look(at_s + 33)
        assert raw.wrote_at_s == at_s + 1
        raw.push(b"heard")
        raw.look(at_s + 34)
        assert raw.wrote_at_s == at_s + 34
