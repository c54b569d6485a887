"""What stock clients call saved is on the disk."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.stock import (
    HOCUSPOCUS,
    Y_WEBSOCKET,
    rendered,
    stock,
)
from tests.support.http import stored_update
from tests.support.server import Server, running_server
from tests.support.ws_client import hocuspocus, y_websocket


@contextmanager
def store_held(server: Server) -> Iterator[None]:
    """Keep the store's write lock, so that nothing can be committed meanwhile."""
    (database,) = (path for path in server.data.rglob("*") if is_database(path))
    holder = sqlite3.connect(database, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()


def is_database(path: Path) -> bool:
    """Whether a file begins as SQLite databases do."""
    return path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_unsynced_changes_reach_nought(server: Server, room: str, kind: str) -> None:
    """ACK-4: Edits one by one and in bursts are all acknowledged, exactly once each."""
    async with stock(server, kind, room) as client:
        await client.until_synced()
        await client.until_saved()
        for number in range(5):
            await client.set("n", number)
            await client.until("unsynced", equals=0)
        await client.edits([{"op": "insert", "index": 0, "text": "x"}] * 200)
        await client.until_saved()
        assert rendered(await stored_update(server, room))["text"] == "x" * 200


@pytest.mark.parametrize("kind", HOCUSPOCUS)
async def test_unsynced_changes_reach_nought_after_offline_edits(
    server: Server, room: str, kind: str
) -> None:
    """What was written offline is counted and acknowledged after the reconnect, repeatedly.

    Bears ACK-4.
    """
    async with stock(server, kind, room) as client:
        await client.until_saved()
        for turn in range(3):
            await client.go_offline()
            await client.edits([{"op": "insert", "index": 0, "text": f"{turn}"}] * 7)
            await client.go_online()
            await client.until_synced()
            await client.until_saved()
            assert len(str(rendered(await stored_update(server, room))["text"])) == 7 * (turn + 1)
        await client.do("cut")
        await client.edits([{"op": "insert", "index": 0, "text": "c"}] * 7)
        await client.until("closes", contains="1006")
        await client.until_synced()
        await client.until_saved()
        assert str(rendered(await stored_update(server, room))["text"]).startswith("c" * 7)


async def test_merged_batches_are_acknowledged(server: Server, room: str) -> None:
    """ACK-4: Version 4 with `flushDelay` counts one change for each batch, and reaches nought."""
    async with stock(server, "hocuspocus-4", room, flushDelay=1000) as client:
        await client.until_saved()
        for _ in range(3):
            await client.edits([{"op": "insert", "index": 0, "text": "b"}] * 50)
            assert await client.part("unsynced") == 1
            await client.until_saved()
        assert rendered(await stored_update(server, room))["text"] == "b" * 150


async def test_force_sync_is_acknowledged(server: Server, room: str) -> None:
    """ACK-4: A provider that syncs again by the clock still reaches nought."""
    async with stock(server, "hocuspocus-3", room, forceSyncInterval=300) as client:
        await client.until_saved()
        await client.set("a", 1)
        await client.until_saved()


async def test_saved_is_said_only_after_the_commit(tmp_path: Path) -> None:
    """While the store cannot commit, others see an edit and its author is not told it is saved.

    Bears ACK-1, ACK-3.
    """
    async with (
        running_server(tmp_path) as server,
        stock(server, "hocuspocus-3", "held") as v3,
        stock(server, "hocuspocus-4", "held") as v4,
        hocuspocus(server.hocuspocus_url, "held") as raw,
        y_websocket(server.collab_url, "held") as y_raw,
    ):
        for client in (v3, v4):
            await client.set("ready", "yes")
            await client.until_saved()
        for member in (raw, y_raw):
            await member.until(lambda member=member: member.synced)  # type: ignore[misc]
            await member.until_saved()
        with store_held(server):
            await v3.set("by-3", 3)
            await v4.set("by-4", 4)
            await raw.edit(lambda member: member.map.update({"by-raw": 5}))
            await y_raw.edit(lambda member: member.map.update({"by-y": 6}))
            for client in (v3, v4):
                await client.until("map", "by-y", equals=6)
                await client.until("map", "by-raw", equals=5)
            # Nothing may happen now; there is no event to wait for, only time to give.
            await asyncio.sleep(1)
            assert await v3.part("unsynced") == 1
            assert await v4.part("unsynced") == 1
            assert len(raw.unacknowledged) == 1
            assert len(y_raw.unacknowledged) == 1
        for client in (v3, v4):
            await client.until_saved()
        for member in (raw, y_raw):
            await member.until_saved()
        server.kill()
        await server.start()
        found = rendered(await stored_update(server, "held"))["map"]
        assert found == {"ready": "yes", "by-3": 3, "by-4": 4, "by-raw": 5, "by-y": 6}


@pytest.mark.parametrize("kind", Y_WEBSOCKET)
async def test_author_gets_own_update_back(server: Server, room: str, kind: str) -> None:
    """y-websocket clients receive their own update once it is saved, and take no harm from it.

    Bears ACK-5.
    """
    async with stock(server, kind, room) as client, y_websocket(server.collab_url, room) as raw:
        await client.until_synced()
        await client.insert("mine")
        await raw.until(lambda: str(raw.text) == "mine")
        await raw.edit(lambda member: member.map.update({"k": "v"}))
        await raw.until_saved()
        await client.until("map", "k", equals="v")
        assert await client.part("text") == "mine"
