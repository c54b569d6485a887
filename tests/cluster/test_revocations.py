"""A revocation that one node was told of reaches the sessions of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.access import mint, ticket
from tests.support.http import request
from tests.support.nodes import heard, running_nodes
from tests.support.redis_server import RedisServer
from tests.support.ws_client import hocuspocus, y_websocket


@pytest.mark.parametrize("bus", ["log", "redis"])
async def test_sessions_on_another_node_are_closed(
    tmp_path: Path, redis: RedisServer, bus: str
) -> None:
    """NODE-10: over Redis, and where nodes only look into the store."""
    url = redis.url if bus == "redis" else bus
    async with running_nodes(tmp_path, "ann", "bob", bus=url, auth="token") as (ann, bob):
        if bus == "redis":
            await heard(ann, bob)
        operator = mint(ann, {"**": "owner"}, subject="operator")
        token = mint(ann, {"band/*": "editor"}, subject="clara")
        one_use = await ticket(bob, "band/score", token)
        async with (
            y_websocket(bob.collab_url, "band/score", ticket=one_use) as one,
            hocuspocus(bob.hocuspocus_url, "band/score", token=token) as two,
        ):
            await one.until(lambda: one.synced, what="synced")
            await two.until(lambda: two.synced, what="synced")
            answer = await request(
                ann, "POST", "/v1/revocations", token=operator, json={"subject": "clara"}
            )
            assert answer.status_code == 200, answer.text
            assert (await one.until_closed()).code == 4401
            await two.until(lambda: bool(two.left), what="left")
            assert two.denied
        await bob.restart()
        refused = await request(
            bob, "POST", "/v1/tickets", token=token, json={"room": "band/score"}
        )
        assert refused.status_code == 401
