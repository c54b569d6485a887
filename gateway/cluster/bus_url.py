"""The spelling of a bus's URL; knows nothing of Redis but that."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:(?P<port>\d{1,5}))?")
_URL: Final = re.compile(
    r"(?P<scheme>rediss?)(\+(?P<kind>sentinel|cluster))?://(?P<user>[^/?]*@)?(?P<hosts>[^/?@]+)"
    r"(/(?P<path>[^?]*))?(?P<options>\?.*)?",
    re.DOTALL,
)


class Address(NamedTuple):
    """One Redis server."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class BusUrl:
    """A bus's URL, taken apart.

    Attributes:
        base: ``redis://`` or ``rediss://`` with user and options, for any of the servers.
        kind: ``sentinel``, ``cluster``, or empty for a server by itself.
        hosts: those that are named.
        service: what Sentinel calls the master.
    """

    base: str = field(repr=False)
    kind: str
    hosts: tuple[Address, ...]
    service: str

    @property
    def is_tls(self) -> bool:
        """Whether what goes to the servers is encrypted on its way."""
        return self.base.startswith("rediss:")


def parse_bus_url(url: str) -> BusUrl:
    """Take a URL apart.

    Raises:
        ValueError: it is none of a bus; the message does not repeat it, for it may hold a password.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(
            "should be off, log, redis://<host>, redis+sentinel://<host>,<host>/<service> or "
            "redis+cluster://<host>,<host>, or the same with rediss for TLS"
        )
    kind = found["kind"] or ""
    hosts = tuple(_address(each, kind) for each in found["hosts"].split(","))
    path = found["path"] or ""
    if kind == "sentinel" and not path:
        raise ValueError("should name the service that Sentinel watches, as in .../mymaster")
    if not kind and len(hosts) > 1:
        raise ValueError("should name one host; several are for redis+sentinel and redis+cluster")
    host, port = hosts[0]
    database = "" if kind else f"/{path}"
    spelled = f"[{host}]" if ":" in host else host
    user, options = found["user"] or "", found["options"] or ""
    base = f"{found['scheme']}://{user}{spelled}:{port}{database}{options}"
    return BusUrl(base, kind, hosts, path)


def _address(text: str, kind: str) -> Address:
    found = _HOST.fullmatch(text.strip())
    if found is None:
        raise ValueError("should name hosts as host or host:port, and IPv6 as [host]:port")
    port = found["port"] or (_SENTINEL_PORT if kind == "sentinel" else _PORT)
    return Address(found["host"].strip("[]"), int(port))
