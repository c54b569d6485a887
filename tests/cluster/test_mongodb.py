"""Two nodes over one MongoDB: what the store promises to several writers, with a bus on top."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.mongodb import MongoServer, mongo_server
from tests.support.nodes import has_all, heard, metric, running_nodes
from tests.support.oracle import Oracle, writers
from tests.support.redis_server import redis_server

SEED: Final = 7


@pytest.fixture
def mongodb(tmp_path: Path) -> Iterator[MongoServer]:
    with mongo_server(tmp_path, "--sync-on-commit") as server:
        yield server


@pytest.mark.slow
async def test_a_killed_node_on_mongodb_loses_nothing(mongodb: MongoServer, tmp_path: Path) -> None:
    """BUS-4, BUS-5: both nodes write in the same rooms; one is killed, then Redis as well."""
    oracle = Oracle()
    store = ["--store", f"{mongodb.url}/rooms"]
    with redis_server(tmp_path) as redis:
        async with running_nodes(tmp_path, "ann", "bob", bus=redis.url, store=store) as nodes:
            await heard(*nodes)
            pauses_s = (0.01, 0.05)
            async with writers(nodes[1], "b", SEED, pauses_s=pauses_s) as staying:
                writing = asyncio.ensure_future(asyncio.sleep(3))
                lasting = asyncio.create_task(oracle.watch_on(staying, writing))
                async with writers(nodes[0], "a", SEED, pauses_s=pauses_s) as leaving:
                    killing = asyncio.ensure_future(asyncio.sleep(1.5))
                    killing.add_done_callback(lambda _: nodes[0].kill())
                    await oracle.watch(leaving, killing)
                redis.kill()
                await lasting
                for writer in staying:
                    await has_all(writer.member, oracle.saved[writer.room])
                assert await metric(nodes[1], "bandpro_peer_rows_total") > 0
            assert not await oracle.lost(nodes[1])
    assert oracle.acknowledged > 10
