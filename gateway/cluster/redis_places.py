"""Where a bus's Redis servers are: one, the master that Sentinel names, or a Cluster's shards."""

from __future__ import annotations

from typing import Any, Final, Protocol

from redis.asyncio import Connection, ConnectionPool, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

from gateway.cluster.bus_url import Address, BusUrl, parse_bus_url

CONNECT_TIMEOUT_S: Final = 2.0
ANSWER_TIMEOUT_S: Final = 2.0
FIND_TIMEOUT_S: Final = 5.0


class Places(Protocol):
    """Which server a channel belongs to.

    Attributes:
        says: the command that publishes.
        hears: the one that subscribes; with ``UN`` before it, as Redis spells it, the opposite.
    """

    says: str
    hears: str

    async def find(self) -> list[Address]:
        """Find out where the servers are now.

        Raises:
            RedisError: nobody tells.
        """

    def place_of(self, channel: str) -> Address | None:
        """Where a channel is said and heard, as of the last :meth:`find`; None for nowhere."""

    def connection(self, address: Address) -> Connection:
        """A connection to a server, not yet made."""


class _Connections:
    """Makes connections with what the URL says besides hosts."""

    says = "PUBLISH"
    hears = "SUBSCRIBE"

    def __init__(self, url: BusUrl) -> None:
        self._pool = ConnectionPool.from_url(
            url.base,
            protocol=2,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # who uses it begins anew, and asks where, by itself
        )
        self._hosts = url.hosts
        self._is_tls = url.is_tls

    def connection(self, address: Address) -> Connection:
        """See ``Places``."""
        host, port = address
        made = self._pool.connection_class(**self._options | {"host": host, "port": port})
        assert isinstance(made, Connection)
        return made

    @property
    def _options(self) -> dict[str, Any]:
        return dict(self._pool.connection_kwargs)

    @property
    def _tls(self) -> dict[str, Any]:
        """What a client of the library is told about TLS."""
        given = {name: each for name, each in self._options.items() if name.startswith("ssl_")}
        return {**given, "ssl": True} if self._is_tls else {}


class OnePlace(_Connections):
    """A server by itself."""

    async def find(self) -> list[Address]:
        """See ``Places``."""
        return [self._hosts[0]]

    def place_of(self, channel: str) -> Address:
        """See ``Places``."""
        del channel
        return self._hosts[0]


class SentinelPlace(_Connections):
    """The master that Sentinel names; asked again each time that it was lost."""

    def __init__(self, url: BusUrl) -> None:
        super().__init__(url)
        self._service = url.service
        timeouts = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": ANSWER_TIMEOUT_S}
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
            list(url.hosts), sentinel_kwargs={**timeouts, **self._tls}
        )
        self._master = url.hosts[0]

    async def find(self) -> list[Address]:
        """See ``Places``."""
        host, port = await self._sentinel.discover_master(self._service)
        self._master = Address(str(host), int(port))
        return [self._master]

    def place_of(self, channel: str) -> Address:
        """See ``Places``."""
        del channel
        return self._master


class ClusterPlaces(_Connections):
    """The primaries of a Cluster; each has its share of the channels where it shards them."""

    def __init__(self, url: BusUrl) -> None:
        super().__init__(url)
        self._slots: dict[int, Address] = {}

    async def find(self) -> list[Address]:
        """See ``Places``."""
        nodes = [ClusterNode(host, port) for host, port in self._hosts]
        options = self._options
        cluster = RedisCluster(
            startup_nodes=nodes,
            username=options.get("username"),
            password=options.get("password"),
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            **self._tls,
        )
        try:
            await cluster.initialize()  # type: ignore[unused-awaitable] # it is one of both kinds
            cache = cluster.nodes_manager.slots_cache
            slots = {
                slot: Address(str(primary[0].host), int(primary[0].port))
                for slot, primary in cache.items()
            }
        finally:
            await cluster.aclose()
        primaries = sorted(set(slots.values()))
        if not primaries:
            raise RedisError("the cluster has no primary")
        if not await self._has_shards(primaries[0]):
            # Before version 7 every message goes to every server anyway, so one of them will do.
            slots = dict.fromkeys(slots, primaries[0])
            self.says, self.hears = "PUBLISH", "SUBSCRIBE"
            primaries = primaries[:1]
        else:
            self.says, self.hears = "SPUBLISH", "SSUBSCRIBE"
        self._slots = slots
        return primaries

    def place_of(self, channel: str) -> Address | None:
        """See ``Places``."""
        return self._slots.get(key_slot(channel.encode()))

    async def _has_shards(self, address: Address) -> bool:
        connection = self.connection(address)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("COMMAND", "INFO", "SPUBLISH")
            answer = await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
        return bool(answer) and answer[0] is not None


def places(url: str) -> Places:
    """Where the servers of a URL are.

    Raises:
        ValueError: as :func:`parse_bus_url`.
    """
    parsed = parse_bus_url(url)
    match parsed.kind:
        case "sentinel":
            return SentinelPlace(parsed)
        case "cluster":
            return ClusterPlaces(parsed)
        case _:
            return OnePlace(parsed)
