"""Where a client's token comes from, and where its room is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from bandpro_client.errors import SignInRefused
from collab.ids import room_name
from collab.limits import TOKEN_BYTES_MAX

Token = str | Callable[[], Awaitable[str]] | None
"""A token, a source of them that is asked before each connection, or None in open mode."""

_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


async def headers_of(token: Token, within_s: float) -> dict[str, str]:
    """Ask for a token, if one comes from a source, and show it as the handshake does.

    Raises:
        TimeoutError: the source did not answer in time; it was cancelled.
        SignInRefused: what it gave is no token.
    """
    if token is None:
        return {}
    if not isinstance(token, str):
        async with asyncio.timeout(within_s):
            token = await token()
    # In a header, a line break would begin another one.
    if not (token.isascii() and token.isprintable() and 0 < len(token) <= TOKEN_BYTES_MAX):
        raise SignInRefused("the source of tokens gave something that is no token")
    return {"Authorization": f"Bearer {token}"}


def room_address(url: str, room: str) -> str:
    """The websocket address of a room, encoded as a browser would.

    Args:
        url: where the server is, with any of the schemes http, https, ws and wss.
        room: the room's name.

    Raises:
        InvalidRoomName: the name is none.
        ValueError: the URL is none of a server, or has a query, where tokens must never be.
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("the URL of a server is scheme, host and port, such as http://host:8080")
    path = f"{parts.path.rstrip('/')}/collab/{quote(room_name(room), safe='/')}"
    return urlunsplit((scheme, parts.netloc, path, "", ""))
