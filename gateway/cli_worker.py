"""`bandpro worker`: does jobs beside the servers of a store."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Final

import structlog
import typer
import uvloop

from gateway.auth.build import SYSTEM_CLOCKS
from gateway.jobs import Jobs
from gateway.notices import build_deliveries
from gateway.observe.logs import configure_logging
from gateway.observe.metrics import Metrics
from gateway.options import Options, with_setting_options
from gateway.rooms.new_scores import NewScores, NoLiveRooms
from gateway.setting_types import BusKind, StoreKind
from gateway.settings import Settings, load_settings
from gateway.store_settings import store_settings
from gateway.terminal import usage
from persistence.build import open_stores
from persistence.offload import Offload

app: Final = typer.Typer()
_log = structlog.stdlib.get_logger(__name__)


@app.command()
@with_setting_options
def worker(options: Options) -> None:
    """Do the jobs of a store (engraving, sound) beside its servers, until SIGTERM.

    Takes the options of [bold]serve[/bold]; what is not about jobs or the store is ignored. The
    store must be one that several processes may use: MongoDB, or sqlite with a bus. A worker that
    is killed loses nothing: what it was at comes up again elsewhere after 15 seconds.

    [bold]Example[/bold]

    Two jobs at a time, beside servers that do none themselves ([bold]--jobs off[/bold]):
      [cyan]bandpro worker --jobs-at-once 2 --store mongodb://db.example/bandpro
      --bus redis://127.0.0.1 --bus-key-file bus.key[/cyan]
    """
    settings = load_settings(options)
    _require_shared(settings)
    configure_logging(settings.log_format, settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings))


def _require_shared(settings: Settings) -> None:
    is_alone = settings.bus.kind is BusKind.OFF
    if settings.store.kind is StoreKind.MEMORY or (
        settings.store.kind is StoreKind.SQLITE and is_alone
    ):
        raise usage(
            "a worker needs a store that it can share with servers",
            "Use MongoDB, or sqlite with --bus; a server by itself does its jobs itself.",
        )


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with (
        await open_stores(store_settings(settings)) as stores,
        contextlib.aclosing(Offload()) as offload,
    ):
        maker = NewScores(
            stores, NoLiveRooms(), offload, SYSTEM_CLOCKS.wall, settings.document_bytes_max
        )
        jobs = Jobs(settings, stores, Metrics(), maker)
        build_deliveries(settings, stores, jobs)
        try:
            jobs.start()
            _log.info("jobs.worker_ready", store=stores.description, at_once=settings.jobs_at_once)
            await stop.wait()
        finally:
            await jobs.aclose()
    _log.info("jobs.worker_stopped")
