"""Peers as targets: each started as its own documentation says, with nothing added."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.machine import Cores
from benchmarks.peers import installed
from benchmarks.processes import Program, free_ports, running
from benchmarks.targets import Manner, Target
from benchmarks.wires import Wire

_PRODUCTION: Final = {"NODE_ENV": "production"}


@contextmanager
def hocuspocus(cores: Cores, folder: Path | None = None) -> Iterator[Target]:
    """Hocuspocus 4 without extensions: documents in memory only, everybody may write.

    Raises:
        NotInstalled: its package is missing.
    """
    home = installed.node_package("hocuspocus", "@hocuspocus/server")
    (port,) = free_ports(1)
    command = [installed.node(), "server.mjs", str(port)]
    program = Program(command, home, _PRODUCTION, stops_in_order=False)
    with _started(program, cores, folder, port, Manner(Wire.HOCUSPOCUS, "/")) as target:
        yield target


@contextmanager
def y_websocket_server(cores: Cores, folder: Path | None = None) -> Iterator[Target]:
    """@y/websocket-server as its command starts it: documents in memory only, no access rules.

    Raises:
        NotInstalled: its package is missing.
    """
    home = installed.node_package("y_websocket_server", "@y/websocket-server")
    (port,) = free_ports(1)
    command = [installed.node(), "node_modules/@y/websocket-server/src/server.js"]
    environment = _PRODUCTION | {"HOST": "127.0.0.1", "PORT": str(port)}
    program = Program(command, home, environment, stops_in_order=False)
    with _started(program, cores, folder, port, Manner(Wire.Y_WEBSOCKET, "/{room}")) as target:
        yield target


@contextmanager
def pycrdt_websocket(cores: Cores, folder: Path | None = None) -> Iterator[Target]:
    """pycrdt-websocket on uvicorn with uvloop: documents in memory only, no access rules.

    Raises:
        NotInstalled: its environment is missing.
    """
    python = installed.pycrdt_python()
    (port,) = free_ports(1)
    command = [str(python), "serve.py", str(port)]
    program = Program(command, installed.HERE / "pycrdt_websocket", stops_in_order=False)
    with _started(program, cores, folder, port, Manner(Wire.Y_WEBSOCKET, "/{room}")) as target:
        yield target


@contextmanager
def y_sweet(cores: Cores, folder: Path | None = None) -> Iterator[Target]:
    """y-sweet without a store and without authentication.

    Raises:
        NotInstalled: it was not built.
    """
    program_file = installed.y_sweet_program()
    (port,) = free_ports(1)
    command = [str(program_file), "serve", "--host", "127.0.0.1", "--port", str(port)]
    program = Program(command, environment={"RUST_LOG": "error"}, stops_in_order=False)
    manner = Manner(Wire.Y_WEBSOCKET, "/d/{flat}/ws/{flat}")
    with _started(program, cores, folder, port, manner) as target:
        yield target


@contextmanager
def c_relay(cores: Cores, folder: Path | None = None) -> Iterator[Target]:
    """The floor: ``relay.c``, which writes each update to every socket of the room.

    Raises:
        NotInstalled: it cannot be compiled here.
    """
    program_file = installed.relay_program()
    (port,) = free_ports(1)
    program = Program([str(program_file), str(port)])
    with _started(program, cores, folder, port, Manner(Wire.Y_WEBSOCKET, "/{room}")) as target:
        yield target


@contextmanager
def _started(
    program: Program, cores: Cores, folder: Path | None, port: int, manner: Manner
) -> Iterator[Target]:
    with (
        tempfile.TemporaryDirectory(dir=folder) as home,
        running(program, cores, Path(home) / "log", port) as process,
    ):
        yield Target(port, None, process, manner)
