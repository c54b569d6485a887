"""Threads that read, each with a connection of its own: no read waits for a commit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from collab.errors import StoreUnavailable
from persistence.sqlite.connection import open_reader, unavailable

Result = TypeVar("Result")

READERS: Final = 2


class Reader:
    """Runs reads in transactions on threads of its own.

    Args:
        path: the database, prepared already.

    Raises:
        StoreUnavailable: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._connections: list[sqlite3.Connection] = []
        self._free: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        try:
            for _ in range(READERS):
                self._connections.append(open_reader(path))
        except StoreUnavailable:
            self._close_connections()
            raise
        for connection in self._connections:
            self._free.put(connection)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._is_closed = False

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a read in one transaction, so that all its statements see the same state.

        Raises:
            StoreUnavailable: the database cannot be read, or the store is closed.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self._read, work))

    async def close(self) -> None:
        """Wait for the reads under way, then close the connections."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)
        self._close_connections()

    def _read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._free.get()  # never waits: there are as many as threads
        try:
            connection.execute("BEGIN")
            return work(connection)
        except sqlite3.Error as error:
            raise unavailable(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._free.put(connection)

    def _close_connections(self) -> None:
        for connection in self._connections:
            connection.close()
