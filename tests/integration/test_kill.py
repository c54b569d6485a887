"""kill -9: what was acknowledged is there afterwards, wherever the process was struck."""

import asyncio
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from websockets.exceptions import InvalidMessage

from tests.support.counts import repeats
from tests.support.oracle import Oracle, writers
from tests.support.server import Server, running_server
from tests.support.ws_client import join

SEED: Final = 1685
# Compaction runs again and again during the rounds, so that some kills strike it as well.
SMALL_LOG: Final = {"BANDPRO_COMPACTION_TAIL_UPDATES": "40"}
# Opening a room writes as well, so the process may be gone before the writers have joined.
STRUCK_EARLY: Final = (AssertionError, OSError, InvalidMessage)
UNLIMITED: Final = ["--rate-limits", "off"]


@pytest.mark.prove
@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_acknowledged_edits_survive_kills_at_random_moments(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """ACK-2: Edits of both protocols that were acknowledged survive kill -9 at random moments."""
    rounds = repeats(5, proof=200)
    draw = random.Random(SEED)
    oracle = Oracle()
    async with running_server(tmp_path, env=SMALL_LOG, args=UNLIMITED) as server:
        for number in range(rounds):
            async with writers(server, f"round{number}", SEED) as made:
                strike = asyncio.ensure_future(kill_after(server, draw.uniform(0.01, 0.5)))
                await oracle.watch(made, strike)
            await server.start()
            lost = await oracle.lost(server)
            assert not lost, f"round {number}: {lost}"
    record_property("kills", rounds)
    record_property("edits", oracle.sent)
    record_property("acknowledged", oracle.acknowledged)
    record_property("lost", 0)
    assert oracle.acknowledged > rounds, "too little was acknowledged to prove anything"


async def kill_after(server: Server, delay_s: float) -> None:
    """Strike at a moment that nothing is waiting for."""
    await asyncio.sleep(delay_s)
    server.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    "failpoint",
    [
        "append.before_commit=kill@1",
        "append.before_commit=kill@17",
        "append.after_commit=kill@17",
        "acknowledge.before_send=kill@17",
        "acknowledge.after_send=kill@17",
        "snapshot.before_commit=kill@2",
        "snapshot.after_put=kill@2",
        "manifest.before_commit=kill@3",
        "manifest.after_commit=kill@3",
        "trim.before_commit=kill@1",
        "trim.after_commit=kill@1",
    ],
)
async def test_acknowledged_edits_survive_a_kill_at(tmp_path: Path, failpoint: str) -> None:
    """Struck around a commit, an acknowledgement or a compaction, the process loses nothing.

    Bears ACK-2.
    """
    oracle = Oracle()
    async with running_server(tmp_path, env=SMALL_LOG, args=UNLIMITED) as server:
        async with writers(server, "before", SEED) as made:
            await oracle.watch(made, asyncio.ensure_future(kill_after(server, 0.2)))
        server.args = [*UNLIMITED, "--failpoints", failpoint]
        await server.start()
        with suppress(*STRUCK_EARLY):
            async with writers(server, "during", SEED) as made:
                await oracle.watch(made, asyncio.ensure_future(struck(server)))
        await struck(server)
        assert server.process.returncode == -signal.SIGKILL
        server.args = UNLIMITED
        await server.start()
        assert await oracle.lost(server) == {}
        async with writers(server, "after", SEED) as made:
            await oracle.watch(made, asyncio.ensure_future(kill_after(server, 0.2)))
        await server.start()
        assert await oracle.lost(server) == {}


async def struck(server: Server) -> None:
    """Wait until the process has killed itself."""
    await asyncio.to_thread(server.process.wait, 60)


async def test_failed_append_is_tried_again(tmp_path: Path) -> None:
    """An append that fails once is repeated: the edit is acknowledged and nobody is closed.

    Bears ACK-6.
    """
    failing = ["--failpoints", "append.before_commit=error@2"]
    async with running_server(tmp_path, args=failing) as server:
        async with join(server, "hocuspocus", "retry") as member:
            for number in range(5):
                await member.edit(lambda m, number=number: m.map.update({str(number): number}))  # type: ignore[misc]
                await member.until_saved()
        server.kill()
        await server.start()
        async with join(server, "y-websocket", "retry") as newcomer:
            assert set(newcomer.map.keys()) == {"0", "1", "2", "3", "4"}


@pytest.mark.parametrize("protocol", ["y-websocket", "hocuspocus"])
async def test_appends_that_keep_failing_end_the_sessions(tmp_path: Path, protocol: str) -> None:
    """When the store stays broken, nothing is acknowledged and everybody is told to come back.

    Bears ACK-7.
    """
    env = {"BANDPRO_APPEND_RETRY_MS_MAX": "200"}
    failing = ["--failpoints", "append.before_commit=error", "--demo", "off"]
    async with running_server(tmp_path, env=env, args=failing) as server:
        async with join(server, protocol, "broken") as member:
            await member.edit(lambda m: m.map.update({"lost": 1}))
            closed = await member.until_closed()
            assert closed.code == 1011 or 4500 <= closed.code < 4600, closed
            assert not any(update for update in member.acknowledged if b"lost" in update)
            server.kill()
            server.args = []
            await server.start()
            async with join(server, protocol, "broken") as again:
                # What the client still has comes back with its next step 2.
                await again.send_update(member.doc.get_update())
                await again.until_saved()
        server.kill()
        await server.start()
        async with join(server, "y-websocket", "broken") as newcomer:
            assert newcomer.map.get("lost") == 1


async def test_others_see_an_edit_before_it_is_saved(tmp_path: Path) -> None:
    """ACK-3: The room does not wait for the disk, only the author's acknowledgement does."""
    slow = ["--failpoints", "append.before_commit=delay:1000", "--demo", "off"]
    async with (
        running_server(tmp_path, args=slow) as server,
        join(server, "hocuspocus", "slow") as author,
        join(server, "y-websocket", "slow") as other,
    ):
        await author.edit(lambda m: m.map.update({"seen": 1}))
        await other.until(lambda: other.map.get("seen") == 1)
        assert author.unacknowledged
        await author.until_saved()


async def test_sigterm_flushes_and_asks_everybody_to_come_back(tmp_path: Path) -> None:
    """SIGTERM in the middle of writing: exit 0, retryable closes, nothing acknowledged lost.

    Bears OPS-2, OPS-10.
    """
    oracle = Oracle()
    async with running_server(tmp_path, env=SMALL_LOG, args=UNLIMITED) as server:
        for number in range(3):
            async with writers(server, f"drain{number}", SEED) as made:
                end = asyncio.ensure_future(stop_after(server, 0.2))
                closes = await oracle.watch(made, end)
            assert all(closed.code in {1001, 1012, 1013} or 4500 <= closed.code < 4600
                       for closed in closes), closes  # fmt: skip
            await server.start()
            assert await oracle.lost(server) == {}
    assert oracle.acknowledged > 0


async def stop_after(server: Server, delay_s: float) -> None:
    """Ask the server to stop while everybody writes."""
    await asyncio.sleep(delay_s)
    await server.terminate()
