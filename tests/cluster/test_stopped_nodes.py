"""A process that was stopped for longer than its lease commits nothing, wherever it was stopped."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collab.cluster.envelope import BootEpoch, NodeId, Sender
from collab.cluster.members import NodeReport
from collab.errors import LeaseHeld
from collab.ids import FIRST_EPOCH, NO_SEQUENCE, room_key, room_name
from gateway.cluster.membership import Membership
from gateway.cluster.turns import Turns
from gateway.observe.metrics import Metrics
from persistence.build import StoreSettings, open_stores
from persistence.compaction import CompactionStatus, compact
from persistence.loading import load_room
from persistence.manifests import ensure_manifest, read_manifest
from persistence.stores import Stores
from tests.cluster.stopped_compactor import LIMITS
from tests.contract.edits import merge_here, text_of, typed
from tests.support.mongodb import mongodb, new_database
from tests.support.sources import ROOT

NAME = room_name("band/setlist")
ROOM = room_key(NAME)
WORDS = ["one ", "two ", "three ", "four "]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with mongodb(tmp_path) as running:
        yield new_database(running)


@asynccontextmanager
async def compactor(url: str, point: str, skew_s: float) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.cluster.stopped_compactor", url, point, str(skew_s)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(process: Process) -> str:
    """The next word on its standard output, where its log is as well."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode().strip():
            if line in {"here", "done", "lost", "failed"}:
                return line
    return "nothing"


async def compacted_by_another_node(stores: Stores) -> int:
    """Take over as soon as the lease is over; the sequence that the new snapshot holds."""
    sender = Sender(NodeId("bob"), BootEpoch(2))
    membership = Membership(stores, sender, lambda: NodeReport(sender.node, sender.boot), Metrics())
    turns = Turns(membership, stores.leases, Metrics())
    async with asyncio.timeout(60):
        while True:
            try:
                async with turns.turn(ROOM):
                    outcome = await compact(stores, NAME, merge_here, limits=LIMITS)
            except LeaseHeld:
                await asyncio.sleep(0.1)
            else:
                assert outcome.status is CompactionStatus.DONE
                assert outcome.snapshot is not None
                return outcome.snapshot.sequence


@pytest.mark.parametrize(
    ("point", "skew_s", "ends"),
    [
        ("merged", 0.0, "failed"),  # it notices that its turn is over
        ("stored", 0.0, "lost"),  # past that look, the compare-and-set refuses it
        ("stored", -86_400.0, "lost"),  # its own clock plays no part
    ],
)
async def test_node_stopped_past_its_lease_commits_no_stale_compaction(
    url: str, point: str, skew_s: float, ends: str
) -> None:
    """NODE-8, NODE-9."""
    rows = typed(WORDS)
    async with await open_stores(StoreSettings(url)) as stores:
        await ensure_manifest(stores, NAME)
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=NO_SEQUENCE, updates=rows[:3])
        async with compactor(url, point, skew_s) as process:
            assert await said(process) == "here"
            process.send_signal(signal.SIGSTOP)
            await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=3, updates=rows[3:])  # type: ignore[arg-type] # a literal
            assert await compacted_by_another_node(stores) == 4
            before = await read_manifest(stores, NAME)
            process.send_signal(signal.SIGCONT)
            assert process.stdin is not None
            process.stdin.write(b"\n")
            assert await said(process) == ends
        assert await read_manifest(stores, NAME) == before
        loaded = await load_room(stores, NAME)
        assert text_of(loaded.updates) == "".join(WORDS)
