"""An archived score on several nodes."""

from pathlib import Path
from typing import Any

from tests.support.http import request
from tests.support.nodes import has_all, heard, running_nodes, setting
from tests.support.redis_server import RedisServer
from tests.support.ws_client import join


async def test_a_score_is_archived_on_all_nodes(redis: RedisServer, tmp_path: Path) -> None:
    """SCO-7: Who is in it on another node becomes a reader there, and an editor afterwards."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        made = {"room": "old", "template": "solo"}
        assert (await request(ann, "POST", "/v1/scores", json=made)).status_code == 201
        async with join(bob, "hocuspocus", "old") as member:
            editor: Any = member
            await editor.until(lambda: editor.scope == "read-write")
            path = "/v1/scores/old"
            await request(ann, "PATCH", path, json={"is_archived": True})
            await editor.until(lambda: editor.scope == "readonly")
            await editor.edit(setting("late", 1))
            await editor.until(lambda: editor.refused > 0)
            await request(ann, "PATCH", path, json={"is_archived": False})
            await editor.until(lambda: editor.scope == "read-write")
            async with join(ann, "y-websocket", "old") as other:
                await has_all(other, {"late"})
