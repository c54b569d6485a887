"""Stock clients of one room, spread over two nodes that share a store."""

from contextlib import AsyncExitStack
from pathlib import Path

from tests.interop.stock import (
    ALL_CLIENTS,
    HOCUSPOCUS,
    assert_converged,
    rendered,
    stock,
    update_of,
    view,
)
from tests.support.http import stored_update
from tests.support.nodes import heard, running_nodes
from tests.support.redis_server import redis_server


async def test_stock_clients_on_two_nodes_are_in_one_room(tmp_path: Path, room: str) -> None:
    """BUS-4, BUS-8: every kind of client on both nodes; edits, presence and saved all hold."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path))
        nodes = await stack.enter_async_context(
            running_nodes(tmp_path, "ann", "bob", bus=redis.url)
        )
        await heard(*nodes)
        members = [
            await stack.enter_async_context(stock(nodes[(number + shift) % 2], kind, room))
            for shift in (0, 1)
            for number, kind in enumerate(ALL_CLIENTS)
        ]
        for number, member in enumerate(members):
            await member.until_synced()
            await member.set(f"k{number}", number)
            await member.insert(f"<{number}>")
            await member.do("setState", state={"number": number})
        await assert_converged(members)
        for member in members:
            for number, other in enumerate(members):
                await member.until("awareness", str(other.client_id), equals={"number": number})
            if member.driver.kind in HOCUSPOCUS:
                await member.until_saved()
        shown = await view(members[0])
        assert shown["map"] == {f"k{number}": number for number in range(len(members))}
        for node in nodes:
            assert rendered(await stored_update(node, room)) == shown
        assert rendered(await update_of(members[-1])) == shown
