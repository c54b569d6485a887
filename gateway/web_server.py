"""The web server of a node: uvicorn, as this project wants it, and the sockets that it serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from collab.errors import SettingsError
from gateway.observe.health import CHECK_TIMEOUT_S
from gateway.setting_types import TransportKind
from gateway.settings import Settings
from gateway.transport.handshake import Entrance, HandshakeProtocol
from gateway.transport.uvicorn_protocol import DetachableProtocol

_BACKLOG: Final = 2048
_HTTP_GRACE_S: Final = int(CHECK_TIMEOUT_S) + 1
"""Requests under way at the end are cut off after this; a check of health is still answered."""

_DATE_S: Final = 1.0


class WebServer(uvicorn.Server):
    """uvicorn without hands on the process's signals, for the drain comes first, and at rest.

    It would wake up ten times a second to see whether it is to stop: on a calm node more than
    all else does.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.servers = []
        self._stops = asyncio.Event()

    def accept_no_more(self) -> None:
        """Take no new connections; those that are there go on."""
        for server in self.servers:
            server.close()

    def stop(self) -> None:
        """End soon, in good order."""
        self.should_exit = True
        self._stops.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them to whoever drains."""
        yield

    async def main_loop(self) -> None:
        """Wait until told to stop."""
        # Each tick with a count of 0 also renews the date that answers carry.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stops.wait(), _DATE_S)


def web_config(
    settings: Settings, app: ASGIApp, entrances: tuple[Entrance, ...] = ()
) -> uvicorn.Config:
    """How an application is served.

    Args:
        settings: the node's.
        app: the application.
        entrances: the websocket routes that need none.
    """
    detaches = settings.transport is TransportKind.AUTO
    # uvicorn calls what it takes for a class, once for each connection.
    first = cast("type[asyncio.Protocol]", partial(HandshakeProtocol, entrances))
    pings_s = settings.idle_timeout_ms / 1000 / 2
    return uvicorn.Config(
        app,
        loop="none",
        http=first if detaches else "httptools",
        ws=DetachableProtocol if detaches else "websockets-sansio",
        ws_max_size=settings.frame_bytes_max,
        ws_ping_interval=pings_s,
        ws_ping_timeout=pings_s,
        # Deflate packs up to 1,030 to 1: 33 kB on the wire would cost the 32 MiB that a frame may
        # have, again and again, and each connection a window and a compressor.
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_HTTP_GRACE_S,
    )


def listen(host: str, port: int, setting: str) -> socket.socket:
    """Listen on a port, or on a free one for 0.

    Args:
        host: name or address; IPv6 with or without brackets.
        port: the number.
        setting: which one says so, for whoever reads the error.

    Raises:
        SettingsError: the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=_BACKLOG)
    except OSError as error:
        problem = SettingsError(f"{setting}: cannot listen on {host}:{port}: {error.strerror}")
        problem.add_note(f"Stop what uses the port, or choose another with --{setting}.")
        raise problem from error
    listener.setblocking(False)  # noqa: FBT003 - positional only
    return listener
