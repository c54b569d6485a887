"""Stock clients that hold a document while it is erased under them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.interop.stock import ALL_CLIENTS, rendered, stock
from tests.support.http import metrics_text, request, room_path, stored_update
from tests.support.server import Server, running_server

ROOM = "erased under them"
SECRET = "the first draft"
_POLL_S = 0.05


def turned_away(server: Server) -> float:
    """How many messages were refused because they are of before an erasure."""
    lines = [line for line in metrics_text(server).splitlines() if 'reason="retired"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines if "_created" not in line)


async def test_stock_clients_of_every_kind_cannot_bring_back_what_was_erased(
    tmp_path: Path,
) -> None:
    """ERA-2, ERA-9: They come back by themselves, with edits made meanwhile, and are refused."""
    async with running_server(tmp_path) as server, AsyncExitStack() as stack:
        stale = [await stack.enter_async_context(stock(server, kind, ROOM)) for kind in ALL_CLIENTS]
        for number, member in enumerate(stale):
            await member.until_synced()
            await member.set(f"by {number}", SECRET)
        for member in stale:
            await member.until("map", f"by {len(stale) - 1}", equals=SECRET)
        answer = await request(server, "POST", f"{room_path(ROOM)}/erasure?mode=everything")
        assert answer.status_code == 200, answer.text
        assert answer.json()["clients_retired"] >= len(stale)
        for number, member in enumerate(stale):
            await member.set(f"meanwhile {number}", SECRET)

        async def all_were_refused() -> bool:
            return turned_away(server) >= len(stale)

        await until(all_were_refused)
        for kind in ALL_CLIENTS:
            fresh = await stack.enter_async_context(stock(server, kind, ROOM))
            await fresh.until_synced()
            await fresh.set(f"fresh {kind}", 1)

        async def all_wrote() -> bool:
            return len(await stored_map(server)) >= len(ALL_CLIENTS)

        await until(all_wrote)
        assert await stored_map(server) == {f"fresh {kind}": 1 for kind in ALL_CLIENTS}
        assert SECRET.encode() not in await stored_update(server, ROOM)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again, for a minute at most."""
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(_POLL_S)


async def stored_map(server: Server) -> dict[str, object]:
    """The root map as the server has it."""
    found = rendered(await stored_update(server, ROOM))["map"]
    assert isinstance(found, dict)
    return found
