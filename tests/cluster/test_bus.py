"""Two nodes over one store hear each other through Redis, and do without it."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
from pycrdt import Doc, Map

from collab.cluster.envelope import BootEpoch, Envelope, NodeId, Sender, Updates
from collab.cluster.envelope_codec import encode_envelope, sender_tag
from collab.ids import RoomName, Sequence, room_key
from tests.support.nodes import has_all, heard, metric, running_nodes, setting, until_metric
from tests.support.oracle import Oracle, writers
from tests.support.redis_server import RedisServer
from tests.support.ws_client import join, y_websocket

ROOM: Final = "quartet"
SEED: Final = 5


async def test_edits_and_presence_cross(redis: RedisServer, tmp_path: Path) -> None:
    """BUS-4, BUS-8: an edit and a state made on either node are seen on the other at once."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        async with join(ann, "y-websocket", ROOM) as a, join(bob, "hocuspocus", ROOM) as b:
            await a.edit(setting("a", 1))
            await b.until(lambda: "a" in b.map, what="the other node's edit")
            await b.edit(setting("b", 2))
            await a.until(lambda: "b" in a.map, what="the other node's edit")
            await a.until_saved()
            await b.until_saved()
            await a.set_state({"at": 1})
            await b.set_state({"at": 2})
            await b.until(lambda: b.present().get(a.doc.client_id) == {"at": 1})
            await a.until(lambda: a.present().get(b.doc.client_id) == {"at": 2})


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [RedisServer.kill_and_start, RedisServer.flush, RedisServer.pause, RedisServer.cut_off],
)
async def test_nothing_is_lost_with_redis(
    redis: RedisServer, tmp_path: Path, fault: Callable[[RedisServer], None]
) -> None:
    """BUS-5: whatever happens to Redis, editing goes on, and all meet through the log."""
    oracle = Oracle()
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as nodes:
        await heard(*nodes)
        async with (
            writers(nodes[0], "a", SEED, pauses_s=(0.01, 0.05)) as mine,
            writers(nodes[1], "b", SEED, pauses_s=(0.01, 0.05)) as theirs,
        ):

            async def strike() -> None:
                await asyncio.sleep(1)
                await asyncio.to_thread(fault, redis)
                await asyncio.sleep(1.5)

            await oracle.watch_on(mine + theirs, asyncio.ensure_future(strike()))
            for writer in mine + theirs:
                await has_all(writer.member, oracle.saved[writer.room])
        for node in nodes:
            assert not await oracle.lost(node)
    assert oracle.acknowledged > 10


async def test_a_commit_crosses_redis_once_however_many_listen(
    redis: RedisServer, tmp_path: Path
) -> None:
    """BUS-6: 60 edits, one after the other, in a room of 20 clients on two nodes."""
    edits = 60
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        async with AsyncExitStack() as stack:
            members = [
                await stack.enter_async_context(join(node, "y-websocket", ROOM))
                for node in (ann, bob)
                for _ in range(10)
            ]
            before = await metric(ann, "bandpro_bus_envelopes_sent_total", kind="updates")
            appends = await metric(ann, "bandpro_appends_total")
            for number in range(edits):
                await members[0].edit(setting(f"k{number}", number))
                await members[0].until_saved()
            keys = {f"k{number}" for number in range(edits)}
            for member in members:
                await has_all(member, keys)
            sent = await metric(ann, "bandpro_bus_envelopes_sent_total", kind="updates") - before
            assert sent == await metric(ann, "bandpro_appends_total") - appends == edits
            received = await metric(bob, "bandpro_bus_envelopes_received_total", kind="updates")
            assert received == edits
        # All that Redis was ever asked to publish is what nodes said: nothing per member.
        published = redis.calls("publish")
        said = [await metric(node, "bandpro_bus_envelopes_sent_total") for node in (ann, bob)]
        assert published <= sum(said)


async def test_without_redis_nodes_meet_in_the_log(tmp_path: Path) -> None:
    """BUS-5: with `--bus log` there is nothing but the store."""
    async with (
        running_nodes(tmp_path, "ann", "bob", bus="log") as (ann, bob),
        join(ann, "y-websocket", ROOM) as a,
        join(bob, "hocuspocus", ROOM) as b,
    ):
        await a.edit(setting("a", 1))
        await has_all(b, {"a"})
        await b.edit(setting("b", 2))
        await has_all(a, {"b"})


async def test_nodes_start_and_serve_before_redis_does(tmp_path: Path) -> None:
    """BUS-5."""
    redis = RedisServer(tmp_path)
    try:
        async with (
            running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob),
            join(ann, "y-websocket", ROOM) as a,
            join(bob, "y-websocket", ROOM) as b,
        ):
            await a.edit(setting("a", 1))
            await has_all(b, {"a"})
            await a.set_state({"at": 1})
            await asyncio.to_thread(redis.start)
            await heard(ann, bob)
            await b.until(lambda: {"at": 1} in b.present().values(), what="presence from before")
    finally:
        redis.kill()


async def test_a_stranger_on_redis_is_not_believed(redis: RedisServer, tmp_path: Path) -> None:
    """BUS-2: neither what was changed, nor what was signed with another key, nor noise."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        async with join(ann, "y-websocket", ROOM) as a, join(bob, "y-websocket", ROOM) as b:
            await a.edit(setting("a", 1))
            await has_all(b, {"a"})
            channels = redis.ask("PUBSUB", "CHANNELS", f"bandpro:*:{room_key(RoomName(ROOM))}")
            forged = Envelope(
                Sender(NodeId("eve"), BootEpoch(1)),
                1,
                room_key(RoomName(ROOM)),
                Updates((forged_edit(),)),
                first=Sequence(2),
                last=Sequence(2),
            )
            tag = sender_tag(forged.sender)
            for frame in (b"", b"noise", encode_envelope(forged, b"x" * 40, tag)):
                redis.ask("PUBLISH", channels[0], frame)
            for node in (ann, bob):
                await until_metric(
                    node, "bandpro_bus_envelopes_dropped_total", 1, reason="signature"
                )
                await until_metric(node, "bandpro_bus_envelopes_dropped_total", 2, reason="version")
            await a.edit(setting("b", 2))
            await has_all(b, {"a", "b"})
            assert set(a.map.keys()) == set(b.map.keys()) == {"a", "b"}


def forged_edit() -> bytes:
    doc: Doc[Map[object]] = Doc()
    doc.get("map", type=Map)["forged"] = True
    return doc.get_update()


async def test_two_stores_with_one_key_do_not_meet(redis: RedisServer, tmp_path: Path) -> None:
    """BUS-12: a trial beside the real thing, started with its settings."""
    real, trial = tmp_path / "real", tmp_path / "trial"
    real.mkdir()
    trial.mkdir()
    async with (
        running_nodes(real, "ann", "bob", bus=redis.url) as (ann, bob),
        running_nodes(trial, "cec", bus=redis.url) as (cec,),
    ):
        await heard(ann, bob)
        await until_metric(cec, "bandpro_bus_up", 1)
        async with join(ann, "y-websocket", ROOM) as a, join(cec, "y-websocket", ROOM) as c:
            await a.edit(setting("real", 1))
            await c.edit(setting("trial", 1))
            await a.until_saved()
            await c.until_saved()
            await until_metric(bob, "bandpro_bus_envelopes_received_total", 3, kind="beat")
            assert set(a.map.keys()) == {"real"}
            assert set(c.map.keys()) == {"trial"}
        assert await metric(cec, "bandpro_bus_envelopes_received_total") == 0


async def test_presence_of_a_killed_node_goes(redis: RedisServer, tmp_path: Path) -> None:
    """BUS-9."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        async with join(bob, "y-websocket", ROOM) as b:
            async with join(ann, "y-websocket", ROOM) as a:
                await a.set_state({"at": 1})
                await b.until(lambda: {"at": 1} in b.present().values())
                ann.kill()
                await b.until(lambda: {"at": 1} not in b.present().values())
            # Long before the 30 s after which any state goes that is not renewed.
            assert await metric(bob, "bandpro_peers") == 0


async def test_a_node_that_stops_takes_its_presence_along(
    redis: RedisServer, tmp_path: Path
) -> None:
    """BUS-8, OPS-2: in good order, and with what it had accepted on the other node."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        async with join(bob, "y-websocket", ROOM) as b, join(ann, "y-websocket", ROOM) as a:
            await a.set_state({"at": 1})
            await b.until(lambda: {"at": 1} in b.present().values())
            await a.edit(setting("last", 1))
            await asyncio.gather(ann.terminate(), a.until_closed())
            await has_all(b, {"last"})
            await b.until(lambda: {"at": 1} not in b.present().values())
        await bob.terminate()


async def test_a_client_id_belongs_to_one_session_of_all_nodes(
    redis: RedisServer, tmp_path: Path
) -> None:
    """BUS-8: who uses another node's client id is refused as if both were on one node."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        async with (
            y_websocket(ann.collab_url, ROOM, client_id=41) as a,
            y_websocket(bob.collab_url, ROOM) as b,
        ):
            await a.set_state({"at": 1})
            await b.until(lambda: b.present().get(41) == {"at": 1})
            await b.set_state({"at": 2}, client_id=41)
            await b.set_state({"at": 3})
            await a.until(lambda: a.present().get(b.doc.client_id) == {"at": 3})
            assert a.present()[41] == b.present()[41] == {"at": 1}
