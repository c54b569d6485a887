"""Calls of the HTTP API of scores."""

from typing import Any
from urllib.parse import quote

import httpx
from lxml import etree

from tests.support.http import request
from tests.support.server import Server


def score_path(room: str) -> str:
    return f"/v1/scores/{quote(room, safe='')}"


async def make(
    server: Server, room: str, token: str | None = None, *, key: str | None = None, **told: object
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"room": room, **told}
    return await request(server, "POST", "/v1/scores", token=token, json=body, headers=headers)


async def change(server: Server, room: str, token: str | None, **told: object) -> httpx.Response:
    return await request(server, "PATCH", score_path(room), token=token, json=told)


async def written(server: Server, room: str) -> Any:  # noqa: ANN401 - lxml ships no types
    """A score as MusicXML."""
    answer = await request(server, "GET", f"{score_path(room)}/file")
    assert answer.is_success, answer.text
    return etree.fromstring(answer.content)
