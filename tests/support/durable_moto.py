"""An S3 that outlives `kill -9`: moto behind a journal; a program of its own, run by moto's Python.

    python durable_moto.py PORT JOURNAL DELAY_MS

Every write that moto takes is synced to the journal before it is answered, and done again at the
next start. So what was answered is there, and what was not answered is there or not, as in S3. Each
write takes DELAY_MS at least, half of it before it is done and half of it before it is answered,
and is announced on the standard output as ``begun N METHOD PATH`` and ``answered N``: whoever
reads that can strike in the middle. Uploads in parts are refused: no test needs them here.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Final

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

WRITES: Final = frozenset({"PUT", "DELETE"})
READS: Final = frozenset({"GET", "HEAD"})
CONDITIONS: Final = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"})


class Journal:
    """The writes in force, each a line with a checksum; a line that was cut off never happened.

    Args:
        path: of the file, which is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kept = list(_in_force(path.read_bytes().splitlines() if path.exists() else ()))
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.writelines(map(_line, self.kept))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._file = path.open("ab")

    def add(self, write: dict[str, str]) -> None:
        """Make one more durable."""
        self._file.write(_line(write))
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(write: dict[str, str]) -> bytes:
    text = json.dumps(write).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _in_force(lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """The last write of each path and query, unless it is deleted."""
    kept: dict[tuple[str, str], dict[str, str]] = {}
    for line in lines:
        checksum, _, text = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text):
            break
        write = json.loads(text)
        place = (write["PATH_INFO"], write["QUERY_STRING"])
        kept.pop(place, None)
        if write["REQUEST_METHOD"] == "PUT":
            kept[place] = write
        else:
            kept = {other: kept[other] for other in kept if other[0] != place[0]}
    yield from kept.values()


class Durable:
    """The application around moto.

    Args:
        app: moto.
        journal: what it took before, and will take.
        delay_s: how long a write takes at least.
    """

    def __init__(self, app: App, journal: Journal, delay_s: float) -> None:
        self._app = app
        self._journal = journal
        self._delay_s = delay_s
        self._lock = threading.Lock()  # the journal has the order in which moto did the writes
        self._numbers = count(1)
        for write in journal.kept:
            status, _, _ = self._do(_environ(write))
            assert status.startswith("2"), f"{write['PATH_INFO']} is not taken again: {status}"

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method = environ["REQUEST_METHOD"]
        if method in READS:
            return self._app(environ, start_response)
        if method not in WRITES:
            start_response("501 Not Implemented", [("Content-Length", "0")])
            return []
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(_length(environ)))
        number = next(self._numbers)
        _say(f"begun {number} {method} {environ['PATH_INFO']}")
        time.sleep(self._delay_s / 2)
        with self._lock:
            status, headers, body = self._do(environ)
            if status.startswith("2"):
                self._journal.add(_kept(environ))
        time.sleep(self._delay_s / 2)
        _say(f"answered {number}")
        start_response(status, headers)
        return body

    def _do(self, environ: Environ) -> tuple[str, list[tuple[str, str]], list[bytes]]:
        said: list[Any] = []
        body = list(self._app(environ, lambda *answer: said.append(answer)))
        status, headers = said[-1][:2]
        return status, headers, body


def _length(environ: Environ) -> int:
    return int(environ.get("CONTENT_LENGTH") or 0)


def _kept(environ: Environ) -> dict[str, str]:
    """What is needed to do a write again; its condition held once."""
    text = {k: v for k, v in environ.items() if isinstance(v, str) and k not in CONDITIONS}
    stream = environ["wsgi.input"]
    stream.seek(0)
    return {**text, "body": base64.b64encode(stream.read()).decode()}


def _environ(write: dict[str, str]) -> Environ:
    environ: Environ = {
        "wsgi.version": (1, 0),
        "wsgi.input": BytesIO(base64.b64decode(write["body"])),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return environ | {name: text for name, text in write.items() if name != "body"}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Handler(WSGIRequestHandler):
    """Keeps connections, as S3 does, and does not log requests."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until killed."""
    port, journal, delay_ms = sys.argv[1:]
    moto = DomainDispatcherApplication(create_backend_app)
    app = Durable(moto, Journal(Path(journal)), int(delay_ms) / 1000)
    _say("ready")
    run_simple("127.0.0.1", int(port), app, threaded=True, request_handler=_Handler)


if __name__ == "__main__":
    main()
