"""moto with one write at a time; a program of its own, run by moto's Python.

    python serial_moto.py PORT

moto looks whether a condition holds, and then writes, with nothing that keeps others out in
between: now and then two of ten writers at once are told that they made the same object. S3 tells
one, and so does this.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final

from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

READS: Final = frozenset({"GET", "HEAD"})
LENGTH: Final = "CONTENT_LENGTH"


class Serial:
    """The application around moto."""

    def __init__(self) -> None:
        self._app: App = DomainDispatcherApplication(create_backend_app)
        self._turn = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] in READS:
            return self._app(environ, start_response)
        if environ.get(LENGTH):  # whoever sends slowly holds nobody up
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(environ[LENGTH])))
        with self._turn:
            return list(self._app(environ, start_response))


def main() -> None:
    """Serve until killed."""
    (port,) = sys.argv[1:]
    os.environ["MOTO_PORT"] = port
    run_simple("127.0.0.1", int(port), Serial(), threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
