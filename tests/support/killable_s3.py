"""The S3 of `tests.support.durable_moto` as a process, killed in the middle of writes.

What it announces is read by a thread, so that a busy event loop does not delay the news.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tests.support.s3 import PROGRAM, READY_WITHIN_S, S3Service, await_answer
from tests.support.server import free_port

PYTHON: Final = PROGRAM.with_name("python")
SCRIPT: Final = Path(__file__).with_name("durable_moto.py")


class KillableS3:
    """A service, started, killed and started again on the same port and content.

    Args:
        folder: an existing folder for its journal and its log.
        delay_ms: how long each write takes at least.
    """

    def __init__(self, folder: Path, *, delay_ms: int) -> None:
        self.port = free_port()
        self.service = S3Service(f"http://127.0.0.1:{self.port}")
        self._folder = folder
        self._delay_ms = delay_ms
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._news = threading.Condition()
        self._begun: list[str] = []
        self._in_flight: dict[str, str] = {}

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = [str(PYTHON), "-P", str(SCRIPT), str(self.port)]
        options = [str(self._folder / "s3.journal"), str(self._delay_ms)]
        self._in_flight.clear()
        with (self._folder / "s3.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        await_answer(self.port, self._process, self._folder / "s3.log")

    def kill(self) -> tuple[str, ...]:
        """End the process at once; return the paths of writes that it left unanswered."""
        if self._process is None or self._reader is None:
            return ()
        self._process.kill()
        self._process.wait()
        self._reader.join(READY_WITHIN_S)
        return tuple(self._in_flight.values())

    def unanswered(self) -> tuple[str, ...]:
        """Paths of the writes that are under way now."""
        with self._news:
            return tuple(self._in_flight.values())

    def await_write(self, kinds: Iterable[str], *, within_s: float) -> str | None:
        """Wait until a write begins whose path holds one of these; None if none did in time."""
        wanted = tuple(kinds)
        with self._news:
            seen = len(self._begun)

            def begun() -> str | None:
                fresh = self._begun[seen:]
                return next((path for path in fresh if any(kind in path for kind in wanted)), None)

            self._news.wait_for(lambda: begun() is not None, within_s)
            return begun()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        told: dict[str, Callable[..., None]] = {"begun": self._add, "answered": self._remove}
        with process.stdout as lines:
            for line in lines:
                word, *rest = line.split(maxsplit=3)
                if word in told:
                    with self._news:
                        told[word](*rest)
                        self._news.notify_all()

    def _add(self, number: str, _method: str, path: str) -> None:
        self._begun.append(path.strip())
        self._in_flight[number] = path.strip()

    def _remove(self, number: str) -> None:
        self._in_flight.pop(number, None)
