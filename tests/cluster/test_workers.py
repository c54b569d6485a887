"""`bandpro serve --workers N`: several processes, one port, one store."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from tests.support.closes import Closed
from tests.support.http import NO_CERTIFICATES
from tests.support.nodes import BUS_KEY, has_all, metric, setting, until_metric
from tests.support.oracle import Oracle, writers
from tests.support.redis_server import RedisServer
from tests.support.server import Server, running_server
from tests.support.ws_client import join

ROOM: Final = "quintet"
SEED: Final = 7
TOGETHER: Final = ("0", "1")
CLIENTS: Final = 24
RESTARTS: Final = "bandpro_worker_restarts_total"


def settings(redis: RedisServer, *args: str) -> list[str]:
    return ["--workers", "2", "--bus", redis.url, "--rate-limits", "off", *args]


@asynccontextmanager
async def two_workers(home: Path, redis: RedisServer, *args: str) -> AsyncIterator[Server]:
    """A server with two workers that serve and hear each other."""
    env = {"BANDPRO_BUS_KEY": BUS_KEY}
    async with running_server(home, env=env, args=settings(redis, *args)) as server:
        await all_up(server)
        yield server


async def all_up(server: Server) -> None:
    for worker in TOGETHER:
        await until_metric(server, "bandpro_worker_up", 1, worker=worker)
        await until_metric(server, "bandpro_peers", 1, worker=worker)


def worker_process(server: Server, worker: str) -> psutil.Process:
    """The process that is a worker at the moment."""
    (found,) = [
        child
        for child in psutil.Process(server.process.pid).children()
        if child.environ().get("BANDPRO_NODE", "").endswith(f"-{worker}")
    ]
    return found


async def sessions(server: Server) -> dict[str, float]:
    """How many sessions each worker has."""
    return {worker: await metric(server, "bandpro_sessions", worker=worker) for worker in TOGETHER}


async def test_clients_of_different_workers_edit_together(
    redis: RedisServer, tmp_path: Path
) -> None:
    """PROC-1: whoever the kernel gave a connection to, all see all edits and everybody."""
    async with two_workers(tmp_path, redis) as server, AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(join(server, protocol, ROOM))
            for _ in range(CLIENTS // 2)
            for protocol in ("y-websocket", "hocuspocus")
        ]
        spread = await sessions(server)
        assert sum(spread.values()) == CLIENTS
        assert min(spread.values()) > 0, spread
        for number, member in enumerate(members):
            await member.edit(setting(str(number), 1))
            await member.set_state({"at": number})
        for member in members:
            await has_all(member, {str(number) for number in range(CLIENTS)})
            await member.until(lambda member=member: len(member.present()) == CLIENTS)  # type: ignore[misc]
            await member.until_saved()
        updates = [
            await metric(server, "bandpro_updates_accepted_total", worker=worker)
            for worker in TOGETHER
        ]
        assert all(updates), updates


@pytest.mark.slow
async def test_a_worker_killed_under_load_loses_nothing_and_comes_back(
    redis: RedisServer, tmp_path: Path
) -> None:
    """PROC-3: its clients are cut off, the others' edits go on, and the next one serves."""
    oracle = Oracle()
    async with two_workers(tmp_path, redis) as server:
        for number in range(3):
            rooms = [f"{ROOM}/{number}/{room}" for room in range(4)]
            async with writers(server, "w", SEED, rooms=rooms, pauses_s=(0.001, 0.01)) as made:
                spread = await sessions(server)
                victim = max(spread, key=lambda worker: spread[worker])

                async def strike(victim: str = victim) -> None:
                    await asyncio.sleep(0.3)
                    before = await metric(server, RESTARTS, worker=victim)
                    worker_process(server, victim).kill()
                    await until_metric(server, RESTARTS, before + 1, worker=victim)
                    await asyncio.sleep(0.3)

                await oracle.watch_through(made, asyncio.ensure_future(strike()))
                ended = [writer for writer in made if writer.member.ended is not None]
                assert ended, "nobody was on the worker that died"
            await all_up(server)
            assert await oracle.lost(server) == {}
        await server.terminate()
        await server.start()
        assert await oracle.lost(server) == {}
    assert oracle.acknowledged > 10


async def written_until(
    strike: Callable[[], Awaitable[None]], server: Server, oracle: Oracle
) -> list[Closed]:
    """Let everybody write for a while, then strike the server; how their connections ended."""

    async def strike_later() -> None:
        await asyncio.sleep(0.3)
        await strike()

    async with writers(server, "w", SEED) as made:
        return await oracle.watch(made, asyncio.ensure_future(strike_later()))


async def test_sigterm_stores_everything_and_sends_everybody_away(
    redis: RedisServer, tmp_path: Path
) -> None:
    """PROC-4: exit 0, retryable closes, no process left, nothing acknowledged lost."""
    oracle = Oracle()
    async with two_workers(tmp_path, redis) as server:
        processes = [worker_process(server, worker) for worker in TOGETHER]
        closes = await written_until(server.terminate, server, oracle)
        assert {closed.code for closed in closes} <= {1001, 1012, 1013}
        assert not any(process.is_running() for process in processes)
        await server.start()
        assert await oracle.lost(server) == {}
    assert oracle.acknowledged > 0


async def test_workers_do_not_outlive_their_supervisor(redis: RedisServer, tmp_path: Path) -> None:
    """PROC-5: also when it is killed, they end in good order, and the port is free."""
    oracle = Oracle()
    async with two_workers(tmp_path, redis) as server:
        processes = [worker_process(server, worker) for worker in TOGETHER]
        await written_until(partial(asyncio.to_thread, server.kill), server, oracle)
        await asyncio.to_thread(psutil.wait_procs, processes, timeout=20)
        assert not any(process.is_running() for process in processes)
        await server.start()
        assert await oracle.lost(server) == {}
    assert oracle.acknowledged > 0


async def ready(server: Server) -> tuple[int, dict[str, str]]:
    async with httpx.AsyncClient(timeout=10, verify=NO_CERTIFICATES) as client:
        answer = await client.get(f"{server.admin_url}/readyz")
    checks: dict[str, str] = answer.json()["checks"]
    return answer.status_code, checks


async def test_the_admin_port_tells_of_all_workers(redis: RedisServer, tmp_path: Path) -> None:
    """PROC-6: a worker that hangs is named, and the machine serves while another can."""
    async with two_workers(tmp_path, redis) as server:
        well = {"worker-0": "ok", "worker-1": "ok", "accepting": "ok"}
        assert await ready(server) == (200, well)
        hung = [worker_process(server, worker) for worker in TOGETHER]
        try:
            hung[1].send_signal(signal.SIGSTOP)
            assert await ready(server) == (200, well | {"worker-1": "no answer in time"})
            assert await metric(server, "bandpro_worker_up") == len(TOGETHER)
            assert await metric(server, "process_resident_memory_bytes", worker="0") > 0
            assert await metric(server, "process_resident_memory_bytes", worker="1") == 0
            hung[0].send_signal(signal.SIGSTOP)
            assert (await ready(server))[0] == 503
        finally:
            for process in hung:
                process.send_signal(signal.SIGCONT)
        assert server.log_text.count('"workers.ready"') == 1
        assert '"node.ready"' not in server.log_text


async def test_what_keeps_workers_from_starting_is_said_once(
    redis: RedisServer, tmp_path: Path
) -> None:
    """PROC-7: exit 2, as for one process, and nothing is left running."""
    places = [tmp_path / name for name in ("first", "late")]
    for place in places:
        place.mkdir()
    async with running_server(places[0]) as owner:
        env = {"BANDPRO_BUS_KEY": BUS_KEY}
        late = Server(places[1], env=env, args=settings(redis), data=owner.data)
        with pytest.raises(AssertionError, match="ended with 2 at start"):
            await late.start()
        assert late.log_text.count("is in use by process") == 1
