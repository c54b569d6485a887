"""Where the peers are on this machine, or why one is not; and the relay, compiled when needed."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
_BUILT: Final = HERE / ".built"
_FLAGS: Final = ("-O2", "-std=c11", "-Wall", "-Wextra")
_BUILD_WITHIN_S: Final = 120
_NODE_PACKAGES: Final = {
    "hocuspocus": "@hocuspocus/server",
    "hocuspocus_redis": "@hocuspocus/extension-redis",
    "y_websocket_server": "@y/websocket-server",
}


class NotInstalled(RuntimeError):
    """What is to be measured is not on this machine; says how to get it."""


def node() -> str:
    """The Node that is installed for the peers, or else the one on PATH.

    Raises:
        NotInstalled: there is none.
    """
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    own = HERE / f"node/node_modules/node-{sys.platform}-{machine}/bin/node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None:
        raise NotInstalled("there is no node on PATH")
    return found


def node_package(folder: str) -> Path:
    """The folder of a peer from npm, by its name here.

    Raises:
        NotInstalled: its package is missing.
    """
    home, package = HERE / folder, _NODE_PACKAGES[folder]
    if not (home / "node_modules" / package).is_dir():
        raise NotInstalled(f"{package} is not installed: make peers")
    return home


def pycrdt_python() -> Path:
    """The interpreter of the environment that has pycrdt-websocket.

    Raises:
        NotInstalled: there is no such environment.
    """
    python = HERE / "pycrdt_websocket/.venv/bin/python"
    if not python.exists():
        raise NotInstalled("pycrdt-websocket is not installed: make peers")
    return python


def y_sweet_program() -> Path:
    """The program of y-sweet, as cargo built it.

    Raises:
        NotInstalled: it was not built.
    """
    program = HERE / "y_sweet/.built/bin/y-sweet"
    if not program.exists():
        reason = "make peers" if shutil.which("cargo") else "cargo is not on PATH"
        raise NotInstalled(f"y-sweet is not built: {reason}")
    return program


def relay_program() -> Path:
    """The relay, compiled when its source is newer than what was compiled before.

    Raises:
        NotInstalled: there is no C compiler, or the relay does not compile on this system.
    """
    source, program = HERE / "relay.c", _BUILT / "relay"
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NotInstalled("the relay in C needs a C compiler (gcc or cc), and there is none")
    _BUILT.mkdir(exist_ok=True)
    done = subprocess.run(
        [compiler, *_FLAGS, "-o", str(program), str(source)],
        capture_output=True,
        text=True,
        timeout=_BUILD_WITHIN_S,
        check=False,
    )
    if done.returncode:
        raise NotInstalled(f"the relay in C does not compile here:\n{done.stderr[-2000:]}")
    return program


def versions() -> dict[str, str]:
    """Versions of what is installed, for the report."""
    found = {}
    try:
        command = [node(), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found["Node"] = done.stdout.strip().removeprefix("v")
    except (NotInstalled, subprocess.CalledProcessError):
        pass
    for folder, package in _NODE_PACKAGES.items():
        told = HERE / folder / "node_modules" / package / "package.json"
        if told.exists():
            found[package] = str(json.loads(told.read_text())["version"])
    for line in (HERE / "pycrdt_websocket/requirements.in").read_text().splitlines():
        name, _, version = line.partition("==")
        if name == "pycrdt-websocket":
            found[name] = version
    found["y-sweet"] = (HERE / "y_sweet/version").read_text().strip()
    return found
