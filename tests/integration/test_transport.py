"""The same promises both ways: on the transport itself, and over plain ASGI messages."""

import asyncio
from collections.abc import Callable, Iterator
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Final

import pytest
from pycrdt import Doc, Map

from tests.support import wire
from tests.support.http import metrics_text
from tests.support.server import Server, serving
from tests.support.wire import string
from tests.support.ws_client import PROTOCOLS, Member, join, open_socket, room_url

WAYS: Final = ("auto", "asgi")
MIB: Final = 2**20
PIECE: Final = 60_000
# More than the sockets' own buffers and `outbox_bytes_max` take.
FLOOD: Final = 600
CUT_WITHIN_S: Final = 40.0
CUT: Final = 'bandpro_closes_total{code="4509"}'
KEYSTROKES: Final = 1_200


@pytest.fixture(scope="module", params=WAYS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of each way, with a small outbox and without rates."""
    env = {
        "BANDPRO_TRANSPORT": request.param,
        "BANDPRO_OUTBOX_BYTES_MAX": "1MiB",
        # Compaction and versions take memory of their own, at times of their own.
        "BANDPRO_AUTOMATIC_VERSIONS": "off",
        "BANDPRO_COMPACTION_TAIL_UPDATES": "1000000",
        "BANDPRO_COMPACTION_TAIL_BYTES": "1GiB",
    }
    home = tmp_path_factory.mktemp(request.param)
    with serving(home, env=env, args=["--rate-limits", "off"]) as running:
        yield running


def metric(server: Server, name: str) -> float:
    """A metric's value, labels in its name; 0 before it is first counted."""
    for line in metrics_text(server).splitlines():
        if line.startswith(f"{name} "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_edits_and_states_reach_everybody_and_are_saved(
    server: Server, room: str, protocol: str
) -> None:
    """SYNC-1, AWR-1: Over both protocols, and what was there before somebody came as well."""
    async with join(server, protocol, room) as writer, join(server, "y-websocket", room) as witness:
        await writer.edit(lambda member: member.map.update({"a": 1}))
        await writer.set_state({"here": True})
        await writer.until_saved()
        await witness.until(lambda: witness.map.get("a") == 1)
        await witness.until(lambda: writer.doc.client_id in witness.present())
        async with join(server, "hocuspocus", room) as late:
            await late.until(lambda: late.map.get("a") == 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_messages_of_one_connection_keep_their_order(
    server: Server, room: str, protocol: str
) -> None:
    """SYNC-24: A flood of keystrokes, with large ones among them, comes in order."""
    async with join(server, protocol, room) as writer, join(server, "y-websocket", room) as witness:
        for number in range(KEYSTROKES):
            letters = "x" * PIECE if number % 500 == 250 else str(number % 10)
            await writer.edit(lambda member, letters=letters: member.text.insert(  # type: ignore[misc]
                len(str(member.text)), letters
            ))  # fmt: skip
        await writer.until_saved(within_s=60)
        await witness.until(lambda: str(witness.text) == str(writer.text), within_s=60)


async def test_an_idle_neighbour_is_answered_while_another_floods(
    server: Server, room: str
) -> None:
    """LIM-19: Whoever sends without end takes turns; nobody is shut out meanwhile."""
    async with (
        join(server, "y-websocket", room) as flooding,
        join(server, "y-websocket", f"{room}-next-door") as neighbour,
    ):
        updates = keystrokes(KEYSTROKES)
        for update in updates:
            await flooding.socket.send(wire.sync(wire.UPDATE, update))
        await neighbour.edit(lambda member: member.map.update({"served": True}))
        await neighbour.until_saved()


def keystrokes(count: int) -> list[bytes]:
    """Updates of one replica that types."""
    doc: Doc[Map[object]] = Doc()
    shared = doc.get("map", type=Map)
    updates = []
    for number in range(count):
        before = doc.get_state()
        shared["key"] = number
        updates.append(doc.get_update(before))
    return updates


@pytest.mark.parametrize(
    ("sent", "code"),
    [("a text", 4400), (b"\x09", 4400), (b"\x00\x02" + bytes(3 * MIB), 1009)],
    ids=["text", "garbage", "too large"],
)
async def test_what_breaks_the_rules_closes_its_sender_alone(
    server: Server, room: str, sent: bytes | str, code: int
) -> None:
    """LIM-9, SCAN-3: With the code that says why."""
    async with join(server, "y-websocket", room) as bystander:
        async with open_socket(room_url(server.collab_url, room)) as socket:
            await socket.send(sent)
            assert (await socket.closed()).code == code
        await bystander.edit(lambda member: member.map.update({"served": True}))
        await bystander.until_saved()


async def test_a_refused_foreign_document_is_told_in_band(server: Server, room: str) -> None:
    """ROOM-2: On a shared socket that stays open."""
    async with open_socket(server.hocuspocus_url) as socket:
        await socket.send(string("..") + wire.token(""))
        assert (await socket.receive()).startswith(string(".."))
        await socket.send(string(room) + wire.token(""))
        assert (await socket.receive()).startswith(string(room))


async def flood(writer: Member, witness: Member, letter: str) -> str:
    """Replace one large value again and again; returns the last, which the witness has seen."""
    value = ""
    for number in range(FLOOD):
        value = f"{number} {letter * PIECE}"
        await writer.edit(lambda member, value=value: member.map.update({"key": value}))  # type: ignore[misc]
        if number % 20 == 19:
            await writer.until_saved(within_s=60)
    await witness.until(lambda: witness.map.get("key") == value, within_s=60)
    return value


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_stops_reading_costs_a_bound_and_catches_up_or_is_cut(
    server: Server, room: str, protocol: str
) -> None:
    """LIM-7, SYNC-18: Others notice nothing; reading again brings all that was missed at once.

    Not reading on ends the connection after a while.
    """
    async with (
        join(server, "y-websocket", room) as writer,
        join(server, "hocuspocus", room) as witness,
        join(server, protocol, room) as stalled,
    ):
        transport = stalled.socket.connection.transport
        # Some systems would take in the whole flood for it, before the server notices.
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, MIB)
        # What the document and the store cost is paid by a first round, in which all read.
        await flood(writer, witness, "a")
        behind = metric(server, "bandpro_outbox_overflows_total")
        cuts = metric(server, CUT)
        transport.pause_reading()
        before = server.rss_bytes()
        last = await flood(writer, witness, "b")
        grown = server.rss_bytes() - before
        assert metric(server, "bandpro_outbox_overflows_total") > behind
        if grown >= FLOOD * PIECE / 2:
            # What the work itself takes may come late, but once; what is kept, with each flood.
            before = server.rss_bytes()
            last = await flood(writer, witness, "d")
            grown = server.rss_bytes() - before
        assert grown < FLOOD * PIECE / 2, "it was kept for the one who does not read"
        seen = stalled.frames_seen
        transport.resume_reading()
        await stalled.until(lambda: stalled.map.get("key") == last, within_s=60)
        assert stalled.frames_seen - seen < FLOOD, "what it missed came as one update"
        transport.pause_reading()
        await flood(writer, witness, "c")
        await until(lambda: metric(server, CUT) > cuts)
        await writer.edit(lambda member: member.map.update({"after": True}))
        await witness.until(lambda: witness.map.get("after") is True)


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again; metrics are no event that one could wait for."""
    async with asyncio.timeout(CUT_WITHIN_S):
        while not condition():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.2)
