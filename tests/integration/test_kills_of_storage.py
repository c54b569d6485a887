"""A server on MongoDB and S3 under load: each of the three is killed, again and again.

Compactions and automatic versions are forced to run all the time, and every write to S3 takes
`WRITE_MS`, so that kills can be aimed into the middle of them. Every second kill is; the others
come at any moment. S3 is killed in the middle of a write every time.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from collab.ids import room_key
from persistence.backup.verifying import verify_store
from persistence.build import S3Limits, StoreSettings, open_stores
from persistence.capture import all_manifests
from persistence.versions import list_versions, read_version
from tests.support.counts import repeats
from tests.support.killable_s3 import KillableS3
from tests.support.mongodb import MongoServer
from tests.support.oracle import Oracle, Writer, damage_in, writers
from tests.support.s3 import CREDENTIALS, Bucket, new_bucket
from tests.support.server import Server, running_server

SEED: Final = 83
SERVER_KILLS: Final = repeats(10, proof=100)
MONGODB_KILLS: Final = repeats(5, proof=50)
S3_KILLS: Final = repeats(5, proof=50)

WRITE_MS: Final = 60
WRITES: Final = ("/snapshots/", "/versions/")
WRITE_WITHIN_S: Final = 60.0
LASTING: Final = "oracle/lasting"
# Writers leave the node time for compactions, which wait under load.
PAUSES_S: Final = (0.01, 0.02, 0.05)
OFTEN: Final = {
    "BANDPRO_COMPACTION_TAIL_UPDATES": "20",
    "BANDPRO_VERSION_INTERVAL_MS": "0",
    "BANDPRO_VERSION_EDITS": "1",
    "BANDPRO_UNLOAD_AFTER_MS": "1000",
}
HASTY: Final = {
    "BANDPRO_APPEND_RETRY_MS_MAX": "300",
    "BANDPRO_MONGODB_OPERATION_TIMEOUT_MS": "1000",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is kept."""

    mongodb: MongoServer
    s3: KillableS3
    bucket: Bucket

    @property
    def options(self) -> list[str]:
        assert self.bucket.service.endpoint
        return [
            *("--rate-limits", "off"),
            *("--store", f"{self.mongodb.url}/rooms"),
            *("--blobs", self.bucket.url),
            *("--blobs-endpoint", self.bucket.service.endpoint, "--blobs-path-style", "on"),
        ]

    @property
    def settings(self) -> StoreSettings:
        limits = S3Limits(endpoint=self.bucket.service.endpoint, path_style=True)
        return StoreSettings(f"{self.mongodb.url}/rooms", blobs_url=self.bucket.url, s3=limits)

    def await_moment(self, draw: random.Random, number: int) -> bool:
        """Wait until it is time to strike; return whether that is in the middle of a write."""
        if number % 2:
            time.sleep(draw.uniform(0.1, 1.5))
        else:
            self.await_write(WRITES)
            time.sleep(draw.uniform(0, 2 * WRITE_MS / 1000))  # what follows the write, as well
        return is_folding(self.s3.unanswered())

    def await_write(self, kinds: tuple[str, ...]) -> None:
        begun = self.s3.await_write(kinds, within_s=WRITE_WITHIN_S)
        assert begun is not None, "nothing was compacted and no version was made"


def is_folding(paths: tuple[str, ...]) -> bool:
    return any(kind in path for path in paths for kind in WRITES)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    mongodb = MongoServer(tmp_path, "--sync-on-commit")
    s3 = KillableS3(tmp_path, delay_ms=WRITE_MS)
    try:
        mongodb.start()
        s3.start()
        yield Places(mongodb, s3, new_bucket(s3.service))
    finally:
        mongodb.kill()
        s3.kill()


class Tally:
    """What a test counts, for the table of proofs.

    Args:
        record: pytest's `record_property`.
    """

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record = record
        self.in_writes = 0

    async def close(self, kills: int, oracle: Oracle, places: Places, server: Server) -> None:
        """Write on, look in a new process for all that was ever acknowledged, read all there is."""
        await write_on(server, places, oracle)
        await server.restart()
        assert await oracle.lost(server) == {}
        assert damage_in(server) == []
        await server.terminate()
        snapshots, versions = await read_all(places.settings)
        self._record("kills", kills)
        self._record("in the middle of a write to S3", self.in_writes)
        self._record("acknowledged", oracle.acknowledged)
        self._record("lost", 0)
        self._record("snapshots read back", snapshots)
        self._record("versions read back", versions)
        assert oracle.acknowledged > 2 * kills, "too little was acknowledged to prove anything"
        assert self.in_writes >= kills // 5
        assert snapshots
        assert versions


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    return Tally(record_property)


async def write_on(server: Server, places: Places, oracle: Oracle) -> None:
    """Nobody has to do anything for edits to be saved, logs compacted and versions made again."""
    rooms = (LASTING, "oracle/afterwards")
    async with writers(server, "after", SEED, rooms=rooms, pauses_s=PAUSES_S) as made:
        each = (asyncio.to_thread(places.await_write, (kind,)) for kind in WRITES)
        await oracle.watch_on(made, asyncio.gather(*each))


async def read_all(settings: StoreSettings) -> tuple[int, int]:
    """Verify a store; how many snapshots its manifests name, and how many versions there are."""
    snapshots = versions = 0
    async with await open_stores(settings) as stores:
        report = await verify_store(stores)
        assert report.findings == []
        async for manifest in all_manifests(stores):
            for ref in manifest.snapshots:
                assert await stores.snapshots.get(room_key(manifest.name), ref)
                snapshots += 1
            for version in await list_versions(stores, manifest.name):
                assert await read_version(stores, manifest.name, version)
                versions += 1
    return snapshots, versions


def rooms_of(number: int) -> tuple[str, str]:
    """One that grows over all rounds, and one that makes its first version in this round."""
    return LASTING, f"oracle/round {number}"


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_acknowledged_edits_survive_kills_of_the_server_on_mongodb_and_s3(
    places: Places, tally: Tally, tmp_path: Path
) -> None:
    """ACK-2: Edits that a server on MongoDB and S3 acknowledged survive kill -9 of it."""
    draw = random.Random(SEED)
    oracle = Oracle()

    def strike(server: Server, number: int) -> None:
        tally.in_writes += places.await_moment(draw, number)
        server.kill()

    async with running_server(tmp_path, env=OFTEN | CREDENTIALS, args=places.options) as server:
        for number in range(SERVER_KILLS):
            rooms = rooms_of(number)
            async with writers(server, f"{number}", SEED, rooms=rooms, pauses_s=PAUSES_S) as made:
                struck = asyncio.ensure_future(asyncio.to_thread(strike, server, number))
                await oracle.watch(made, struck)
            await server.start()
            assert await oracle.lost(server, rooms) == {}
        await tally.close(SERVER_KILLS, oracle, places, server)


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_acknowledged_edits_survive_kills_of_mongodb_beside_s3(
    places: Places, tally: Tally, tmp_path: Path
) -> None:
    """STO-25, ACK-7: MongoDB killed under a server on MongoDB and S3: nothing acknowledged is lost.

    The server saves again by itself.
    """
    draw = random.Random(SEED)
    oracle = Oracle()

    def strike(number: int) -> None:
        tally.in_writes += places.await_moment(draw, number)
        places.mongodb.kill()

    env = OFTEN | HASTY | CREDENTIALS
    async with running_server(tmp_path, env=env, args=places.options) as server:
        pid = server.process.pid
        for number in range(MONGODB_KILLS):
            rooms = rooms_of(number)
            async with writers(server, f"{number}", SEED, rooms=rooms, pauses_s=PAUSES_S) as made:
                struck = asyncio.ensure_future(asyncio.to_thread(strike, number))
                closes = await oracle.watch(made, struck)
            assert all(c.code == 1011 or 4500 <= c.code < 4600 for c in closes), closes
            await asyncio.to_thread(places.mongodb.start)
            await asyncio.to_thread(server._await_ready)
            assert await oracle.lost(server, rooms) == {}
        assert server.process.pid == pid
        assert server.alive
        await tally.close(MONGODB_KILLS, oracle, places, server)


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_acknowledged_edits_survive_kills_of_s3_in_the_middle_of_writes(
    places: Places, tally: Tally, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """STO-33: S3 killed in the middle of a write: edits are saved meanwhile, nothing is lost.

    Compaction and versions go on by themselves once it is there again.
    """
    draw = random.Random(SEED)
    oracle = Oracle()
    while_down = 0

    def strike() -> None:
        places.await_write(WRITES)
        time.sleep(draw.uniform(0, WRITE_MS / 1000))
        tally.in_writes += is_folding(places.s3.kill())

    async def outage(made: list[Writer], *, until_written: bool) -> None:
        nonlocal while_down
        await asyncio.to_thread(strike)
        before = sum(len(writer.saved()) for writer in made)
        await asyncio.sleep(draw.uniform(0.1, 0.5))
        while_down += sum(len(writer.saved()) for writer in made) - before
        await asyncio.to_thread(places.s3.start)
        if until_written:
            await asyncio.to_thread(places.await_write, WRITES)

    async with running_server(tmp_path, env=OFTEN | CREDENTIALS, args=places.options) as server:
        pid = server.process.pid
        for number in range(S3_KILLS):
            rooms = rooms_of(number)
            async with writers(server, f"{number}", SEED, rooms=rooms, pauses_s=PAUSES_S) as made:
                harm = outage(made, until_written=number % 5 == 0)
                await oracle.watch_on(made, asyncio.ensure_future(harm))
            await asyncio.to_thread(server._await_ready)
            assert await oracle.lost(server, rooms) == {}
        assert server.process.pid == pid
        assert server.alive
        record_property("acknowledged while S3 was down", while_down)
        assert while_down > S3_KILLS
        await tally.close(S3_KILLS, oracle, places, server)
