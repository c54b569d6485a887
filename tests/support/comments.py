"""Comments over HTTP, as an editor would make them."""

from typing import Any

import httpx

from tests.support.http import request, room_path
from tests.support.server import Server


def comments_path(room: str, *below: str) -> str:
    """The API's path of a room's comments, or of a thread or message among them."""
    return "/".join((f"{room_path(room)}/comments", *below))


async def comment(
    server: Server,
    room: str,
    text: str,
    *,
    token: str | None = None,
    key: str | None = None,
    **told: object,
) -> httpx.Response:
    """Begin a thread."""
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"text": text, **told}
    path = comments_path(room)
    return await request(server, "POST", path, token=token, json=body, headers=headers)


async def reply(
    server: Server,
    room: str,
    thread: str,
    text: str,
    *,
    token: str | None = None,
    key: str | None = None,
) -> httpx.Response:
    """Reply in a thread."""
    headers = {} if key is None else {"Idempotency-Key": key}
    path = comments_path(room, thread, "messages")
    return await request(server, "POST", path, token=token, json={"text": text}, headers=headers)


async def threads_of(server: Server, room: str, *, token: str | None = None) -> list[Any]:
    """All threads of a room."""
    answer = await request(server, "GET", comments_path(room), token=token)
    found: list[Any] = answer.json()["threads"]
    return found
