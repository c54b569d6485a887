"""Comments on one score through several nodes."""

import asyncio
from pathlib import Path

from pycrdt import Map

from tests.support.api import append, text_update
from tests.support.comments import comment, reply
from tests.support.nodes import heard, running_nodes
from tests.support.redis_server import RedisServer
from tests.support.ws_client import join


async def test_comments_made_on_two_nodes_at_once_are_all_there(
    redis: RedisServer, tmp_path: Path
) -> None:
    """CMT-2: In one thread, begun on the one and answered on the other a moment later."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as (ann, bob):
        await heard(ann, bob)
        await append(ann, "shared", text_update("Kyrie"), "")
        thread = (await comment(ann, "shared", "first")).json()["thread_id"]
        said = [f"{node.port} {number}" for node in (ann, bob) for number in range(5)]
        answers = await asyncio.gather(
            *(
                reply(node, "shared", thread, f"{node.port} {number}")
                for node in (bob, ann)
                for number in range(5)
            )
        )
        assert {answer.status_code for answer in answers} == {201}
        async with join(ann, "y-websocket", "shared/~comments") as reader:
            messages = reader.doc.get("messages", type=Map)
            await reader.until(lambda: len(messages) == 1 + len(said))
            texts = {value["text"] for value in messages.to_py().values()}
            assert texts == {"first", *said}
