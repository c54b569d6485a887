"""`bandpro serve --workers N`: starts the workers, keeps them alive, and ends them in good order.

A worker is a node like any other: it has rooms, a name and a place on the bus of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import structlog

from gateway.banner import show_ready
from gateway.compiled.form import running_form
from gateway.node_name import node_name
from gateway.observe.logs import configure_logging
from gateway.options import Options
from gateway.processes.admin import WorkerMetrics, supervisor_app
from gateway.processes.child import Worker
from gateway.processes.port import Port
from gateway.processes.restarts import DEATHS_MAX, Restarts
from gateway.settings import ENV_PREFIX, Settings
from gateway.web_server import WebServer, listen, web_config

_log = structlog.stdlib.get_logger(__name__)
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_STAGGER_S: Final = 1.0
"""Over so long the workers are told to stop, so that their clients do not come back as one."""

_LATE_S: Final = 5.0


def supervise(settings: Settings, options: Options, environ: Mapping[str, str]) -> int:
    """Serve with several processes until SIGTERM or SIGINT.

    Args:
        settings: checked.
        options: those of the command line, which workers are to have as well.
        environ: variables of this process.

    Returns:
        The exit code: 0 when everything that any worker accepted is durable, 2 when the first
        worker could not start as the settings say.

    Raises:
        SettingsError: a port is taken.
    """
    configure_logging(settings.log_format, settings.log_level)
    return asyncio.run(_supervise(settings, options, environ))


async def _supervise(settings: Settings, options: Options, environ: Mapping[str, str]) -> int:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(contextlib.closing(Port(settings.host, settings.port)))
        admin = None
        if settings.admin_port is not None:
            admin = stack.enter_context(listen("127.0.0.1", settings.admin_port, "admin_port"))
        given = {**options, "node": node_name(settings), "port": str(port.number)}
        workers = [
            Worker(
                number,
                worker_variables(given, environ, number),
                port,
                stack.enter_context(listen("127.0.0.1", 0, "admin_port")) if admin else None,
            )
            for number in range(settings.workers)
        ]
        supervisor = Supervisor(settings, workers, port, admin)
        return await supervisor.run()


def worker_variables(options: Options, environ: Mapping[str, str], number: int) -> dict[str, str]:
    """The environment of one worker, which has all its settings from there.

    Args:
        options: by name of setting, the node's name among them; None where not given.
        environ: variables of the supervisor.
        number: which worker.
    """
    given = {name: value for name, value in options.items() if value is not None}
    given |= {"workers": "1", "node": f"{given['node']}-{number}"}
    if number:
        given["demo"] = "off"
    spelled = {f"{ENV_PREFIX}{name.upper()}": value for name, value in given.items()}
    kept = {name: text for name, text in environ.items() if name.upper() not in spelled}
    return kept | spelled


class Supervisor:
    """Keeps workers running until it is told to stop.

    Args:
        settings: of the whole.
        workers: not yet started.
        port: that they serve.
        admin: where the supervisor tells of all of them; None for nowhere.
    """

    def __init__(
        self,
        settings: Settings,
        workers: Sequence[Worker],
        port: Port,
        admin: socket.socket | None,
    ) -> None:
        self._settings = settings
        self._workers = workers
        self._port = port
        self._admin = admin
        self._metrics = WorkerMetrics()
        self._stop = asyncio.Event()
        self._is_up = False

    async def run(self) -> int:
        """Start all workers, keep them, and end them; returns the exit code."""
        loop = asyncio.get_running_loop()
        for signal_number in _STOP_SIGNALS:
            loop.add_signal_handler(signal_number, self._stop.set)
        async with self._admin_served():
            keepers: list[asyncio.Task[int]] = []
            # The first one alone: it makes or mends the store, and says what is wrong just once.
            for group in (self._workers[:1], self._workers[1:]):
                keepers += [asyncio.create_task(self._keep(worker)) for worker in group]
                if not await self._begun(group, keepers):
                    break
            else:
                self._is_up = True
                self._announce()
                await self._stop.wait()
            return await self._end(keepers)

    async def _begun(self, group: Sequence[Worker], keepers: list[asyncio.Task[int]]) -> bool:
        """Wait until workers are ready; False when one could not start, or all are to stop."""
        ready = asyncio.gather(*(worker.was_ready.wait() for worker in group))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            awaited: set[asyncio.Future[Any]] = {ready, stopped, *keepers}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            return ready.done() and not self._stop.is_set()
        finally:
            ready.cancel()
            stopped.cancel()

    async def _keep(self, worker: Worker) -> int:
        """Run one worker's processes, one after the other; returns the last one's exit code."""
        restarts = Restarts()
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                code = await worker.live()
            except OSError as error:  # no process, memory or descriptor is to be had at the moment
                _log.error("worker.not_started", worker=worker.number, error=str(error))
                code = 1
            if self._stop.is_set():
                return code
            pause_s = restarts.died(loop.time() - began_s)
            _log.warning("worker.died", worker=worker.number, code=code, pause_s=pause_s)
            if not worker.was_ready.is_set() and not self._is_up:
                return code or 1
            if restarts.in_a_row >= DEATHS_MAX and not any(one.is_ready for one in self._workers):
                _log.error("worker.given_up", worker=worker.number, deaths=restarts.in_a_row)
                self._stop.set()
                return 1
            self._metrics.restarts.labels(str(worker.number)).inc()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)
                return 0

    async def _end(self, keepers: list[asyncio.Task[int]]) -> int:
        """Stop all workers, one soon after the other; returns the exit code of the whole."""
        self._stop.set()
        # Who is sent away must not come back to a worker that is about to stop as well.
        self._port.close()
        for worker in self._workers:
            worker.quiet()
        for worker in self._workers:
            worker.stop()
            if worker is not self._workers[-1]:
                await asyncio.sleep(_STAGGER_S / len(self._workers))
        within_s = self._settings.drain_timeout_ms / 1000 + _LATE_S
        _, late = await asyncio.wait(keepers, timeout=within_s)
        for worker in self._workers if late else ():
            worker.kill()
        codes = await asyncio.gather(*keepers)
        _log.info("workers.stopped", codes=codes)
        return next((code if code > 0 else 1 for code in codes if code), 0)

    @contextlib.asynccontextmanager
    async def _admin_served(self) -> AsyncIterator[None]:
        if self._admin is None:
            yield
            return
        app = supervisor_app(self._workers, self._metrics, self._stop.is_set)
        server = WebServer(web_config(self._settings, app))
        serving = asyncio.create_task(server.serve(sockets=[self._admin]))
        try:
            yield
        finally:
            server.stop()
            await serving

    def _announce(self) -> None:
        port = self._port.number
        admin_port = self._admin.getsockname()[1] if self._admin else None
        _log.info(
            "workers.ready",
            host=self._settings.host,
            port=port,
            admin_port=admin_port,
            workers=len(self._workers),
            store=str(self._settings.store),
            auth=self._settings.auth.value,
            core=running_form().name,
        )
        show_ready(self._settings, port, admin_port)
