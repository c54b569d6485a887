"""Which web pages may talk to this server.

Browsers name the page's origin; native clients name none and are let through, for what guards them
is the token. On a loopback server the ``Host`` is checked as well: a page of a foreign site whose
name was made to point to this machine (DNS rebinding) has an origin that equals its host.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from gateway.setting_types import is_loopback

ORIGIN_CHARACTERS_MAX: Final = 512
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Origins:
    """The origin rule of one server.

    Args:
        allowed: origins that may connect besides the server's own; ``*`` for any.
        loopback_only: the server listens on loopback and stands behind no proxy, so that it must
            be addressed by a loopback name or by the host of an allowed origin.
    """

    def __init__(self, allowed: tuple[str, ...], *, loopback_only: bool) -> None:
        self._allowed = frozenset(allowed)
        self._loopback_only = loopback_only
        self._allowed_hosts = frozenset(
            host for host in (urlsplit(origin).hostname for origin in allowed) if host
        )

    def allows(self, *, origin: str | None, host: str | None) -> bool:
        """Whether a request of this origin to this host may be served.

        Args:
            origin: the ``Origin`` header; None when there is none.
            host: the ``Host`` header.
        """
        if not self.allows_host(host):
            return False
        return origin is None or self.is_listed(origin) or _is_same(origin, host)

    def allows_host(self, host: str | None) -> bool:
        """Whether the server may be addressed by this name."""
        if not self._loopback_only:
            return True
        name = _host_name(host)
        return name is not None and (is_loopback(name) or name in self._allowed_hosts)

    def is_listed(self, origin: str) -> bool:
        """Whether an origin is on the allow-list; those get CORS headers."""
        return "*" in self._allowed or _spelled(origin) in self._allowed


def _spelled(origin: str) -> str:
    return origin[: ORIGIN_CHARACTERS_MAX + 1].lower()


def _is_same(origin: str, host: str | None) -> bool:
    """Whether host and port agree; the scheme is not compared, for TLS may end at a proxy."""
    try:
        page = urlsplit(_spelled(origin))
        server = urlsplit(f"//{(host or '').lower()}")
        default_port = _DEFAULT_PORTS.get(page.scheme)
        return (
            default_port is not None
            and page.hostname is not None
            and page.hostname == server.hostname
            and (page.port or default_port) == (server.port or default_port)
        )
    except ValueError:
        return False


def _host_name(host: str | None) -> str | None:
    try:
        return urlsplit(f"//{(host or '').lower()}").hostname
    except ValueError:
        return None
