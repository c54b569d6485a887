"""Hands events on: looks what became of causes, and has everybody told who wants to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Final

import structlog

from collab.errors import BandProError, StoreUnavailable
from workers.notices.events import Cause, Event, EventKind
from workers.notices.outbox import Outbox

_log = structlog.stdlib.get_logger(__name__)

LOOK_S: Final = 5.0
"""Between two looks at causes that nobody has told of."""

PATIENCE_S: Final = 60.0
"""How long a deed may take from its cause being written down until it is found: far longer than the
store is given. What is not found by then did not happen."""


class Fate(Enum):
    """What became of a cause from which no events follow now."""

    NOT_YET = "not yet"  # it may still come to be; for how long, the relay decides
    WAITING = "waiting"  # it is under way, however long that takes
    NEVER = "never"


Witness = Callable[[Cause], Awaitable[tuple[Event, ...] | Fate]]
"""Looks up what became of a cause, and what is to be told; may be asked again."""

Sink = Callable[[Event], Awaitable[None]]
"""Has an event told, durably, once however often it is asked."""


class Relay:
    """The outbox, with who looks into it.

    Args:
        outbox: where causes are.
        witnesses: by kind of cause.
        sinks: who is to know of all events.
        clock: the time, in seconds since 1970.
    """

    def __init__(
        self,
        outbox: Outbox,
        witnesses: Mapping[EventKind, Witness],
        sinks: SequenceOf[Sink],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._witnesses = witnesses
        self._sinks = sinks
        self._clock = clock
        self._due = asyncio.Event()

    @asynccontextmanager
    async def announced(self, cause: Cause | None) -> AsyncIterator[None]:
        """Write a cause down, then do the deed; what follows from it is told soon after.

        Args:
            cause: None for a deed of which nobody is told.

        Raises:
            StoreUnavailable: it could not be written down; the deed is not begun.
        """
        if cause is None:
            yield
            return
        await self._outbox.add(cause)
        try:
            yield
        except BandProError as error:
            # It was refused; where the outcome is unknown, that is looked up.
            if not isinstance(error, StoreUnavailable):
                with suppress(StoreUnavailable):
                    await self._outbox.strike(cause)
            raise
        finally:
            self.wake()

    def wake(self) -> None:
        """Something may have come to be."""
        self._due.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self._due.clear()
            try:
                await self.look()
            except StoreUnavailable as error:
                _log.warning("notices.not_looked_at", error=str(error))
            except Exception:  # noqa: BLE001 - one bad look must not be the last
                _log.exception("notices.looking_broke")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._due.wait()

    async def look(self) -> None:
        """Look at all causes once.

        Raises:
            StoreUnavailable: not at all of them.
        """
        after: Cause | None = None
        while page := await self._outbox.list(after=after):
            for cause in page:
                try:
                    await self._carry(cause)
                except StoreUnavailable:
                    raise
                except Exception as error:  # noqa: BLE001 - one room in trouble stops no others
                    _log.warning("notices.not_told", kind=cause.kind, error=type(error).__name__)
            after = page[-1]

    async def _carry(self, cause: Cause) -> None:
        found = await self._witnesses[cause.kind](cause)
        if found is Fate.WAITING:
            return
        if found is Fate.NOT_YET and self._clock() - cause.at < PATIENCE_S:
            return
        if isinstance(found, tuple):
            for event in found:
                for sink in self._sinks:
                    await sink(event)
                _log.info("notices.handed_on", kind=event.kind, event_id=event.event_id)
        await self._outbox.strike(cause)
