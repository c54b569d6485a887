"""Hands events on: looks what became of causes, and has everybody told who wants to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceOf
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from enum import Enum
from typing import Final

import structlog

from collab.errors import DataKeyDestroyed, PeerError, StoreUnavailable
from workers.notices.events import Cause, Event, EventKind
from workers.notices.outbox import Outbox

_log = structlog.stdlib.get_logger(__name__)

LOOK_S: Final = 5.0
"""Between two looks at causes that nobody has told of."""

PATIENCE_S: Final = 60.0
"""How long a deed may take from its cause being written down until it is found: far longer than the
store is given. What is not found by then did not happen."""

GIVEN_UP_S: Final = 7 * 86_400.0
"""How old a cause becomes that cannot be looked into."""

REST_S_MAX: Final = 600.0
_NEW: Final = 1


class Fate(Enum):
    """What became of a cause from which no events follow now."""

    NOT_YET = "not yet"  # it may still come to be; for how long, the relay decides
    WAITING = "waiting"  # it is under way, however long that takes
    NEVER = "never"


Witness = Callable[[Cause], Awaitable[tuple[Event, ...] | Fate]]
"""Looks up what became of a cause, and what is to be told; may be asked again."""

Announced = Callable[[Cause | None], AbstractAsyncContextManager[None]]
"""What `Announcer` is to those who do deeds."""

Sink = Callable[[Event], Awaitable[None]]
"""Has an event told, durably, once however often it is asked."""


class Announcer:
    """Where deeds are announced of which others are to know.

    Args:
        outbox: where causes are.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.due = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, cause: Cause | None) -> AsyncIterator[None]:
        """Write a cause down, then do the deed; what follows from it is told soon after.

        Args:
            cause: None for a deed of which nobody is told.

        Raises:
            StoreUnavailable: it could not be written down; the deed is not begun.
        """
        if cause is None:
            yield
            return
        written = await self._outbox.add(cause)
        try:
            yield
        except PeerError:  # it was refused; whatever else there was leaves that to be looked up
            # What was begun before may have happened then: its client asks again, and is refused.
            if written.revision == _NEW:
                with suppress(StoreUnavailable):
                    await self._outbox.strike(written)
            raise
        finally:
            self.due.set()


@asynccontextmanager
async def untold(_cause: Cause | None) -> AsyncIterator[None]:
    """Do a deed of which nobody is told; see `Announcer`."""
    yield


class Relay:
    """The outbox, with who looks into it.

    Args:
        outbox: where causes are.
        due: set when something may have come to be.
        witnesses: by kind of cause.
        sinks: who is to know of all events.
        watch: is told of what was handed on or given up.
        clock: the time, in seconds since 1970.
    """

    def __init__(
        self,
        outbox: Outbox,
        due: asyncio.Event,
        witnesses: Mapping[EventKind, Witness],
        sinks: SequenceOf[Sink],
        watch: Callable[[EventKind, str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._witnesses = witnesses
        self._sinks = sinks
        self._watch = watch
        self._clock = clock
        self._due = due
        self._rests: dict[str, float] = {}  # causes in trouble, and until when they are left alone

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
        now = self._clock()
        self._rests = {each: until for each, until in self._rests.items() if until > now}
        after: Cause | None = None
        while page := await self._outbox.list(after=after):
            for cause in page:
                if cause.cause_id not in self._rests:
                    await self._try(cause)
            after = page[-1]

    async def _try(self, cause: Cause) -> None:
        """Carry a cause; one whose room is in trouble stops no others."""
        try:
            await self._carry(cause)
        except DataKeyDestroyed:  # what it was about was erased
            await self._outbox.strike(cause)
        except Exception as error:  # noqa: BLE001 - see above
            age_s = self._clock() - cause.at
            _log.warning("notices.not_told", kind=cause.kind, error=type(error).__name__)
            if age_s < GIVEN_UP_S:
                # Ever more rarely: a room that is out of service may be so for days.
                self._rests[cause.cause_id] = self._clock() + min(age_s / 4, REST_S_MAX)
                return
            _log.error("notices.given_up", kind=cause.kind, cause=cause.cause_id)
            self._watch(cause.kind, "given-up")
            await self._outbox.strike(cause)

    async def _carry(self, cause: Cause) -> None:
        found = await self._witnesses[cause.kind](cause)
        if found is Fate.WAITING:
            return
        if found is Fate.NOT_YET and self._clock() - cause.tried_at < PATIENCE_S:
            return
        if isinstance(found, tuple):
            for event in found:
                for sink in self._sinks:
                    await sink(event)
                _log.info("notices.handed_on", kind=event.kind, event_id=event.event_id)
                self._watch(event.kind, "handed-on")
        await self._outbox.strike(cause)
