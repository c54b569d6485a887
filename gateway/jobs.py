"""Jobs of a node or of a worker, put together: where they are kept, what runs them, what tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.cluster.bus_url import parse_bus_url
from gateway.node_name import node_name
from gateway.observe.metrics import Metrics
from gateway.setting_types import BusKind
from gateway.settings import Settings
from persistence.stores import Stores
from workers.convert import Converter, limits_of
from workers.jobs import conversions, imports
from workers.jobs.conversions import ConversionHandler
from workers.jobs.following import BEAT_S
from workers.jobs.imports import ImportHandler, ScoreMaker
from workers.jobs.job import NOTICES, Job, JobOrder, Priority
from workers.jobs.ledger import JobLedger, JobRules
from workers.jobs.links import LinkSigner
from workers.jobs.runner import Handler, JobRunner, WorkPace

if TYPE_CHECKING:
    from workers.jobs.turns import Turns

EMBEDDED: Final = "embedded:"
_NOTICES_AT_ONCE: Final = 8
_CANCEL_AGAIN_S: Final = 2.0
"""Who goes on is cancelled again after this; what is under way is given back well before."""


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Counts jobs."""

    metrics: Metrics
    told: Callable[[], None]

    def begun(self, kind: str) -> None:
        """A job was begun here."""
        self.metrics.jobs_running.labels(kind).inc()

    def ended(self, kind: str, outcome: str, took_s: float) -> None:
        """It is no longer run here."""
        self.metrics.jobs_running.labels(kind).dec()
        self.metrics.jobs.labels(kind, outcome).inc()
        self.metrics.job_seconds.labels(kind).observe(took_s)
        self.told()


class Jobs:
    """What asks for jobs and, where it is so set, what does them.

    Args:
        settings: checked.
        stores: an open store, where jobs are kept.
        metrics: what is counted.
        maker: puts imported scores into rooms.
    """

    def __init__(
        self, settings: Settings, stores: Stores, metrics: Metrics, maker: ScoreMaker
    ) -> None:
        rules = JobRules(
            attempts_max=settings.jobs_attempts_max, waiting_max=settings.jobs_waiting_max
        )
        self.ledger = JobLedger(stores.records, stores.blobs, rules)
        self.links = LinkSigner(stores.records)
        self._url = broker_url(settings)
        self._name = node_name(settings)
        self._unheard_s = 4 * rules.lease_s
        self._at_once = settings.jobs_at_once
        self._converter = Converter(
            limits_of(
                processes=settings.jobs_at_once,
                memory_bytes=settings.tool_memory_bytes,
                cpu_s=settings.tool_cpu_s,
            )
        )
        soundfont = None if settings.soundfont is None else str(settings.soundfont.absolute())
        self._handlers: dict[str, Handler] = {
            conversions.KIND: ConversionHandler(self._converter, stores.blobs, soundfont),
            imports.KIND: ImportHandler(self._converter, stores.blobs, maker),
        }
        pace = WorkPace(jobs_at_once=settings.jobs_at_once, forget_s=settings.jobs_kept_s)
        watcher = _Watcher(metrics, self._tell_of_end)
        self._runner = JobRunner(self.ledger, self.ledger, self._handlers, pace, watcher)
        self._notices: dict[str, Handler] = {}
        told = JobLedger(stores.records, stores.blobs, rules, lane=NOTICES)
        pace = WorkPace(jobs_at_once=_NOTICES_AT_ONCE, forget_s=settings.jobs_kept_s)
        self._teller = JobRunner(told, told, self._notices, pace, watcher)
        self._ended = asyncio.Event()
        self._asked = asyncio.Event()
        self._turns: Turns | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._runs = False

    def handle(self, kind: str, handler: Handler) -> None:
        """Have notices of one more kind told; before they are begun with.

        They have a runner of their own: what takes a minute to engrave holds up no message, and
        whoever is slow to take a message no engraving.
        """
        self._notices[kind] = handler

    def start(self) -> None:
        """Do jobs from now on, on the running loop."""
        self._runs = True
        self._go(self._runner.run())
        self._go(self._teller.run())
        if self._url != EMBEDDED:
            self._go(self._hear())

    async def submit(self, order: JobOrder) -> Job:
        """Ask for a job, and tell whoever may do it; see `JobBook.submit`."""
        if order.kind in self._notices:
            order = replace(order, priority=Priority.NOTICE)
        job = await self.ledger.submit(order)
        await self.tell()
        return job

    async def asked(self) -> None:
        """Wait until somebody asks for a job here."""
        await self._asked.wait()
        self._asked.clear()

    async def pause(self) -> None:
        """Wait until it is time to look at jobs again: a beat, or less if one ended here."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await self._ended.wait()

    async def tell(self) -> None:
        """Say that something may be due."""
        self._asked.set()
        if self._runs:
            self._runner.wake()
            self._teller.wake()
        if self._url != EMBEDDED:
            await self._told().tell()

    async def aclose(self) -> None:
        """Give back what is under way, and end the tool processes."""
        left = set(self._tasks)
        while left:  # a cancellation may be lost, in a client of Redis for example
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
        await self._converter.aclose()
        if self._turns is not None:
            await self._turns.aclose()

    def _tell_of_end(self) -> None:
        """Wake all who pause now."""
        self._ended.set()
        self._ended = asyncio.Event()

    def _go(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _turn(self) -> None:
        self._teller.wake()
        await self._runner.turn()

    async def _hear(self) -> None:
        await self._told().hear()

    def _told(self) -> Turns:
        """What carries messages; made late, because its library takes half a second to import."""
        if self._turns is None:
            from workers.jobs.brokers import BrokerChoice, build_broker  # noqa: PLC0415
            from workers.jobs.turns import Turns  # noqa: PLC0415

            broker = build_broker(BrokerChoice(self._url, self._name, self._unheard_s))
            self._turns = Turns(broker, self._turn if self._runs else None, at_once=self._at_once)
        return self._turns


def broker_url(settings: Settings) -> str:
    """What carries messages between processes; `EMBEDDED` where there is nothing."""
    if settings.jobs_queue != "auto":
        return settings.jobs_queue
    if settings.bus.kind is not BusKind.REDIS:
        return EMBEDDED
    url = parse_bus_url(settings.bus.url)
    return EMBEDDED if url.kind else url.base
