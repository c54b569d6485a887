"""The port that all workers serve: a socket for each where the kernel spreads clients over them.

On Linux that is SO_REUSEPORT: each worker listens for itself, once it is ready and for as long as
it lives, and a hash of the client's address decides. Elsewhere that option gives all clients to
one of them (macOS: whoever came last), so there all workers accept from one socket's queue.
"""

from __future__ import annotations

import socket
import sys
from typing import Final

from gateway.web_server import listen

SPREADS: Final = sys.platform == "linux"
"""Whether this system spreads clients over sockets of one port."""


class Port:
    """A port, held from the start on, so that nobody else takes it while no worker listens.

    Args:
        host: name or address.
        number: of the port; 0 for a free one.
        spreads: whether each worker has a socket of its own.

    Raises:
        SettingsError: somebody listens there, or the address is not this machine's.
    """

    def __init__(self, host: str, number: int, *, spreads: bool = SPREADS) -> None:
        self._held = listen(host, number, "port")
        self._spreads = spreads
        if spreads:
            # Listening would have the kernel send clients here.
            address = self._held.getsockname()
            self._held.close()
            self._held = _bound(self._held.family, address)

    @property
    def number(self) -> int:
        """Which one it is."""
        found: int = self._held.getsockname()[1]
        return found

    def opened(self) -> socket.socket:
        """A socket for a worker, which listens on it when it is ready; to be closed here."""
        if self._spreads:
            return _bound(self._held.family, self._held.getsockname())
        return self._held.dup()

    def close(self) -> None:
        """Let go of the port."""
        self._held.close()


def _bound(family: int, address: tuple[str, int]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as `listen` has it
    made.bind(address)
    made.setblocking(False)  # noqa: FBT003 - positional only
    return made
