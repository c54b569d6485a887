"""Hostile frames and updates over a real socket: the sender gets its close code, no more."""

from typing import Final

import pytest

from tests.support import hazards, wire
from tests.support.hazards import BAD_MESSAGE, TOO_BIG
from tests.support.hostile import send_and_be_closed, settle
from tests.support.http import stored_update
from tests.support.server import Server
from tests.support.updates import (
    ANY,
    STRING,
    Block,
    Deletes,
    any_values,
    nested_array,
    nested_map,
    nested_types,
    one_value,
    rooted,
    text,
    update,
)
from tests.support.wire import State, string
from tests.support.ws_client import PROTOCOLS, join, open_socket, room_url

UPDATES: Final = dict(hazards.update_hazards())
CUTS: Final = dict(hazards.cut_updates())
MESSAGES: Final = dict(hazards.message_hazards()) | dict(hazards.unknown_types())

pytestmark = pytest.mark.usefixtures("unharmed")


@pytest.mark.parametrize("kind", ["update", "step 2"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", UPDATES)
async def test_hostile_update_closes_its_sender(
    hostile_server: Server, room: str, protocol: str, name: str, kind: str
) -> None:
    """SCAN-1: An update that no replica should see ends its sender's connection with 4400."""
    number = wire.UPDATE if kind == "update" else wire.STEP_2
    closed = await send_and_be_closed(
        hostile_server, protocol, room, wire.sync(number, UPDATES[name])
    )
    assert closed.code == BAD_MESSAGE, closed


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_cut_updates_close_their_sender(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """SCAN-2: An update cut anywhere is refused, and the whole one is taken."""
    for name, cut in CUTS.items():
        message = wire.sync(wire.UPDATE, cut)
        closed = await send_and_be_closed(hostile_server, protocol, room, message)
        assert closed.code == BAD_MESSAGE, f"{name}: {closed}"
    async with join(hostile_server, protocol, room) as member:
        await member.send_update(hazards.whole_update())
        await member.until_saved()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MESSAGES)
async def test_hostile_message_closes_its_sender(
    hostile_server: Server, room: str, protocol: str, name: str
) -> None:
    """SCAN-3: Bytes that are no message of the protocol end the connection with 4400."""
    closed = await send_and_be_closed(hostile_server, protocol, room, MESSAGES[name])
    assert closed.code == BAD_MESSAGE, closed


async def test_cut_frames_close_their_sender(hostile_server: Server, room: str) -> None:
    """SCAN-3: Frames of both protocols cut anywhere are refused."""
    message = wire.sync(wire.UPDATE, hazards.whole_update())
    for size in range(len(message)):
        async with open_socket(room_url(hostile_server.collab_url, room)) as socket:
            await socket.send(message[:size])
            assert (await socket.closed()).code == BAD_MESSAGE, f"y-websocket, cut at {size}"
    frame = string(room) + message
    for size in range(len(frame)):
        async with open_socket(hostile_server.hocuspocus_url) as socket:
            await socket.send(string(room) + wire.token(""))
            await socket.send(frame[:size])
            assert (await socket.closed()).code == BAD_MESSAGE, f"hocuspocus, cut at {size}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("frame", [b"", "text", "", "\x00\x01"])
async def test_empty_and_text_frames_close_their_sender(
    hostile_server: Server, room: str, protocol: str, frame: bytes | str
) -> None:
    """SCAN-3: A frame without a byte, or of text, ends the connection with 4400."""
    async with join(hostile_server, protocol, room) as member:
        await member.socket.send(frame)
        assert (await member.until_closed()).code == BAD_MESSAGE


async def test_several_messages_in_one_frame_are_all_taken(
    hostile_server: Server, room: str
) -> None:
    """SYNC-8: y-websocket clients may put several messages into one frame."""
    async with (
        join(hostile_server, "y-websocket", room) as one,
        join(hostile_server, "hocuspocus", room) as other,
    ):
        first = update([Block(5, 0, [text("b")])])
        second = update([Block(6, 0, [text("a")])])
        state = wire.awareness([State(one.doc.client_id, 1, {"both": True})])
        await one.socket.send(
            wire.sync(wire.UPDATE, first) + wire.sync(wire.UPDATE, second) + state
        )
        await other.until(lambda: sorted(str(other.text)) == ["a", "b"])
        await other.until(lambda: other.present().get(one.doc.client_id) == {"both": True})


async def test_garbage_behind_a_message_closes_its_sender(
    hostile_server: Server, room: str
) -> None:
    """What stands behind a valid message in the same frame is looked at as well."""
    valid = wire.sync(wire.UPDATE, update([Block(5, 0, [text("x")])]))
    for garbage in (b"\xff", b"\x00", b"\x00\x02\x05", b"\x63\x00"):
        closed = await send_and_be_closed(hostile_server, "y-websocket", room, valid + garbage)
        assert closed.code == BAD_MESSAGE


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_frames_beyond_their_limits_close_their_sender(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """LIM-1: An update beyond 1 MiB and a frame beyond the document's limit end with 1009."""
    long_text = update([Block(5, 0, [text("x" * (2**20 + 2048))])])
    closed = await send_and_be_closed(
        hostile_server, protocol, room, wire.sync(wire.UPDATE, long_text)
    )
    assert closed.code == TOO_BIG
    longer = wire.sync(wire.STEP_2, bytes(33 * 2**20))
    closed = await send_and_be_closed(hostile_server, protocol, room, longer)
    assert closed.code == TOO_BIG


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_deepest_values_allowed_are_taken(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """SCAN-4: The bound on depth refuses nothing that people write."""
    async with join(hostile_server, protocol, room) as member:
        await member.send_update(one_value(81, nested_array(60)))
        await member.send_update(one_value(82, nested_map(60)))
        await member.until_saved()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_deeply_nested_types_and_their_deletion_are_survived(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """Shared types nested 100,000 deep, at once or little by little, kill nobody when deleted.

    Bears SCAN-10.
    """
    deep = 100_000
    at_once = wire.sync(wire.STEP_2, nested_types(91, 0, deep))
    delete = wire.sync(wire.UPDATE, update([], [Deletes(91, [(0, 1)])]))
    async with join(hostile_server, protocol, room, blind=True) as member:
        await member.send(at_once)
        await member.send(delete)
        await settle(member)
    async with join(hostile_server, protocol, room + "-2", blind=True) as member:
        for clock in range(0, deep, 1000):
            await member.send(wire.sync(wire.UPDATE, nested_types(92, clock, 1000)))
        await member.send(wire.sync(wire.UPDATE, update([], [Deletes(92, [(0, 1)])])))
        await settle(member)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_content_that_hangs_readers_is_never_read(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """A string inside an array hangs whoever reads it: the server stores and serves it unread.

    Bears SCAN-9.
    """
    trap = update([Block(5, 0, [rooted(STRING, string("abc"), root="list"),
                                rooted(ANY, any_values(b"\x7e"), root="list")])])  # fmt: skip
    async with open_socket(room_url(hostile_server.collab_url, room)) as socket:
        await socket.send(wire.sync(wire.UPDATE, trap))
        await socket.send(wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
        while not (await socket.receive()).startswith(b"\x00\x01"):
            pass
    assert b"abc" in await stored_update(hostile_server, room)
    async with join(hostile_server, protocol, room) as newcomer:
        await newcomer.edit(lambda member: member.map.update({"fine": 1}))
        await newcomer.until_saved()
