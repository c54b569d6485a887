"""Real frames, bent at random: whatever comes of them, the process and its rooms go on."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from tests.support import wire
from tests.support.bystander import bystander
from tests.support.counts import repeats
from tests.support.http import request, room_path
from tests.support.server import Server, running_server
from tests.support.wire import State, string
from tests.support.ws_client import Socket, open_socket, room_url

WORKERS: Final = 4
FRAMES_PER_ROOM: Final = 250
STALL_MS_MAX: Final = 1000
SEED: Final = 20_240_229

# What may be said to a sender of nonsense: its fault, terminal; or too big, or full.
CODES: Final = frozenset({1009, 4400, 4404, 4409, 4413})


def real_messages() -> list[bytes]:
    """Messages as clients send them: texts with formats, nested types, values, awareness."""
    doc: Doc[Any] = Doc(client_id=2_147_483_650)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text: Text = doc.get("text", type=Text)
    score: Map[object] = doc.get("map", type=Map)
    items: Array[object] = doc.get("list", type=Array)
    page: XmlFragment = doc.get("xml", type=XmlFragment)
    text += "Ein feste Burg 🎼"
    text.insert(4, "sehr ", {"bold": True})
    del text[2:9]
    score["measure"] = {"key": "D", "notes": [62, 66, 69, None, True, 1.5, "ä"]}
    score["voices"] = Map({"alto": Array([1, 2, Map({"deep": Text("x")})])})
    del score["measure"]
    items.extend([1, "two", None, b"\x00\xff", {"a": [1.25]}])
    del items[1]
    page.children.append(XmlElement("p", {"class": "c"}, [XmlText("lyrics")]))
    messages = [wire.sync(wire.UPDATE, update) for update in updates]
    messages.append(wire.sync(wire.STEP_2, doc.get_update()))
    messages.append(wire.sync(wire.STEP_1, doc.get_state()))
    state = {"user": {"name": "Björk", "color": "#30bced"}, "cursor": {"anchor": 1, "head": None}}
    messages.append(wire.awareness([State(doc.client_id, 1, state)]))
    messages.append(wire.awareness([State(doc.client_id, 2, None), State(3, 1, {})]))
    messages.append(bytes([wire.QUERY_AWARENESS]))
    return messages


def bend(draw: random.Random, frame: bytes, others: list[bytes]) -> bytes:
    """One to three random changes of a frame."""
    bent = bytearray(frame)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(bent) + 1)
        how = draw.randrange(8)
        if how == 0 and bent:
            bent[at % len(bent)] ^= 1 << draw.randrange(8)
        elif how == 1 and bent:
            bent[at % len(bent)] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)])
        elif how == 2:
            del bent[at:]
        elif how == 3:
            del bent[at : at + draw.randint(1, 8)]
        elif how == 4:
            bent[at:at] = draw.randbytes(draw.randint(1, 8))
        elif how == 5:
            bent[at:at] = bent[at : at + draw.randint(1, 40)]
        elif how == 6:
            bent[at:] = draw.choice(others)[draw.randrange(4) :]
        else:
            bent[at : at + 1] = wire.uint(draw.choice([2**31 - 1, 2**32, 2**53 - 1, 2**63]))
    return bytes(bent)


class Mutants:
    """One sender of bent frames.

    Attributes:
        closes: how often each close code came.
        rooms: the rooms it used.
    """

    def __init__(self, server: Server, number: int, frames: int) -> None:
        self.server = server
        self.draw = random.Random(SEED + number)
        self.frames = frames
        self.hocuspocus = number % 2 == 1
        self.messages = real_messages()
        self.closes: dict[int, int] = {}
        self.rooms = [f"mutants/{number}/{at}" for at in range(-(-frames // FRAMES_PER_ROOM))]

    async def run(self) -> None:
        """Send all frames, each followed by a message that is answered."""
        for at, room in enumerate(self.rooms):
            left = min(FRAMES_PER_ROOM, self.frames - at * FRAMES_PER_ROOM)
            while left > 0:
                left -= await self._send_until_closed(room, left)

    async def _send_until_closed(self, room: str, most: int) -> int:
        url = self.server.hocuspocus_url if self.hocuspocus else self._room_url(room)
        prefix = string(room) if self.hocuspocus else b""
        async with open_socket(url) as socket:
            if self.hocuspocus:
                await socket.send(prefix + wire.token(""))
            for sent in range(1, most + 1):
                whole = [prefix + message for message in self.messages]
                await socket.send(bend(self.draw, self.draw.choice(whole), whole))
                code = await self._answer(socket, prefix)
                if code:
                    self.closes[code] = self.closes.get(code, 0) + 1
                    return sent
        return most

    async def _answer(self, socket: Socket, prefix: bytes) -> int:
        """The code with which the server closed; 0 when it answers a step 1."""
        await socket.send(prefix + wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
        answer = prefix + bytes([wire.SYNC, wire.STEP_2])
        while True:
            frame = await socket.receive_or_closed(within_s=60)
            if isinstance(frame, bytes):
                if frame.startswith(answer):
                    return 0
            else:
                return frame.code

    def _room_url(self, room: str) -> str:
        return room_url(self.server.collab_url, room)


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_bent_frames_harm_nobody(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Mutated frames close their sender at most; every room opens again, after a restart too.

    Bears SCAN-8.
    """
    frames = repeats(1_000, proof=200_000)
    options = ["--rate-limits", "off"]
    async with running_server(tmp_path, args=options) as server:
        senders = [Mutants(server, number, frames // WORKERS) for number in range(WORKERS)]
        with bystander(server) as neighbour:
            await asyncio.gather(*(sender.run() for sender in senders))
            stall = await asyncio.to_thread(neighbour.stall)
        closes = {code for sender in senders for code in sender.closes}
        record_property("frames", frames)
        record_property("closed", sum(sum(sender.closes.values()) for sender in senders))
        record_property("longest stall ms", round(stall.longest_ms))
        assert server.alive
        assert closes <= CODES, closes
        assert await asyncio.to_thread(server.ready)
        assert stall.longest_ms < STALL_MS_MAX
        server.kill()
        await server.start()
        for sender in senders:
            for room in sender.rooms:
                answer = await request(server, "GET", f"{room_path(room)}/update")
                assert answer.status_code in {200, 404}, f"{room}: {answer.text}"
