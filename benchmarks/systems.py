"""Everything that can be put under the same load, and how far its work is the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from benchmarks.machine import Cores
from benchmarks.peers import installed, start
from benchmarks.targets import Target, bandpro
from benchmarks.wires import Wire
from gateway.compiled.form import FORM_VARIABLE, ROOT, form_folder


class Start(Protocol):
    """Starts a fresh process on the server's core; ends it when the block is left."""

    def __call__(
        self, cores: Cores, folder: Path | None = None, /
    ) -> AbstractContextManager[Target]:
        """Start it.

        Args:
            cores: who runs where.
            folder: in which temporary folders are made; the system's by default.

        Raises:
            NotInstalled: it is not on this machine.
            TargetFailed: it did not start.
        """
        ...


@dataclass(frozen=True, slots=True)
class System:
    """A server under load.

    Attributes:
        name: short, for the command line and the results.
        title: for people.
        start: starts it.
        needs: raises `NotInstalled` when it is not on this machine.
        less: what it does not do that BandPro does, for the page.
        more: what it does besides, for the page.
        is_ours: BandPro in one of its forms.
    """

    name: str
    title: str
    start: Start
    needs: Callable[[], object] = tuple
    less: str = ""
    more: str = ""
    is_ours: bool = False

    def missing(self) -> str | None:
        """Why it cannot be measured here; None where it can."""
        try:
            self.needs()
        except installed.NotInstalled as reason:
            return str(reason)
        return None


def core_form() -> str:
    """Which form of the core BandPro finds here, for people."""
    return "compiled by mypyc" if form_folder(ROOT).is_dir() else "in plain Python"


def _compiled() -> None:
    if not form_folder(ROOT).is_dir():
        raise installed.NotInstalled("BandPro's core is not compiled here: it is all plain Python")


_IN_MEMORY: Final = "keeps nothing on disk: an acknowledgement says `applied`, not `saved`"
_OPEN: Final = "no roles, no rights, no bounds on structure"

BANDPRO: Final = System("bandpro", "BandPro", bandpro, is_ours=True)
BANDPRO_HOCUSPOCUS: Final = System(
    "bandpro-hocuspocus",
    "BandPro, Hocuspocus wire",
    partial(bandpro, wire=Wire.HOCUSPOCUS),
    is_ours=True,
)
BANDPRO_MEMORY: Final = System(
    "bandpro-memory",
    "BandPro, store in memory",
    partial(bandpro, settings={"store": "memory"}),
    less="keeps nothing on disk, as the peers do; roles, scan and bounds stay on",
    is_ours=True,
)
BANDPRO_PLAIN: Final = System(
    "bandpro-plain",
    "BandPro, core in plain Python",
    partial(bandpro, environment={FORM_VARIABLE: "0"}),
    needs=_compiled,
    less="the same work, with a core that is not compiled",
    is_ours=True,
)
RELAY: Final = System(
    "relay",
    "C relay (floor)",
    start.C_RELAY.start,
    needs=start.C_RELAY.find,
    less="no document, no checks, no roles, no disk; late joiners get nothing",
    more="echoes an update to its sender at once, where BandPro does when it is saved",
)
HOCUSPOCUS: Final = System(
    "hocuspocus",
    "Hocuspocus",
    start.HOCUSPOCUS.start,
    needs=start.HOCUSPOCUS.find,
    less=f"{_IN_MEMORY} (no persistence extension); {_OPEN}",
    more="sends an update to its sender as well, besides SyncStatus",
)
Y_WEBSOCKET_SERVER: Final = System(
    "y-websocket-server",
    "@y/websocket-server",
    start.Y_WEBSOCKET_SERVER.start,
    needs=start.Y_WEBSOCKET_SERVER.find,
    less=f"{_IN_MEMORY}; {_OPEN}; documents stay in memory for ever",
    more="echoes an update to its sender at once",
)
PYCRDT_WEBSOCKET: Final = System(
    "pycrdt-websocket",
    "pycrdt-websocket on uvicorn",
    start.PYCRDT_WEBSOCKET.start,
    needs=start.PYCRDT_WEBSOCKET.find,
    less=f"{_IN_MEMORY}; {_OPEN}",
    more="echoes an update to its sender at once",
)
Y_SWEET: Final = System(
    "y-sweet",
    "y-sweet",
    start.Y_SWEET.start,
    needs=start.Y_SWEET.find,
    less=f"{_IN_MEMORY}; {_OPEN}; drops messages to a connection that is 1,024 behind",
    more="echoes an update to its sender at once",
)

OURS: Final = (BANDPRO, BANDPRO_HOCUSPOCUS, BANDPRO_MEMORY, BANDPRO_PLAIN)
PEERS: Final = (HOCUSPOCUS, Y_WEBSOCKET_SERVER, PYCRDT_WEBSOCKET, Y_SWEET)
SYSTEMS: Final = (*OURS, *PEERS, RELAY)
"""All of them, in the order of the tables."""
