"""Tokens and tickets, as an application around the server would make and fetch them."""

import time
from collections.abc import Mapping

import httpx
import jwt

from tests.support.http import NO_CERTIFICATES
from tests.support.server import Server


def mint(
    server: Server,
    rooms: Mapping[str, str],
    *,
    subject: str = "u-1",
    name: str | None = None,
    lifetime_s: float = 3600,
    issued_s_ago: float = 0,
    secret: str | None = None,
    algorithm: str = "HS256",
) -> str:
    """Sign a token.

    Args:
        server: whose secret signs it, unless `secret` is given.
        rooms: roles by room pattern.
        subject: the `sub`.
        name: the display name.
        lifetime_s: from being issued to `exp`.
        issued_s_ago: how long ago it was issued.
        secret: another secret than the server's.
        algorithm: another algorithm than the server's.
    """
    issued = int(time.time() - issued_s_ago)
    claims: dict[str, object] = {
        "sub": subject,
        "iat": issued,
        "exp": int(issued + lifetime_s),
        "rooms": dict(rooms),
    }
    if name is not None:
        claims["name"] = name
    return jwt.encode(claims, secret or server.secret, algorithm=algorithm)


async def ticket(server: Server, room: str, token: str) -> str:
    """Exchange a token for a one-use ticket to a room."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        answer = await client.post(
            f"{server.url}/v1/tickets",
            json={"room": room},
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.is_success, f"no ticket: {answer.status_code} {answer.text}"
    found: str = answer.json()["ticket"]
    return found
