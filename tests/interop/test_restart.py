"""Stock clients and a server that goes away and comes back."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.interop.stock import ALL_CLIENTS, HOCUSPOCUS, assert_converged, rendered, stock
from tests.support.http import stored_update
from tests.support.server import running_server


@pytest.mark.parametrize("how", ["terminate", "kill"])
async def test_clients_come_back_after_a_restart(tmp_path: Path, how: str) -> None:
    """SYNC-5: After a restart all stock clients reconnect and share all that was written."""
    async with running_server(tmp_path) as server, AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(stock(server, kind, "comeback")) for kind in ALL_CLIENTS
        ]
        for member in members:
            await member.set(f"before {member}", 1)
        await assert_converged(members)
        if how == "kill":
            server.kill()
        else:
            await server.terminate()
        for member in members:
            await member.until_disconnected()
            await member.set(f"meanwhile {member}", 2)
        await server.start()
        for member in members:
            await member.until_synced()
            await member.set(f"after {member}", 3)
        await assert_converged(members, within_s=40)
        for member in members:
            if member.driver.kind in HOCUSPOCUS:
                await member.until_saved()
        stored = rendered(await stored_update(server, "comeback"))["map"]
        assert len(stored) == 3 * len(members)  # type: ignore[arg-type]
