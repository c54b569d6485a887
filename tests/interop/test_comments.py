"""Stock clients read comments live, in a document beside the score."""

import pytest

from tests.interop.stock import HOCUSPOCUS, stock
from tests.interop.test_access import until_told
from tests.interop.test_presence import sign_in
from tests.support.access import mint
from tests.support.api import append, text_update
from tests.support.comments import comment, reply, threads_of
from tests.support.server import Server


@pytest.mark.parametrize("kind", ["y-websocket-1", "y-websocket-4", "hocuspocus-2", "hocuspocus-4"])
async def test_stock_clients_see_comments_and_write_none(
    token_server: Server, room: str, kind: str
) -> None:
    """CMT-1: Even an owner's provider is told that it may only read, and stays connected."""
    owner = mint(token_server, {room: "owner"}, subject="u-olga")
    commenter = mint(token_server, {room: "commenter"}, subject="u-ann", name="Ann")
    await append(token_server, room, text_update("Kyrie"), owner)
    begun = (await comment(token_server, room, "Louder", token=commenter)).json()
    thread = begun["thread_id"]
    comments = f"{room}/~comments"
    options = await sign_in(token_server, kind, comments, owner)
    async with stock(token_server, kind, comments, **options) as reader:
        await reader.until("messages", thread, "text", equals="Louder")
        if kind in HOCUSPOCUS:
            await reader.until("scope", equals="readonly")
        await reader.set("forged", "by the client")
        await until_told(reader)
        told = (await reply(token_server, room, thread, "No", token=owner)).json()
        answer = told["messages"][1]["message_id"]
        await reader.until("messages", answer, "author", equals="u-olga")
        await reader.until("status", equals="connected")
    assert await threads_of(token_server, room, token=commenter) == [told]
