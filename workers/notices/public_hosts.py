"""Requests to addresses that people gave: to public hosts alone, and to what was looked at.

A name is resolved once. All that it stands for must be public, and the connection is made to one of
these very addresses, so that a name that means something else a moment later reaches nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from collab.errors import PeerError

# The client takes its time to import, and most servers tell no webhooks.
if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 5.0
"""For all of a request: the name, the connection, what is sent and what is answered."""

ANSWER_BYTES_MAX: Final = 64 * 1024
URL_CHARS_MAX: Final = 2_000

_GLOBAL_UNICAST: Final = ip_network("2000::/3")
_DOCUMENTATION: Final = ip_network("3fff::/20")  # too new for the library's own list
_NAT64: Final = ip_network("64:ff9b::/96")
_V4_MASK: Final = 0xFFFF_FFFF


class HostRefused(PeerError):
    """The address is not one that this server sends to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered.

    Attributes:
        status: of HTTP.
        is_cut: it went on for longer than is read.
    """

    status: int
    is_cut: bool


@cache
def authorities() -> ssl.SSLContext:
    """Whose certificates are believed; read once, since that takes 50 ms."""
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context(trust_env=False)


def check_url(url: str, allowed_hosts: tuple[str, ...]) -> None:
    """Refuse what no request could be sent to; names are not resolved yet.

    Raises:
        HostRefused: says why.
    """
    _parsed(url, allowed_hosts)


async def post(
    url: str, body: bytes, headers: dict[str, str], allowed_hosts: tuple[str, ...]
) -> Answer:
    """Send a body, follow no redirect, and read no more than is needed of the answer.

    Args:
        url: where to.
        body: what.
        headers: besides Host and Content-Length.
        allowed_hosts: names that need not be public, nor spoken to in TLS.

    Raises:
        HostRefused: the address is none to send to.
        OSError, httpx.HTTPError, TimeoutError: it could not be delivered.
    """
    import httpx  # noqa: PLC0415

    parts = _parsed(url, allowed_hosts)
    host = parts.raw_host.decode("ascii").strip("[]")
    async with asyncio.timeout(TIMEOUT_S):
        address = await _resolved(host, parts.port or _port(parts), host in allowed_hosts)
        pinned = parts.copy_with(host=str(address))
        limits = httpx.Limits(max_connections=1)
        tls = await asyncio.to_thread(authorities)
        async with (
            httpx.AsyncClient(
                verify=tls,
                follow_redirects=False,
                limits=limits,
                timeout=TIMEOUT_S,
                trust_env=False,
            ) as client,
            client.stream(
                "POST",
                pinned,
                content=body,
                headers={**headers, "Host": parts.netloc.decode("ascii")},
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            read_bytes = 0
            async for piece in answer.aiter_raw():
                read_bytes += len(piece)
                if read_bytes > ANSWER_BYTES_MAX:
                    break
            return Answer(answer.status_code, read_bytes > ANSWER_BYTES_MAX)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is anybody's: not of this machine, this network, or nobody.

    What carries an IPv4 address inside is as public as that one.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & _V4_MASK)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address not in _GLOBAL_UNICAST:
            return False
        if address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast


def _parsed(url: str, allowed_hosts: tuple[str, ...]) -> httpx.URL:
    import httpx  # noqa: PLC0415

    if len(url) > URL_CHARS_MAX:
        raise HostRefused(f"a URL may have {URL_CHARS_MAX} characters at most")
    try:
        parts = httpx.URL(url)
        scheme, host = parts.scheme, parts.raw_host.decode("ascii").strip("[]")
        has_user = bool(parts.userinfo) or "@" in urlsplit(url).netloc
    except (httpx.InvalidURL, ValueError):
        raise HostRefused("that is no URL") from None
    if not host or scheme not in {"http", "https"}:
        raise HostRefused("the URL should begin with https:// and name a host")
    if has_user or parts.fragment:
        raise HostRefused("the URL should have no user, password or fragment")
    if host in allowed_hosts:
        return parts
    if scheme != "https":
        raise HostRefused("the URL should begin with https://")
    try:
        address = ip_address(host)
    except ValueError:
        return parts
    if not is_public(address):
        raise HostRefused("the host is not on the public internet")
    return parts


def _port(parts: httpx.URL) -> int:
    return 443 if parts.scheme == "https" else 80


async def _resolved(host: str, port: int, is_allowed: bool) -> IPv4Address | IPv6Address:  # noqa: FBT001
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    if not addresses:
        raise HostRefused("the host has no address")
    if not is_allowed and not all(map(is_public, addresses)):
        raise HostRefused("the host is not on the public internet")
    return addresses[0]
