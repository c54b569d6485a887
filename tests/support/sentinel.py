"""Two Redis servers, of which one follows the other, and the Sentinel that watches them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import redis

from tests.support.redis_server import RedisServer

SERVICE: Final = "mymaster"
READY_WITHIN_S: Final = 20.0
_POLL_S: Final = 0.02
# Without it a master waits five seconds for more replicas before it sends one what it has.
_AT_ONCE: Final = ("--repl-diskless-sync-delay", "0")


class WatchedRedis:
    """A master, its replica and a Sentinel; they change places.

    Args:
        folder: an existing folder for logs and Sentinel's configuration.

    Attributes:
        servers: the two.
        sentinel: who watches them.
    """

    def __init__(self, folder: Path) -> None:
        first = RedisServer(folder, *_AT_ONCE)
        second = RedisServer(folder, *_AT_ONCE, "--replicaof", "127.0.0.1", str(first.port))
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"sentinel monitor {SERVICE} 127.0.0.1 {first.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 1500\n"
            f"sentinel failover-timeout {SERVICE} 2000\n"
        )
        self.servers = (first, second)
        self.sentinel = RedisServer(folder, str(configuration), program="redis-sentinel")

    @property
    def url(self) -> str:
        """What `--bus` takes."""
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{SERVICE}"

    @property
    def master(self) -> RedisServer:
        """The one that Sentinel names."""
        _, port = self.sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def start(self) -> None:
        """Start all three, and wait until Sentinel knows them."""
        for server in (*self.servers, self.sentinel):
            server.start()
        self.await_whole()

    def await_whole(self) -> None:
        """Wait until one is master, and the other one follows it."""
        until(self._is_whole, "a master with a replica")

    def follow(self, server: RedisServer) -> None:
        """Start the one that died, and wait until it follows the other."""
        server.start()
        self.await_whole()

    def kill(self) -> None:
        """End all three at once."""
        for server in (self.sentinel, *self.servers):
            server.kill()

    def _is_whole(self) -> bool:
        try:
            master = self.master
            (replica,) = (server for server in self.servers if server is not master)
            found = replica.ask("INFO", "replication")
            if found["role"] == "master":
                # Sentinel says so as well, after ten seconds and more.
                replica.ask("REPLICAOF", "127.0.0.1", master.port)
        except redis.RedisError:
            return False
        return (
            found["role"] == "slave"
            and int(found["master_port"]) == master.port
            and found["master_link_status"] == "up"
            and bool(self.sentinel.ask("SENTINEL", "REPLICAS", SERVICE))
        )


@contextmanager
def watched_redis(folder: Path) -> Iterator[WatchedRedis]:
    """All three, running for the time of a `with` block."""
    watched = WatchedRedis(folder)
    try:
        watched.start()
        yield watched
    finally:
        watched.kill()


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(_POLL_S)
