"""What connections leave behind, looked for by the interpreter's own collector."""

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvloop
from websockets.exceptions import InvalidStatus

from gateway.main import Offloads, build_node
from gateway.settings import load_settings
from gateway.store_settings import store_settings
from gateway.web_server import WebServer, web_config
from persistence.build import open_stores
from persistence.offload import Offload
from tests.support.ws_client import HocuspocusMember, Member, YWebsocketMember, open_socket

CONNECTIONS = 20


@asynccontextmanager
async def served_here() -> AsyncIterator[int]:
    """A node in this process, so that its objects can be looked at; yields its port."""
    settings = load_settings({"store": "memory", "rate_limits": "off"})
    async with await open_stores(store_settings(settings)) as stores:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            node = build_node(settings, stores, Offloads(Offload(), Offload(), Offload()))
            server = WebServer(web_config(settings, node.app, node.entrances))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield listener.getsockname()[1]
            server.should_exit = True
            await serving


async def come_and_go(port: int, number: int) -> None:
    """One connection: join, be in sync, leave."""
    y = number % 2 == 0
    url = f"ws://127.0.0.1:{port}" + ("/collab/garbage" if y else "/hocuspocus")
    async with open_socket(url) as it:
        member: Member = YWebsocketMember(it) if y else HocuspocusMember(it, "garbage")
        async with member:
            await member.until(lambda: member.synced)


async def be_refused(port: int) -> None:
    """One handshake for a path that serves no websockets: the web server answers it."""
    with pytest.raises(InvalidStatus):
        async with open_socket(f"ws://127.0.0.1:{port}/nowhere"):
            pass


async def left_behind() -> Counter[str]:
    """Types and numbers of the server's objects that only a search for cycles frees."""
    async with served_here() as port:
        await come_and_go(port, 0)
        await come_and_go(port, 1)
        await be_refused(port)
        gc.collect()
        for number in range(CONNECTIONS):
            await come_and_go(port, number)
            await be_refused(port)
        await asyncio.sleep(0.1)  # the server's ends close after ours
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        ours = Counter(
            f"{type(found).__module__}.{type(found).__qualname__}"
            for found in gc.garbage
            if type(found).__module__.startswith(("gateway.", "collab.", "uvicorn.", "starlette."))
        )
        gc.garbage.clear()
        return ours


def test_a_connection_is_freed_when_it_ends() -> None:
    """LIM-23: Nothing of it waits for a search for cyclic garbage, on either protocol."""
    gc.disable()
    try:
        assert uvloop.run(left_behind()) == Counter()
    finally:
        gc.enable()
