"""A room whose members sit behind real sockets: one stops reading, another's connection breaks."""

import asyncio
from dataclasses import dataclass, field
from socket import socket

from pycrdt import Doc, Text

from collab.access import ANYBODY
from collab.ids import SessionId, UnixSeconds
from collab.protocol.close_codes import CloseCode
from collab.protocol.websocket_frames import Frame
from collab.room.session import Session, Wire
from gateway.lines import Line
from gateway.observe.traffic import Traffic
from gateway.rooms.runner import RoomRunner
from gateway.transport.raw_socket import RawSocket
from tests.support import wire
from tests.unit.rooms.rig import NAME, Rig, rig, typed
from tests.unit.transport.test_lines import opened
from tests.unit.transport.test_raw_socket import Told

WITHIN_S = 20
TEXT = "forte " * 2_000
UPDATES = 60


@dataclass(slots=True)
class SocketSeat:
    """A seat on a socket of its own."""

    raw: RawSocket
    told: Told
    peer: socket
    prefix: bytes = b""
    joined_at: UnixSeconds = UnixSeconds(0)
    offered: list[bool] = field(default_factory=list)

    def push(self, frame: bytes) -> None:
        """Write what must arrive."""
        self.raw.push(frame)

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Write what is left of a broadcast."""
        self.offered.append(self.raw.offer(frame, taken))
        return self.offered[-1]

    def line(self) -> tuple[Line, Traffic] | None:
        """The socket's."""
        return self.raw.line()

    def unread_bytes(self) -> int:
        """The socket's."""
        return self.raw.waiting_bytes

    def close(self, code: CloseCode, detail: str) -> None:
        """Close the socket."""
        self.raw.close(code, detail)


async def seated(node: Rig, session: str) -> tuple[RoomRunner, SocketSeat]:
    """A member who has just joined."""
    seat = SocketSeat(*await opened())
    runner = await node.registry.open(NAME)
    runner.join(Session(SessionId(session), ANYBODY, Wire.Y_WEBSOCKET), seat)
    return runner, seat


def messages(data: bytearray) -> list[bytes]:
    """Take whole messages of unmasked frames off the front of bytes (RFC 6455, 5.2)."""
    found = []
    while len(data) >= 2:
        size, start = data[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            break
        assert data[0] == 0x82, "a frame begins where the one before it ended"
        found.append(bytes(data[start : start + size]))
        del data[: start + size]
    return found


async def read_until(
    seat: SocketSeat, text: str, doc: Doc[Text] | None = None, data: bytearray | None = None
) -> None:
    """Read at a member's end until a replica there shows a text; both may go on from before."""
    doc = Doc() if doc is None else doc
    data = bytearray() if data is None else data
    async with asyncio.timeout(WITHIN_S):
        while str(doc.get("t", type=Text)) != text:
            data += await asyncio.get_running_loop().sock_recv(seat.peer, 1 << 20)
            for message in messages(data):
                reader = wire.Reader(message)
                if reader.uint() == wire.SYNC and reader.uint() != wire.STEP_1:
                    doc.apply_update(reader.blob())


async def test_who_stops_reading_is_left_out_and_brought_up_to_date() -> None:
    """SYNC-18, FORM-6: Whole frames in order, then all that was missed; others wait for nobody."""
    node = rig(unsaved_bytes_max=1 << 28)
    runner, reader = await seated(node, "reader")
    _, slow = await seated(node, "slow")
    _, broken = await seated(node, "broken")
    _, writer = await seated(node, "writer")
    doc: Doc[Text] = Doc(client_id=7)
    whole = TEXT * UPDATES
    shown: Doc[Text] = Doc()
    data = bytearray()

    async def reader_reads(text: str) -> None:
        await read_until(reader, text, shown, data)

    for number in range(1, UPDATES + 1):
        if number == UPDATES // 2:
            broken.peer.close()
        await runner.receive(SessionId("writer"), typed(doc, TEXT))
        # It reads each before the next comes, so that it never falls behind itself.
        await reader_reads(TEXT * number)
    assert False not in reader.offered
    assert slow.offered[-1] is False
    await asyncio.wait_for(broken.told.has_ended.wait(), WITHIN_S)
    catching_up = asyncio.create_task(read_until(slow, whole))
    await asyncio.wait_for(slow.told.was_drained.wait(), WITHIN_S)
    runner.caught_up(SessionId("slow"))
    await catching_up
    for seat in (reader, slow, broken, writer):
        seat.raw.abort()
        seat.peer.close()
