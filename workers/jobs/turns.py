"""What tells the workers of other processes: taskiq, over Redis Streams or SQS.

A message says only that something may be due; which job that is, the worker reads from the ledger.
So a message that is lost, doubled or forged costs time and nothing else, and the order of jobs is
the same whatever carries the messages. A worker takes a message when it is free, and acknowledges
it when the job has ended: meanwhile the others get the other ones.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from taskiq import AsyncBroker
from taskiq.receiver import Receiver

_log = structlog.stdlib.get_logger(__name__)

TASK: Final = "bandpro.turn"

_AGAIN_S: Final = 2.0
_KICK_S: Final = 5.0
_END_S: Final = 0.5
_OUTAGE_S: Final = 10.0  # beyond what one attempt takes

Take = Callable[[], Awaitable[Any]]
"""Takes one job, if one is due, and waits for its end."""


class Turns:
    """Tells workers that something may be due, and hears it.

    Args:
        broker: carries the messages.
        take: what to do when one comes; None for a process that only tells.
        at_once: how many are heard at the same time.
    """

    def __init__(self, broker: AsyncBroker, take: Take | None, *, at_once: int = 1) -> None:
        async def turn() -> None:
            if take is not None:
                await take()

        self._broker = broker
        self._at_once = at_once
        self._task = broker.register_task(turn, task_name=TASK)
        self._is_started = False

    async def tell(self) -> None:
        """Something may be due; whether that is heard does not matter in the end."""
        try:
            async with asyncio.timeout(_KICK_S):
                await self._start()
                await self._task.kiq()
        except Exception as error:  # noqa: BLE001 - of whatever broker
            _log.warning("jobs.not_told", error=type(error).__name__)

    async def hear(self) -> None:
        """Take turns as messages come, until this task is cancelled."""
        loop = asyncio.get_running_loop()
        told_s = -math.inf
        while True:
            since_s = loop.time()
            try:
                await self._start()
                await self._listen()
            except Exception as error:  # noqa: BLE001 - of whatever broker
                # One outage is one line, however often it is tried meanwhile.
                if since_s - told_s > _OUTAGE_S or loop.time() - since_s > _OUTAGE_S:
                    _log.warning("jobs.not_heard", error=_kind(error))
                told_s = loop.time()
            # What the broker had set up at the start, a server that was emptied has forgotten.
            await self.aclose()
            await asyncio.sleep(_AGAIN_S)

    async def aclose(self) -> None:
        """Close the broker's connections; whoever tells or hears after that opens new ones."""
        if self._is_started:
            self._is_started = False
            with suppress(Exception):
                await self._broker.shutdown()

    async def _start(self) -> None:
        if not self._is_started:
            await self._broker.startup()
            self._is_started = True

    async def _listen(self) -> None:
        self._broker.is_worker_process = True
        receiver = Receiver(self._broker, max_async_tasks=self._at_once, run_startup=False)
        over = asyncio.Event()
        listening = asyncio.create_task(receiver.listen(over))
        try:
            await asyncio.shield(listening)
        except asyncio.CancelledError:
            over.set()
            # That it drops what it has fetched, or cannot read on, is no news: messages only wake.
            logging.getLogger("taskiq").setLevel(logging.CRITICAL)
            # Once may not be enough: parts of the receiver take a cancellation for an ordinary end.
            while not listening.done():
                listening.cancel()
                await asyncio.wait([listening], timeout=_END_S)
                if not listening.done():  # it reads on, until its connection is closed
                    await self.aclose()
            raise


def _kind(error: BaseException) -> str:
    """What went wrong, also where a library wraps it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
