"""What a worker is given by its supervisor, and how the two speak.

They hold the two ends of a socket. The worker says once that it is ready. The supervisor says that
no more connections are to be taken; it closes its end when the worker is to stop, and the kernel
does so for a supervisor that was killed, so that no worker outlives it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

READY: Final = b"r"
QUIET: Final = b"q"


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker has from its supervisor.

    Attributes:
        leash: its end of the socket between the two.
        listener: bound to the port; whether it is this worker's alone is the system's matter.
        admin_listener: listens on a port of the worker's own, for the supervisor to ask; None
            where nobody is served metrics.
    """

    leash: socket.socket
    listener: socket.socket
    admin_listener: socket.socket | None

    def watch(self, quiet: Callable[[], None], stop: Callable[[], None]) -> None:
        """Heed the supervisor from now on.

        Args:
            quiet: called when no more connections are to be taken.
            stop: called when the worker is to stop, or is by itself.
        """
        loop = asyncio.get_running_loop()

        def heed() -> None:
            try:
                said = self.leash.recv(1)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            if said == QUIET:
                quiet()
            elif not said:
                loop.remove_reader(self.leash)
                stop()

        loop.add_reader(self.leash, heed)

    def say_ready(self) -> None:
        """Tell that connections are served; one that is gone tells itself otherwise."""
        with contextlib.suppress(OSError):
            self.leash.send(READY)
