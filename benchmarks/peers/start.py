"""Peers as targets: each started as its own documentation says, with nothing added."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.machine import Cores
from benchmarks.peers import installed
from benchmarks.processes import Program, free_ports, running
from benchmarks.targets import Manner, Target
from benchmarks.wires import Wire

_PRODUCTION: Final = {"NODE_ENV": "production"}
_BY_ROOM: Final = Manner(Wire.Y_WEBSOCKET, "/{room}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that is not ours.

    Attributes:
        program: what to run for a port; raises `NotInstalled` when it is not on this machine.
        manner: how it is spoken to.
    """

    program: Callable[[int], Program]
    manner: Manner

    @contextmanager
    def start(self, cores: Cores, folder: Path | None = None) -> Iterator[Target]:
        """A fresh process, until the block is left.

        Raises:
            NotInstalled: it is not on this machine.
            TargetFailed: it did not start, or did not stop in good order.
        """
        (port,) = free_ports(1)
        program = self.program(port)
        with (
            tempfile.TemporaryDirectory(dir=folder) as home,
            running(program, cores, Path(home) / "log", port) as process,
        ):
            yield Target(port, None, process, self.manner)

    def find(self) -> None:
        """Look for it.

        Raises:
            NotInstalled: it is not on this machine.
        """
        self.program(0)


def _hocuspocus(package: str, *ports: int) -> Program:
    home = installed.node_package(package)
    command = [installed.node(), "server.mjs", *map(str, ports)]
    return Program(command, home, _PRODUCTION, stops_in_order=False)


def hocuspocus_with_redis(redis_port: int) -> Peer:
    """Hocuspocus 4 with its Redis extension, to be started as often as there are nodes."""
    return Peer(lambda port: _hocuspocus("hocuspocus_redis", port, redis_port), HOCUSPOCUS.manner)


def _y_websocket_server(port: int) -> Program:
    home = installed.node_package("y_websocket_server")
    command = [installed.node(), "node_modules/@y/websocket-server/src/server.js"]
    environment = _PRODUCTION | {"HOST": "127.0.0.1", "PORT": str(port)}
    return Program(command, home, environment, stops_in_order=False)


def _pycrdt_websocket(port: int) -> Program:
    command = [str(installed.pycrdt_python()), "serve.py", str(port)]
    return Program(command, installed.HERE / "pycrdt_websocket", stops_in_order=False)


def _y_sweet(port: int) -> Program:
    command = [str(installed.y_sweet_program()), "serve", "--host", "127.0.0.1"]
    command += ["--port", str(port)]
    return Program(command, environment={"RUST_LOG": "error"}, stops_in_order=False)


def _c_relay(port: int) -> Program:
    return Program([str(installed.relay_program()), str(port)])


HOCUSPOCUS: Final = Peer(partial(_hocuspocus, "hocuspocus"), Manner(Wire.HOCUSPOCUS, "/"))
"""Hocuspocus 4 without extensions: documents in memory only, everybody may write."""
Y_WEBSOCKET_SERVER: Final = Peer(_y_websocket_server, _BY_ROOM)
"""@y/websocket-server as its command starts it: documents in memory only, no access rules."""
PYCRDT_WEBSOCKET: Final = Peer(_pycrdt_websocket, _BY_ROOM)
"""pycrdt-websocket on uvicorn with uvloop: documents in memory only, no access rules."""
Y_SWEET: Final = Peer(_y_sweet, Manner(Wire.Y_WEBSOCKET, "/d/{flat}/ws/{flat}"))
"""y-sweet without a store and without authentication."""
C_RELAY: Final = Peer(_c_relay, _BY_ROOM)
"""The floor: ``relay.c``, which writes each update to every socket of the room."""
