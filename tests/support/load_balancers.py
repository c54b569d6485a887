"""Real load balancers with the configurations of `deploy/`, their addresses replaced."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from tests.support.server import free_port
from tests.support.sources import ROOT

KINDS: Final = ("haproxy", "nginx")
_PLACES: Final = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
READY_WITHIN_S: Final = 20.0
_SERVER_LINE: Final = re.compile(r"^( +)server (?:\w+ )?10\.0\.0\.\d+:8080(.*)\n", re.MULTILINE)


NODE_HEADER: Final = "x-node"
"""Of each answer of haproxy, for tests alone: which node gave it, as :func:`node_label` has it."""


class Listening(Protocol):
    """A node, or what stands for one."""

    port: int


def node_label(number: int) -> str:
    """How the load balancer calls one of its nodes."""
    return f"node{number}"


class Front:
    """A load balancer that runs.

    Args:
        port: where it listens, on loopback.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.collab_url = f"ws://127.0.0.1:{port}/collab"
        self.hocuspocus_url = f"ws://127.0.0.1:{port}/hocuspocus"


@contextmanager
def load_balancer(kind: str, folder: Path, nodes: Sequence[Listening]) -> Iterator[Front]:
    """Run one before some nodes for the time of a `with` block.

    Args:
        kind: one of `KINDS`.
        folder: an existing folder for its files.
        nodes: started or not.
    """
    port = free_port()
    command = _haproxy(folder, port, nodes) if kind == "haproxy" else _nginx(folder, port, nodes)
    found = shutil.which(command[0], path=_PLACES)
    assert found, "run: make test-needs"
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen([found, *command[1:]], stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not _answers(port):
            assert process.poll() is None, (folder / f"{kind}.log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{kind} did not start"
            time.sleep(0.02)
        yield Front(port)
    finally:
        process.terminate()
        process.wait(10)


def _haproxy(folder: Path, port: int, nodes: Sequence[Listening]) -> list[str]:
    text = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    text = text.replace("maxconn 20000", "maxconn 500")  # more files than a test may open
    header = f"    http-response set-header {NODE_HEADER} %s\n"
    text = text.replace("backend nodes\n", f"backend nodes\n{header}")
    path = folder / "haproxy.cfg"
    path.write_text(_with_nodes(text, nodes, named=True))
    return ["haproxy", "-W", "-db", "-f", str(path)]


def _nginx(folder: Path, port: int, nodes: Sequence[Listening]) -> list[str]:
    text = (ROOT / "deploy/nginx/nginx.conf").read_text()
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    text = text.replace("worker_rlimit_nofile 65536;\n", "").replace("20000", "500")
    own = [f"pid {folder}/nginx.pid;", "daemon off;", f"error_log {folder}/nginx-error.log;"]
    temporary = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {\n", f"http {{\n    access_log off;\n{temporary}")
    path = folder / "nginx.conf"
    path.write_text("\n".join(own) + "\n" + _with_nodes(text, nodes, named=False))
    return ["nginx", "-c", str(path), "-p", str(folder)]


def _with_nodes(text: str, nodes: Sequence[Listening], *, named: bool) -> str:
    first = _SERVER_LINE.search(text)
    assert first is not None, "the example names no nodes"
    labels = [f"{node_label(number)} " if named else "" for number in range(len(nodes))]
    lines = "".join(
        f"{first[1]}server {label}127.0.0.1:{node.port}{first[2]}\n"
        for label, node in zip(labels, nodes, strict=True)
    )
    at = first.start()
    return text[:at] + lines + _SERVER_LINE.sub("", text[at:])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
