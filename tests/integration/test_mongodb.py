"""A server on MongoDB: killed under load, and MongoDB killed under it."""

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from collab.errors import StoreUnavailable
from persistence.build import StoreSettings, open_stores
from tests.support.counts import repeats
from tests.support.mongodb import MongoServer, mongo_server
from tests.support.oracle import Oracle, Writer, writers
from tests.support.server import running_server

SEED: Final = 47
SERVER_KILLS: Final = repeats(1, proof=100)
MONGODB_KILLS: Final = repeats(1, proof=50)
FEW: Final = 5
"""A server is struck after so many acknowledgements at the earliest, however slow the machine."""
SMALL_LOG: Final = {"BANDPRO_COMPACTION_TAIL_UPDATES": "40"}


@pytest.fixture
def mongodb(tmp_path: Path) -> Iterator[MongoServer]:
    # SecantusDB heeds the journalling that single writes ask for, but not that of a transaction's
    # commit; mongod does both.
    with mongo_server(tmp_path, "--sync-on-commit") as server:
        yield server


def options(mongodb: MongoServer) -> list[str]:
    return ["--rate-limits", "off", "--store", f"{mongodb.url}/rooms"]


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_acknowledged_edits_survive_kills_of_the_server_on_mongodb(
    mongodb: MongoServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Edits that a server on MongoDB acknowledged survive kill -9 of it at random moments.

    Bears ACK-2.
    """
    draw = random.Random(SEED)
    oracle = Oracle()
    async with running_server(tmp_path, env=SMALL_LOG, args=options(mongodb)) as server:
        for number in range(SERVER_KILLS):
            async with writers(server, f"round{number}", SEED) as made:
                strike = asyncio.ensure_future(
                    after_acknowledgements(made, draw.uniform(0.1, 0.5), server.kill)
                )
                await oracle.watch(made, strike)
            await server.start()
            assert not await oracle.lost(server)
    record_property("kills", SERVER_KILLS)
    record_property("acknowledged", oracle.acknowledged)
    record_property("lost", 0)
    assert oracle.acknowledged > FEW * SERVER_KILLS


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_acknowledged_edits_survive_kills_of_mongodb(
    mongodb: MongoServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """MongoDB killed in the middle of writing: nothing acknowledged is lost, saving resumes.

    Bears STO-25, ACK-7.
    """
    draw = random.Random(SEED)
    oracle = Oracle()
    env = SMALL_LOG | {
        "BANDPRO_APPEND_RETRY_MS_MAX": "300",
        "BANDPRO_MONGODB_OPERATION_TIMEOUT_MS": "1000",
    }
    async with running_server(tmp_path, env=env, args=options(mongodb)) as server:
        pid = server.process.pid
        for number in range(MONGODB_KILLS):
            async with writers(server, f"round{number}", SEED) as made:
                strike = asyncio.ensure_future(
                    after_acknowledgements(made, draw.uniform(0.1, 0.5), mongodb.kill)
                )
                closes = await oracle.watch(made, strike)
            assert all(c.code == 1011 or 4500 <= c.code < 4600 for c in closes), closes
            await asyncio.to_thread(mongodb.start)
            await asyncio.to_thread(server._await_ready)
            assert not await oracle.lost(server)
        assert server.process.pid == pid
        assert server.alive
    record_property("kills", MONGODB_KILLS)
    record_property("acknowledged", oracle.acknowledged)
    record_property("lost", 0)
    assert oracle.acknowledged > FEW * MONGODB_KILLS


async def after(delay_s: float, strike: Callable[[], None]) -> None:
    """Strike at a moment that nothing is waiting for."""
    await asyncio.sleep(delay_s)
    strike()


async def test_mongodb_without_a_replica_set_is_refused(tmp_path: Path) -> None:
    """STO-23."""
    with (
        mongo_server(tmp_path, "--standalone") as server,
        pytest.raises(StoreUnavailable, match="without a replica set"),
    ):
        await open_stores(StoreSettings(f"{server.url}/rooms"))


async def after_acknowledgements(
    made: list[Writer], delay_s: float, strike: Callable[[], None]
) -> None:
    """The same, once saving goes on: what a killed node had begun is waited for first."""
    async with asyncio.timeout(30):
        while sum(len(writer.saved()) for writer in made) <= FEW:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    await after(delay_s, strike)
