"""The HTTP API as a script would use it."""

import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import httpx

from tests.support.server import Server

NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of servers without TLS; to read all authorities takes each of them 50 ms."""


def room_path(room: str) -> str:
    """The API's path of a room: the name as one path segment."""
    return f"/v1/rooms/{quote(room, safe='')}"


async def request(
    server: Server,
    method: str,
    path: str,
    *,
    token: str | None = None,
    content: bytes | None = None,
    json: object = None,
    headers: Mapping[str, str] | None = None,
    within_s: float = 30,
) -> httpx.Response:
    """Make one request, with a bearer token if there is one."""
    headers = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    if content is not None:
        headers["Content-Type"] = "application/octet-stream"
    async with httpx.AsyncClient(timeout=within_s, verify=NO_CERTIFICATES) as client:
        return await client.request(
            method, server.url + path, headers=headers, content=content, json=json
        )


def metrics_text(server: Server) -> str:
    """The server's metrics as it tells them now."""
    return httpx.get(f"{server.admin_url}/metrics", timeout=20, verify=NO_CERTIFICATES).text


async def stored_update(server: Server, room: str, *, token: str | None = None) -> bytes:
    """The document of a room as one update."""
    answer = await request(server, "GET", f"{room_path(room)}/update", token=token)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return answer.content
