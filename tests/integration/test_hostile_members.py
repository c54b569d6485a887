"""Hostile members over a real socket: others' ids and states, names, floods, foreign pages."""

import pytest
from websockets.exceptions import InvalidStatus

from tests.support import hazards, wire
from tests.support.hazards import BAD_MESSAGE, TOO_BIG
from tests.support.hostile import send_and_be_closed, settle
from tests.support.server import Server
from tests.support.updates import ANY, Block, Deletes, any_values, rooted, text, update
from tests.support.wire import State, string, uint
from tests.support.ws_client import (
    PROTOCOLS,
    HocuspocusMember,
    YWebsocketMember,
    join,
    open_socket,
    room_url,
)

pytestmark = pytest.mark.usefixtures("unharmed")


@pytest.mark.parametrize(
    "attack",
    [
        "GC from its clock",
        "GC from beyond its clock",
        "Skip from its clock",
        "Skip from beyond its clock",
    ],
)
@pytest.mark.parametrize("wrote", ["after writing", "before writing"])
async def test_nobody_uses_up_the_clocks_of_another(
    hostile_server: Server, room: str, attack: str, wrote: str
) -> None:
    """GC and Skip structs over a live client's next clocks are refused; its edits still arrive.

    Bears SCAN-6.
    """
    async with (
        join(hostile_server, "hocuspocus", room) as victim,
        join(hostile_server, "y-websocket", room) as witness,
        join(hostile_server, "y-websocket", room) as attacker,
    ):
        await victim.set_state({"here": True})
        await witness.until(lambda: victim.doc.client_id in witness.present())
        if wrote == "after writing":
            await victim.edit(lambda member: member.map.update({"before": 1}))
            await witness.until(lambda: "before" in witness.map)
        clock = 1 if wrote == "after writing" else 0
        claim = dict(hazards.fillers_over(victim.doc.client_id, clock))[attack]
        await attacker.send(wire.sync(wire.UPDATE, claim))
        assert (await attacker.until_closed()).code == BAD_MESSAGE
        await victim.edit(lambda member: member.map.update({"after": 2}))
        await victim.until_saved()
        await witness.until(lambda: witness.map.get("after") == 2)


async def test_nobody_publishes_or_withdraws_the_state_of_another(
    hostile_server: Server, room: str
) -> None:
    """AWR-4: A state belongs to the connection that published it first."""
    async with (
        join(hostile_server, "y-websocket", room) as victim,
        join(hostile_server, "hocuspocus", room) as witness,
        join(hostile_server, "y-websocket", room) as attacker,
    ):
        await victim.set_state({"name": "victim"})
        await witness.until(lambda: victim.doc.client_id in witness.present())
        forged = [State(victim.doc.client_id, 50, {"name": "forged"})]
        await attacker.send(wire.awareness(forged))
        await attacker.send(wire.awareness([State(victim.doc.client_id, 60, None)]))
        await attacker.set_state({"name": "attacker"})
        await witness.until(lambda: attacker.doc.client_id in witness.present())
        assert witness.present()[victim.doc.client_id] == {"name": "victim"}


async def test_updates_that_wait_for_others_are_bounded(hostile_server: Server, room: str) -> None:
    """LIM-3: Updates whose base never comes end with 4413 before they fill the memory."""
    before = hostile_server.rss_bytes()
    async with join(hostile_server, "y-websocket", room, blind=True) as member:
        for number in range(64):
            waiting = after_missing(number)
            await member.send(wire.sync(wire.UPDATE, waiting))
        closed = await member.until_closed()
        assert closed.code == 4413
    assert hostile_server.rss_bytes() - before < 256 * 2**20


def after_missing(number: int) -> bytes:
    """A quarter of a megabyte that builds on what nobody has sent."""
    return update([Block(1000 + number, 1, [text("x" * 2**18)])])


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_updates_at_the_limits_of_their_numbers_stall_nobody(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """As many clients, structs or delete ranges as a megabyte holds are dealt with in slices.

    Bears SCAN-5.
    """
    many_clients = update([Block(number, 0, [filler]) for number in range(100_000)
                           for filler in (b"\x00\x01",)])  # fmt: skip
    many_structs = update([Block(5, 0, [b"\x00\x01"] * 400_000)])
    many_ranges = update([], [Deletes(6, [(at * 2, 1) for at in range(200_000)])])
    many_values = update([Block(7, 0, [rooted(ANY, any_values(*([b"\x7e"] * 900_000)))])])
    for hazard in (many_clients, many_structs, many_ranges, many_values):
        async with join(hostile_server, protocol, room, blind=True) as member:
            await member.send(wire.sync(wire.UPDATE, hazard))
            await settle(member)


async def test_compression_is_not_negotiated(hostile_server: Server, room: str) -> None:
    """LIM-8: permessage-deflate is offered and declined, so 300 kB cannot become 300 MB."""
    for url in (room_url(hostile_server.collab_url, room), hostile_server.hocuspocus_url):
        async with open_socket(url, compression="deflate") as socket:
            assert socket.connection.protocol.extensions == []
            # The same without asking: a frame whose first reserved bit says "compressed".
            socket.connection.transport.write(b"\xc2\x85\x00\x00\x00\x00abcde")
            assert (await socket.closed()).code == 1002


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_awareness_flood_of_changing_ids_is_ended(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """AWR-7: One connection cannot fill the table of states by inventing an id for each message."""
    async with join(hostile_server, protocol, room) as member:
        for number in range(100):
            await member.send(wire.awareness([State(10_000 + number, 1, {})]))
        assert (await member.until_closed()).code == BAD_MESSAGE
    async with join(hostile_server, protocol, room) as newcomer:
        await newcomer.set_state({})
        await newcomer.until(lambda: newcomer.doc.client_id in newcomer.present())
        assert len(newcomer.present()) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_too_large_state_closes_its_sender(
    hostile_server: Server, room: str, protocol: str
) -> None:
    """AWR-6: An awareness state beyond 16 KiB ends with 1009."""
    state = wire.awareness([State(5, 1, {"a": "x" * 17_000})])
    assert (await send_and_be_closed(hostile_server, protocol, room, state)).code == TOO_BIG


async def test_hocuspocus_frames_before_the_token_are_bounded(
    hostile_server: Server, room: str
) -> None:
    """More than 8 KiB in one frame, or too many frames, before a token end the connection.

    Bears LIM-2.
    """
    big = wire.sync(wire.UPDATE, update([Block(5, 0, [text("x" * 9000)])]))
    async with open_socket(hostile_server.hocuspocus_url) as socket:
        await socket.send(string(room) + big)
        assert (await socket.closed()).code == TOO_BIG
    async with open_socket(hostile_server.hocuspocus_url) as socket:
        for _ in range(200):
            await socket.send(string(room) + wire.awareness([State(5, 1, {})]))
        assert (await socket.closed()).code in {TOO_BIG, BAD_MESSAGE}
    async with open_socket(hostile_server.hocuspocus_url) as socket:
        await socket.send(string(room) + wire.token("x" * 9000))
        assert (await socket.closed()).code in {TOO_BIG, BAD_MESSAGE}


@pytest.mark.parametrize(
    "name",
    ["", "a//b", "/a", "a/", ".", "..", "a/../b", "a\x01b", "a\nb", "\x7f", "x" * 256],
    ids=repr,
)
async def test_hocuspocus_names_that_are_no_rooms_are_refused(
    hostile_server: Server, name: str
) -> None:
    """ROOM-2: A document name that names no room opens none: denied in band or closed."""
    async with open_socket(hostile_server.hocuspocus_url) as socket:
        await socket.send(string(name) + wire.token(""))
        answer = await socket.receive_or_closed()
        if isinstance(answer, bytes):
            assert answer.startswith(string(name) + uint(wire.AUTH) + uint(wire.DENIED))
        else:
            assert answer.code in {4400, 4404}


@pytest.mark.parametrize(
    "path", ["", "a%2F%2Fb", "%2e%2e", "a/%2e/b", "%00", "%ff%fe", "a%09b", "x" * 256, "a//b"]
)
async def test_y_websocket_paths_that_name_no_room_are_refused(
    hostile_server: Server, path: str
) -> None:
    """ROOM-2: A path that names no room is closed with 4404."""
    async with open_socket(f"{hostile_server.collab_url}/{path}") as socket:
        assert (await socket.closed()).code == 4404


async def test_broadcast_stateless_is_refused(hostile_server: Server, room: str) -> None:
    """SCAN-13: Hocuspocus' message between servers, type 6, is none of a client's."""
    message = uint(wire.BROADCAST_STATELESS) + string("hello everybody")
    async with join(hostile_server, "hocuspocus", room) as member:
        await member.send(message)
        assert (await member.until_closed()).code == BAD_MESSAGE


async def test_foreign_origin_is_refused(hostile_server: Server, room: str) -> None:
    """ACC-8: A page of another site cannot open a websocket, one of this server's own can."""
    url = room_url(hostile_server.collab_url, room)
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{hostile_server.port + 1}"):
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(url, origin=origin):
                pass
        assert refused.value.response.status_code == 403
    async with (
        open_socket(url, origin=hostile_server.url) as socket,
        YWebsocketMember(socket) as member,
    ):
        await member.until(lambda: member.synced)


async def test_unknown_websocket_path_is_refused(hostile_server: Server) -> None:
    """There is nothing behind other paths."""
    for path in ("/", "/ws", "/v1/rooms", "/docs", "/hocuspocus/x", "/collab/a%0Ab"):
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(hostile_server.ws_url + path):
                pass
        assert refused.value.response.status_code in {403, 404}


async def test_document_name_with_a_session_is_one_document_each(
    hostile_server: Server, room: str
) -> None:
    """SYNC-6: Two sessions of one document on one socket are two members of one room."""
    async with open_socket(hostile_server.hocuspocus_url) as socket:
        left = HocuspocusMember(socket, f"{room}\0left")
        await left.send_token("")
        await left.send(wire.sync(wire.STEP_1, wire.EMPTY_STATE_VECTOR))
        frame = await socket.receive()
        assert frame == string(f"{room}\0left") + uint(2) + uint(2) + string("read-write")
