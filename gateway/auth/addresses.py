"""Whose address a request comes from, with the proxies in front of this node discounted."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from gateway.setting_types import Networks


def client_address(peer: str, forwarded: Sequence[str], trusted_proxies: Networks) -> str:
    """The address for limits per address.

    Each proxy appends to ``X-Forwarded-For``, so it is read from the right: the first address
    that is no trusted proxy is the client's. What stands to the left of it, anybody may have
    written.

    Args:
        peer: who is connected; empty where the server does not tell.
        forwarded: the ``X-Forwarded-For`` fields of the request, in order.
        trusted_proxies: networks whose forwarded address is believed.

    Returns:
        The address in its canonical spelling; "unknown" where the server does not tell.
    """
    address = _spelled(peer)
    if not _is_trusted(address, trusted_proxies):
        return address
    for hop in reversed(",".join(forwarded).split(",")):
        candidate = _spelled(hop.strip())
        if candidate == "unknown":
            break
        address = candidate
        if not _is_trusted(address, trusted_proxies):
            break
    return address


def _spelled(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return "unknown"


def _is_trusted(address: str, trusted_proxies: Networks) -> bool:
    if address == "unknown" or not trusted_proxies:
        return False
    ip = ip_address(address)
    return any(ip in network for network in trusted_proxies)
